"""Stale answers are served while new ones are fetched in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import ServiceUnavailableError
from tests.behaviour.strategies.cache.flying import Slow, attempts_of, cached, status_of
from tests.behaviour.wire import Answer
from tests.unit.telemetry.spans import Spans

if TYPE_CHECKING:
    from tests.behaviour.world import Caller, World

SWR = {"Cache-Control": "max-age=10, stale-while-revalidate=100", "ETag": '"1"'}
"""Fresh for ten seconds, and served stale for a hundred more."""


def served(number: int) -> Answer:
    """An answer that may be served stale."""
    return Answer(200, (b"answer %d" % number,), headers=SWR)


async def stale(world: World, client: Caller) -> None:
    """Have an answer kept, and let it get stale."""
    await client.get("/x")
    await world.sleep(11)


async def test_the_caller_does_not_wait(world: World) -> None:
    """He is served the old answer at once, and the next caller the new one."""
    server = Slow(served(1), served(2))
    client = cached(world, server)
    await stale(world, client)
    began = world.now()
    answer = await client.get("/x")
    assert (answer.content, status_of(answer), world.now()) == (b"answer 1", "stale", began)
    await world.sleep(2)
    answer = await client.get("/x")
    assert (answer.content, status_of(answer)) == (b"answer 2", "hit")
    assert server.asked == 2
    assert client.wire.arrivals[1].request.headers["If-None-Match"] == '"1"'


async def test_one_at_a_time(world: World) -> None:
    """However many callers are served meanwhile."""
    server = Slow(served(1))
    client = cached(world, server)
    await stale(world, client)
    answers = await world.gather(*(client.get("/x") for _ in range(20)))
    assert {*map(status_of, answers)} == {"stale"}
    assert {*map(attempts_of, answers)} == {0}
    await world.sleep(2)
    assert server.asked == 2


async def test_what_is_not_modified_is_fresh_again(world: World) -> None:
    """A 304 in the background does what one in the foreground does."""
    server = Slow(served(1), Answer(304, headers=SWR))
    client = cached(world, server)
    await stale(world, client)
    await client.get("/x")
    await world.sleep(2)
    answer = await client.get("/x")
    assert (answer.content, status_of(answer)) == (b"answer 1", "hit")


async def test_it_is_an_operation(world: World) -> None:
    """With an id of its own for those who listen, and counted like any other."""
    told: list[Any] = []
    client = cached(world, Slow(served(1)), listeners=[told.append])
    await stale(world, client)
    await client.get("/x", request_id="mine")
    await world.sleep(2)
    ended = [event for event in told if type(event).__name__ == "OperationSucceeded"]
    assert len({event.operation_id for event in ended}) == len(ended) == 3
    assert [event.request_id for event in ended[1:]] == ["mine", "mine"]
    assert [event.attempts for event in ended] == [1, 0, 1]
    assert (client.stats().operations, client.stats().attempts) == (3, 2)


async def test_its_failure_counts_and_harms_nobody(world: World) -> None:
    """The circuit and the statistics see it; callers are served on."""
    server = Slow(served(1), 503)
    client = cached(world, server, circuit_breaker={"failure_threshold": 2})
    await stale(world, client)
    for _ in range(3):
        assert (await client.get("/x")).content == b"answer 1"
        await world.sleep(2)
    assert client.circuit_state == "open"
    assert server.asked == 3
    assert client.stats().failures == {"ServiceUnavailableError": 2}


async def test_a_bug_harms_nobody(world: World) -> None:
    """Nor does one in what is around the sending."""
    client = cached(world, Slow(served(1), RuntimeError("a bug")))
    await stale(world, client)
    assert status_of(await client.get("/x")) == "stale"
    await world.sleep(2)
    assert client.stats().failures == {"RuntimeError": 1}
    assert status_of(await client.get("/x")) == "stale"


async def test_only_with_a_free_slot(world: World) -> None:
    """It does not queue, and is no operation then."""
    server = Slow(served(1))
    client = cached(world, server, bulkhead={"max_concurrency": 1})
    await stale(world, client)
    other = world.start(client.get("/other"))
    await world.sleep(0)
    assert status_of(await client.get("/x")) == "stale"
    await world.sleep(0.5)
    assert client.stats().slots_waiting == 0
    assert world.left_behind() == 1
    await other.result()
    assert server.asked == 2
    assert client.stats().operations == 3
    await client.get("/x")
    await world.sleep(2)
    assert server.asked == 3


async def test_only_with_a_turn(world: World) -> None:
    """Nor does it wait for the rate limit, or use up what it gives."""
    server = Slow(served(1), seconds=0)
    client = cached(world, server, rate_limit={"rate": 1, "period": 20, "burst": 1})
    await stale(world, client)
    assert status_of(await client.get("/x")) == "stale"
    await world.sleep(1)
    assert server.asked == 1
    assert client.stats().rate_limit_waiting == 0
    await world.sleep(10)
    await client.get("/x")
    await world.sleep(1)
    assert server.asked == 2


async def test_not_while_the_circuit_is_open(world: World) -> None:
    """Nothing is sent, and nobody is told of a rejection."""
    told: list[Any] = []
    server = Slow(served(1), 503)
    client = cached(
        world, server, circuit_breaker={"failure_threshold": 1}, listeners=[told.append]
    )
    await stale(world, client)
    error = await world.outcome(world.start(client.get("/other")))
    assert isinstance(error, ServiceUnavailableError)
    assert status_of(await client.get("/x")) == "stale"
    await world.sleep(1)
    assert server.asked == 2
    assert [event for event in told if "Rejected" in type(event).__name__] == []


async def test_its_time_is_bounded(world: World) -> None:
    """By that of the client's operations, not by that of the call."""
    server = Slow(served(1))
    client = cached(world, server, timeout={"read": 1000, "total": 20})
    await stale(world, client)
    server.seconds = 500
    await client.get("/x", deadline=2)
    await world.sleep(19)
    assert world.left_behind() == 1
    await world.sleep(2)
    assert world.left_behind() == 0
    assert client.stats().failures == {"DeadlineExceededError": 1}


