"""Answers that take their time, and clocks that do not tell it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from client import CircuitOpenError, DeadlineExceededError, ServerError, ServiceUnavailableError
from tests.wire.catalogue.conftest import check_nothing_is_held, check_nothing_is_left
from tests.wire.catalogue.faults import Fault, each
from tests.wire.scripts import drips_chunks, drips_the_body, drips_the_head, healthy
from tests.wire.twins import settings

if TYPE_CHECKING:
    from tests.wire.catalogue.conftest import Meet
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection
    from tests.wire.twins import Twin

HOUR = 3600.0


def asks_for_patience(connection: Connection) -> None:
    """Be away, for longer than the caller has time."""
    connection.read_request()
    connection.answer(503, retry_after="30", connection="close")


FAULTS = [
    Fault(
        "head that drips, under a deadline",
        DeadlineExceededError,
        drips_the_head,
        options={"deadline": 0.12},
    ),
    Fault(
        "body that drips, under a deadline",
        DeadlineExceededError,
        drips_the_body,
        options={"deadline": 0.12},
    ),
    Fault(
        "chunks that drip, under a deadline",
        DeadlineExceededError,
        drips_chunks,
        options={"deadline": 0.12},
    ),
    Fault(
        "`Retry-After` beyond the deadline",
        ServiceUnavailableError,
        asks_for_patience,
        options={"deadline": 10},
    ),
]


@each(FAULTS)
async def test_fault(meet: Meet, fault: Fault) -> None:
    """The deadline ends what no timeout would, and forbids a wait that it would not survive."""
    await meet(fault)


class WallClock:
    """What the machine takes for the time of day."""

    def __init__(self) -> None:
        self.offset = 0.0
        self._real = time.time

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return self._real() + self.offset


@pytest.fixture
def wall_clock(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    """A wall clock to set; the monotonic one goes on as ever."""
    clock = WallClock()
    monkeypatch.setattr(time, "time", clock.time)
    return clock


@pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forth", "back"])
async def test_the_wall_clock_moves_an_hour(
    twin: Twin, serve: Serve, wall_clock: WallClock, step: float
) -> None:
    """Neither a deadline, nor a wait, nor the break of an open circuit is shorter or longer."""

    def fails(connection: Connection) -> None:
        connection.read_request()
        wall_clock.offset += step
        connection.answer(500, connection="close")

    server = serve(fails, healthy)
    config = settings(
        server.url,
        circuit_breaker={"failure_threshold": 1, "recovery_timeout": HOUR / 2},
        retry={"min_wait_seconds": 0.01, "max_wait_seconds": 0.01},
    )
    async with twin.client(config) as client:
        response = await client.get("/", deadline=10)  # it steps within the deadline
        assert response.extensions["resilience"].waits == (0.01,)
        wall_clock.offset += step  # while a connection is idle
        assert (await client.get("/", deadline=10)).text == "ok"
        await check_nothing_is_held(twin, client, server)
    await check_nothing_is_left(twin, server)
    server = serve(fails)
    async with twin.client(config.merged(base_url=server.url)) as client:
        with pytest.raises(ServerError):
            await client.get("/", retry=None)
        wall_clock.offset += step  # while the circuit is open
        with pytest.raises(CircuitOpenError) as rejected:
            await client.get("/")
        assert 0 < (rejected.value.retry_after or 0) <= HOUR / 2
        await check_nothing_is_held(twin, client, server)
    await check_nothing_is_left(twin, server)
