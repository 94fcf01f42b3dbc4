"""What `telemetry=` takes, and how each of them is joined to a client.

Whatever is given there has one or more of these: it is a listener of events, it reads what was
counted when it likes (`attach`), it is handed that once a second (`export`), or it traces.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, Protocol

from .pump import pump_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..engine.tracing import Tracing
    from ..metrics.aggregator import Aggregator, Recorder
    from ..metrics.instruments import Instrument
    from ..metrics.snapshot import MetricsSnapshot
    from .pump import Line, Pump

__all__ = ["Joined", "MetricSink", "MetricsSource", "Telemetry"]

_WAYS = ("attach", "export", "begin_operation")
_LAST_SECONDS: Final = 1.0
"""How long closing waits for the last export of a sink."""
_LAST_SECONDS_OF_ASYNC: Final = 0.1
"""As long the event loop stands still, where a sink is that slow."""


class MetricsSource(Protocol):
    """What one client has counted. Safe to be asked from any thread.

    It does not keep the client alive, and may be kept for what it has counted last.
    """

    client: str
    """The name of the client."""
    client_id: int
    """Its number in this process, which tells clients of one name apart."""
    recorders: tuple[Recorder, ...]

    @property
    def is_over(self) -> bool:
        """Whether the client is gone, so that nothing more will be counted."""
        ...

    def snapshot(self) -> MetricsSnapshot:
        """Return everything that was counted so far, and what stands now."""
        ...

    def gauges(self) -> dict[Instrument, dict[tuple[str, ...], float]]:
        """Return what stands now, by instrument and labels; nothing where the client is gone."""
        ...


class Telemetry(Protocol):
    """Something that reads what clients have counted when it likes, as a scrape does."""

    def attach(self, source: MetricsSource) -> None:
        """Take note of one more client."""
        ...


class MetricSink(Protocol):
    """Something of your own that is handed what a client has counted, once a second.

    Each sink has a thread of its own, which all its clients share: a slow one delays no call and
    no other sink, and what it raises is logged and counted. A last time it is called when a client
    is closed, is dropped, or the interpreter ends; none of these waits for it longer than a second.
    """

    def export(self, snapshot: MetricsSnapshot, /) -> None:
        """Take in a snapshot, whose counters have grown since the client was made."""
        ...


class Joined:
    """What is joined to one client.

    Args:
        given: What was given as `telemetry=`.
        source: What the client counts.
        owner: The client, or what lives as long.

    Raises:
        TypeError: Something is no telemetry.

    Attributes:
        listeners: Those that listen to events.
        tracing: What follows its operations, or None.
    """

    def __init__(self, given: Iterable[Any], source: Aggregator, owner: object) -> None:
        # One that was given twice would count everything twice.
        each_of = tuple({id(each): each for each in given}.values())
        for each in each_of:
            _check(each)
        for each in each_of:
            if hasattr(each, "attach"):
                each.attach(source)
        self.listeners: tuple[Any, ...] = tuple(each for each in each_of if callable(each))
        self.tracing: Tracing | None = _tracing_among(each_of)
        pumps = [pump_of(each) for each in each_of if hasattr(each, "export")]
        self._lines: list[tuple[Pump, Line]] = [
            (pump, pump.join(source, owner)) for pump in dict.fromkeys(pumps)
        ]

    def flush(self, *, is_async: bool) -> None:
        """Hand the sinks what was counted up to now; wait for slow ones, but not for long."""
        for pump, line in self._lines:
            pump.flush(line, _LAST_SECONDS_OF_ASYNC if is_async else _LAST_SECONDS)

    def close(self, *, is_async: bool) -> None:
        """Do so a last time, but for what calls that are under way count within a second."""
        self.flush(is_async=is_async)
        for pump, line in self._lines:
            pump.leave(line)


def _tracing_among(given: Iterable[Any]) -> Tracing | None:
    found = [each for each in given if hasattr(each, "begin_operation")]
    if len(found) > 1:
        raise TypeError(f"telemetry has {len(found)} tracers: give one, or every span comes twice")
    return found[0] if found else None


def _check(each: object) -> None:
    if isinstance(each, type) or not (callable(each) or any(hasattr(each, way) for way in _WAYS)):
        raise TypeError(
            f"telemetry has {each!r}: give objects such as PrometheusMetrics(), or one of your "
            "own with a method export(snapshot)"
        )
    for way in _WAYS:
        method = getattr(each, way, _absent)
        if not callable(method) or inspect.iscoroutinefunction(method):
            raise TypeError(
                f"telemetry has {each!r}, whose {way} is {method!r}: give it a plain method; an "
                "async one would never be awaited"
            )


def _absent() -> None:
    """Stand in for a method that is not there."""
