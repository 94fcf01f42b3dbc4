"""Tests of others that freeze time: nothing hangs, and nothing is lost when it thaws."""

import asyncio
import subprocess
import sys
import time

import pytest

from client.runtime.asyncio_timer import timer
from tests.eventually import PATIENCE_SECONDS
from tests.unit.runtime.frozen_clocks import FREEZERS


@pytest.mark.parametrize("freezer", FREEZERS)
def test_every_wait_ends(freezer: str) -> None:
    """Frozen within the loop and outside, in both worlds; afterwards all goes on."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.unit.runtime.frozen_clocks", freezer],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert told.returncode == 0, told.stderr


def freeze(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a clock that stands still in the place of the one that asyncio's loops go by."""
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)


def test_a_timer_goes_off_in_a_loop_whose_clock_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thread keeps the time besides."""

    async def story() -> None:
        rung = asyncio.Event()
        freeze(monkeypatch)
        with timer(asyncio.get_running_loop(), 0.01, rung.set):
            await rung.wait()

    asyncio.run(story())


def test_a_timer_whose_loop_has_ended_goes_off_unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its thread may come late."""

    async def story() -> None:
        rung: list[bool] = []
        loop = asyncio.get_running_loop()
        freeze(monkeypatch)
        with timer(loop, 0.0, lambda: rung.append(True)):
            while not rung:  # noqa: ASYNC110 - the loop's own clock stands still
                await asyncio.sleep(0)

    asyncio.run(story())