async def test_its_time_is_bounded_anyhow(world: World) -> None:
    """To a minute, where nothing else bounds it."""
    server = Slow(served(1))
    client = cached(world, server)
    await stale(world, client)
    server.seconds = 500
    await client.get("/x")
    await world.sleep(61)
    assert world.left_behind() == 0


async def test_a_client_that_closes_ends_it(world: World) -> None:
    """Nothing goes on after that."""
    server = Slow(served(1))
    client = cached(world, server)
    await stale(world, client)
    server.seconds = 500
    await client.get("/x")
    await world.sleep(1)
    began = world.now()
    await client.close()
    assert world.left_behind() == 0
    assert world.now() == began


async def test_no_more_than_some(world: World) -> None:
    """Where nothing else bounds their number."""
    server = Slow(served(1))
    client = cached(world, server, bulkhead=None)
    for number in range(20):
        await client.get(f"/{number}")
        server.seconds = 0
    await world.sleep(11)
    server.seconds = 1
    for number in range(20):
        assert status_of(await client.get(f"/{number}")) == "stale"
    await world.sleep(0.5)
    assert server.asked == 36
    await world.sleep(2)


async def test_without_it_the_caller_waits(world: World) -> None:
    """`stale_while_revalidate=False`."""
    server = Slow(served(1), served(2))
    client = cached(world, server, cache={"stale_while_revalidate": False})
    await stale(world, client)
    assert (await client.get("/x")).content == b"answer 2"


async def test_streams_are_served_so_too(world: World) -> None:
    """And what is fetched meanwhile is read and kept."""
    server = Slow(served(1), served(2))
    client = cached(world, server)
    await stale(world, client)
    assert await client.streamed("GET", "/x") == [b"answer 1"]
    await world.sleep(2)
    assert (await client.get("/x")).content == b"answer 2"


async def test_a_connection_error_is_told(world: World) -> None:
    """As of any operation."""
    client = cached(world, Slow(served(1), httpx.ConnectError))
    await stale(world, client)
    await client.get("/x")
    await world.sleep(2)
    assert client.stats().failures == {"APINetworkError": 1}


@pytest.mark.parametrize(
    ("broken", "told"),
    [(httpx.ReadError("boom"), "APINetworkError"), (LookupError("a bug"), "LookupError")],
    ids=["connection", "bug"],
)
async def test_a_body_that_breaks_is_told(world: World, broken: Exception, told: str) -> None:
    """Also one that a stream had asked for; it is closed, and nothing of it is kept."""
    client = cached(world, Slow(served(1), Answer(200, (b"a", broken), headers=SWR)))
    await stale(world, client)
    assert await client.streamed("GET", "/x") == [b"answer 1"]
    await world.sleep(2)
    assert client.stats().failures == {told: 1}
    assert client.wire.unclosed() == []
    assert (await client.get("/x")).content == b"answer 1"


async def test_an_error_status_of_a_stream(world: World) -> None:
    """Is read, counted and closed."""
    client = cached(world, Slow(served(1), Answer(503, (b"busy",))))
    await stale(world, client)
    await client.streamed("GET", "/x")
    await world.sleep(2)
    assert client.stats().failures == {"ServiceUnavailableError": 1}
    assert client.wire.unclosed() == []


async def test_not_while_somebody_has_isolated_the_circuit(world: World) -> None:
    """Nothing is sent, and the caller has the old answer all the same."""
    server = Slow(served(1))
    client = cached(world, server)
    await stale(world, client)
    client.raw.circuit.isolate("maintenance")
    assert status_of(await client.get("/x")) == "stale"
    await world.sleep(2)
    assert server.asked == 1


async def test_it_has_a_span_of_its_own(world: World) -> None:
    """In the trace of the call beside which it is made."""
    spans = Spans()
    client = cached(world, Slow(served(1)), telemetry=[spans.tracing()])
    await stale(world, client)
    await client.get("/x")
    await world.sleep(2)
    assert len(spans.operations) == 3
    contexts = [span.context for span in spans.operations]
    assert len({each.trace_id for each in contexts if each is not None}) == 2
