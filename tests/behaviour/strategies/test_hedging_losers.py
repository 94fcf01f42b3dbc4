"""What becomes of attempts that lost, of streams, and of calls that are broken off."""

from __future__ import annotations

import gc
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest

from client import ClientClosedError, ServerError
from client.events import AttemptEnded, HedgeLost, HedgeSent
from tests.behaviour.strategies.hedges import AT_ONCE, LATE, Scripted, hedged
from tests.behaviour.twins import ONLY_BLOCKING
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from client.events import Event
    from tests.behaviour.blocking_world import BlockingWorld
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import World

LARGE = b"x" * 100_000


class Heard:
    """What is told about hedges."""

    listens_to = (AttemptEnded, HedgeLost, HedgeSent)

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Note it."""
        self.events.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        """Those of one kind, in the order in which they came."""
        return [event for event in self.events if isinstance(event, kind)]


async def test_one_that_lost_is_read_to_its_end(world: World) -> None:
    """So that its connection lives; the caller does not wait for that."""
    client = hedged(world, Scripted((3.5, Answer(200, (b"late", 0.25))), 1))
    await client.get()
    assert world.left_behind() > 0
    await world.sleep(0.8)
    assert world.left_behind() == 0
    assert client.wire.taken(1) == 2


async def test_one_that_lost_is_read_for_a_second_at_most(world: World) -> None:
    """Then it is closed."""
    client = hedged(world, Scripted(LATE, 1))
    await client.get()
    await world.sleep(0.9)
    assert world.left_behind() > 0
    await world.sleep(0.2)
    assert world.left_behind() == 0
    assert client.stats().targets["http://server.test"].attempts == {"success": 1, "cancelled": 1}


async def test_one_that_lost_is_ended_at_once_where_that_is_asked_for(world: World) -> None:
    """Its connection with it."""
    client = hedged(world, Scripted(LATE, 1), hedge={"on_lose": "cancel"})
    await client.get()
    await world.sleep(0)
    await world.sleep(0)
    assert world.left_behind() == 0


async def test_one_that_lost_is_ended_where_others_share_its_connection(world: World) -> None:
    """As with HTTP/2, which can end one exchange of many."""
    answer = Answer(200, extensions={"http_version": b"HTTP/2"})
    client = hedged(world, Scripted((LATE, answer), (1, answer)))
    await client.get()
    await world.sleep(0)
    await world.sleep(0)
    assert world.left_behind() == 0


async def test_a_large_answer_is_not_read_for_its_connection(world: World) -> None:
    """More than 64 kB are not worth it."""
    client = hedged(world, Scripted((3.5, Answer(200, (LARGE, 10.0, b"rest"))), 1))
    await client.get()
    await world.sleep(0.6)
    assert world.left_behind() == 0
    assert client.wire.taken(1) == 1


async def test_no_more_are_read_than_there_are_slots(world: World) -> None:
    """The one that lost first makes room."""
    heard = Heard()
    slots = {"max_concurrency": 2}
    server = Scripted(LATE, 0.1)
    client = hedged(world, server, bulkhead=slots, listeners=[heard])
    for number in range(3):
        server.asked = 0
        await client.get(request_id=str(number), hedge={"delay": 0.1})
    await world.sleep(0.01)
    assert [event.request_id for event in heard.of(AttemptEnded) if event.is_lost] == ["0"]
    await world.sleep(5)
    lost = [event.request_id for event in heard.of(AttemptEnded) if event.is_lost]
    assert lost == ["0", "1", "2"]


async def test_closing_the_client_ends_those_that_are_read(world: World) -> None:
    """At once."""
    client = hedged(world, Scripted(LATE, 1))
    await client.get()
    began = world.now()
    await client.close()
    assert world.left_behind() == 0
    assert world.now() - began < 1


async def test_a_call_that_is_broken_off_leaves_nothing(world: World) -> None:
    """Neither the first nor the hedge goes on, and neither is a loss or a failure."""
    heard = Heard()
    client = hedged(world, Scripted(LATE), listeners=[heard])
    task = world.start(client.get())
    await world.sleep(3)
    task.cancel()
    assert isinstance(await world.outcome(task), world.cancellation)
    assert world.left_behind() == 0
    ended = heard.of(AttemptEnded)
    assert [(each.outcome, each.is_lost) for each in ended] == [("cancelled", False)] * 2
    assert heard.of(HedgeLost) == []
    stats = client.stats()
    assert (stats.slots_in_use, stats.operations, stats.attempts) == (0, 1, 2)
    assert client.circuit_state == "closed"


async def test_a_call_that_is_broken_off_takes_those_along_that_lost(world: World) -> None:
    """While the body of the winner is read."""
    slow = Answer(200, (b"a", LATE, b"b"))
    client = hedged(world, Scripted(LATE, (1, slow)))
    task = world.start(client.get())
    await world.sleep(3.5)
    task.cancel()
    await world.outcome(task)
    await world.sleep(0)
    assert world.left_behind() == 0


async def test_what_happened_is_told(world: World) -> None:
    """When a hedge is sent, that the first has lost, and how each ended."""
    heard = Heard()
    client = hedged(world, Scripted(3.5, 1), listeners=[heard])
    await client.get()
    await world.sleep(1)
    [sent], [lost] = heard.of(HedgeSent), heard.of(HedgeLost)
    assert (sent.attempt, sent.after, sent.target) == (2, 2, "http://server.test")
    assert (lost.attempt, lost.seconds, lost.is_hedge, lost.is_drained) == (1, 3, False, True)
    ends = [
        (each.attempt, each.seconds, each.outcome, each.is_hedge, each.is_lost)
        for each in heard.of(AttemptEnded)
    ]
    assert ends == [(2, 1, "success", True, False), (1, 3.5, "success", False, True)]


async def test_what_happened_is_counted(world: World) -> None:
    """Sent, won, lost; and the attempts that were hedges apart from retries."""
    client = hedged(world, Scripted(3.5, 1, 2.5, 1))
    await client.get()
    await world.sleep(1)
    await client.get()
    await world.sleep(1)
    snapshot = client.raw._session.metrics.snapshot()
    counted = {each.instrument.name: each.points for each in snapshot.metrics}
    target = "http://server.test"
    assert counted["hedges"] == {
        (target, "sent"): 2,
        (target, "won"): 1,
        (target, "lost"): 1,
    }
    resent = {labels[-1]: point.count for labels, point in counted["attempt.duration"].items()}
    assert resent == {"first": 2, "hedge": 2}
    stats = client.stats()
    assert (stats.operations, stats.attempts, stats.retries, stats.hedges) == (2, 4, 0, 2)


async def test_context_variables_go_along(world: World) -> None:
    """Whatever an attempt runs in."""
    variable = ContextVar("variable", default="none")
    seen: list[str] = []

    async def server(arrival: Arrival) -> Answer:
        seen.append(variable.get())
        await arrival.takes(LATE if len(seen) == 1 else 1)
        return Answer(200)

    client = hedged(world, server)
    variable.set("the caller's")
    await client.get()
    assert seen == ["the caller's", "the caller's"]


async def test_a_stream_is_hedged_up_to_its_head(world: World) -> None:
    """Its body is the winner's own, and the other answer is let go of."""
    late = Answer(200, (b"late", 0.25))
    slow = Answer(200, (b"a", LATE, b"b"))
    client = hedged(world, Scripted((3.5, late), (1, slow)))
    began = world.now()
    async with client.stream() as response:
        assert world.now() - began == 3
        chunks = [chunk async for chunk in client.chunks(response)]
    assert chunks == [b"a", b"b"]
    assert world.now() - began == 13
    assert len(client.wire.arrivals) == 2


