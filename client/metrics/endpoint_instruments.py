"""The metrics of endpoints; see `instruments`."""

from __future__ import annotations

from typing import Final

from .instruments import Instrument

__all__ = ["ENDPOINTS", "ENDPOINT_EJECTIONS", "ENDPOINT_OUTSTANDING"]

ENDPOINTS: Final = Instrument(
    name="endpoints",
    kind="gauge",
    help="Endpoints by the state that they are in",
    unit="{endpoint}",
    labels=("state",),
    of_several="max",
)
ENDPOINT_OUTSTANDING: Final = Instrument(
    name="endpoint.outstanding",
    kind="gauge",
    help="Attempts that are out to an endpoint, open streams included",
    unit="{attempt}",
    labels=("target",),
)
ENDPOINT_EJECTIONS: Final = Instrument(
    name="endpoint.ejections",
    kind="counter",
    help="Ejections of endpoints that failed, by what for",
    unit="{ejection}",
    labels=("target", "reason"),
)
