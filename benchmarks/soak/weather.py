"""The faults of each phase, and the one thread from which server and proxy are worked."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar

from benchmarks.soak.plan import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.soak.plan import Plan
    from server.proxy.fault_models import FaultName
    from server.testing import FailureServer, WireProxy

__all__ = ["SERVER_FAULTS", "WIRE_FAULTS", "Controls", "Weather"]

P = ParamSpec("P")
T = TypeVar("T")

WIRE_FAULTS: Final[tuple[tuple[FaultName, dict[str, Any]], ...]] = (
    ("reset", {"at": "before_head"}),
    ("reset", {"at": "in_head"}),
    ("reset", {"at": "after_head"}),
    ("reset", {"at": "in_body", "after_bytes": 20}),
    ("reset", {"at": "in_head", "after_bytes": 20, "stream": "upstream"}),
    ("cut", {"at": "in_body"}),
    ("cut", {"at": "in_body", "by": "rst", "after_bytes": 50}),
    ("cut", {"at": "in_head"}),
    ("cut", {"at": "after_head"}),
    ("stall", {"at": "before_head", "seconds": 2.0}),
    ("stall", {"at": "in_body", "seconds": 2.0}),
    ("drip", {"at": "in_body", "size": 40, "interval_ms": 30.0}),
    ("latency", {"ms": 80.0, "jitter_ms": 60.0}),
    ("garbage", {}),
    ("surplus", {}),
    ("close_idle", {"on": "reuse"}),
    ("close_idle", {"after_ms": 50.0, "by": "rst"}),
    ("refuse", {}),
)
SERVER_FAULTS: Final[tuple[tuple[int, str | None, Literal["before", "after"]], ...]] = (
    (503, "0", "before"),
    (503, "1", "before"),
    (503, None, "after"),
    (429, "0", "before"),
    (429, "1", "before"),
    (500, None, "after"),
    (502, None, "before"),
    (504, None, "after"),
)
_STRUCK_PERCENT: Final = 35.0
_FAILED_PERCENT: Final = 8.0


class Controls:
    """One thread that works server and proxy, so that the event loop never waits for them."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="soak-controls")

    async def __call__(self, work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Do one thing, after all that was asked for before."""
        call = partial(work, *args, **options)
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown()


class Weather:
    """Puts faults in force and lifts them.

    Args:
        server: The failure server.
        proxy: The wire proxy in front of it.
        plan: The run.
        controls: What works them.
    """

    def __init__(
        self, server: FailureServer, proxy: WireProxy, plan: Plan, controls: Controls
    ) -> None:
        self._server = server
        self._proxy = proxy
        self._seed = plan.seed
        self._controls = controls
        self._dice = random.Random(f"{plan.seed}/weather")  # noqa: S311 - not for secrets
        self._deck: list[tuple[FaultName, dict[str, Any]]] = []
        self._episode_seconds = min(1.5, max(0.4, plan.seconds / 30))
        self._driver: asyncio.Task[None] | None = None
        self.put_in_force: Counter[str] = Counter()

    async def begin(self, phase: Phase) -> None:
        """Put the faults of a phase in force."""
        match phase:
            case Phase.MIXED:
                self._driver = asyncio.create_task(self._change_on_and_on())
            case Phase.ERRORS:
                await self._controls(self._server.fail_rate, 100, status=503)
            case Phase.REFUSED:
                await self._controls(self._proxy.fault, "refuse")
                await self._controls(self._proxy.close_connections)
            case _:
                pass

    async def end(self) -> None:
        """Lift all of them."""
        if self._driver is not None:
            self._driver.cancel()
            with suppress(asyncio.CancelledError):
                await self._driver
            self._driver = None
        await self._lift()

    async def _lift(self) -> None:
        await self._controls(self._proxy.reset)
        await self._controls(self._server.reset)

    async def _change_on_and_on(self) -> None:
        while True:
            for kind, options in (self._draw(), self._draw()):
                await self._controls(
                    self._proxy.fault, kind, percent=_STRUCK_PERCENT, seed=self._number(), **options
                )
                self.put_in_force[kind] += 1
            status, retry_after, when = self._dice.choice(SERVER_FAULTS)
            await self._controls(
                self._server.fail_rate,
                _FAILED_PERCENT,
                status=status,
                retry_after=retry_after,
                when=when,
                seed=self._number(),
            )
            # A share is drawn among new connections, and warm pools would make none.
            await self._controls(self._proxy.close_connections)
            await asyncio.sleep(self._episode_seconds)
            await self._lift()

    def _draw(self) -> tuple[FaultName, dict[str, Any]]:
        """Take the next fault of a shuffled deck, so that each has its turn."""
        if not self._deck:
            self._deck = list(WIRE_FAULTS)
            self._dice.shuffle(self._deck)
        return self._deck.pop()

    def _number(self) -> int:
        return self._dice.randrange(2**31)
