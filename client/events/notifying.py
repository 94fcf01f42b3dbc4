"""Who is told of events, and how."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Protocol, TypeVar

from ..errors.complaints import complain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from . import Event

__all__ = ["Listener", "notifier"]

EventT = TypeVar("EventT", bound="Event")


class Listener(Protocol):
    """Anything that can be called with an event.

    A listener may name the events it wants in an attribute `listens_to`, a set, list or tuple of
    event classes; without it, it is given every event.
    """

    def __call__(self, event: Event, /) -> None:
        """Handle an event."""


def notifier(
    kind: type[EventT],
    listeners: Iterable[Listener],
    count_error: Callable[[str], object] = lambda _: None,
) -> Callable[[EventT], None] | None:
    """Return what tells the listeners of one kind of event, or None where none listens.

    Args:
        kind: The class of the event.
        listeners: Who may want to know.
        count_error: Given the name of a listener that raised.

    Raises:
        TypeError: A listener cannot be called, or is async.
    """
    interested = tuple(listener for listener in listeners if _listens(listener, kind))
    if not interested:
        return None

    def notify(event: EventT) -> None:
        for listener in interested:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - it is told
                complain("a listener raised on %s", type(event).__name__)
                count_error(_name_of(listener))

    return notify


def _name_of(listener: Listener) -> str:
    """Return what a listener is known by: the name of the function, or of its class."""
    return str(getattr(listener, "__qualname__", type(listener).__qualname__))


def _listens(listener: Listener, kind: type[object]) -> bool:
    call = getattr(listener, "__call__", None)  # noqa: B004 - the method itself is asked for
    if call is None or inspect.iscoroutinefunction(listener) or inspect.iscoroutinefunction(call):
        raise TypeError(
            f"listener {listener!r} is not allowed: give a plain callable that takes one event; "
            f"an async one would never be awaited"
        )
    wanted = getattr(listener, "listens_to", None)
    # The mocks of a test have every attribute; they are told everything.
    return kind in wanted if isinstance(wanted, frozenset | set | tuple | list) else True
