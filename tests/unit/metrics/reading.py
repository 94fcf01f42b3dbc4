"""Reads what a client counts, given to it as `telemetry=[reading]`."""

from typing import Any

from client.metrics.instruments import Instrument

__all__ = ["Reading"]


class Reading:
    """Knows the last client that it was given to."""

    source: Any

    def attach(self, source: Any) -> None:
        """Take note of a client."""
        self.source = source

    def counts(self, instrument: Instrument) -> dict[tuple[str, ...], int]:
        """How often each combination of labels came."""
        counts: dict[tuple[str, ...], int] = self.source.snapshot().counts(instrument)
        return counts

    def points(self, instrument: Instrument) -> dict[tuple[str, ...], Any]:
        """The value of each combination of labels."""
        return dict(self.source.snapshot().points(instrument))
