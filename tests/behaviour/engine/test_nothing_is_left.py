"""Whatever servers and callers do, in whatever order: everything is back in its place after it."""

from dataclasses import dataclass

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from client import CircuitState, MyAPIError
from tests.behaviour.twins import WORLDS
from tests.behaviour.wire import Answer, Arrival, Step
from tests.behaviour.world import World

QUICK = (Phase.reuse, Phase.generate)
"""Shrinking a failure takes longer than pytest lets a test run: add `Phase.shrink` by hand."""

STEPS: dict[str, Step] = {
    "answer": 200,
    "slow answer": Answer(200, (b"abc", 3.0, b"def")),
    "silence": Answer(200, (b"abc", 3600.0)),
    "failure": 500,
    "refusal": 404,
    "busy": Answer(503, (b"abc",), {"Retry-After": "2"}),
    "slow failure": Answer(500, (b"abc", 2.0, b"def"), {"Content-Length": "6"}),
    "cut short": Answer(200, (b"abc", httpx.RemoteProtocolError("x"))),
    "no connection": httpx.ConnectError,
    "reset": httpx.ReadError,
    "bad body": Answer(200, (b"abc",), {"Content-Encoding": "gzip"}),
    "bug": LookupError,
}


@dataclass(frozen=True)
class Operation:
    """What one caller does, and what the server makes of its attempts."""

    begins: float
    steps: tuple[str, ...]
    is_streamed: bool
    deadline: float | None
    is_cancelled_after: float | None


moments = st.integers(0, 40).map(lambda tenths: tenths / 4)
operations = st.builds(
    Operation,
    begins=moments,
    steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=3).map(tuple),
    is_streamed=st.booleans(),
    deadline=st.none() | st.sampled_from([0.5, 2.0, 5.0]),
    is_cancelled_after=st.none() | moments,
)


async def happen(world: World, plan: list[Operation]) -> None:
    """Let it all happen, and see that a healthy call succeeds after it."""
    seen: dict[str, int] = {}

    async def server(arrival: Arrival) -> Step:
        if arrival.id == "healthy":
            return 200
        number = seen[arrival.id] = seen.get(arrival.id, -1) + 1
        steps = plan[int(arrival.id)].steps
        step = STEPS[steps[number % len(steps)]]
        await arrival.takes(0.25)
        return step

    async def operate(number: int, operation: Operation) -> object:
        await world.sleep(operation.begins)
        call = client.streamed if operation.is_streamed else client.request
        return await call("GET", "/", request_id=str(number), deadline=operation.deadline)

    async def cancel(number: int, after: float) -> None:
        await world.sleep(after)
        tasks[number].cancel()

    client = world.client(
        server,
        bulkhead={"max_concurrency": 2, "acquisition_timeout": 3},
        circuit_breaker={"failure_threshold": 3},
    )
    tasks = [world.start(operate(number, operation)) for number, operation in enumerate(plan)]
    for number, operation in enumerate(plan):
        if operation.is_cancelled_after is not None:
            world.start(cancel(number, operation.begins + operation.is_cancelled_after))
    allowed = (httpx.Response, list, MyAPIError, LookupError, world.cancellation)
    for task in world.tasks:
        outcome = await world.outcome(task)
        assert outcome is None or isinstance(outcome, allowed)
    assert client.stats().attempts == len(client.wire.arrivals)
    await world.sleep(100)
    assert (await client.get(request_id="healthy")).status_code == 200
    assert client.circuit_state is CircuitState.CLOSED


@pytest.mark.parametrize("name", WORLDS)
def test_everything_is_back_in_its_place(name: str) -> None:
    """Slots, permits and answers; and nothing but what the contract names has reached a caller."""

    @given(plan=st.lists(operations, min_size=1, max_size=8))
    @settings(max_examples=40, deadline=None, phases=QUICK)
    def whatever(plan: list[Operation]) -> None:
        world = WORLDS[name]()
        world.debug = False
        world.tell(happen(world, plan))

    whatever()
