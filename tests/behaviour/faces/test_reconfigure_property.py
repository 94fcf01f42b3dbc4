"""Whatever settings come and go under load: no call fails by it, and nothing is lost."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import MyAPIError
from client.events import OperationFailed, OperationSucceeded, Reconfigured
from client.testing import EventRecorder
from tests.behaviour.twins import WORLDS

if TYPE_CHECKING:
    from client.events import Event
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, Task, World

CHANGES: list[dict[str, Any]] = [
    {"retry": {"max_attempts": 2}},
    {"retry": {"max_attempts": 4, "budget": None}},
    {"retry": {"budget": {"ratio": 5}}},
    {"bulkhead": {"max_concurrency": 1}},
    {"bulkhead": {"max_concurrency": 5}},
    {"bulkhead": {"mode": "observe"}},
    {"bulkhead": {"mode": "off"}},
    {"bulkhead": {"mode": "enforce"}},
    {"bulkhead": {"adaptive": {"window": 0.5}}},
    {"bulkhead": {"adaptive": None}},
    {"bulkhead": None},
    {"bulkhead": {}},
    {"circuit_breaker": {"failure_threshold": 1000, "mode": "enforce"}},
    {"circuit_breaker": {"failure_threshold": 1000, "mode": "observe"}},
    {"circuit_breaker": {"failure_threshold": 1000, "mode": "off"}},
    {"circuit_breaker": {"failure_threshold": 1000, "scope": "origin"}},
    {"circuit_breaker": {"failure_threshold": 1000, "scope": "client"}},
    {"circuit_breaker": None},
    {"rate_limit": {"rate": 1000, "burst": 1000}},
    {"rate_limit": {"rate": 10, "mode": "observe"}},
    {"rate_limit": None},
    {"hedge": {"delay": 0.2, "max_extra_load": 1}},
    {"hedge": None},
    {"timeout": {"total": 1000}},
    {"timeout": {"total": None, "read": 100}},
    {"max_body_bytes": 1000},
    {"max_body_bytes": None},
    {"base_url": "http://server.test/v1"},
    {"base_url": "http://server.test/v2"},
    {"logging": {"level": "ERROR"}},
    {"logging": {"level": "WARNING"}},
    {"request_id_header": "X-Trace"},
    {"request_id_header": "X-Request-ID"},
]


class Server:
    """Answers after a while; each operation fails at most once, and then is answered well."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - no secret comes of it
        self._failed: set[str] = set()

    async def __call__(self, arrival: Arrival) -> Any:
        """Answer an attempt."""
        await arrival.takes(self._draw.choice([0.0, 0.125, 0.5]))
        headers = arrival.request.headers
        name = headers.get("X-Request-ID") or headers["X-Trace"]
        if name not in self._failed and self._draw.random() < 0.3:
            self._failed.add(name)
            return self._draw.choice([503, httpx.ReadError, httpx.ConnectError])
        return 200


def loaded(world: World, seed: int, recorder: EventRecorder) -> Caller:
    """A client that retries at once, whatever its other settings."""
    retry = {"min_wait_seconds": 0, "max_wait_seconds": 0.125, "budget": None}
    circuit = {"failure_threshold": 1000}
    return world.client(Server(seed), retry=retry, circuit_breaker=circuit, listeners=[recorder])


def told(event: Event) -> bool:
    """Whether an event is the end of an operation."""
    return isinstance(event, OperationSucceeded | OperationFailed)


async def check(world: World, client: Caller, tasks: list[Task[Any]], ended: EventRecorder) -> None:
    """Look that each call had one answer, and that nothing is left of it."""
    for task in tasks:
        outcome = await world.outcome(task)
        assert isinstance(outcome, httpx.Response), outcome
        assert outcome.status_code == 200
    ends = Counter(event.request_id for event in ended if told(event))
    assert ends == {str(number): 1 for number in range(len(tasks))}
    await world.sleep(10)  # for those that lost a race
    stats = client.stats()
    assert (stats.slots_in_use, stats.slots_waiting, stats.operations) == (0, 0, len(tasks))
    assert client.raw._session.engine.standing.active == {}
    bulkhead = client.raw._session.bulkhead
    assert bulkhead is None or bulkhead.slots.in_use == 0
    assert stats.attempts == len(client.wire.arrivals)


