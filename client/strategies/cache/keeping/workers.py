"""A few threads that do what may block, and that whoever asked need not wait for."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from ....runtime.forking import tell_in_child

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Job", "Workers"]

T = TypeVar("T")
_IDLE_SECONDS: Final = 10.0
"""A thread that has had nothing to do for so long ends."""


class Job(Generic[T]):
    """Something to do, and what came of it.

    Args:
        work: What is to be done.
        ended: Called by the thread once it is.
    """

    __slots__ = ("_ended", "_error", "_is_over", "_result", "_work")

    def __init__(self, work: Callable[[], T], ended: Callable[[], object]) -> None:
        self._work: Callable[[], T] | None = work
        self._ended = ended
        self._is_over = False
        self._result: T | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do it, unless nobody waits for it any more."""
        work = self._work
        if work is None:
            return
        try:
            self._result = work()
        except BaseException as error:  # noqa: BLE001 - for whoever waits
            self._error = error
        self._is_over = True
        self._ended()

    def abandon(self) -> None:
        """Leave it undone, if it has not begun."""
        self._work = None

    def outcome(self) -> T:
        """Return what came of it.

        Raises:
            TimeoutError: It is not over.
            RuntimeError: What was raised is an interrupt, and not for whoever waits here.
            Exception: What was raised.
        """
        if not self._is_over:
            raise TimeoutError
        error, self._error = self._error, None
        if error is None:
            return cast("T", self._result)
        try:
            if isinstance(error, Exception):
                raise error
            raise RuntimeError(type(error).__name__)
        finally:
            error = None  # its traceback leads back to this frame


class _Crew:
    """Threads, and what waits for them."""

    def __init__(self) -> None:
        self.jobs: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self.lock = threading.Lock()
        self.size = 0
        self.idle = 0

    def work(self) -> None:
        """Do what comes, until nothing has for a while or None does."""
        while (job := self._next()) is not None:
            job.run()
            del job  # or it, and its result, would live until the next comes

    def _next(self) -> Job[Any] | None:
        with self.lock:
            self.idle += 1
        try:
            job = self.jobs.get(timeout=_IDLE_SECONDS)
        except Empty:
            with self.lock, suppress(Empty):
                self.idle -= 1
                self.size -= 1
                job = self.jobs.get_nowait()  # which has come in this moment
                self.size += 1
                return job
            return None
        with self.lock:
            self.idle -= 1
            self.size -= job is None
        return job


class Workers:
    """Threads that begin when they are needed, and end when they are not. Safe between threads.

    Args:
        most: How many there may be.
        name: What they are called.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._crew = _Crew()
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Forget the threads, which are in the parent process, and what they were given."""
        self._crew = _Crew()

    def put(self, job: Job[Any]) -> None:
        """Have something done.

        Raises:
            RuntimeError: There is no thread to be had, as at the end of the interpreter.
        """
        crew = self._crew
        crew.jobs.put(job)
        with crew.lock:
            if crew.idle >= crew.jobs.qsize() or crew.size >= self._most:
                return
            crew.size += 1
        try:
            threading.Thread(target=crew.work, name=self._name, daemon=True).start()
        except BaseException:
            with crew.lock:
                crew.size -= 1
            raise

    def close(self) -> None:
        """Have the threads end once all is done; what is put in later is done by others."""
        crew, self._crew = self._crew, _Crew()
        for _ in range(crew.size):
            crew.jobs.put(None)
