"""Stale answers where they help, and what the failure behind them still counts for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    APINetworkError,
    CircuitOpenError,
    DeadlineExceededError,
    PoolTimeoutError,
    RateLimitRejectedError,
    ServerError,
    ServiceUnavailableError,
)
from tests.behaviour.strategies.cache.serving import MINUTE, STALE, cached, said, status_of
from tests.behaviour.twins import ONLY_ASYNCIO
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival, Step
    from tests.behaviour.world import Caller, World


def then(*steps: Step, headers: Any = None) -> list[Step]:
    """A server whose first answer may be kept, and is stale at once."""
    return [Answer(200, (b"hello",), STALE if headers is None else headers), *steps]


async def warm(world: World, server: Any, **settings: Any) -> Caller:
    """A client that has kept an answer, which is stale."""
    client = cached(world, server, **settings)
    await client.get()
    return client


async def test_it_stands_in_where_the_circuit_is_open(world: World) -> None:
    """Nothing is sent, and the caller is told."""
    client = await warm(world, then(500), circuit_breaker={"failure_threshold": 1})
    with pytest.raises(ServerError):
        await client.get()
    assert client.circuit_state == "open"
    response = await client.get()
    assert said(response) == ("hello", "stale")
    assert response.extensions["cache"].why == "CircuitOpenError"
    assert response.extensions["resilience"].attempts == 0
    assert len(client.wire.arrivals) == 2
    assert client.stats().rejections == {"circuit": 1}
    async with client.stream() as streamed:
        assert await client.read(streamed) == b"hello"
    with pytest.raises(CircuitOpenError):
        await client.get("/other")


async def test_it_stands_in_where_the_bulkhead_is_full(world: World) -> None:
    """And gives back what it has not got."""

    async def serve(arrival: Arrival) -> Answer:
        if arrival.request.url.path == "/slow":
            await arrival.takes(10)
        return Answer(200, (b"hello",), STALE)

    client = await warm(
        world,
        serve,
        bulkhead={"max_concurrency": 1, "acquisition_timeout": 1},
        timeout={"read": 60},
    )
    slow = world.start(client.get("/slow"))
    await world.sleep(1)
    assert said(await client.get()) == ("hello", "stale")
    with pytest.raises(PoolTimeoutError):
        await client.get("/other")
    await slow.result()


async def test_it_stands_in_where_the_rate_limit_is_used_up(world: World) -> None:
    """No token is left, and none is asked for later."""
    limit = {"rate": 0.001, "burst": 1, "acquisition_timeout": 0}
    client = await warm(world, then(), rate_limit=limit)
    assert said(await client.get()) == ("hello", "stale")
    with pytest.raises(RateLimitRejectedError):
        await client.get("/other")


async def test_it_stands_in_where_time_is_up(world: World) -> None:
    """Whatever takes so long."""

    async def serve(arrival: Arrival) -> Answer:
        if len(client.wire.arrivals) > 1:
            await arrival.takes(60)
        return Answer(200, (b"hello",), STALE)

    client = cached(world, serve, timeout={"read": 100, "total": 5})
    await client.get()
    assert said(await client.get()) == ("hello", "stale")
    with pytest.raises(DeadlineExceededError):
        await client.get("/other")


async def test_it_does_so_only_for_so_long(world: World) -> None:
    """And not at all where that is not wanted."""
    settings = {"circuit_breaker": {"failure_threshold": 1, "recovery_timeout": 9e5}}
    client = await warm(world, then(500), cache={"max_stale_when_open": 100}, **settings)
    with pytest.raises(ServerError):
        await client.get()
    await world.sleep(100)
    assert status_of(await client.get()) == "stale"
    await world.sleep(1)
    with pytest.raises(CircuitOpenError):
        await client.get()
    never = await warm(world, then(500), cache={"serve_stale_when_open": False}, **settings)
    for kind in (ServerError, CircuitOpenError):
        with pytest.raises(kind):
            await never.get()


@pytest.mark.parametrize(
    "rule",
    ["max-age=0, must-revalidate", "max-age=0, proxy-revalidate", "s-maxage=0", "no-cache"],
)
async def test_a_server_may_forbid_it(world: World, rule: str) -> None:
    """However little else there is."""
    headers = {"Cache-Control": rule, "ETag": '"one"'}
    client = await warm(
        world,
        then(500, httpx.ConnectError, headers=headers),
        circuit_breaker={"failure_threshold": 2},
        cache={"stale_if_error": 60},
    )
    for kind in (ServerError, APINetworkError, CircuitOpenError):
        with pytest.raises(kind):
            await client.get()


@pytest.mark.parametrize(
    "step",
    [500, 502, 503, 504, httpx.ConnectError, httpx.ReadTimeout],
    ids=["500", "502", "503", "504", "connect", "timeout"],
)
async def test_it_stands_in_for_an_error_where_that_is_set(world: World, step: Any) -> None:
    """And what failed counts for the circuit all the same."""
    client = await warm(
        world,
        then(step, step),
        cache={"stale_if_error": 60},
        circuit_breaker={"failure_threshold": 2},
    )
    response = await client.get()
    assert (said(response), response.extensions["cache"].why) == (
        ("hello", "stale"),
        "stale-if-error",
    )
    assert client.circuit_state == "closed"
    assert status_of(await client.get()) == "stale"
    assert client.circuit_state == "open"
    target = client.stats().targets["http://server.test"]
    assert sum(target.attempts.values()) - target.attempts.get("success", 0) == 2


@pytest.mark.parametrize("step", [400, 404, 429, 501], ids=str)
async def test_it_does_not_for_what_the_server_means(world: World, step: int) -> None:
    """An answer that says something is one."""
    client = await warm(world, then(step), cache={"stale_if_error": 60})
    outcome = await world.outcome(world.start(client.get()))
    assert outcome.status_code == step


async def test_it_is_served_after_the_retries(world: World) -> None:
    """Who is tried again may have an answer yet."""
    retry = {"max_attempts": 3, "jitter": False}
    client = await warm(
        world, then(500, 500, 500, 500, 304), cache={"stale_if_error": 600}, retry=retry
    )
    response = await client.get()
    assert (status_of(response), response.extensions["resilience"].attempts) == ("stale", 3)
    assert status_of(await client.get()) == "revalidated"


async def test_a_servers_own_word_on_errors_wins(world: World) -> None:
    """Be it more or less than what is set."""
    headers = {"Cache-Control": "max-age=0, stale-if-error=30", "ETag": '"one"'}
    client = await warm(world, then(500, 500, headers=headers), cache={"stale_if_error": 3})
    await world.sleep(30)
    assert status_of(await client.get()) == "stale"
    await world.sleep(1)
    with pytest.raises(ServerError):
        await client.get()


async def test_without_it_an_error_is_an_error(world: World) -> None:
    """That is the default."""
    client = await warm(world, then(503))
    with pytest.raises(ServiceUnavailableError) as raised:
        await client.get()
    assert raised.value.response is not None
    assert status_of(raised.value.response) == "miss"


async def test_an_error_never_replaces_a_good_answer(world: World) -> None:
    """Even one that may be kept."""
    client = await warm(
        world, then(Answer(500, (b"oh",), MINUTE), Answer(500, (b"oh",), MINUTE), 304)
    )
    for _ in range(2):
        with pytest.raises(ServerError):
            await client.get()
    assert said(await client.get()) == ("hello", "revalidated")


async def test_a_total_outage_is_not_felt(world: World) -> None:
    """Every read is answered, for as long as it lasts."""

    async def serve(arrival: Arrival) -> Step:
        if arrival.at > began + 20:
            return httpx.ConnectError
        return Answer(200, (b"hello",), {"Cache-Control": "max-age=5", "ETag": '"one"'})

    client = cached(
        world,
        serve,
        cache={"stale_if_error": 60},
        circuit_breaker={"failure_threshold": 3, "recovery_timeout": 5},
        retry={
            "max_attempts": 2,
            "jitter": False,
            "max_wait_seconds": 0.1,
            "min_wait_seconds": 0.1,
        },
    )
    began = world.now()
    for _ in range(80):
        assert (await client.get("/a")).text == "hello"
        await world.sleep(1)
    assert client.stats().cache["stale"] > 30


async def test_a_callers_condition_is_answered_by_a_stale_answer_too(world: World) -> None:
    """He has it already, says the one that is kept."""
    client = await warm(world, then(500), cache={"stale_if_error": 60})
    response = await client.get(headers={"If-None-Match": '"one"'})
    assert (response.status_code, status_of(response)) == (304, "stale")


@ONLY_ASYNCIO  # what a thread reads is ended where it reads from a socket
async def test_a_closed_client_answers_nothing(world: World) -> None:
    """Not even from what is kept, where that is stale."""

    async def serve(arrival: Arrival) -> Answer:
        if len(client.wire.arrivals) > 1:
            await arrival.takes(60)
        return Answer(200, (b"hello",), STALE)

    client = cached(world, serve, timeout={"read": 100}, cache={"stale_if_error": 60})
    await client.get()
    late = world.start(client.get())
    await world.sleep(1)
    await client.close()
    assert type(await world.outcome(late)).__name__ == "ClientClosedError"


async def test_what_cancels_a_call_passes(world: World) -> None:
    """A caller who goes away is not answered."""
    client = cached(
        world,
        then(Answer(200, (60.0,), MINUTE)),
        timeout={"read": 100},
        cache={"stale_if_error": 60},
    )
    await client.get()
    task = world.start(client.get())
    await world.sleep(1)
    task.cancel()
    assert isinstance(await world.outcome(task), world.cancellation)
