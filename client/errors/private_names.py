"""The loss of a private name of another library, which must not take a protection away in silence.

Each library has one file with all its names that this package leans on beyond its documentation:
`httpx_names` and `httpcore_names` here, the others in the rooms that need them. The first client
checks them, once a library.
"""

from __future__ import annotations

import sys
import warnings
from functools import reduce
from inspect import currentframe, unwrap
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from .owners import OURS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

__all__ = ["PrivateName", "WeakenedProtectionWarning", "check", "names_in"]


class WeakenedProtectionWarning(UserWarning):
    """A library is built otherwise than expected, and something is weaker; the text says what."""


class PrivateName(NamedTuple):
    """A name that a library may change at any time.

    Attributes:
        place: The class or module that has it, as a path below the library; "" for the library.
        name: As the library spells it.
        lost: What does not hold without it, to stand behind "without it".
        is_vital: Whether a promise breaks that can be kept in no other way. Without any other name
            the code goes on, and something is weaker.
    """

    place: str
    name: str
    lost: str
    is_vital: bool = True


def check(library: Any, works: str, names: Collection[PrivateName]) -> None:
    """Report the names that a library does not have.

    Args:
        library: Its module.
        works: The requirement, for pip, of versions that have them all.
        names: What is looked for. A class of somebody else's in the place of the library's own is
            left alone.

    Raises:
        RuntimeError: A vital one is missing. For any other there is one warning.
    """
    missing = _missing(library, names)
    if vital := [each for each in missing if each.is_vital]:
        raise RuntimeError(_text(library, works, vital))
    if missing:
        warnings.warn(
            _text(library, works, missing), WeakenedProtectionWarning, stacklevel=_callers_level()
        )


def names_in(place: Any) -> set[str]:
    """Return what a module has, or what a class has or speaks of in its methods.

    An attribute that only instances have is set by a method. No instance is made to look, because
    the arguments of a private class are as private.
    """
    bases: tuple[type[object], ...] = getattr(place, "__mro__", ())
    found = set(dir(place))
    for base in bases:
        own: dict[str, Any] = dict(vars(base))
        found.update(_annotated(base))
        for member in own.values():
            found.update(_names_of(member))
    return found


def _annotated(base: type[object]) -> Iterable[str]:
    if sys.version_info >= (3, 14):  # pragma: no cover - there they are made when asked for
        from annotationlib import Format, get_annotations  # noqa: PLC0415 - it is in no older one

        return get_annotations(base, format=Format.FORWARDREF)
    found: dict[str, Any] = vars(base).get("__annotations__", {})
    return found


def _names_of(member: Any) -> Iterator[str]:
    function = getattr(member, "fget", None) or getattr(member, "__func__", member)
    code = getattr(unwrap(function), "__code__", None)
    return _names_in_code(code) if type(code) is CodeType else iter(())  # a mock passes for one


def _names_in_code(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in_code(constant)


def _missing(library: Any, names: Collection[PrivateName]) -> list[PrivateName]:
    places = {each.place: _find(library, each.place) for each in names}
    found = {
        path: names_in(place)
        for path, place in places.items()
        if not _is_somebody_elses(place, library)
    }
    return [each for each in names if each.place in found and each.name not in found[each.place]]


def _find(library: Any, path: str) -> Any:
    parts = filter(None, path.split("."))
    return reduce(lambda found, part: getattr(found, part, None), parts, library)


def _is_somebody_elses(place: Any, library: Any) -> bool:
    """Whether something stands in the place of a library's class, as a test's stand-in does."""
    if place is None or isinstance(place, ModuleType):
        return False
    bases = getattr(place, "__mro__", ())
    return library.__name__ not in {base.__module__.partition(".")[0] for base in bases}


def _text(library: Any, works: str, missing: list[PrivateName]) -> str:
    name = library.__name__
    by_loss: dict[str, list[str]] = {}
    for each in missing:
        by_loss.setdefault(each.lost, []).append(f"{each.place or name}.{each.name}")
    said = [f"no {', '.join(names)}; without it {lost}" for lost, names in by_loss.items()]
    version = getattr(library, "__version__", None) or _version_of(name)
    return f"{name} {version} has {'. It has '.join(said)}. What works: pip install '{works}'"


def _version_of(distribution: str) -> str:
    from importlib.metadata import version  # noqa: PLC0415 - it takes its time, and is rarely needed

    return version(distribution)


def _callers_level() -> int:
    """Return how far up the stack of `check` the code stands that uses this package."""
    frame, level, found = currentframe(), 0, 0
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(f"{OURS}."):
            found = level + 1
        frame, level = frame.f_back, level + 1
    return found