async def test_a_stream_that_lost_and_does_not_end_is_closed(world: World) -> None:
    """Its head comes after the race, and its body is still under way when its second is over."""
    late = Answer(200, (b"late", LATE, b"more"), {"Content-Length": "8"})
    client = hedged(world, Scripted((3.5, late), (1, Answer(200, (b"a", LATE, b"b")))))
    async with client.stream() as response:
        await world.sleep(0.9)
        assert world.left_behind() > 0
        await world.sleep(0.2)
        assert world.left_behind() == 0
        assert len(client.wire.unclosed()) == 1
        assert await client.read(response) == b"ab"
    assert client.wire.unclosed() == []


@pytest.mark.parametrize("status", [200, 503])
async def test_streams_that_end_together(world: World, status: int) -> None:
    """One is handed over, and no other stays open."""
    server = Scripted((3, Answer(status, (b"a", 5.0))), (1, Answer(200, (b"b",))))
    client = hedged(world, server)
    async with client.stream() as response:
        assert await client.read(response) in {b"a", b"b"}
    await world.sleep(2)
    assert client.wire.unclosed() == []


async def test_a_stream_whose_attempts_all_fail(world: World) -> None:
    """Carries the answer of the first in its error."""
    first = Answer(500, (b"first",))
    client = hedged(world, Scripted((5, first), (1, Answer(503, (b"second",)))), retry=None)
    with pytest.raises(ServerError) as caught:
        await client.streamed()
    assert caught.value.response is not None
    assert caught.value.response.content == b"first"


