"""Whatever callers do while they wait for one request: who stays is served, and nothing is lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import DeadlineExceededError, MyAPIError
from tests.behaviour.strategies.cache.flying import FOR_ONE, KEPT, Slow, cached
from tests.behaviour.strategies.hedges import QUICK
from tests.behaviour.twins import ONLY_ASYNCIO, WORLDS
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Step
    from tests.behaviour.world import Task, World

FOR_ALL: dict[str, Step] = {
    "good": Answer(200, (b"good",), headers=KEPT),
    "in pieces": Answer(200, (b"a", 0.5, b"b"), headers=KEPT),
    "busy": Answer(503, (b"busy",)),
    "refused": httpx.ConnectError,
    "broken": Answer(200, (b"a", httpx.ReadError("boom")), headers=KEPT),
}
"""What one caller gets, and all who wait with him."""
FOR_SOME: dict[str, Step] = {
    **FOR_ALL,
    "private": Answer(200, (b"mine",), headers=FOR_ONE),
    "none": Answer(404, (b"none",)),
    "moved": Answer(302, headers={"Location": "/"}),
    "late": httpx.ReadTimeout,
    "a bug": LookupError("a bug"),
}


@dataclass(frozen=True)
class Operation:
    """One call: when it is made, and when its caller has had enough."""

    begins: float
    leaves_after: float | None
    deadline: float | None
    is_streamed: bool = False
    is_write: bool = False


moments = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0])
reads = st.builds(
    Operation,
    begins=moments,
    leaves_after=st.none() | moments,
    deadline=st.none() | st.sampled_from([0.25, 0.5, 1.0, 4.0]),
)
anything = st.builds(
    Operation,
    begins=moments,
    leaves_after=st.none() | moments,
    deadline=st.none() | st.sampled_from([0.25, 0.5, 1.0, 4.0]),
    is_streamed=st.booleans(),
    is_write=st.booleans(),
)


async def happen(
    world: World, plan: list[Operation], server: Slow, retry: dict[str, object] | None
) -> list[object]:
    """Let the operations happen, look that nothing is lost, and return what each came to."""
    client = cached(
        world,
        server,
        retry=retry,
        bulkhead={"max_concurrency": 2, "acquisition_timeout": 30},
        circuit_breaker=None,
        follow_redirects=False,
    )

    async def operate(operation: Operation) -> object:
        await world.sleep(operation.begins)
        call = client.streamed if operation.is_streamed else client.request
        method = "POST" if operation.is_write else "GET"
        return await call(method, "/x", deadline=operation.deadline)

    async def leave(task: Task[object], after: float) -> None:
        await world.sleep(after)
        task.cancel()

    tasks = [world.start(operate(each)) for each in plan]
    for task, operation in zip(tasks, plan, strict=True):
        if operation.leaves_after is not None:
            world.start(leave(task, operation.begins + operation.leaves_after))
    outcomes = [await world.outcome(task) for task in tasks]
    await world.sleep(10)
    assert world.left_behind() == 0
    stats = client.stats()
    assert stats.slots_in_use == stats.slots_waiting == 0
    assert stats.operations <= len(plan)
    assert stats.attempts == len(client.wire.arrivals)
    assert client.wire.unclosed() == []
    errors = [each for each in outcomes if isinstance(each, MyAPIError)]
    assert len({id(each) for each in errors}) == len(errors)
    return outcomes


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("retry", [None, {"min_wait_seconds": 0.5, "max_wait_seconds": 0.5}])
def test_one_at_a_time_and_all_are_served(name: str, retry: dict[str, object] | None) -> None:
    """Where one answer is good for all, no two requests are ever under way."""

    @given(
        plan=st.lists(reads, min_size=1, max_size=6),
        script=st.lists(st.sampled_from(sorted(FOR_ALL)), min_size=1, max_size=4),
    )
    @settings(max_examples=60, deadline=None, phases=QUICK)
    def whatever(plan: list[Operation], script: list[str]) -> None:
        server = Slow(*(FOR_ALL[step] for step in script))

        async def story(world: World) -> None:
            outcomes = await happen(world, plan, server, retry)
            assert server.most <= 1
            for operation, outcome in zip(plan, outcomes, strict=True):
                if isinstance(outcome, world.cancellation) or outcome is None:
                    assert operation.leaves_after is not None
                elif isinstance(outcome, DeadlineExceededError):
                    assert operation.deadline is not None
                else:
                    assert isinstance(outcome, httpx.Response | MyAPIError)

        world = WORLDS[name]()
        world.debug = False
        world.tell(story(world))

    whatever()


@pytest.mark.parametrize("name", WORLDS)
def test_nothing_is_lost(name: str) -> None:
    """Whatever comes, also to streams and writes that come between."""

    @given(
        plan=st.lists(anything, min_size=1, max_size=6),
        script=st.lists(st.sampled_from(sorted(FOR_SOME)), min_size=1, max_size=6),
    )
    @settings(max_examples=80, deadline=None, phases=QUICK)
    def whatever(plan: list[Operation], script: list[str]) -> None:
        server = Slow(*(FOR_SOME[step] for step in script))

        async def story(world: World) -> None:
            for outcome in await happen(world, plan, server, None):
                allowed = (httpx.Response, list, MyAPIError, LookupError, world.cancellation)
                assert outcome is None or isinstance(outcome, allowed)

        world = WORLDS[name]()
        world.debug = False
        world.tell(story(world))

    whatever()


@ONLY_ASYNCIO
@pytest.mark.parametrize("leaves", ["first", "last", "both"])
async def test_left_at_every_tick(world: World, leaves: str) -> None:
    """Who stays is served by the same request, and with the last it is broken off."""
    ticks, is_over = 0, False
    while not is_over:
        server = Slow(Answer(200, (b"a", b"b"), headers=KEPT), seconds=0)
        client = cached(world, server, circuit_breaker=None)
        tasks = [asyncio.create_task(client.get("/x")) for _ in range(3)]
        for _ in range(ticks):
            await asyncio.sleep(0)
        is_over = all(task.done() for task in tasks)
        gone = {"first": tasks[:1], "last": tasks[2:], "both": tasks}[leaves]
        for task in gone:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if task not in gone:
                assert task.result().content == b"ab"
        assert len(client.wire.arrivals) <= 1
        for _ in range(5):
            await asyncio.sleep(0)
        assert world.left_behind() == 0
        assert client.stats().slots_in_use == 0
        assert client.stats().attempts == len(client.wire.arrivals)
        ticks += 1
    assert ticks > 5
