"""What is public, by name: what a page of the reference may show, and where each name leads."""

import importlib
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from tests.api.listing import FIXTURES, MET, MODULES, homes, promised, sections
from tests.api.signatures import described

__all__ = ["PLUGIN", "Public", "public_names"]

PLUGIN = "resilient_http_client.pytest_plugin"
# What many have and what is said once, though no module that users import has it by name.
SHARED = (
    "client.events.operations:OfClient",
    "client.events.operations:OfOperation",
    "client.metrics.instruments:Instrument",
    "client.metrics.histogram:HistogramPoint",
    "client.metrics.snapshot:Metric",
    "client.telemetry.sinks:MetricsSource",
    "server.controls.failure_server:Answer",
    "server.health:Health",
    "server.limits:Limits",
    "server.stores.fault_records:CountSetting",
    "server.stores.fault_records:DurationSetting",
    "server.stores.fault_records:FaultsInForce",
    "server.stores.fault_records:RateSetting",
    *(
        f"server.proxy.fault_models:{name}"
        for name in (
            "Refuse",
            "Reset",
            "Cut",
            "Stall",
            "Drip",
            "Bandwidth",
            "Latency",
            "Garbage",
            "Surplus",
            "CloseIdle",
        )
    ),
)


@dataclass(frozen=True)
class Public:
    """All of it.

    Attributes:
        values: What each name stands for, by the full name under which it is shown.
        aliases: Second names, and the first one of each.
        modules: Where they are imported from.
    """

    values: dict[str, Any]
    aliases: dict[str, str]
    modules: frozenset[str] = frozenset(MODULES)

    @cached_property
    def full(self) -> dict[str, str]:
        """The names under which they are shown, by their last part, the first of several."""
        found: dict[str, str] = {}
        for name in (*self.values, *self.aliases):
            found.setdefault(name.rpartition(".")[2], self.aliases.get(name, name))
        return found

    @cached_property
    def homes(self) -> dict[Any, str]:
        """The names by what they stand for."""
        return {
            value: name
            for name, value in self.values.items()
            if not isinstance(value, str) and _is_hashable(value)
        }

    def lines(self, name: str) -> list[str]:
        """What the reviewed listing has of it, without what others of these have."""
        return _lines(name)


@cache
def public_names() -> Public:
    """Look around, once."""
    exported = sections()
    met = [place.replace(":", ".") for place in (*MET, *SHARED)]
    del exported[[*exported][-1]]  # those that are met, under no module's name
    home = homes(exported.values())
    values: dict[str, Any] = {}
    aliases: dict[str, str] = {}
    for names in exported.values():
        for name, value in names.items():
            first = home.get(value, name) if _is_hashable(value) else name
            if first == name:
                values[name] = value
            else:
                aliases[name] = first
    values |= {name: _found(name) for name in met}
    values |= {f"{PLUGIN}.{name}": _found(f"{PLUGIN}.{name}") for name in FIXTURES}
    return Public(values, aliases)


@cache
def _lines(name: str) -> list[str]:
    public = public_names()
    return [*promised(name, described(name, public.values[name], public.homes))]


def _found(name: str) -> Any:
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
