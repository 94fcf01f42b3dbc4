"""Gathers the contenders that are installed, and says why the others are absent."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.speed.contenders.contract import Contender

__all__ = ["Lineup", "gather"]

_MODULES: Final = {
    "plain_httpx": "httpx",
    "facade": "facade",
    "drop_in": "drop-in",
    "transport": "transport",
    "with_tenacity": "httpx + tenacity",
    "with_stamina": "httpx + stamina",
    "with_httpx_retries": "httpx-retries",
    "with_pybreaker": "pybreaker",
    "with_pyresilience": "httpx + pyresilience",
    "with_interlock": "httpx + interlock-cb",
    "aiohttp_backend": "facade, aiohttp",
    "aiohttp_transport": "drop-in, aiohttp",
    "with_httpx_aiohttp": "httpx-aiohttp",
}
"""In the order of the tables, and how they are named where they are absent."""


@dataclass(frozen=True, slots=True)
class Lineup:
    """Those who are measured.

    Attributes:
        contenders: In the order of the tables.
        rejecting: Makes, for libraries that are a circuit breaker without a client, a call that
            is rejected.
        absent: Why some are not here.
    """

    contenders: tuple[Contender, ...]
    rejecting: dict[str, Callable[[], Callable[[], bool]]]
    absent: dict[str, str]

    def versions(self) -> dict[str, str]:
        """Return the version of each library of somebody else's."""
        names = {each.distribution for each in self.contenders} | {"pybreaker", "pydantic"}
        return {name: version(name) for name in sorted(filter(None, names))}


def gather() -> Lineup:
    """Import what there is."""
    contenders: list[Contender] = []
    rejecting: dict[str, Any] = {}
    absent: dict[str, str] = {}
    for name, shown in _MODULES.items():
        try:
            module = import_module(f"benchmarks.speed.contenders.{name}")
        except ImportError as error:
            absent[shown] = str(error)
            continue
        contenders += module.CONTENDERS
        if hasattr(module, "rejecting"):
            rejecting[shown.removeprefix("httpx + ")] = module.rejecting
    return Lineup(tuple(contenders), rejecting, absent)
