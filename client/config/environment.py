"""Reads `ClientConfig` from the environment and a `.env` file, and remembers where from.

pydantic-settings reads the variables. They are put together here, because it passes in silence
over a misspelt name, over a single setting beside its part given whole, and not over the variables
of others in a `.env` file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource

from .environment_names import (
    flaw_of_name,
    is_of_kubernetes,
    is_only_in_code,
    settings_by_variable,
)
from .merging import merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .environment_names import Setting

    Variables = Mapping[str, str | None]

__all__ = ["Environment", "Mistakes", "read_environment"]

ModelT = TypeVar("ModelT", bound=BaseModel)

_JSON_EXAMPLE: Final = '{"name": "value"}'
_MOST_LEVELS: Final = 8
"""Objects and lists inside one another; a setting needs three at most."""
_TOO_DEEP: Final = (
    f"is nested too deep: at most {_MOST_LEVELS} objects and lists inside one another"
)


class Mistakes(ValueError):  # noqa: N818 - several, each of which is said in its text
    """All that is wrong with the variables, a line each.

    Args:
        lines: What is wrong.
    """

    def __init__(self, lines: tuple[str, ...]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.lines,)


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment said.

    Attributes:
        settings: The values, nested.
        sources: "environment" or ".env" by the dotted path of each setting.
        mistakes: What is wrong with names, or with values that cannot be read.
    """

    settings: dict[str, object]
    sources: Mapping[str, str]
    mistakes: tuple[str, ...] = ()

    def configure(self, model: type[ModelT], overrides: Mapping[str, object]) -> ModelT:
        """Return the configuration, with settings from code laid over it.

        Raises:
            Mistakes: A name or a value of a variable cannot be used; those that the model refuses
                are told with them.
            ValidationError: The model refuses values, and nothing else is wrong.
        """
        try:
            config = model.model_validate(merge(self.settings, overrides))
        except ValidationError as error:
            if not self.mistakes:
                raise
            raise Mistakes((*self.mistakes, *self.refusals(error))) from None
        if self.mistakes:
            raise Mistakes(self.mistakes)
        return config

    def refusals(self, error: ValidationError) -> Iterator[str]:
        """Return a line for each value that a model refused.

        The messages quote no secrets, the inputs might.
        """
        for refusal in error.errors(include_input=False):
            path = ".".join(part for part in refusal["loc"] if isinstance(part, str))
            source = f" (from {self.sources[path]})" if path in self.sources else ""
            yield f"{path or 'configuration'}: {refusal['msg']}{source}"


def read_environment(
    model: type[BaseModel], prefix: str, env_file: str | Path | None = None
) -> Environment:
    """Read the variables that begin with `prefix`, the environment over the `.env` file.

    Raises:
        ValueError: There is no prefix, or the file is no text.
        FileNotFoundError: `env_file` is given and is no file.
    """
    if not prefix:
        raise ValueError("prefix '' is not allowed: without one, every variable would be a setting")
    names = settings_by_variable(model, prefix)
    in_environment = {
        name: value
        for name, value in EnvSettingsSource(BaseSettings).env_vars.items()
        if not is_of_kubernetes(name, prefix, value)
    }
    from_file = _Source(names, prefix, _variables_in(env_file), f" in {env_file}")
    from_environment = _Source(names, prefix, in_environment)
    settings = merge(from_file.settings, from_environment.settings)
    stronger = set(_leaves(from_environment.settings))
    sources = {path: "environment" if path in stronger else ".env" for path in _leaves(settings)}
    return Environment(settings, sources, (*from_file.mistakes, *from_environment.mistakes))


def _variables_in(env_file: str | Path | None) -> Variables:
    if env_file is None:
        return {}
    if not Path(env_file).is_file():
        raise FileNotFoundError(f"env_file {str(env_file)!r} is not there, or not a file")
    try:
        return DotEnvSettingsSource(BaseSettings, env_file=env_file).env_vars
    except UnicodeDecodeError:
        raise ValueError(f"env_file {str(env_file)!r} is not a text in UTF-8") from None


class _Source:
    """What one of the two places says, and what is wrong with it."""

    def __init__(
        self, names: Mapping[str, Setting], prefix: str, variables: Variables, where: str = ""
    ) -> None:
        self.settings: dict[str, object] = {}
        self.mistakes: list[str] = []
        self._where = where
        for name in map(str.upper, variables):
            if name.startswith(prefix.upper()):
                self._note(name, flaw_of_name(name, names, prefix))
        self._read(names, variables)

    def _note(self, name: str, flaw: str | None) -> None:
        if flaw is not None:
            self.mistakes.append(f"{name}{self._where} {flaw}")

    def _read(self, names: Mapping[str, Setting], variables: Variables) -> None:
        """Read the variables, a part given whole before single settings of it."""
        off: list[str] = []
        for name, setting in names.items():
            is_given = name.lower() in variables and not is_only_in_code(setting)
            if not is_given or setting.path.startswith(tuple(off)):
                continue
            try:
                value = _value_of(name, setting, variables[name.lower()])
            except ValueError as error:
                self._note(name, str(error))
                continue
            if value is None:
                off.append(f"{setting.path}.")
            self.settings = merge(self.settings, {setting.path: value})


def _value_of(name: str, setting: Setting, text: str | None) -> object:
    """Read "null", and JSON objects and lists such as `RESILIENT_CLIENT_HEADERS={...}`."""
    if text is None:
        raise ValueError(f"has no value: write {name}=..., or {name}=null for none")
    if text == "null":
        return None
    if setting.is_text:
        return text
    if text.lstrip().startswith(("{", "[")):
        return _from_json(text)
    if setting.part is not None:
        raise ValueError(_how_to_give_a_part(name, setting, setting.part))
    return text


def _how_to_give_a_part(name: str, setting: Setting, part: type[BaseModel]) -> str:
    singles = [f"{name}__{each}".upper() for each in part.model_fields]
    if "total" in part.model_fields:
        ways = (
            f"{name}__TOTAL=... for the whole operation, {name}__READ=... and its like for a phase"
        )
    else:
        ways = f"{singles[0]}=... and its like"
    off = f", {name}=null to switch it off" if setting.can_be_off else ""
    return f"is a part, not a single setting: give {ways}{off}, or a JSON object"


class _TwiceError(ValueError):
    """A JSON object names something twice."""


def _from_json(text: str) -> object:
    # The text may hold a secret, so it is not shown.
    try:
        value = json.loads(text, object_pairs_hook=_without_repeats)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except _TwiceError:
        raise ValueError("names something twice in a JSON object: leave one of them out") from None
    except ValueError:
        raise ValueError(f"is not valid JSON: give it like {_JSON_EXAMPLE}") from None
    if _is_deeper(value, _MOST_LEVELS):
        raise ValueError(_TOO_DEEP)
    return value


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _TwiceError
    return found


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = cast("list[object]", value.values() if isinstance(value, dict) else value)
    return not levels or any(_is_deeper(each, levels - 1) for each in inner)


def _leaves(settings: Mapping[str, object], path: str = "") -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, dict) and name != "headers":
            yield from _leaves(cast("dict[str, object]", value), f"{path}{name}.")
        else:
            yield path + name
