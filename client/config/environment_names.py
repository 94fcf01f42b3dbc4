"""The names of variables: what each sets, what a wrong one may have meant, which are not ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, get_args

from pydantic import BaseModel

from .did_you_mean import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "Setting",
    "flaw_of_name",
    "is_of_kubernetes",
    "is_only_in_code",
    "settings_by_variable",
    "settings_of",
]

_ONLY_IN_CODE: Final = frozenset(
    {
        "retry.retry_if",
        "retry.stop",
        "circuit_breaker.expected_exception",
        "circuit_breaker.listeners",
        "circuit_breaker.storage",
        "rate_limit.key",
        "rate_limit.cost",
        "rate_limit.settle",
        "balancing.balancing_key",
        "cache.storage",
        "cache.partition",
    }
)
# What kubelet sets for each Service of the namespace, in a form as old as Docker's links; the name
# of a Service may begin with the prefix and go on.
_OF_THE_PREFIX: Final = re.compile(r"(SERVICE_HOST|SERVICE_PORT|SERVICE_PORT_.*|PORT|PORT_.*)")
_OF_A_LONGER_NAME: Final = re.compile(
    r".+_(SERVICE_HOST|SERVICE_PORT|SERVICE_PORT_.+|PORT_\d+_(TCP|UDP|SCTP)(_(PORT|PROTO|ADDR))?)"
)
_LINK: Final = re.compile(r"(tcp|udp|sctp)://.*")


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting, or a part of settings, that a variable gives.

    Attributes:
        path: The dotted path.
        annotation: Its type.
        part: The model, where it is a part of several settings.
    """

    path: str
    annotation: object
    part: type[BaseModel] | None

    @property
    def is_text(self) -> bool:
        """Whether any text is a value of it, JSON included."""
        return self.annotation is str

    @property
    def can_be_off(self) -> bool:
        """Whether it may be None."""
        return type(None) in get_args(self.annotation)


def settings_of(model: type[BaseModel]) -> list[str]:
    """Return the dotted path of every setting of a model, parts before their own settings."""
    return [setting.path for setting in _settings(model)]


def settings_by_variable(model: type[BaseModel], prefix: str) -> dict[str, Setting]:
    """Return every setting by the name of its variable, parts before their own settings."""
    return {
        f"{prefix}{setting.path.replace('.', '__')}".upper(): setting
        for setting in _settings(model)
    }


def _settings(model: type[BaseModel], path: str = "") -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        part = _model_in(field.annotation)
        yield Setting(path + name, field.annotation, part)
        if part is not None:
            yield from _settings(part, f"{path}{name}.")


def _model_in(annotation: object) -> type[BaseModel] | None:
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def is_of_kubernetes(name: str, prefix: str, value: str | None) -> bool:
    """Whether a variable is one that kubelet sets for a Service whose name begins as the prefix."""
    rest = name.upper().removeprefix(prefix.upper())
    if _OF_THE_PREFIX.fullmatch(rest) or _OF_A_LONGER_NAME.fullmatch(rest):
        return True
    return rest.endswith("_PORT") and _LINK.fullmatch(value or "") is not None


def is_only_in_code(setting: Setting) -> bool:
    """Whether a setting is an object, which no text can give."""
    return setting.path in _ONLY_IN_CODE


def flaw_of_name(name: str, names: Mapping[str, Setting], prefix: str) -> str | None:
    """Return what is wrong with the name of a variable, or None."""
    setting = names.get(name)
    if setting is None:
        return f"names no setting: {_offer(name, names, prefix)}"
    if is_only_in_code(setting):
        return "cannot be given by environment: it is an object, give it in code"
    return None


def _offer(name: str, names: Mapping[str, Setting], prefix: str) -> str:
    allowed = [each for each, setting in names.items() if not is_only_in_code(setting)]
    alike = [each for each in allowed if _bare(each) == _bare(name)]
    if not alike:
        return f"did you mean {nearest(name, allowed, cutoff=0.0)}?"
    if name.startswith(f"{prefix}_".upper()) and not prefix.endswith("_"):
        return f"did you mean the prefix {prefix + '_'!r}?"
    steps = " Each step down is written with two underscores" if "__" in alike[0] else ""
    return f"did you mean {alike[0]}?{steps}"


def _bare(name: str) -> str:
    return name.replace("_", "")
