"""The list of endpoints where a function says which they are: read at a call, never in its way.

Rule 1  One reading at a time. It belongs to nobody: the call that began it may end before it does.
Rule 2  Only calls that have no list yet wait. Once there is one, a reading goes on beside them, and
        where it fails, hangs or returns rubbish the last list stands.
Rule 3  Nothing happens between calls: a client that nobody uses reads nothing.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from pydantic import ValidationError

from ...config.parts.endpoints import check_endpoints
from ...exceptions import APIConnectionError
from ...runtime.daemon_call import call_in_daemon
from ...runtime.forking import fork_safe, tell_in_child

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...config.parts.endpoints import Endpoint
    from ...engine.operation import Call
    from ...engine.ports import Bell, Ports, Signal, Task

    Endpoints = tuple[Endpoint, ...]

__all__ = ["Listing", "check_read"]

_PATIENCE: Final = 10.0
"""Seconds for which a call waits for the first list, and after which an async reading is ended."""
_TELL_EVERY: Final = 60.0
_CLOSE_SECONDS: Final = 1.0
_KEPT: Final = "the endpoints could not be read, and the last list is kept"


def check_read(read: object, *, is_async: bool) -> None:
    """Refuse a function that a client cannot ask for its endpoints.

    Raises:
        TypeError: It takes arguments, or is async and the client a blocking one.
    """
    if not is_async and _is_async(read):
        raise TypeError(
            "endpoints is an async function: a blocking client needs a plain one, or a list"
        )
    try:
        shape = inspect.signature(cast("Callable[..., object]", read))
    except (TypeError, ValueError):
        return  # of C, say
    try:
        shape.bind()
    except TypeError as error:
        taken = shape.replace(return_annotation=inspect.Signature.empty)
        raise TypeError(f"endpoints takes {taken}: it is called without arguments") from error


def _is_async(read: object) -> bool:
    call = getattr(read, "__call__", None)  # noqa: B004 - the method itself is asked for
    return inspect.iscoroutinefunction(read) or inspect.iscoroutinefunction(call)


class _Reading:
    """One time that the function is asked."""

    def __init__(self, task: Task, began: float) -> None:
        self.task = task
        self.began = began
        self.bells: set[Bell] = set()
        """Those of the calls that wait for it."""
        self.error: BaseException | None = None
        self.is_over: bool = False


class Listing:
    """The endpoints of a client, by what a function says. Safe to share between threads.

    Args:
        read: Returns a list of endpoints, or what can be awaited for one.
        refresh: Seconds after which it is asked again.
        ports: Of the client.
        is_async: Whether the client is an async one, where a plain function is called in a thread.
        check: Raises `ValueError` for an endpoint that the client cannot use.
        warn: Logs a warning about the client.
        known: What stands until it is read for the first time; None where calls wait for that.
    """

    def __init__(  # noqa: PLR0913 - what it is made of, each named by the caller
        self,
        read: Callable[[], Any],
        *,
        refresh: float,
        ports: Ports,
        is_async: bool,
        check: Callable[[Endpoint], object],
        warn: Callable[[str], object],
        known: Endpoints | None = None,
    ) -> None:
        check_read(read, is_async=is_async)
        self.refresh: float = refresh
        self._read = read
        self._ports = ports
        self._is_async = is_async
        self._check = check
        self._warn = warn
        # Not a plain lock: a signal handler may close the client in the middle of its own call.
        self._lock = fork_safe(threading.RLock())
        self._known: Endpoints | None = known
        self._looked: float | None = None
        """When the last reading ended, whatever came of it."""
        self._told: float | None = None
        self._reading: _Reading | None = None
        self._emptied: Signal | None = None
        self._is_closed = False
        tell_in_child(self)

    @property
    def known(self) -> Endpoints | None:
        """The list as it stands, the same object while it is the same; None before the first."""
        return self._known

    def look(self) -> Endpoints | None:
        """Return it; where that is due, a reading begins, which is not waited for."""
        now = self._ports.now()
        if self._is_due(now):
            self._begin(now)
        return self._known

    async def current(self, call: Call) -> Endpoints:
        """Return the list; where there is none yet, wait for it, within the time of a call.

        Raises:
            APIConnectionError: It could not be read, or not in time. The next call tries again, and
                no circuit has heard of it.
            DeadlineExceededError: The call has no time left.
            ClientClosedError: The client is closed.
        """
        if (known := self._known) is not None:
            return self.look() or known
        reading = self._begin(self._ports.now())
        if reading is not None:
            await self._wait(reading, call)
        if (known := self._known) is None:
            self._fail(call, reading)
        return known

    def begin_anew(self) -> None:
        """Forget a reading of a parent process, or of an event loop that has ended."""
        self._reading = None
        self._looked = None

    def hang_up(self) -> None:
        """End a reading that is under way: the client is being closed."""
        with self._lock:
            self._is_closed = True
            reading = self._reading
        if reading is not None:
            reading.task.cancel()
            _ring(reading)

    async def close(self, ports: Ports) -> None:
        """Do so, and wait for it, but not for long: a function that blocks is left behind."""
        self._emptied = ports.signal()
        self.hang_up()
        if self._reading is not None:
            await self._emptied.wait(_CLOSE_SECONDS)
            self._reading = None

    def _is_due(self, now: float) -> bool:
        return self._looked is None or abs(now - self._looked) >= self.refresh

    def _begin(self, now: float) -> _Reading | None:
        """Return the reading that is under way, or has just begun; None where none is needed."""
        with self._lock:
            reading = self._reading
            if reading is not None:
                if now - reading.began >= _PATIENCE and self._known is not None:
                    self._tell(f"it has been going on for {now - reading.began:.0f} s", now)
                return reading
            if self._is_closed or not self._is_due(now):  # somebody was quicker
                return None
            try:
                self._reading = reading = _Reading(self._ports.task(), now)
                reading.task.start(
                    lambda: self._work(reading), lambda: self._over(reading), is_apart=True
                )
            except BaseException:  # an interrupt: nobody would ever read again
                self._reading = None
                raise
            return reading

    async def _wait(self, reading: _Reading, call: Call) -> None:
        seconds = _PATIENCE
        if call.deadline is not None:
            seconds = min(seconds, call.deadline.left(self._ports.now()))
        bell = self._ports.bell()
        reading.bells.add(bell)
        try:
            if not (reading.is_over or self._is_closed):
                await bell.wait(seconds)
        finally:
            reading.bells.discard(bell)

    def _fail(self, call: Call, reading: _Reading | None) -> NoReturn:
        errors = call.host.errors
        if self._is_closed or reading is None:  # who finds none finds a list, or a closed client
            raise errors.closed(call)
        if call.deadline is not None and call.deadline.passed(self._ports.now()):
            raise errors.late(call)
        why = _why(reading.error) if reading.is_over else f"no list came within {_PATIENCE:g} s"
        text = f"the endpoints could not be read: {why}"
        error = errors.make(APIConnectionError, call, text, request_sent=False)
        call.failure = KeyboardInterrupt()  # of the servers' health it says nothing
        try:
            raise error from reading.error
        finally:
            del error, reading  # they would keep each other alive

    async def _work(self, reading: _Reading) -> None:
        """Ask, and keep what is said; never raises."""
        try:
            found = self._checked(await self._ask())
        except asyncio.CancelledError:
            if not self._is_closed:  # of somebody else: the loop is ending
                raise
        except Exception as error:  # noqa: BLE001 - of the caller's function
            reading.error = error
            if self._known is not None:
                self._tell(_why(error), self._ports.now())
        else:
            if found != self._known:
                self._known = found
        finally:
            del reading  # this frame is in the traceback of the error that it keeps

    async def _ask(self) -> object:
        if not self._is_async:
            return self._read()
        if _is_async(self._read):
            return await self._ports.within(_PATIENCE, self._read)
        found = await call_in_daemon(self._read)
        if inspect.isawaitable(found):
            return await self._ports.within(_PATIENCE, lambda: found)
        return found

    def _checked(self, found: object) -> Endpoints:
        """Return what the function said.

        Raises:
            ValueError: It cannot be used.
        """
        endpoints = _read_list(found)
        for endpoint in endpoints:
            try:
                self._check(endpoint)
            except ValueError as error:  # ours, whose text tells no secret
                raise _RubbishError(str(error)) from None
        return endpoints

    def _over(self, reading: _Reading) -> None:
        """Take note that a reading is over, and let go on who waits for it."""
        with self._lock:
            reading.is_over = True
            self._looked = self._ports.now() if self._known is not None else None
            if self._reading is reading:
                self._reading = None
        _ring(reading)
        if self._emptied is not None:
            self._emptied.give()

    def _tell(self, why: str, now: float) -> None:
        if self._told is None or not 0 <= now - self._told < _TELL_EVERY:
            self._told = now
            self._warn(f"{_KEPT}: {why}")


def _ring(reading: _Reading) -> None:
    for bell in tuple(reading.bells):
        bell.ring()


def _read_list(found: object) -> Endpoints:
    """Return what a function said as endpoints.

    Raises:
        ValueError: It is no list of them, or an empty one.
    """
    if inspect.isawaitable(found):
        close = getattr(found, "close", None)
        if close is not None:
            close()  # else it would complain that nobody has awaited it
        raise _RubbishError("it returned what must be awaited: a blocking client needs a list")
    if found is None or callable(found):
        raise _RubbishError(f"it returned {'None' if found is None else 'a function'}, and no list")
    if not found:
        raise _RubbishError("it returned an empty list")
    if isinstance(found, str):
        raise _RubbishError("it returned a text, and no list")
    try:
        return cast("Endpoints", check_endpoints(found))
    except ValidationError as error:  # of one endpoint, as it is told where it is given
        raise _RubbishError(
            f"it returned what is no endpoint: {error.errors()[0]['msg']}"
        ) from None
    except ValueError as error:
        raise _RubbishError(f"it returned what is no list of endpoints: {error}") from None


class _RubbishError(ValueError):
    """What a function returned is no list of endpoints."""


def _why(error: BaseException | None) -> str:
    """Return what went wrong, and of what others raise no more than its kind: it may be secret."""
    if error is None:
        return "reading them was broken off"
    if isinstance(error, _RubbishError):
        return str(error)
    if isinstance(error, TimeoutError):
        return "it took too long"
    return f"{type(error).__name__} was raised"
