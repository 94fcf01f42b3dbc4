"""Active checks: each endpoint is asked in turn of its own, from the first call until the close.

A check is no operation: it takes no slot, pays from no budget, and carries nothing of any caller's.
"""

from __future__ import annotations

import asyncio
import random
import threading
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol
from weakref import ref

from ...runtime.forking import fork_safe, tell_in_child

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...config.parts.endpoints import Endpoint
    from ...engine.ports import Ports, Signal, Task

    class Tell(Protocol):
        """Hears what each check has found; it must not raise."""

        def __call__(self, url: str, /, *, passed: bool, holds: float) -> object:
            """Take note.

            Args:
                url: Of the endpoint.
                passed: Whether it is well.
                holds: For how many seconds that stands, unless another check comes.
            """
            ...

    class Probe(Protocol):
        """Asks an endpoint how it is; supplied by a face, which knows httpx."""

        async def ask(self, endpoint: Endpoint) -> bool:
            """Return whether it answers that it is well; raise where it does not answer."""
            ...

        def hang_up(self) -> None:
            """End what is under way."""
            ...

        async def close(self, ports: Ports) -> None:
            """Close its connections."""
            ...

        def begin_anew(self) -> None:
            """Forget those of a parent process, or of an event loop that has ended."""
            ...


__all__ = ["Checks"]

_FIRST: Final = (0.0, 0.2)
_NEXT: Final = (0.8, 1.2)
"""Between which shares of the interval the first check comes, and each later one, drawn evenly: a
fleet that was started together soon checks out of step."""
_CLOSE_SECONDS: Final = 1.0


class _Watch:
    """The checks of one endpoint."""

    def __init__(self, endpoint: Endpoint, task: Task, signal: Signal) -> None:
        self.endpoint = endpoint
        self.is_over: bool = False
        self._task = task
        self.signal = signal

    def end(self) -> None:
        """End them, in the middle of one too."""
        self.is_over = True
        self.signal.give()
        self._task.cancel()


class Checks:
    """Those of a client. Safe to share between threads.

    A client that is dropped without being closed takes them along, at the next check.

    Args:
        probe: Asks.
        interval: Seconds between two checks of an endpoint, and the longest that one may take.
        ports: Of the client.
        tell: Told of each check; see `Tell`.
    """

    def __init__(
        self,
        probe: Probe,
        *,
        interval: float,
        ports: Ports,
        tell: Tell,
    ) -> None:
        self.interval: float = interval
        self.probe = probe
        self._ports = ports
        self._tell = tell
        # Not a plain lock: a signal handler may close the client in the middle of its own call.
        self._lock = fork_safe(threading.RLock())
        self._endpoints: Iterable[Endpoint] | None = None
        self._watches: dict[str, _Watch] = {}
        self._ending: set[_Watch] = set()
        self._emptied: Signal | None = None
        self._is_closed = False
        tell_in_child(self)

    def __len__(self) -> int:
        return len(self._watches) + len(self._ending)

    def begin(self, endpoints: tuple[Endpoint, ...]) -> None:
        """Check these endpoints from now on, and no others; at each call, so that it costs nothing.

        Args:
            endpoints: The same object, as long as they are the same.
        """
        if endpoints is not self._endpoints:
            self._change(endpoints)

    def hang_up(self) -> None:
        """End them all: the client is being closed."""
        with self._lock:
            self._is_closed = True
            self._end(self._watches)
        self.probe.hang_up()

    async def close(self, ports: Ports) -> None:
        """Do so, and wait until they have ended, but not for long."""
        self._emptied = ports.signal()
        self.hang_up()
        if self._ending:
            await self._emptied.wait(_CLOSE_SECONDS)
        await self.probe.close(ports)

    def begin_anew(self) -> None:
        """Forget those of a parent process, or of an event loop that has ended."""
        self._endpoints = None
        for watch in self._watches.values():
            watch.is_over = True  # the loop may run again, but is no longer the client's
        self._watches.clear()
        self._ending.clear()
        self.probe.begin_anew()

    def _change(self, endpoints: tuple[Endpoint, ...]) -> None:
        with self._lock:
            if self._is_closed:
                return
            wanted = {endpoint.url: endpoint for endpoint in endpoints}
            self._end([url for url in self._watches if url not in wanted])
            for url, endpoint in wanted.items():
                if url in self._watches:
                    self._watches[url].endpoint = endpoint
                else:
                    self._start(url, endpoint)
            self._endpoints = endpoints

    def _end(self, urls: Iterable[str]) -> None:
        for url in tuple(urls):
            watch = self._watches.pop(url)
            self._ending.add(watch)
            watch.end()

    def _start(self, url: str, endpoint: Endpoint) -> None:
        task = self._ports.task()
        watch = self._watches[url] = _Watch(endpoint, task, self._ports.signal())
        owner: ref[Checks] = ref(self)
        try:
            task.start(partial(_go_on, owner, watch), partial(_end, owner, watch), is_apart=True)
        except BaseException:  # an interrupt: it would pass for begun
            self._watches.pop(url, None)
            raise

    def remove(self, watch: _Watch) -> None:
        """Take note that the checks of an endpoint are over."""
        with self._lock:
            self._ending.discard(watch)
            if self._watches.get(watch.endpoint.url) is watch:
                del self._watches[watch.endpoint.url]
            is_empty = not self._ending
        if is_empty and self._emptied is not None:
            self._emptied.give()

    def wait_for(self, shares: tuple[float, float]) -> float:
        """Return for how many seconds the next check is put off."""
        return self.interval * random.uniform(*shares)  # noqa: S311 - to be out of step, no secret

    async def check(self, watch: _Watch) -> None:
        """Ask an endpoint, and tell what comes of it."""
        try:
            is_well = await self._ports.within(
                self.interval, lambda: self.probe.ask(watch.endpoint)
            )
        except Exception:  # noqa: BLE001 - whatever it is, there was no good answer
            is_well = False
        if not watch.is_over:
            holds = self.interval * (1 + _NEXT[1])  # the next one may take its time, too
            self._tell(watch.endpoint.url, passed=is_well, holds=holds)


async def _go_on(owner: ref[Checks], watch: _Watch) -> None:
    """Check an endpoint again and again; between two checks nothing holds on to the client."""
    shares = _FIRST
    try:
        while (seconds := _wait(owner, shares)) is not None and not watch.is_over:
            await watch.signal.wait(seconds)
            shares = _NEXT
            await _check(owner, watch)
    except asyncio.CancelledError:
        if not watch.is_over:  # of somebody else: the loop is ending
            raise


def _wait(owner: ref[Checks], shares: tuple[float, float]) -> float | None:
    checks = owner()
    return None if checks is None else checks.wait_for(shares)


async def _check(owner: ref[Checks], watch: _Watch) -> None:
    checks = owner()
    if checks is not None and not watch.is_over:
        await checks.check(watch)


def _end(owner: ref[Checks], watch: _Watch) -> None:
    checks = owner()
    if checks is not None:
        checks.remove(watch)