async def test_a_bug_comes_out_as_it_is(world: World) -> None:
    """And ends what is beside it."""

    async def server(arrival: Arrival) -> Answer:
        is_first = len(client.wire.arrivals) == 1
        await arrival.takes(LATE if is_first else 1)
        if not is_first:
            raise LookupError("a bug")
        return Answer(200)

    client = hedged(world, server)
    with pytest.raises(LookupError, match="a bug"):
        await client.get()
    await world.sleep(2)
    assert world.left_behind() == 0


async def test_an_error_is_freed_with_its_call(world: World) -> None:
    """No frame of the race keeps it."""
    client = hedged(world, Scripted((3, 500), (0.5, 503)), retry=None)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(ServerError) as caught:
            await client.get()
        error = weakref.ref(caught.value)
        del caught
        await world.sleep(0)
        assert error() is None
    finally:
        gc.enable()


async def test_a_retry_if_that_wants_more_is_hedged_each_time(world: World) -> None:
    """And an attempt of an earlier race that fails late is no error of the operation's."""
    again = {**AT_ONCE, "max_attempts": 4, "retry_if": lambda response, _: response is not None}
    server = Scripted((3.5, 500), (1, 200), (0.25, 500), (0.5, 404))
    client = hedged(world, server, retry=again)
    with pytest.raises(Exception, match="404"):
        await client.get()


async def test_a_client_that_is_closed_while_it_races(world: World) -> None:
    """Ends the calls, whose attempts it hangs up."""
    client = hedged(world, Scripted(LATE))
    task = world.start(client.get())
    await world.sleep(3)
    await client.close()
    outcome = await world.outcome(task)
    if world.is_async:
        assert isinstance(outcome, ClientClosedError)


@ONLY_BLOCKING
async def test_without_threads_there_is_no_race(world: BlockingWorld) -> None:
    """At the end of the interpreter there are none to be had: the caller's does it."""
    client = hedged(world, Scripted(LATE, 1))
    world.lacks_threads = True
    assert (await client.get()).content == b"answer to attempt 1"
    assert len(client.wire.arrivals) == 1


@ONLY_BLOCKING
async def test_without_a_thread_to_wait_those_that_lost_end_at_once(world: BlockingWorld) -> None:
    """Nobody else could end them."""

    async def server(arrival: Arrival) -> Answer:
        is_first = len(client.wire.arrivals) == 1
        await arrival.takes(LATE if is_first else 1)
        world.lacks_threads = True
        return Answer(200)

    client = hedged(world, server)
    await client.get()
    await world.sleep(0)
    assert world.left_behind() == 0
