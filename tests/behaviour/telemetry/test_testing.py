"""What is there for the tests of others: no waiting, and a recorder of events."""

from contextlib import suppress
from typing import Any

import pytest

import client.testing
from client import DeadlineExceededError, ServerError, events
from client.testing import EventRecorder, instant_retries
from tests.behaviour.world import World

SLOW = {"min_wait_seconds": 40, "max_wait_seconds": 40}


async def test_no_time_passes_between_attempts(world: World) -> None:
    """The waits are announced and reported as they were decided; afterwards they are waited."""
    recorder = EventRecorder(events.RetryScheduled)
    client = world.client([503, 503, 200], retry=SLOW, listeners=[recorder])
    with instant_retries():
        response = await client.get()
    assert world.now() == 1000
    assert response.extensions["resilience"].waits == (40, 40)
    assert [event.wait for event in recorder.of(events.RetryScheduled)] == [40, 40]
    client = world.client([503, 200], retry=SLOW)
    await client.get()
    assert world.now() == 1040


async def test_blocks_within_blocks(world: World) -> None:
    """The outermost ends it, however it is left."""
    client = world.client([503, 200, LookupError], retry=SLOW)
    with suppress(LookupError), instant_retries():
        with instant_retries():
            pass
        await client.get()
        assert world.now() == 1000
        await client.get()
    client = world.client([503, 200], retry=SLOW)
    await client.get()
    assert world.now() == 1040


async def test_what_is_decided_stays_the_same(world: World) -> None:
    """A wait that would outlast the deadline is not begun; attempts are no more than before."""
    with instant_retries():
        client = world.client(500, retry=SLOW)
        with pytest.raises(ServerError):
            await client.get(deadline=30)
        assert len(client.wire.arrivals) == 1
        with pytest.raises(ServerError):
            await client.get()
        assert len(client.wire.arrivals) == 4


async def test_a_recorder_remembers_what_happened(world: World) -> None:
    """In order; of one kind, or the only one of it."""
    recorder = EventRecorder()
    client = world.client([503, 200], listeners=[recorder], retry={"jitter": False})
    await client.get(request_id="r")
    assert recorder.names == [type(event).__name__ for event in recorder.events]
    assert recorder.names == [
        "BulkheadAcquired",
        "AttemptStarted",
        "AttemptEnded",
        "RetryScheduled",
        "AttemptStarted",
        "AttemptEnded",
        "OperationSucceeded",
    ]
    assert [event.attempt for event in recorder.of(events.AttemptStarted)] == [1, 2]
    assert recorder.one(events.RetryScheduled).attempt == 1
    assert (len(recorder), list(recorder)) == (7, recorder.events)
    assert repr(recorder).startswith("<EventRecorder ['BulkheadAcquired', 'AttemptStarted'")
    recorder.clear()
    assert recorder.events == []


def test_not_one_is_an_assertion_that_shows_what_there_is() -> None:
    """None, or several."""
    recorder = EventRecorder()
    about: dict[str, Any] = {"request_id": None, "method": "GET", "url": "http://a"}
    recorder(events.AttemptStarted(attempt=1, **about))
    recorder(events.AttemptStarted(attempt=2, **about))
    with pytest.raises(AssertionError) as several:
        recorder.one(events.AttemptStarted)
    assert str(several.value) == (
        "2 events are a AttemptStarted, not one; told were: ['AttemptStarted', 'AttemptStarted']"
    )
    with pytest.raises(AssertionError, match="0 events are a RetryScheduled"):
        recorder.one(events.RetryScheduled)


@pytest.mark.parametrize("kind", ["RetryScheduled", int, DeadlineExceededError], ids=repr)
def test_a_recorder_of_no_events_is_refused(kind: Any) -> None:
    """It would never be told anything."""
    with pytest.raises(TypeError, match=r"is no event: give classes of client\.events"):
        EventRecorder(kind)


def test_the_module_is_found_by_its_name() -> None:
    """As an attribute of the package."""
    assert client.testing.EventRecorder is EventRecorder
