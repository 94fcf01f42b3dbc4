"""Who is told of what happens to a circuit: the clients that share it, and are there yet."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from ...events import CircuitClosed, CircuitHalfOpened, CircuitOpened
from ...metrics.instruments import CIRCUIT_TRANSITIONS
from ...runtime.forking import fork_safe
from .state import CircuitState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...engine.notifiers import Notifiers
    from ...metrics.aggregator import Aggregator
    from .state import Mover

__all__ = ["Audience", "Member"]

_NOBODY: Final[Mapping[str, object]] = {"request_id": None, "method": None, "url": None}
"""What an event says of the operation where none of the client's own moved the circuit."""


_STATES: Final[Mapping[type[object], str]] = {
    CircuitOpened: CircuitState.OPEN,
    CircuitHalfOpened: CircuitState.HALF_OPEN,
    CircuitClosed: CircuitState.CLOSED,
}


class Member:
    """A client, as a circuit knows it.

    Args:
        notify: Tells its listeners.
        metrics: Where transitions are counted.
        name: Of its circuit, where that does not stand for an origin.
    """

    def __init__(self, notify: Notifiers, metrics: Aggregator, name: str = "client") -> None:
        self.notify: Notifiers = notify
        self._metrics = metrics
        self._name = name

    def label(self, scope: str) -> str:
        """Return what a scope is counted under: one of few targets."""
        return scope if scope == self._name else self._metrics.targets.label_of(scope)

    def tell(self, kind: type[object], about: Mapping[str, object], fields: Any) -> None:
        """Count an event, and make and hand it out where somebody listens to such."""
        to = _STATES.get(kind)
        if to is not None:
            self.count(fields["scope"], to, fields.get("cause", "local"))
        notify = self.notify[kind]
        if notify is not None:
            make: Any = kind
            notify(make(**{**about, "client": self.notify.client}, **fields))

    def count(self, scope: str, to: str, cause: str) -> None:
        """Count a transition."""
        self._metrics.add(CIRCUIT_TRANSITIONS, (self.label(scope), to, cause))


class Audience:
    """The clients that share a circuit, or those of one breaker. Safe to share between threads.

    It keeps none of them alive: whoever joins belongs to a client, and goes with it.
    """

    def __init__(self) -> None:
        self._lock = fork_safe(threading.RLock())
        self._members: list[weakref.ref[Member]] = []

    def join(self, member: Member) -> None:
        """Have a client told from now on."""
        with self._lock:
            self._members = [weakref.ref(each) for each in (*self._there(), member)]

    def leave(self, member: Member) -> None:
        """Have a client told no longer: it is closed."""
        with self._lock:
            self._members = [weakref.ref(each) for each in self._there() if each is not member]

    def tell(
        self, kind: type[object], fields: Mapping[str, object], by: tuple[Any, Member] | None = None
    ) -> None:
        """Tell every client, and who moved the circuit even where it is none of these.

        Args:
            kind: The class of the event.
            fields: Those of its fields that are not about an operation.
            by: What the event says of the operation that moved it, and its client; or None.
        """
        about, mover = (_NOBODY, None) if by is None else by
        if mover is not None:
            mover.tell(kind, about, fields)
        for member in self._there():
            if member is not mover:
                member.tell(kind, _NOBODY, fields)

    def count(self, scope: str, to: str, cause: str) -> None:
        """Have every client count a transition that an event of another name tells of."""
        for member in self._there():
            member.count(scope, to, cause)

    def _there(self) -> list[Member]:
        return [each for reference in self._members if (each := reference()) is not None]


def as_told(by: Mover | None) -> tuple[Any, Member] | None:
    """Return who moved a circuit without the operation itself, which need not outlive its end."""
    return None if by is None else (by[0].about(), by[1])
