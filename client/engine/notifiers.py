"""One notifier per kind of event, made once, so that an event nobody wants costs a look-up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from .. import events
from ..events.notifying import notifier
from ..metrics.instruments import LISTENER_ERRORS
from ..runtime.forking import fork_safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..metrics.aggregator import Aggregator
    from .tracing import Tracing

    Notify = Callable[[Any], None]

__all__ = ["Notifiers"]

_lock: Final = fork_safe(threading.RLock())
"""Keeps an answer from before a listener came out of the table."""


class Notifiers(dict[type[object], "Notify | None"]):
    """Of each kind of event, what tells the listeners of it, or None where nobody listens.

    Args:
        listeners: Told of events; checked at once.
        client: The client's name, which every event carries.
        metrics: Where errors of listeners are counted.
        tracing: Follows operations and attempts, or None.

    Raises:
        TypeError: A listener cannot be called, or is async.
    """

    def __init__(
        self,
        listeners: Iterable[events.Listener],
        client: str = "default",
        metrics: Aggregator | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        super().__init__()
        self.tracing = tracing
        self._metrics = metrics
        self._listeners = tuple(listeners)
        self.client = client
        # Made now, for that checks the listeners; the others when they are asked for.
        self.__missing__(events.OperationSucceeded)

    def add(self, listener: events.Listener) -> None:
        """Tell one more listener from now on."""
        with _lock:
            self._listeners = (*self._listeners, listener)
            self.clear()

    def replace(self, old: events.Listener, new: events.Listener) -> None:
        """Tell another listener in the place of one."""
        with _lock:
            self._listeners = tuple(new if each is old else each for each in self._listeners)
            self.clear()

    def __missing__(self, kind: type[object]) -> Notify | None:
        with _lock:
            notify = self[kind] = notifier(kind, self._listeners, self._count_error)
        return notify

    def _count_error(self, listener: str) -> None:
        if self._metrics is not None:
            self._metrics.add(LISTENER_ERRORS, (listener,))
