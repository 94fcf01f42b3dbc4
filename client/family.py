"""The httpx module a client speaks: httpx or httpx2, which look alike and must not be mixed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_NO_FAMILY: Final = frozenset({type(None), bool, bytes, dict, float, int, list, str, tuple})
_FAMILIES: Final = frozenset({"httpx", "httpx2"})
_KNOWN_BY_NAME: Final = _FAMILIES | {__name__.partition(".")[0]}
"""Packages whose classes are what their name says, wherever a patch has put them."""

__all__ = ["Family", "family_named", "family_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One of the two modules, looked up by attribute so that a test's patch is seen."""

    name: str
    module: Any
    usual: frozenset[type[Any]]
    """What most arguments are, so that to check these costs next to nothing."""

    def is_response(self, value: object) -> bool:
        """Tell a response of this family from a test's stand-in."""
        return isinstance(value, self.module.Response)

    def check(self, options: Mapping[str, Any]) -> None:
        """Refuse objects of the other family: they look right, and would be wrong.

        Raises:
            TypeError: An argument is, or holds, one of them.
        """
        if "mounts" not in options and self.usual.issuperset(map(type, options.values())):
            return
        for name, value in options.items():
            held: dict[str, Any] = value if name == "mounts" and value else {name: value}
            for item in held.values():
                self._check_one(name, item)

    def _check_one(self, name: str, value: object) -> None:
        kind: Any = type(value)
        roots = _packages_of(kind)
        own = self.module.__name__
        if own not in roots and roots & _FAMILIES:
            given = f"{_package_of(kind)}.{kind.__qualname__}"
            raise TypeError(f"{name} is a {given}, but this client is of {own}: give one of {own}")


def family_of(client: object) -> Family:
    """Return the family of a client, httpx where there is none."""
    kind: Any = type(client)
    found = _packages_of(kind) & _FAMILIES
    return family_named("httpx" if "httpx" in found or not found else "httpx2")


@cache
def family_named(name: str) -> Family:
    """Return the family of a module's name, importing it at the first call."""
    module = import_module(name)
    own = {module.Headers, module.Request, module.Timeout, module.URL}
    own.add(type(module.USE_CLIENT_DEFAULT))
    return Family(name, module, _OF_NO_FAMILY | own)


@lru_cache(maxsize=256)
def _packages_of(kind: type[Any]) -> frozenset[str]:
    """Return the packages that a class and its bases come from."""
    return frozenset(map(_package_of, kind.__mro__))


def _package_of(kind: type[Any]) -> str:
    """Return the package of a class: a family's, too, where an SDK has written its own over it.

    openai, anthropic and groq do so to `Timeout`, which they hand on.
    """
    package = str(kind.__module__).partition(".")[0]
    if package not in _KNOWN_BY_NAME:
        for module in filter(None, map(sys.modules.get, _FAMILIES)):
            if vars(module).get(kind.__name__) is kind:
                return module.__name__
    return package
