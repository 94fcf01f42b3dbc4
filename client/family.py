"""The httpx module a client speaks: httpx or httpx2, which look alike and must not be mixed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["Family", "family_named"]


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One of the two modules, looked up by attribute so that a test's patch is seen."""

    name: str
    module: Any

    def is_response(self, value: object) -> bool:
        """Tell a response of this family from a test's stand-in."""
        return isinstance(value, self.module.Response)


@cache
def family_named(name: str) -> Family:
    """Return the family of a module's name, importing it at the first call."""
    return Family(name, import_module(name))
