"""How many calls share one HTTP/2 connection: one of them reads, and one writes, for all that wait.

Rule 1  Whoever waits bounds its own waiting. If the one that reads gives up, another takes over.
Rule 2  What is to be sent stands in one queue. A write that is broken off goes on where it stopped,
        whoever goes on with it, so that no frame is ever left half sent.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from .protocol import Failure, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Protocol as Interface

    class Bell(Interface):
        """Rung once, by another call."""

        def ring(self) -> None:
            """Wake the one that waits."""

        async def wait(self, seconds: float | None) -> bool:
            """Wait to be woken; False where it took too long."""
            ...

    class Wiring(Interface):
        """What differs between the two worlds."""

        lock: Any
        """Held while the state changes, never across I/O or a wait."""

        @property
        def start(self) -> Callable[[Callable[[], Coroutine[object, None, None]]], None] | None:
            """Starts writing in a task of its own: a cancelled call leaves no frame half sent.

            None where no call is cancelled: there each call writes by itself.
            """

        def make_bell(self) -> Bell:
            """Make something to wait for."""
            ...

        def ends_at(self, seconds: float | None, expired: type[Exception]) -> float | None:
            """Return when a wait that begins now is to end."""
            ...

        async def receive(self, seconds: float | None) -> bytes | None:
            """Return what has come, b"" where nothing will, or None where it took too long."""
            ...

        async def send(self, data: bytes, seconds: float | None) -> int:
            """Return how many bytes were sent, 0 where it took too long."""
            ...

        def was_waiting(self) -> bool:
            """Whether the interrupt of this call came before anything was received or sent."""
            ...


__all__ = ["Wire"]

_LARGEST_WRITE: Final = 16 * 1024
_MOST_UNSENT: Final = 256 * 1024
"""Beyond this many bytes nothing more is read until they are sent: each PING wants an answer."""


_MOMENT: Final = 0.03
"""Seconds to wait for the rest of a TLS record that has come in part."""
_INTERRUPTED: Final = Failure("ReadError", "an interrupt came between two frames")
_STUCK_AFTER: Final = 1.0
"""Seconds without progress: more than a busy machine takes."""


class _Role:
    """Reading or writing, which one call at a time does for all."""

    def __init__(self, step: Callable[[float | None], Awaitable[bool]]) -> None:
        self.step = step
        self.is_taken = False


class _Waiter:
    def __init__(self, ready: Callable[[], object], role: _Role, bell: Bell) -> None:
        self.ready = ready
        self.role = role
        self.bell = bell


class Wire:
    """The reading and writing of a connection."""

    def __init__(self, protocol: Protocol, wiring: Wiring) -> None:
        self._protocol = protocol
        self._wiring = wiring
        self._lock = wiring.lock
        self._waiters: list[_Waiter] = []
        self._reading = _Role(self._read)
        self._writing = _Role(self._write)
        self._unsent = bytearray()
        self._queued = 0
        self._sent = 0
        self._reads = 0
        self._was_late = False
        self._progressed_at = 0.0
        self._is_cut = False

    @property
    def is_stuck(self) -> bool:
        """Whether a write took longer than its call had time, and does not go on."""
        is_late = self._was_late and time.monotonic() - self._progressed_at > _STUCK_AFTER
        return self._is_cut or is_late

    async def until(
        self, ready: Callable[[], object], seconds: float | None, expired: type[Exception]
    ) -> None:
        """Read, or let another call read, until something holds."""
        await self._until(ready, self._reading, self._wiring.ends_at(seconds, expired), expired)

    async def flush(self, seconds: float | None, expired: type[Exception]) -> None:
        """Send what is to be sent by now.

        A broken connection is no error here. What came before it broke is still to be read, and
        the call that reads finds out.
        """
        with self._lock:
            mark = self._queue()
        self._start_writing()
        ends_at = self._wiring.ends_at(seconds, expired)
        try:
            await self._until(lambda: self._is_sent(mark), self._writing, ends_at, expired)
        except expired:
            self._was_late = True
            raise

    async def flush_some(self) -> None:
        """Send what can be sent without waiting for it; the rest goes with what comes next."""
        with self._lock:
            self._queue()
        self._start_writing()
        if self._unsent and self._take(self._writing):
            try:
                while self._unsent and await self._write(0.0):
                    pass
            finally:
                self._give(self._writing)

    async def read_what_is_there(self) -> None:
        """Process what came while nobody was reading."""
        ends_at = time.monotonic() + _MOMENT
        with suppress(TimeoutError):
            await self._until(self._has_read(), self._reading, ends_at, TimeoutError)

    def _has_read(self) -> Callable[[], bool]:
        before = self._reads
        return lambda: self._reads > before

    def wake(self) -> None:
        """Wake all whose waiting is over, and one to take over what nobody does."""
        with self._lock:
            free = {role for role in (self._reading, self._writing) if not role.is_taken}
            for waiter in self._waiters:
                if waiter.ready():
                    waiter.bell.ring()
                elif waiter.role in free:
                    free.discard(waiter.role)
                    waiter.bell.ring()

    def _is_sent(self, mark: int) -> bool:
        return self._sent >= mark or self._is_cut

    def _queue(self) -> int:
        data = b"" if self._is_cut else self._protocol.output()
        if data and not self._unsent:
            self._progressed_at = time.monotonic()
        self._unsent += data
        self._queued += len(data)
        return self._queued

    async def _until(
        self,
        ready: Callable[[], object],
        role: _Role,
        ends_at: float | None,
        expired: type[Exception],
    ) -> None:
        while True:
            with self._lock:
                if ready():
                    return
                waiter = None
                if role.is_taken:
                    waiter = _Waiter(ready, role, self._wiring.make_bell())
                    self._waiters.append(waiter)
                else:
                    role.is_taken = True
            left = None if ends_at is None else max(0.0, ends_at - time.monotonic())
            if waiter is None:
                is_in_time = await self._play(role, left)
            else:
                is_in_time = await self._wait(waiter, left)
            # What comes without a pause, PINGs for one, must not stretch the time.
            if not ready() and (not is_in_time or left == 0.0):
                raise expired("it took too long")

    async def _play(self, role: _Role, left: float | None) -> bool:
        try:
            return await role.step(left)
        finally:
            self._give(role)

    async def _wait(self, waiter: _Waiter, left: float | None) -> bool:
        try:
            return await waiter.bell.wait(left)
        finally:
            with self._lock:
                self._waiters.remove(waiter)
            if not waiter.role.is_taken:
                self.wake()  # it may have been this one's turn

    def _take(self, role: _Role) -> bool:
        with self._lock:
            if role.is_taken:
                return False
            role.is_taken = True
            return True

    def _give(self, role: _Role) -> None:
        role.is_taken = False
        self.wake()

    async def _read(self, left: float | None) -> bool:
        if len(self._unsent) > _MOST_UNSENT and not self._is_cut:
            return await self._let_write(left)
        try:
            data = await self._wiring.receive(left)
            if data is None:
                return False
            self._take_in(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing more will come
            self._reads += 1
            self._end(Failure("ReadError", str(error)))
        except BaseException:
            if not self._wiring.was_waiting():
                self._end(_INTERRUPTED)
            raise
        await self.flush_some()
        return True

    def _take_in(self, data: bytes) -> None:
        with self._lock:
            self._reads += 1
            if data:
                self._protocol.receive(data)
            else:
                self._protocol.disconnect()

    async def _let_write(self, left: float | None) -> bool:
        mark = self._queued
        ends_at = None if left is None else time.monotonic() + left
        try:
            await self._until(lambda: self._is_sent(mark), self._writing, ends_at, TimeoutError)
        except TimeoutError:
            return False
        return True

    async def _write(self, left: float | None) -> bool:
        with self._lock:
            chunk = bytes(self._unsent[:_LARGEST_WRITE])
        try:
            size = await self._wiring.send(chunk, left)
            self._take_off(size)
        except Exception:  # noqa: BLE001 - whatever it is, the reader will see what came of it
            self._cut()
            return True
        except BaseException:
            if not self._wiring.was_waiting():
                self._cut()
                self._end(_INTERRUPTED)
            raise
        return size > 0

    def _take_off(self, size: int) -> None:
        with self._lock:
            del self._unsent[:size]
            self._sent += size
            if size:
                self._was_late = False
                self._progressed_at = time.monotonic()

    def _cut(self) -> None:
        with self._lock:
            self._is_cut = True
            self._unsent.clear()

    def _start_writing(self) -> None:
        start = self._wiring.start
        if start is not None and self._unsent and self._take(self._writing):
            start(self._write_all)

    async def _write_all(self) -> None:
        try:
            while self._unsent:
                await self._write(None)
                self.wake()
        finally:
            self._give(self._writing)

    def _end(self, failure: Failure) -> None:
        with self._lock:
            self._protocol.fail(failure)
