"""Whatever middleware do, in whatever chain: everything is back in its place after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from client import CircuitState, MyAPIError
from tests.behaviour.strategies.middleware.written_once import in_world
from tests.behaviour.twins import WORLDS
from tests.behaviour.wire import Answer, Arrival, Step

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.behaviour.strategies.middleware.written_once import Around, Next
    from tests.behaviour.world import World

QUICK = (Phase.reuse, Phase.generate)
"""Shrinking a failure takes longer than pytest lets a test run: add `Phase.shrink` by hand."""

STEPS: dict[str, Step] = {
    "answer": Answer(200, (b"of", b" server")),
    "slow answer": Answer(200, (b"of", 2.0, b" server")),
    "failure": Answer(503, (b"busy",), {"Content-Length": "4"}),
    "large failure": Answer(500, (b"x" * 70_000, b"y" * 70_000), {"Content-Length": "140000"}),
    "refusal": Answer(404, (b"none",)),
    "no connection": httpx.ConnectError,
    "reset": httpx.ReadError,
    "bug": LookupError,
}
OWN = b"of middleware"
BODIES = {b"of server", OWN}


class MishapError(Exception):
    """What middleware raises here."""


class Habits:
    """What middleware may do, by name."""

    def __init__(self, world: World) -> None:
        self._world = world

    def named(self, name: str) -> Around:
        """Return one of them."""
        habit: Around = getattr(self, name)
        return habit

    async def passes(self, request: httpx.Request, call_next: Next) -> Any:
        """Go on."""
        return await call_next(request)

    async def answers(self, _request: httpx.Request, _call_next: Next) -> Any:
        """Answer itself."""
        return httpx.Response(200, content=OWN)

    async def refuses(self, _request: httpx.Request, _call_next: Next) -> Any:
        """Answer by an error."""
        return httpx.Response(503, content=OWN)

    async def forgets(self, request: httpx.Request, call_next: Next) -> Any:
        """Forget what came."""
        await call_next(request)
        return httpx.Response(200, content=OWN)

    async def fails(self, _request: httpx.Request, _call_next: Next) -> Any:
        """Raise at once."""
        raise MishapError

    async def fails_after(self, request: httpx.Request, call_next: Next) -> Any:
        """Raise in the end."""
        await call_next(request)
        raise MishapError

    async def returns_nothing(self, request: httpx.Request, call_next: Next) -> Any:
        """Forget to return what came."""
        await call_next(request)

    async def mends(self, request: httpx.Request, call_next: Next) -> Any:
        """Answer in the place of a failure."""
        try:
            return await call_next(request)
        except MyAPIError:
            return httpx.Response(200, content=OWN)

    async def goes_on(self, request: httpx.Request, call_next: Next) -> Any:
        """Try once more."""
        try:
            response = await call_next(request)
        except MyAPIError:
            return await call_next(request)
        return response if response.is_success else await call_next(request)

    async def repeats(self, request: httpx.Request, call_next: Next) -> Any:
        """Send another one after it."""
        await call_next(request)
        return await call_next(httpx.Request("GET", request.url))

    async def waits(self, request: httpx.Request, call_next: Next) -> Any:
        """Take time before and after."""
        await self._world.sleep(0.5)
        response = await call_next(request)
        await self._world.sleep(0.5)
        return response

    async def reads(self, request: httpx.Request, call_next: Next) -> Any:
        """Read what came."""
        response = await call_next(request)
        if self._world.is_async:
            await response.aread()
        else:
            response.read()
        return response


NAMES = [name for name in vars(Habits) if name != "named" and name[0] != "_"]


@dataclass(frozen=True)
class Operation:
    """What one caller does, what goes around that, and what the server makes of its attempts."""

    begins: float
    steps: tuple[str, ...]
    calls: tuple[str, ...]
    attempts: tuple[str, ...]
    is_streamed: bool
    deadline: float | None
    is_cancelled_after: float | None


moments = st.integers(0, 40).map(lambda tenths: tenths / 4)
chains = st.lists(st.sampled_from(NAMES), max_size=3).map(tuple)
operations = st.builds(
    Operation,
    begins=moments,
    steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=3).map(tuple),
    calls=chains,
    attempts=chains,
    is_streamed=st.booleans(),
    deadline=st.none() | st.sampled_from([0.5, 2.0, 5.0]),
    is_cancelled_after=st.none() | moments,
)


RAISED: tuple[type[BaseException], ...] = (
    MyAPIError,
    LookupError,
    MishapError,
    TypeError,
    RuntimeError,
)


def met_by(operation: Operation) -> tuple[type[BaseException], ...]:
    """Return what a middleware meets that reads a stream itself: httpx's own, which passes."""
    reads = "reads" in (*operation.calls, *operation.attempts)
    return (httpx.TransportError,) if reads and operation.is_streamed else ()


async def happen(world: World, plan: list[Operation]) -> None:
    """Let it all happen, and see that a healthy call succeeds after it."""
    seen: dict[str, int] = {}
    started: list[int] = []
    known = Habits(world)

    async def server(arrival: Arrival) -> Step:
        if arrival.id == "healthy":
            return 200
        number = seen[arrival.id] = seen.get(arrival.id, -1) + 1
        steps = plan[int(arrival.id)].steps
        await arrival.takes(0.25)
        return STEPS[steps[number % len(steps)]]

    async def operate(number: int, operation: Operation) -> object:
        await world.sleep(operation.begins)
        started.append(number)
        call: Callable[..., Any] = client.streamed if operation.is_streamed else client.request
        return await call(
            "GET",
            "/",
            request_id=str(number),
            deadline=operation.deadline,
            middleware=in_world(world, *map(known.named, operation.calls)),
            attempt_middleware=in_world(world, *map(known.named, operation.attempts)),
        )

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
    raised = (*RAISED, world.cancellation, *(each for one in plan for each in met_by(one)))
    for task in world.tasks:
        outcome = await world.outcome(task)
        if isinstance(outcome, httpx.Response):
            assert outcome.content in BODIES
        elif isinstance(outcome, list):
            assert b"".join(outcome) in BODIES
        else:
            assert outcome is None or isinstance(outcome, raised)
    await world.sleep(100)
    assert client.stats().operations == len(started)
    assert (await client.get(request_id="healthy")).status_code == 200
    assert client.circuit_state is CircuitState.CLOSED


@pytest.mark.parametrize("name", WORLDS)
def test_everything_is_back_in_its_place(name: str) -> None:
    """Slots, permits and answers; and one answer, whole, has reached each caller that got one."""

    @given(plan=st.lists(operations, min_size=1, max_size=6))
    @settings(max_examples=60, deadline=None, phases=QUICK)
    def whatever(plan: list[Operation]) -> None:
        world = WORLDS[name]()
        world.debug = False
        world.tell(happen(world, plan))

    whatever()
