"""How values are written in the listing: alike in every run and on every Python."""

from enum import Enum, StrEnum
from functools import singledispatch
from types import UnionType
from typing import Union, get_args, get_origin

from client import __version__

__all__ = ["shown"]


@singledispatch
def shown(value: object) -> str:
    """A value as its source has it, without what differs from run to run or by the Python."""
    if isinstance(value, UnionType) or get_origin(value) is Union:
        return " | ".join(map(shown, get_args(value)))
    if get_origin(value) is not None:
        return shown(get_origin(value))
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    if type(value).__repr__ is object.__repr__:  # with its address
        return f"<{type(value).__name__}>"
    return repr(value)


@shown.register(StrEnum)
@shown.register(Enum)
def _shown_enum(value: Enum) -> str:
    return f"{type(value).__name__}.{value.name}"


@shown.register(set)
@shown.register(frozenset)
def _shown_set(value: set[object]) -> str:
    return "{" + ", ".join(sorted(map(shown, value))) + "}"


@shown.register(tuple)
def _shown_tuple(value: tuple[object, ...]) -> str:
    each = ", ".join(map(shown, value))
    return f"({each},)" if len(value) == 1 else f"({each})"


@shown.register
def _shown_text(value: str) -> str:
    return repr(value.replace(__version__, "VERSION"))
