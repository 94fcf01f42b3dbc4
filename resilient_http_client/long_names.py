"""A second way to our packages, past whatever else is called `client` or `server`.

Rule 1  Ours are found by where they stand: inside this package (an installed distribution), or
        beside it (a clone).
Rule 2  Where `client` is ours, `resilient_http_client.client` is that very module, and so is each
        module below it: nobody has two classes of one error.
Rule 3  Where it is another's, ours is loaded under the long name alone.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import InspectLoader, Loader
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

__all__ = ["install"]

_PACKAGE: Final = __name__.rpartition(".")[0]
_OURS: Final = frozenset({"client", "server"})
_BESIDE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pytest loads this in every project, and pathlib takes longer than all the rest


class _LongNames:
    """Finds `resilient_http_client.client`, `.server`, and what stands below them."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002 - as Python calls it
    ) -> ModuleSpec | None:
        package, _, short = fullname.partition(".")
        name, _, below = short.partition(".")
        if package != _PACKAGE or name not in _OURS:
            return None
        places = list(path or ())
        if below:
            is_same = sys.modules[f"{package}.{name}"].__name__ == name
        else:
            is_same = _is_ours(name)
            places.append(_BESIDE)
        spec = PathFinder.find_spec(fullname, places)
        if spec is not None and is_same:
            spec.loader = cast("Loader", _SameModule(short, cast("InspectLoader", spec.loader)))
        return spec


class _SameModule:
    """Puts the module of the short name under the long one, too."""

    def __init__(self, short: str, loader: InspectLoader) -> None:
        self._short = short
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python: what it makes is thrown away."""

    def exec_module(self, module: ModuleType) -> None:
        """Import the other name."""
        # What stands here when this returns is what was imported.
        sys.modules[module.__name__] = import_module(self._short)

    def get_code(self, fullname: str) -> CodeType | None:
        """Return what `python -m` runs."""
        return self._loader.get_code(fullname)


def _is_ours(name: str) -> bool:
    """Whether Python finds our package by its short name."""
    try:
        found = find_spec(name)
    except ValueError:  # somebody has put something there that was never imported
        return False
    if found is None or found.origin is None or found.submodule_search_locations is None:
        return False
    return _same(os.path.dirname(found.origin), os.path.join(_BESIDE, name))  # noqa: PTH118, PTH120 - likewise


def _same(one: str, other: str) -> bool:
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def install() -> None:
    """Let Python find the long names, before anybody else answers for them."""
    finders: list[Any] = sys.meta_path
    if not any(isinstance(finder, _LongNames) for finder in finders):
        finders.insert(0, _LongNames())
