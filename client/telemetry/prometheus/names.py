"""What a metric is called in Prometheus: its rules for names and units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ...metrics.instruments import Instrument

__all__ = ["PREFIX", "family_name", "label_names", "sample_names"]

PREFIX: Final = "resilient_http_"
_UNITS: Final = {"s": "seconds", "By": "bytes"}
"""Others, which count something named in braces, are no part of a name."""
_ENDINGS: Final = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}


def family_name(instrument: Instrument) -> str:
    """Return the name of a metric, a counter's without `_total`."""
    unit = _UNITS.get(instrument.unit)
    parts = (instrument.name.replace(".", "_"), *([unit] if unit else []))
    return PREFIX + "_".join(parts)


def sample_names(instrument: Instrument) -> list[str]:
    """Return the names that queries use."""
    return [family_name(instrument) + ending for ending in _ENDINGS[instrument.kind]]


def label_names(instrument: Instrument) -> tuple[str, ...]:
    """Return the names of all labels, in the order of their values."""
    return ("client", *instrument.labels)
