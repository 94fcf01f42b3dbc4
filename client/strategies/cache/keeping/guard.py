"""A storage that no call suffers from: what it raises and what lasts is as if nothing were kept."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from weakref import WeakSet, WeakValueDictionary

from ....runtime.coroutines import run_to_end
from ....runtime.forking import fork_safe
from ..storages.memory import MemoryStorage
from .access import Awaited, Called, Direct, is_async_storage, require_methods
from .workers import Job, Workers
from .writes import Ledger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from ....engine.ports import Ports
    from .access import Access

__all__ = ["Guard", "Work"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_MOST_THREADS: Final = 4
"""Of one storage; one that hangs does not get more of them."""
_IN_A_ROW: Final = 3
"""After so many failures a storage is left alone for a while."""
_PAUSE: Final = 1.0
_BETWEEN_WARNINGS: Final = 60.0
_CLOSE_SECONDS: Final = 1.0


class Work(Protocol[T_co]):
    """Something that is done with a storage; it suspends only where its access does."""

    def __call__(self, access: Access, /) -> Coroutine[Any, Any, T_co]:
        """Do it."""
        ...


class _Shared:
    """What all clients of this process have in common that use one storage."""

    def __init__(self, storage: Any) -> None:
        self.storage: Any = storage
        self.ledger = Ledger()
        self.workers = Workers(_MOST_THREADS, "resilient-client-cache")
        self.lock = fork_safe(threading.RLock())
        self.users: WeakSet[Guard] = WeakSet()


_lock: Final = fork_safe(threading.Lock())
_all_shared: Final[WeakValueDictionary[int, _Shared]] = WeakValueDictionary()


def _shared_by_users_of(storage: object) -> _Shared:
    with _lock:
        shared = _all_shared.get(id(storage))
        if shared is None:
            shared = _all_shared[id(storage)] = _Shared(storage)
        return shared


class Guard:
    """One client's way to a storage.

    A plain storage is called in threads, unless it says that it does not block.

    Args:
        storage: It.
        ports: The world that the client runs in.
        is_async: Whether that is the async one.
        timeout: Seconds that something may take; beyond, it is as if nothing were kept.
        warn: Logs a warning about the client.

    Raises:
        TypeError: It is no storage, or one for the other world.
    """

    def __init__(
        self,
        storage: object,
        ports: Ports,
        *,
        is_async: bool,
        timeout: float,
        warn: Callable[[str], object],
    ) -> None:
        require_methods(storage)
        self._is_awaited = _is_awaited(storage, is_async=is_async)
        self._is_direct = type(storage) is MemoryStorage
        self._blocks = not self._is_awaited and getattr(storage, "is_blocking", True)
        self._storage: Any = storage
        self._ports = ports
        self._timeout = timeout
        self._warn = warn
        self._failures = 0
        self._again = 0.0
        self._told: float | None = None
        self._shared = _shared_by_users_of(storage)
        self._shared.users.add(self)
        self.ledger: Ledger = self._shared.ledger

    async def run(self, work: Work[T]) -> T | None:
        """Return what work comes to; None where the storage fails, is late, or has of late."""
        if self._is_left_alone():
            return None
        access = self._access()
        try:
            result = await self._result_of(work, access)
        except Exception as error:  # noqa: BLE001 - whatever a storage raises
            self._fail(error)
            return None
        self._failures = 0
        if access.is_damaged:
            self._complain("something that it keeps is damaged")
        return result

    async def close(self) -> None:
        """Close the storage, unless another client uses it; it may be used again."""
        users = self._shared.users
        if self not in users:
            return
        users.discard(self)
        if users:
            return
        try:
            await self._closed()
        except Exception as error:  # noqa: BLE001 - whatever a storage raises
            self._complain(f"closing it failed: {_said(error)}")
        self._shared.workers.close()

    def _access(self) -> Access:
        if self._is_direct:
            return Direct(self._storage)
        return (Awaited if self._is_awaited else Called)(self._storage)

    async def _result_of(self, work: Work[T], access: Access) -> T:
        if self._is_direct:
            with self._shared.lock:  # so that two threads do not write one index at once
                return await work(access)
        if self._is_awaited:
            return await self._ports.within(self._timeout, partial(work, access))
        if self._blocks:
            return await self._in_thread(lambda: run_to_end(work(access)), self._timeout)
        return await work(access)

    async def _in_thread(self, work: Callable[[], T], seconds: float) -> T:
        bell = self._ports.bell()
        job = Job(work, bell.ring)
        try:
            self._shared.workers.put(job)
            await bell.wait(seconds)
        finally:
            job.abandon()
        return job.outcome()

    async def _closed(self) -> None:
        close = self._storage.close
        if self._is_awaited:
            await self._ports.within(_CLOSE_SECONDS, partial(_awaited, close))
        elif self._blocks:
            await self._in_thread(close, _CLOSE_SECONDS)
        else:
            close()

    def _is_left_alone(self) -> bool:
        """Whether the storage has failed so often that it is not asked; one in a second is."""
        if self._failures < _IN_A_ROW:
            return False
        now = self._ports.now()
        if now < self._again:
            return True
        self._again = now + _PAUSE
        return False

    def _fail(self, error: Exception) -> None:
        self._failures += 1
        self._again = self._ports.now() + _PAUSE
        self._complain(_said(error))

    def _complain(self, why: str) -> None:
        """Say so, but once a minute."""
        now = self._ports.now()
        if self._told is None or now - self._told >= _BETWEEN_WARNINGS:
            self._told = now
            name = type(self._storage).__name__
            self._warn(f"the cache goes on as if its {name} were empty: {why}")


def _is_awaited(storage: object, *, is_async: bool) -> bool:
    is_awaited = is_async_storage(storage)
    if is_awaited and not is_async:
        raise TypeError(
            f"{type(storage).__name__} has async methods, and this client blocks: give it a "
            "storage with plain ones"
        )
    return is_awaited


async def _awaited(close: Callable[[], Awaitable[None] | None]) -> None:
    closing = close()
    if closing is not None:
        await closing


def _said(error: Exception) -> str:
    """Return what is told of an error. Its text may have an address with a password in it."""
    kind = type(error)
    if isinstance(error, TimeoutError):
        return "it took too long"
    return f"{kind.__name__}: {error}" if kind.__module__ == "sqlite3" else kind.__name__
