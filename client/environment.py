"""Reads `ClientConfig` from the environment and a `.env` file, and remembers where from.

pydantic-settings reads the variables. They are put together here, because it passes in silence
over a misspelt name, over a single setting beside its part given whole, and not over the variables
of others in a `.env` file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast, get_args

from pydantic import BaseModel
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource

from client.config import merge
from client.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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


def settings_of(model: type[BaseModel]) -> list[str]:
    """Return the dotted path of every setting of a model, parts before their own settings."""
    return [path for path, _ in _annotations(model)]


def read_environment(
    model: type[BaseModel], prefix: str, env_file: str | Path | None = None
) -> Environment:
    """Read the variables that begin with `prefix`, the environment over the `.env` file.

    Raises:
        ValueError: A variable with the prefix names no setting, or its value cannot be parsed.
        FileNotFoundError: `env_file` is given and is no file.
    """
    if not prefix:
        raise ValueError("prefix '' is not allowed: without one, every variable would be a setting")
    if env_file is not None and not Path(env_file).is_file():
        raise FileNotFoundError(f"env_file {str(env_file)!r} is not there, or not a file")
    names = _names(model, prefix)
    in_file = DotEnvSettingsSource(BaseSettings, env_file=env_file).env_vars
    in_environment = EnvSettingsSource(BaseSettings).env_vars
    _refuse_misspelt(names, prefix, in_file, f" in {env_file}")
    _refuse_misspelt(names, prefix, in_environment)
    from_file = _settings(names, in_file)
    from_environment = _settings(names, in_environment)
    settings = merge(from_file, from_environment)
    stronger = set(_leaves(from_environment))
    sources = {path: "environment" if path in stronger else ".env" for path in _leaves(settings)}
    return Environment(settings, sources)


@dataclass(frozen=True, slots=True)
class _Setting:
    path: str
    is_text: bool


def _names(model: type[BaseModel], prefix: str) -> dict[str, _Setting]:
    """Return the variable of every setting, parts before their own settings."""
    return {
        f"{prefix}{path.replace('.', '__')}".upper(): _Setting(path, annotation is str)
        for path, annotation in _annotations(model)
    }


def _annotations(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, object]]:
    for name, field in model.model_fields.items():
        yield path + name, field.annotation
        part = _model_in(field.annotation)
        if part is not None:
            yield from _annotations(part, f"{path}{name}.")


def _model_in(annotation: object) -> type[BaseModel] | None:
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _refuse_misspelt(
    names: Mapping[str, _Setting], prefix: str, given: Iterable[str], where: str = ""
) -> None:
    for name in map(str.upper, given):
        if not name.startswith(prefix.upper()):
            continue
        setting = names.get(name)
        if setting is None:
            allowed = [name for name, setting in names.items() if setting.path not in _ONLY_IN_CODE]
            near = nearest(name, allowed, cutoff=0.0)
            raise ValueError(f"{name}{where} names no setting: did you mean {near}?")
        if setting.path in _ONLY_IN_CODE:
            raise ValueError(
                f"{name}{where} cannot be given by environment: it is an object, give it in code"
            )


def _settings(names: Mapping[str, _Setting], variables: Mapping[str, str | None]) -> dict[str, Any]:
    """Read the variables, a part given whole before single settings of it."""
    settings: dict[str, Any] = {}
    off: list[str] = []
    for name, setting in names.items():
        if name.lower() not in variables or setting.path.startswith(tuple(off)):
            continue
        text = variables[name.lower()]
        value = _value_of(name, setting, text)
        if value is None:
            off.append(f"{setting.path}.")
        settings = merge(settings, {setting.path: value})
    return settings


def _value_of(name: str, setting: _Setting, text: str | None) -> object:
    """Read "null", and JSON objects and lists such as `RESILIENT_CLIENT_HEADERS={...}`."""
    if text is None:
        raise ValueError(f"{name} has no value: write {name}=..., or {name}=null for none")
    if text == "null":
        return None
    if setting.is_text or not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        # The value may hold a secret, so it is not shown.
        raise ValueError(f"{name} is not valid JSON: give it like {_JSON_EXAMPLE}") from None


def _leaves(settings: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, dict) and name != "headers":
            yield from _leaves(cast("dict[str, Any]", value), f"{path}{name}.")
        else:
            yield path + name
