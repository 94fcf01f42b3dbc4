"""The httpx module a client speaks: httpx or httpx2, which look alike and must not be mixed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ..errors.owners import FAMILIES, OURS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from .shapes import Request, Response

_OF_NO_FAMILY: Final = frozenset({type(None), bool, bytes, dict, float, int, list, str, tuple})
_OUR_ROOT: Final = __name__.partition(".")[0]
_KNOWN_BY_NAME: Final = FAMILIES | {_OUR_ROOT}
"""Packages whose classes are what their name says, wherever a patch has put them."""

__all__ = ["Family", "completed", "family_named", "family_of", "request_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One of the two modules, looked up by attribute so that a test's patch is seen."""

    name: str
    module: ModuleType
    usual: frozenset[type[object]]
    """What most arguments are, so that to check these costs next to nothing."""

    def is_response(self, value: object) -> bool:
        """Return whether a value is a response of this family, and no stand-in of a test."""
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
        if own not in roots and roots & FAMILIES:
            package = _package_of(kind)
            given = f"{OURS if package == _OUR_ROOT else package}.{kind.__qualname__}"
            cure = _ours_for(kind, own) or f"one of {own}"
            raise TypeError(f"{name} is a {given}, but this client is of {own}: give {cure}")

    def check_ours(self, name: str, value: object) -> None:
        """Refuse a class of ours of the other family, and name its twin.

        Raises:
            TypeError: It is one.
        """
        if _ours_for(type(value), self.name) is not None:
            self._check_one(name, value)

    def check_request(self, request: object, transport: object) -> None:
        """Refuse a request of the other family's client, in which a transport of ours was put.

        Raises:
            TypeError: It is one.
        """
        if isinstance(request, self.module.Request):
            return
        kind: Any = type(request)
        for other in _packages_of(kind) & FAMILIES:
            name, twin = type(transport).__name__, _ours_for(type(transport), other)
            raise TypeError(
                f"this {name} is of {self.name}, but the client it is in is of {other}: "
                f"give that {twin}"
            )


def family_of(client: object) -> Family:
    """Return the family of a client, httpx where there is none."""
    kind: Any = type(client)
    found = _packages_of(kind) & FAMILIES
    return family_named("httpx" if "httpx" in found or not found else "httpx2")


@cache
def family_named(name: str) -> Family:
    """Return the family of a module's name, importing it at the first call."""
    module = import_module(name)
    own = {module.Headers, module.Request, module.Timeout, module.URL}
    own.add(type(module.USE_CLIENT_DEFAULT))
    return Family(name, module, _OF_NO_FAMILY | own)


def request_of(found: object) -> Any:
    """Return the request of an answer or an exception of httpx, None where it has none."""
    try:
        return getattr(found, "request", None)
    except RuntimeError:  # httpx says so
        return None


def completed(response: Any, request: Request) -> Response:
    """Return a response that somebody made, with what those of a server have."""
    if request_of(response) is None:
        response.request = request
    try:
        _ = response.elapsed
    except RuntimeError:  # likewise
        response.elapsed = timedelta(0)
    made: Response = response
    return made


def _ours_for(kind: type[object], family: str) -> str | None:
    """Return where the twin of a class of ours is found, for the other family; else None."""
    for each in kind.__mro__:
        if "_family_name" in vars(each) and _package_of(each) == _OUR_ROOT:
            where = OURS if family == "httpx" else f"{OURS}.httpx2"
            return f"{where}.{each.__name__}"
    return None


@lru_cache(maxsize=256)
def _packages_of(kind: type[object]) -> frozenset[str]:
    """Return the packages that a class and its bases come from."""
    return frozenset(map(_package_of, kind.__mro__))


def _package_of(kind: type[object]) -> str:
    """Return the package of a class: a family's, too, where an SDK has written its own over it.

    openai, anthropic and groq do so to `Timeout`, which they hand on.
    """
    package = str(kind.__module__).partition(".")[0]
    if package not in _KNOWN_BY_NAME:
        for module in filter(None, map(sys.modules.get, FAMILIES)):
            if vars(module).get(kind.__name__) is kind:
                return module.__name__
    return package
