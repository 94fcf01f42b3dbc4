"""Coroutines that both worlds run: on an event loop, or in one step where nothing suspends."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractContextManager

__all__ = ["Pausing", "Waking", "run_to_end"]

T = TypeVar("T")
Waking: TypeAlias = "Callable[[Callable[[], object]], AbstractContextManager[object]]"
"""Makes the block within which a wait can be ended by what is handed over."""
Pausing: TypeAlias = "Callable[[], AbstractContextManager[object]]"
"""Makes a block within which a limit of time does not end the work it bounds."""


def run_to_end(coroutine: Coroutine[object, None, T]) -> T:
    """Run a coroutine that never suspends, and return its result.

    Raises:
        RuntimeError: It suspended: one of its ports is not a blocking one.
    """
    try:
        coroutine.send(None)
    except StopIteration as finished:
        result: T = finished.value
        return result
    coroutine.close()
    message = "a blocking call suspended: one of its ports awaits something"
    raise RuntimeError(message)
