"""Lays settings over settings, leaf by leaf."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from pydantic import BaseModel

__all__ = ["given_settings", "merge"]


def given_settings(settings: BaseModel) -> dict[str, object]:
    """Return what was given, without the defaults, as nested dicts."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    return {
        name: given_settings(value) if isinstance(value, BaseModel) else value
        for name, value in given.items()
    }


def merge(base: Mapping[str, object], overrides: Mapping[str, object]) -> dict[str, object]:
    """Return `base` with `overrides` laid over it, leaf by leaf; dotted names are paths."""
    merged = dict(base)
    for dotted, value in overrides.items():
        name, _, path = str(dotted).partition(".")
        above = {path: value} if path else value
        merged[name] = _laid_over(name, merged.get(name), above)
    return merged


def _laid_over(name: str, below: object, above: object) -> object:
    if name == "storage" or not isinstance(above, Mapping):  # a storage may be a dict, too
        return above
    if isinstance(below, BaseModel):
        below = given_settings(below)
    kept: Mapping[str, object] = (
        cast("Mapping[str, object]", below) if isinstance(below, Mapping) else {}
    )
    new = cast("Mapping[str, object]", above)
    # The name of a header is no path, even with a dot in it.
    return {**kept, **new} if name == "headers" else merge(kept, new)
