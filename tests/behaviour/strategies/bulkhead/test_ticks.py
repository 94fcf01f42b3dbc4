"""Calls that are cancelled, served and let in at any tick of the loop: no slot is ever lost."""

from __future__ import annotations

import asyncio
from collections import deque

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from client import BulkheadConfig, ClientConfig, MyAPIError, ResilientClient
from tests.eventually import PATIENCE_SECONDS

MOST = 4
"""Calls at most that an action may be about, counted from the oldest."""
ACTIONS = st.one_of(
    st.tuples(st.just("call"), st.sampled_from([0, 5, 9])),
    st.tuples(st.just("call with a deadline"), st.sampled_from([0.0005, 1.0, 60.0])),
    st.tuples(st.just("cancel"), st.integers(0, MOST)),
    st.tuples(st.just("answer"), st.integers(0, MOST)),
    st.tuples(st.just("limit"), st.integers(1, 3)),
    st.tuples(st.just("tick"), st.integers(1, 6)),
)


class Held(httpx.AsyncBaseTransport):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.waiting: deque[asyncio.Future[None]] = deque()
        self.under_way = 0
        self.most = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for the answer."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(told)
        try:
            await told
        finally:
            self.under_way -= 1
            self.waiting.remove(told)
        return httpx.Response(200)

    def answer(self, number: int) -> None:
        """Answer one, if there is any."""
        if self.waiting:
            told = self.waiting[number % len(self.waiting)]
            if not told.done():
                told.set_result(None)


async def play(actions: list[tuple[str, float]]) -> None:
    """Do all that, and look whether every slot is there at the end."""
    server, highest = Held(), 1
    config = ClientConfig(
        base_url="http://server.test",
        bulkhead=BulkheadConfig(max_concurrency=1),
        circuit_breaker=None,
        retry=None,
    )
    async with ResilientClient(config, transport=server) as client:
        tasks: list[asyncio.Task[httpx.Response]] = []
        for action, value in actions:
            match action:
                case "call":
                    tasks.append(asyncio.create_task(client.get("/", priority=int(value))))
                case "call with a deadline":
                    tasks.append(asyncio.create_task(client.get("/", deadline=value)))
                case "cancel" if tasks:
                    tasks[int(value) % len(tasks)].cancel()
                case "answer":
                    server.answer(int(value))
                case "limit":
                    highest = max(highest, int(value))
                    client.reconfigure(bulkhead={"max_concurrency": int(value)})
                case _:
                    for _ in range(int(value)):
                        await asyncio.sleep(0)
        assert server.most <= highest
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not all(task.done() for task in tasks):
                server.answer(0)
                await asyncio.sleep(0)
        for task in tasks:
            assert task.cancelled() or isinstance(task.exception(), MyAPIError | None)
        stats = client.stats()
        assert (stats.slots_in_use, stats.slots_waiting) == (0, 0)


@settings(max_examples=150, deadline=None)
@given(actions=st.lists(ACTIONS, max_size=40))
def test_no_slot_is_lost_at_any_tick(actions: list[tuple[str, float]]) -> None:
    """Who is cancelled where a slot is handed over to it hands it on; who queues gets it."""
    asyncio.run(play(actions))