@pytest.mark.parametrize("name", WORLDS)
def test_a_thousand_reconfigurations_under_load(name: str) -> None:
    """With thirty callers, one call after the other; all are answered well."""
    world = WORLDS[name]()
    world.debug = False
    draw = random.Random(7)  # noqa: S311 - no secret comes of it
    recorder = EventRecorder(OperationSucceeded, OperationFailed, Reconfigured)

    async def story() -> None:
        client = loaded(world, 7, recorder)
        numbers = iter(range(10**6))
        made: list[Any] = []
        is_over = False

        async def call_on() -> None:
            while not is_over:
                made.append(await client.get("/a", request_id=str(next(numbers))))

        callers = [world.start(call_on()) for _ in range(30)]
        for _ in range(1000):
            client.raw.reconfigure(**draw.choice(CHANGES))
            await world.sleep(draw.choice([0, 0.0625, 0.125]))
        is_over = True
        for each in callers:
            assert await world.outcome(each) is None
        assert len(made) > 1000
        assert {response.status_code for response in made} == {200}
        ends = Counter(event.request_id for event in recorder if told(event))
        assert set(ends.values()) == {1}
        assert len(recorder.of(Reconfigured)) > 500
        await world.sleep(10)
        stats = client.stats()
        assert (stats.slots_in_use, stats.slots_waiting, stats.operations) == (0, 0, len(made))
        assert client.raw._session.engine.standing.active == {}

    world.tell(story())


@pytest.mark.parametrize("name", WORLDS)
def test_each_call_has_one_answer_whatever_changes_meanwhile(name: str) -> None:
    """Those that are broken off apart: they have none, and leave nothing either."""

    @given(
        changes=st.lists(
            st.tuples(st.sampled_from([0.0, 0.125, 0.25]), st.sampled_from(CHANGES)), max_size=12
        ),
        begins=st.lists(st.sampled_from([0.0, 0.125, 0.25, 0.5]), min_size=1, max_size=6),
        seed=st.integers(0, 100),
    )
    @settings(deadline=None, max_examples=30)
    def property_of(
        changes: list[tuple[float, dict[str, Any]]], begins: list[float], seed: int
    ) -> None:
        world = WORLDS[name]()
        world.debug = False
        recorder = EventRecorder(OperationSucceeded, OperationFailed)

        async def story() -> None:
            client = loaded(world, seed, recorder)

            async def call(number: int, after: float) -> Any:
                await world.sleep(after)
                return await client.get("/a", request_id=str(number))

            tasks = [world.start(call(number, after)) for number, after in enumerate(begins)]
            for after, change in changes:
                await world.sleep(after)
                client.raw.reconfigure(**change)
            await check(world, client, tasks, recorder)

        world.tell(story())

    property_of()


@pytest.mark.parametrize("name", WORLDS)
def test_calls_that_are_broken_off_lose_nothing(name: str) -> None:
    """While settings change."""
    world = WORLDS[name]()
    world.debug = False
    draw = random.Random(3)  # noqa: S311 - no secret comes of it

    async def story() -> None:
        client = loaded(world, 3, EventRecorder())
        tasks: list[Task[Any]] = []
        for number in range(300):
            tasks.append(world.start(client.get("/a", request_id=str(number))))
            client.raw.reconfigure(**draw.choice(CHANGES))
            await world.sleep(draw.choice([0, 0.0625, 0.125]))
            if draw.random() < 0.5:
                draw.choice(tasks[-10:]).cancel()
        for task in tasks:
            outcome = await world.outcome(task)
            assert isinstance(outcome, httpx.Response | world.cancellation), outcome
        await world.sleep(10)
        stats = client.stats()
        assert (stats.slots_in_use, stats.slots_waiting) == (0, 0)
        assert client.raw._session.engine.standing.active == {}
        assert not isinstance(await client.get("/a", request_id="last"), MyAPIError)

    world.tell(story())
