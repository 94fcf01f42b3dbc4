"""Whatever endpoints and callers do: nothing stays out that is over, and no slot is lost."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import Endpoint, MyAPIError
from tests.behaviour.strategies.endpoints.services import Service, balanced, outstanding
from tests.behaviour.strategies.hedges import QUICK, Scripted
from tests.behaviour.twins import ONLY_ASYNCIO, WORLDS
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival, Step
    from tests.behaviour.world import Caller, Task, World

STEPS: dict[str, Step] = {
    "good": Answer(200, (b"good",)),
    "slow": Answer(200, (b"a", 0.5, b"b")),
    "broken": Answer(200, (b"a", httpx.ReadError("boom"))),
    "moved": Answer(307, headers={"Location": "http://b/"}),
    "missing": Answer(404, (b"none",)),
    "busy": Answer(503, (b"busy",)),
    "enough": Answer(429, headers={"Retry-After": "1"}),
    "refused": httpx.ConnectError,
    "late": httpx.ReadTimeout,
}


@dataclass(frozen=True)
class Operation:
    """One call: how it is made, and when it is broken off."""

    is_streamed: bool
    begins: float
    broken_off_after: float | None
    deadline: float | None


moments = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 2.0])
operations = st.builds(
    Operation,
    is_streamed=st.booleans(),
    begins=st.sampled_from([0.0, 0.125, 0.25]),
    broken_off_after=st.none() | moments,
    deadline=st.none() | st.sampled_from([0.25, 0.5, 1.0]),
)
steps = st.lists(st.tuples(moments, st.sampled_from(sorted(STEPS))), min_size=1, max_size=6)
POLICIES: dict[str, dict[str, Any]] = {
    "p2c": {},
    "round_robin": {},
    "least_outstanding": {},
    "ordered": {},
    "hash": {"balancing_key": lambda request: request.url.path},
}


async def happen(
    world: World,
    plan: list[Operation],
    scripts: list[list[tuple[float, str]]],
    more: dict[str, Any],
) -> None:
    """Let the operations happen, and look what is left of them."""
    servers = [Scripted(*((each[0], STEPS[each[1]]) for each in script)) for script in scripts]
    service = Service(a=servers[0], b=servers[1])
    bulkhead = {"max_concurrency": 1, "acquisition_timeout": 1}
    client = balanced(
        world,
        service,
        Endpoint("http://a", bulkhead=bulkhead),
        Endpoint("http://b", bulkhead=bulkhead),
        circuit_breaker=None,
        **more,
    )

    async def operate(operation: Operation) -> object:
        await world.sleep(operation.begins)
        call = client.streamed if operation.is_streamed else client.request
        return await call("GET", "/", deadline=operation.deadline)

    async def break_off(task: Task[object], after: float) -> None:
        await world.sleep(after)
        task.cancel()

    tasks = [world.start(operate(each)) for each in plan]
    for task, operation in zip(tasks, plan, strict=True):
        if operation.broken_off_after is not None:
            world.start(break_off(task, operation.begins + operation.broken_off_after))
    for task in world.tasks:
        outcome = await world.outcome(task)
        assert outcome is None or isinstance(
            outcome, (httpx.Response, list, MyAPIError, world.cancellation)
        )
    await world.sleep(100)
    check_all_is_back(client)
    service.hosts.clear()
    assert (await client.get("/", request_id="healthy")).status_code == 200


def check_all_is_back(client: Caller) -> None:
    """Look that nothing is out, and that every slot is free."""
    assert outstanding(client) == {"http://a": 0, "http://b": 0}
    slots = client.raw._session._endpoints.balancing._slots
    assert not any(slots._held.values())
    assert slots.waiting == 0


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_stays_out(name: str, policy: str) -> None:
    """Whatever the endpoints answer, and whoever breaks off what."""

    @given(
        plan=st.lists(operations, min_size=2, max_size=6),
        scripts=st.lists(steps, min_size=2, max_size=2),
        hedge=st.none() | st.sampled_from([0.125, 0.3]),
    )
    @settings(max_examples=15, deadline=None, phases=QUICK)
    def whatever(
        plan: list[Operation], scripts: list[list[tuple[float, str]]], hedge: float | None
    ) -> None:
        world = WORLDS[name]()
        world.debug = False
        more: dict[str, Any] = {"balancing": {"policy": policy, **POLICIES[policy]}}
        if hedge is not None:
            more["hedge"] = {"delay": hedge, "max_extra_load": 1}
        world.tell(happen(world, plan, scripts, more))

    whatever()


@ONLY_ASYNCIO
@pytest.mark.parametrize("is_streamed", [False, True], ids=["read", "streamed"])
@pytest.mark.parametrize(
    "hedge", [None, {"delay": 1e-6, "max_extra_load": 1}], ids=["alone", "hedged"]
)
async def test_broken_off_at_every_tick(
    world: World, *, is_streamed: bool, hedge: dict[str, float] | None
) -> None:
    """At the first failure, between two endpoints, in the queue, in the body."""
    ticks, is_over = 0, False
    while not is_over:

        async def ticking(arrival: Arrival) -> Step:
            for _ in range(3):
                await asyncio.sleep(0)
            return 503 if arrival.request.url.host == "a" else Answer(200, (b"a", b"b"))

        service = Service(a=ticking, b=ticking)
        bulkhead = {"max_concurrency": 1, "acquisition_timeout": 1}
        client = balanced(
            world,
            service,
            Endpoint("http://a", bulkhead=bulkhead),
            Endpoint("http://b", bulkhead=bulkhead),
            hedge=hedge,
            circuit_breaker=None,
        )
        call = client.streamed if is_streamed else client.request
        tasks = [asyncio.create_task(call("GET", "/")) for _ in range(3)]
        for _ in range(ticks):
            await asyncio.sleep(0)
        is_over = all(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for _ in range(20):
            await asyncio.sleep(0)
        check_all_is_back(client)
        assert client.wire.unclosed() == []
        ticks += 1
    assert ticks > 5
