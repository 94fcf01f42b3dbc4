"""Packages that are imported at their first use, because importing them costs time."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["require"]


def require(package: str) -> None:
    """Say now, rather than in the middle of a call, that a package is missing.

    Raises:
        ModuleNotFoundError: It cannot be found, as if it were imported here.
    """
    if find_spec(package) is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
