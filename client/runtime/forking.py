"""What must not go on in a forked child: locks that others held, and connections that are shared.

A child has a copy of everything, but only the thread that forked. A lock that another thread held
stays held for ever, slots that were taken are never given back, and a connection that parent and
child both use mixes up their answers.
"""

from __future__ import annotations

import os
from typing import Any, Final, Protocol, TypeVar
from weakref import WeakSet

__all__ = ["Forked", "fork_safe", "tell_in_child"]

LockT = TypeVar("LockT")


class Forked(Protocol):
    """Something that begins anew in a forked child."""

    def begin_anew(self) -> None:
        """Forget what belongs to the parent."""
        ...


_locks: Final[WeakSet[Any]] = WeakSet()
_told: Final[WeakSet[Any]] = WeakSet()


def fork_safe(lock: LockT) -> LockT:
    """Return a lock, or an event, that will be free in a forked child."""
    _locks.add(lock)
    return lock


def tell_in_child(owner: Forked) -> None:
    """Call `begin_anew` of an object in each forked child, for as long as it lives."""
    _told.add(owner)


def _after_fork() -> None:
    for lock in list(_locks):
        lock._at_fork_reinit()  # noqa: SLF001 - as the standard library does with its own
    for owner in list(_told):
        owner.begin_anew()


if hasattr(os, "register_at_fork"):  # pragma: no branch - not on Windows, which has no fork
    os.register_at_fork(after_in_child=_after_fork)
