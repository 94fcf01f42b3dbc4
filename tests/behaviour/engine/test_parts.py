"""The base classes of what stands in a pipeline, and parts that are in each other's way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import ServerError
from client.engine.layer import Gate, Outer, Refusal, Sending
from client.events import RetryRefused
from client.testing import EventRecorder
from tests.behaviour.engine.test_pipeline import put_in
from tests.behaviour.strategies.middleware.written_once import in_world

if TYPE_CHECKING:
    from client.engine.layer import Exchange, Send
    from client.engine.operation import Attempt, Call
    from client.exceptions import MyAPIError
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import World


class Granting(Gate):
    """Lets everybody in, and has nothing else to say."""

    def enter(self, call: Call) -> MyAPIError | None:
        """Note that it did."""
        call.grants.append((self, None))
        return None


class Reluctant(Granting):
    """Has something against another attempt once that has been waited for."""

    def __init__(self) -> None:
        self.asked = 0

    def delay(self, call: Call, grant: Any, wait: float) -> float | Refusal:
        """Agree the first time."""
        self.asked += 1
        return wait if self.asked == 1 else Refusal("closed", "we have closed meanwhile")


class Replacing(Sending):
    """Raises something of its own in place of what a sending raised."""

    async def send(self, send: Send, exchange: Exchange, attempt: Attempt, request: Any) -> Any:
        """Send, and replace what is raised."""
        try:
            return await super().send(send, exchange, attempt, request)
        except ZeroDivisionError:
            raise LookupError from None


async def a_second(arrival: Arrival) -> int:
    """Take a second."""
    await arrival.takes(1)
    return 200


async def test_parts_that_say_nothing_are_in_nobody_s_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where one has to wait for another gate."""
    put_in(monkeypatch, before=(Outer(), Granting(), Sending()))
    client = world.client(a_second, bulkhead={"max_concurrency": 1})
    answers = await world.gather(client.get(), client.get())
    assert [answer.status_code for answer in answers] == [200, 200]
    assert client.stats().slots_in_use == 0


async def test_a_gate_may_refuse_an_attempt_that_was_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the operation ends with its failure, and its reason is told."""
    put_in(monkeypatch, before=(Reluctant(),))
    told = EventRecorder(RetryRefused)
    client = world.client(500, listeners=[told])
    with pytest.raises(ServerError) as caught:
        await client.get()
    assert caught.value.__notes__ == ["no other attempt was made: we have closed meanwhile"]
    assert told.one(RetryRefused).reason == "closed"
    assert len(client.wire.arrivals) == 1


async def test_what_replaces_the_exception_of_a_middleware_is_what_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is somebody's bug, as that was."""

    async def raising(_request: object, _call_next: object) -> Any:
        raise ZeroDivisionError

    put_in(monkeypatch, before=(Replacing(),))
    client = world.client(200, attempt_middleware=in_world(world, raising))
    with pytest.raises(LookupError):
        await client.get()
    assert client.wire.arrivals == []
