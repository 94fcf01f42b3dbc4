"""What somebody may have meant by a name that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["did_you_mean", "nearest"]


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that looks most like `name`, or None where none looks like it.

    Args:
        name: As it was given.
        known: The names there are.
        cutoff: How alike they must be, from 0, where any will do, to 1.
    """
    import difflib  # noqa: PLC0415 - only a mistake needs it

    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return what ends a text about an unknown name: an offer of the nearest, or nothing."""
    near = nearest(name, known)
    return f"; did you mean {near!r}?" if near else ""
