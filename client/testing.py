"""For the tests of those who use this library: no waiting, and a memory for events.

Nothing of it is imported by the rest of the package.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from . import events
from .runtime.seconds import without_waiting

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

__all__ = ["EventRecorder", "instant_retries"]

EventT = TypeVar("EventT")


@contextmanager
def instant_retries() -> Generator[None]:
    """Let no client wait between its attempts until the block is left.

    For every client of the process, facade, drop-in and transport, in all its threads. What they
    decide stays the same: how often they try, the waits they announce and report, whether a wait
    would outlast a deadline. Time does not pass for them; neither a bulkhead's queue nor a
    circuit's break ends sooner.

    pytest has a fixture of the same name, where this distribution is installed.
    """
    with without_waiting():
        yield


class EventRecorder:
    """A listener that remembers what it is told, for a test to look at.

    Give it to any client as `listeners=[recorder]`. Several clients and threads may share it.

    Args:
        *kinds: The classes of events that are remembered; by default all.

    Raises:
        TypeError: A kind is no class of `client.events`.

    Attributes:
        events: What was told, in the order in which it happened.
        listens_to: The kinds, where some were given.
    """

    def __init__(self, *kinds: type[Any]) -> None:
        for kind in kinds:
            if kind not in get_args(events.Event):
                raise TypeError(f"{kind!r} is no event: give classes of client.events")
        # Not set otherwise: a listener without this attribute is told everything.
        if kinds:
            self.listens_to: tuple[type[events.Event], ...] = kinds
        self.events: list[events.Event] = []

    def __call__(self, event: events.Event, /) -> None:
        """Remember an event."""
        self.events.append(event)

    def of(self, kind: type[EventT]) -> list[EventT]:
        """Return the events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def one(self, kind: type[EventT]) -> EventT:
        """Return the only event of one kind.

        Raises:
            AssertionError: There is none, or there are several; it shows what was told.
        """
        found = self.of(kind)
        if len(found) != 1:
            raise AssertionError(
                f"{len(found)} events are a {kind.__name__}, not one; told were: {self.names}"
            )
        return found[0]

    @property
    def names(self) -> list[str]:
        """The names of the events' classes, in order: short to compare with."""
        return [type(event).__name__ for event in self.events]

    def clear(self) -> None:
        """Forget what was told so far."""
        self.events.clear()

    def __len__(self) -> int:
        return len(self.events)

    def __iter__(self) -> Iterator[events.Event]:
        return iter(list(self.events))

    def __repr__(self) -> str:
        return f"<EventRecorder {self.names}>"


def __dir__() -> list[str]:
    return sorted(__all__)
