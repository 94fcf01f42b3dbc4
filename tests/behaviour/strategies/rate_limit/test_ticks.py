"""Calls that are cancelled at any tick, or interrupted at any place, leave nothing behind."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import (
    BulkheadConfig,
    ClientConfig,
    MyAPIError,
    RateLimitConfig,
    ResilientClient,
    RetryConfig,
    SyncResilientClient,
)
from tests.behaviour.asyncio_world import VirtualLoop
from tests.behaviour.engine.test_interrupts import MOST_PLACES, interrupted

if TYPE_CHECKING:
    from client.strategies.rate_limit.lane import Lane

RATE = 10.0
ACTIONS = st.one_of(
    st.tuples(st.just("call"), st.just(0.0)),
    st.tuples(st.just("call"), st.just(0.0)),
    st.tuples(st.just("call with a deadline"), st.sampled_from([0.05, 0.25, 60.0])),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("sleep"), st.sampled_from([0.01, 0.1, 0.5])),
    st.tuples(st.just("tick"), st.integers(1, 6)),
    st.tuples(st.just("rate"), st.sampled_from([5.0, 10.0])),
)


class Server(httpx.AsyncBaseTransport):
    """Fails now and then, asks for a pause now and then, and notes when it was asked."""

    def __init__(self) -> None:
        self.times: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer after a while."""
        self.times.append(asyncio.get_running_loop().time())
        number = len(self.times)
        await asyncio.sleep(0.02)
        if number % 7 == 0:
            return httpx.Response(429, headers={"Retry-After": "1"})
        return httpx.Response(500 if number % 3 == 0 else 200)


def lane_of(client: Any) -> Lane:
    """The only lane that there is."""
    [lane] = client._session._strategies._rate_limit.lanes.all()
    found: Lane = lane
    return found


async def do(
    client: ResilientClient, tasks: list[asyncio.Task[httpx.Response]], action: str, value: float
) -> None:
    """Do one thing."""
    match action:
        case "call":
            tasks.append(asyncio.create_task(client.get("/")))
        case "call with a deadline":
            tasks.append(asyncio.create_task(client.get("/", deadline=value)))
        case "cancel":
            tasks[int(value) % len(tasks)].cancel()
        case "rate":
            client.reconfigure(rate_limit={"rate": value})
        case "sleep":
            await asyncio.sleep(value)
        case _:
            for _ in range(int(value)):
                await asyncio.sleep(0)


async def play(actions: list[tuple[str, float]]) -> None:
    """Do all that, and look what is left of it."""
    server = Server()
    config = ClientConfig(
        base_url="http://server.test",
        rate_limit=RateLimitConfig(rate=RATE, acquisition_timeout=100.0),
        retry=RetryConfig(min_wait_seconds=0.05, max_wait_seconds=0.05, budget=None),
        bulkhead=BulkheadConfig(max_concurrency=2),
        circuit_breaker=None,
    )
    async with ResilientClient(config, transport=server) as client:
        tasks: list[asyncio.Task[httpx.Response]] = [asyncio.create_task(client.get("/"))]
        for action, value in actions:
            await do(client, tasks, action, value)
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            assert task.cancelled() or isinstance(task.exception(), MyAPIError | None)
        stats = client.stats()
        assert (stats.slots_in_use, stats.slots_waiting, stats.rate_limit_waiting) == (0, 0, 0)
        if server.times:
            lane = lane_of(client)
            assert not lane._out
            assert not lane._queued_cost
    for begin, start in enumerate(server.times):
        for number, at in enumerate(server.times[begin:], 1):
            assert number <= 1 + RATE * (at - start) + 1e-6


@settings(max_examples=100, deadline=None)
@given(actions=st.lists(ACTIONS, max_size=40))
def test_no_turn_is_lost_at_any_tick(actions: list[tuple[str, float]]) -> None:
    """And no more are sent in any window than may be."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(play(actions))


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_no_waiter_is_left_behind_by_an_interrupt() -> None:
    """Whatever it breaks off: a wait for a turn, an attempt, the end of a call."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500)

    config = ClientConfig(
        base_url="http://server.test",
        rate_limit=RateLimitConfig(rate=100_000.0),
        retry=RetryConfig(max_attempts=2, min_wait_seconds=0, multiplier=0, budget=None),
        bulkhead=None,
        circuit_breaker=None,
    )
    with SyncResilientClient(config, transport=httpx.MockTransport(answer)) as client:
        with suppress(MyAPIError):
            client.get("/")
        lane, places = lane_of(client), 0

        def work() -> None:
            client.get("/")

        while interrupted(places + 1, work) and places < MOST_PLACES:
            places += 1
            assert lane.waiting == 0, places
            assert not lane._out, places
        assert places > 100
