"""Reads `ClientConfig` from the environment and a `.env` file, and remembers where from.

pydantic-settings splits and parses the variables; what it passes over in silence, a misspelt
name, is an error here.
"""

from __future__ import annotations

import difflib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from pydantic import BaseModel, create_model
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    SettingsConfigDict,
)

from client.config import merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Environment", "read_environment", "settings_of"]

_ONLY_IN_CODE: Final = frozenset(
    {
        "retry.retry_if",
        "retry.stop",
        "circuit_breaker.expected_exception",
        "circuit_breaker.listeners",
        "circuit_breaker.storage",
    }
)
_JSON_EXAMPLE: Final = '{"name": "value"}'


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment said: the settings, and the source of each by its dotted path."""

    settings: dict[str, Any]
    sources: Mapping[str, str]


def settings_of(model: type[BaseModel], path: str = "") -> Iterator[str]:
    """Yield the dotted path of every setting of a model, parts before their own settings."""
    for name, field in model.model_fields.items():
        yield path + name
        part = _model_in(field.annotation)
        if part is not None:
            yield from settings_of(part, f"{path}{name}.")


def read_environment(
    model: type[BaseModel], prefix: str, env_file: str | Path | None = None
) -> Environment:
    """Read the variables that begin with `prefix`, the environment over the `.env` file.

    Raises:
        ValueError: A variable with the prefix names no setting, or its value cannot be parsed.
        FileNotFoundError: `env_file` is given and does not exist.
    """
    if not prefix:
        message = "prefix '' is not allowed: without one, every variable would be a setting"
        raise ValueError(message)
    if env_file is not None and not Path(env_file).is_file():
        message = f"env_file {str(env_file)!r} does not exist"
        raise FileNotFoundError(message)
    kind = _settings_class(model, prefix)
    dotenv = DotEnvSettingsSource(kind, env_file=env_file)
    _refuse_misspelt(model, prefix, [*os.environ, *dotenv.env_vars])
    from_file = _decoded(dotenv(), prefix)
    from_variables = _decoded(EnvSettingsSource(kind)(), prefix)
    sources = dict.fromkeys(_leaves(from_file), ".env")
    sources |= dict.fromkeys(_leaves(from_variables), "environment")
    return Environment(merge(from_file, from_variables), sources)


def _settings_class(model: type[BaseModel], prefix: str) -> type[BaseSettings]:
    """Make the BaseSettings twin of a model: only pydantic-settings' sources ever see it."""

    class _Source(BaseSettings):
        model_config = SettingsConfigDict(
            env_prefix=prefix,
            env_nested_delimiter="__",
            env_parse_none_str="null",
            enable_decoding=False,
            extra="ignore",
        )

    fields: dict[str, Any] = {
        name: (field.annotation, None) for name, field in model.model_fields.items()
    }
    return create_model("_Variables", __base__=_Source, **fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _refuse_misspelt(model: type[BaseModel], prefix: str, names: list[str]) -> None:
    paths = set(settings_of(model))
    known = {_variable(prefix, path): path for path in paths - _ONLY_IN_CODE}
    in_code = {_variable(prefix, path) for path in _ONLY_IN_CODE & paths}
    for name in names:
        upper = name.upper()
        if not upper.startswith(prefix.upper()) or upper in known:
            continue
        if upper in in_code:
            message = f"{name} cannot be given by environment: it is an object, give it in code"
            raise ValueError(message)
        near = difflib.get_close_matches(upper, known, n=1, cutoff=0.0)
        message = f"{name} names no setting: did you mean {near[0]}?"
        raise ValueError(message)


def _variable(prefix: str, path: str) -> str:
    return prefix.upper() + path.replace(".", "__").upper()


def _decoded(settings: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Read JSON objects and lists given whole, such as `RESILIENT_CLIENT_HEADERS={...}`."""
    return {name: _decode(value, f"{prefix}{name.upper()}") for name, value in settings.items()}


def _decode(value: object, variable: str) -> object:
    if isinstance(value, dict):
        return _decoded(cast("dict[str, Any]", value), f"{variable}__")
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        # The value may hold a secret, so it is not shown.
        message = f"{variable} is not valid JSON: give it like {_JSON_EXAMPLE}"
        raise ValueError(message) from None


def _leaves(settings: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, dict) and name != "headers":
            yield from _leaves(cast("dict[str, Any]", value), f"{path}{name}.")
        else:
            yield path + name
