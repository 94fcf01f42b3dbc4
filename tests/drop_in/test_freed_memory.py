"""A call that is over leaves nothing behind that only the garbage collector would find."""

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from client import CircuitBreaker
from tests.drop_in.kits import URL, Face, Kit
from tests.drop_in.test_refused_retries import trip
from tests.drop_in.wire import Reply


@pytest.fixture(scope="module", autouse=True)
def _quick_collections() -> Iterator[None]:
    """Spare every collection the walk through all that was there before."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def left_behind(client: Face, **options: Any) -> Any:
    """A request of a failed call, if it is still alive after the call's outcome is gone."""
    request = client.build_request("GET", URL)
    seen = weakref.ref(request)
    outcome = await client.kit.outcome(client.send(request, **options))
    assert seen() is request
    client._transport.arrivals.clear()
    client._transport.bodies.clear()
    del request, outcome
    return seen()


@pytest.mark.parametrize("options", [{}, {"max_retries": 0}, {"max_total_time": 5}])
@pytest.mark.parametrize(
    "answer", [200, 503, "ConnectError", Reply(200, (b"a", "ReadError")), Reply(takes=9)]
)
async def test_a_call_lets_go_of_its_request(
    kit: Kit, answer: Any, options: dict[str, Any]
) -> None:
    """However it ended, and whatever was raised; as far as httpx does: its answers do not."""
    if await left_behind(kit.plain(answer)) is None:
        assert await left_behind(kit.client(answer), **options) is None
    else:
        assert kit.family == "httpx"
        assert not isinstance(answer, str)


async def test_a_call_that_an_opened_circuit_ends_lets_go_of_its_request(kit: Kit) -> None:
    """What it would end with, were its answer gone, holds on to nothing."""
    breaker = CircuitBreaker(failure_threshold=1)
    client = kit.client("ConnectError", circuit_breaker=breaker, on_retry=lambda _: trip(breaker))
    assert await left_behind(client) is None
    assert len(client._transport.arrivals) == 0
    assert breaker.circuit.state == "open"  # by the clock of the other call its break is over


async def test_a_client_that_nobody_holds_is_gone(kit: Kit) -> None:
    """With its connections: httpx's own clients need no collector either."""
    made = kit.ours_of(transport=kit.wire(200))
    seen = weakref.ref(made)
    await kit.awaited(made.get)(URL)
    del made
    assert seen() is None


async def test_a_body_beyond_its_deadline_is_gone(kit: Kit) -> None:
    """With its error, whose traceback leads through the reading."""
    client = kit.client(Reply(200, (b"a", b"b"), drips=2))
    seen: list[weakref.ref[Exception]] = []
    response: Any = None
    try:
        async with client.stream(max_total_time=3) as response:
            await kit.read(response)
    except kit.module.TimeoutException as error:
        seen.append(weakref.ref(error))
        del response
    client._transport.arrivals.clear()
    client._transport.bodies.clear()
    assert [each() for each in seen] == [None]
