"""Whatever servers and callers do to hedged calls: nothing is lost, and nothing sent too often."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import MyAPIError
from tests.behaviour.strategies.hedges import QUICK, Scripted
from tests.behaviour.twins import ONLY_ASYNCIO, WORLDS
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Step
    from tests.behaviour.world import Caller, Task, World

STEPS: dict[str, Step] = {
    "good": Answer(200, (b"good",)),
    "slow": Answer(200, (b"a", 0.5, b"b")),
    "broken": Answer(200, (b"a", httpx.ReadError("boom"))),
    "moved": Answer(302, headers={"Location": "/"}),
    "missing": Answer(404, (b"none",)),
    "busy": Answer(503, (b"busy",)),
    "enough": Answer(429, headers={"Retry-After": "1"}),
    "refused": httpx.ConnectError,
    "reset": httpx.ReadError,
    "late": httpx.ReadTimeout,
}
MOST_ATTEMPTS = 3


@dataclass(frozen=True)
class Operation:
    """One call: how it is made, and when it is broken off."""

    method: str
    is_streamed: bool
    begins: float
    broken_off_after: float | None
    deadline: float | None


moments = st.sampled_from([0.0, 0.125, 0.25, 0.375, 0.5, 0.75, 1.0, 2.0])
operations = st.builds(
    Operation,
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    is_streamed=st.booleans(),
    begins=moments,
    broken_off_after=st.none() | moments,
    deadline=st.none() | st.sampled_from([0.25, 0.5, 1.0]),
)
steps = st.lists(st.tuples(moments, st.sampled_from(sorted(STEPS))), min_size=1, max_size=8)


async def happen(
    world: World,
    plan: list[Operation],
    script: list[tuple[float, str]],
    hedge: dict[str, object],
) -> None:
    """Let the operations happen, and look what was sent and who got what."""
    server = Scripted(*((seconds, STEPS[name]) for seconds, name in script))
    client = world.client(
        server,
        hedge={"max_extra_load": 1, **hedge},
        retry={"min_wait_seconds": 0, "max_wait_seconds": 0, "max_attempts": MOST_ATTEMPTS},
        bulkhead={"max_concurrency": 2, "acquisition_timeout": 3},
        circuit_breaker={"failure_threshold": 3, "recovery_timeout": 1},
        follow_redirects=False,
    )

    async def operate(number: int, operation: Operation) -> object:
        await world.sleep(operation.begins)
        call = client.streamed if operation.is_streamed else client.request
        name, deadline = str(number), operation.deadline
        return await call(operation.method, "/", request_id=name, deadline=deadline)

    async def break_off(task: Task[object], after: float) -> None:
        await world.sleep(after)
        task.cancel()

    tasks = [world.start(operate(number, each)) for number, each in enumerate(plan)]
    for task, operation in zip(tasks, plan, strict=True):
        if operation.broken_off_after is not None:
            world.start(break_off(task, operation.begins + operation.broken_off_after))
    for task in world.tasks:
        outcome = await world.outcome(task)
        allowed = (httpx.Response, list, MyAPIError, world.cancellation)
        assert outcome is None or isinstance(outcome, allowed)
    check_sent(client, plan)
    await world.sleep(100)
    assert world.left_behind() == 0
    assert client.stats().attempts == len(client.wire.arrivals)
    assert client.wire.unclosed() == []
    client.wire._server = 200
    assert (await client.get(request_id="healthy")).status_code == 200


def check_sent(client: Caller, plan: list[Operation]) -> None:
    """Look how often each operation was sent; a write only by retries, one after the other."""
    for number in range(len(plan)):
        assert client.wire.ids.count(str(number)) <= MOST_ATTEMPTS


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("on_lose", ["drain", "cancel"])
def test_nothing_is_lost_and_nothing_sent_too_often(name: str, on_lose: str) -> None:
    """Answers, slots, tasks and threads; and each caller gets one outcome."""

    @given(
        plan=st.lists(operations, min_size=1, max_size=4),
        script=steps,
        delay=st.sampled_from([0.125, 0.25, 0.3]),
        hedges=st.integers(1, 3),
    )
    @settings(max_examples=60, deadline=None, phases=QUICK)
    def whatever(
        plan: list[Operation], script: list[tuple[float, str]], delay: float, hedges: int
    ) -> None:
        world = WORLDS[name]()
        world.debug = False
        hedge = {"delay": delay, "max_hedged_attempts": hedges, "on_lose": on_lose}
        world.tell(happen(world, plan, script, hedge))

    whatever()


@pytest.mark.parametrize("name", WORLDS)
def test_a_write_is_never_hedged(name: str) -> None:
    """Whatever the server does to it: attempts of a POST never overlap."""

    async def write(world: World, script: list[tuple[float, str]]) -> None:
        server = Scripted(*((seconds, STEPS[name]) for seconds, name in script))
        most, under_way = 0, 0

        async def counted(arrival: object) -> Step:
            nonlocal most, under_way
            under_way += 1
            most = max(most, under_way)
            try:
                return await server(arrival)  # type: ignore[arg-type] # whatever comes is passed on
            finally:
                under_way -= 1

        hedge = {"delay": 0.1, "max_extra_load": 1}
        client = world.client(counted, hedge=hedge, retry=None, follow_redirects=False)
        await world.outcome(world.start(client.post()))
        assert most == 1
        assert len(client.wire.arrivals) == 1

    @given(script=steps)
    @settings(max_examples=30, deadline=None, phases=QUICK)
    def whatever(script: list[tuple[float, str]]) -> None:
        world = WORLDS[name]()
        world.debug = False
        world.tell(write(world, script))

    whatever()


@ONLY_ASYNCIO
@pytest.mark.parametrize("times", [1, 2, 3])
async def test_broken_off_at_every_tick(world: World, times: int) -> None:
    """Once, or again while it clears up: what was under way ends, and its answer is closed."""
    ticks, is_over = 0, False
    while not is_over:
        body = Answer(200, (b"a", b"b"))
        server = Scripted((0, 503), (0, body), (0, body))
        client = world.client(
            server, hedge={"delay": 1e-6, "max_extra_load": 1}, retry=None, circuit_breaker=None
        )
        task = asyncio.create_task(client.get())
        for _ in range(ticks):
            await asyncio.sleep(0)
        is_over = task.done()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait([task])
        for _ in range(20):
            await asyncio.sleep(0)
        assert world.left_behind() == 0
        assert client.wire.unclosed() == []
        stats = client.stats()
        assert stats.slots_in_use == 0
        assert stats.attempts == len(client.wire.arrivals) <= 2
        ticks += 1
    assert ticks > 5
