"""What all models of settings share: their base, and the kinds of values that they have.

Every number says its unit in its name or description; every error names the path of the field,
the value given and what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, model_validator

from .checks import (
    check_callable,
    check_flag,
    check_methods,
    check_text,
    choice,
    count,
    not_the_kind,
    number,
    seconds,
    unknown_name,
)
from .merging import given_settings, merge

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Count",
    "Flag",
    "Hook",
    "Methods",
    "Mode",
    "PerSecond",
    "PositiveSeconds",
    "PositiveShare",
    "Scope",
    "Seconds",
    "Settings",
    "Share",
    "Status",
    "Text",
]

Seconds = Annotated[float, BeforeValidator(seconds())]
PositiveSeconds = Annotated[float, BeforeValidator(seconds(above=True))]
Share = Annotated[float, BeforeValidator(number(float, low=0, high=1))]
PositiveShare = Annotated[float, BeforeValidator(number(float, low=0, high=1, above=True))]
PerSecond = Annotated[float, BeforeValidator(number(float, low=0, high=1_000_000))]
Count = Annotated[int, BeforeValidator(count())]
Flag = Annotated[bool, PlainValidator(check_flag)]
Text = Annotated[str, PlainValidator(check_text)]
Hook = Annotated[Callable[..., object] | None, PlainValidator(check_callable)]
Methods = Annotated[frozenset[str] | None, PlainValidator(check_methods)]
Status = Annotated[int, BeforeValidator(count(100, 599))]
Scope = Annotated[Literal["client", "origin"], PlainValidator(choice("client", "origin"))]
Mode = Annotated[
    Literal["enforce", "observe", "off"], PlainValidator(choice("enforce", "observe", "off"))
]
"""Whether a strategy decides, only tells what it would have decided, or does nothing."""


class Settings(BaseModel):
    """What all parts share: frozen, no unknown names, values never shown by pydantic itself."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=False,
        arbitrary_types_allowed=True,
        # The checks above quote the value themselves, except where it may be a secret.
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_names(cls, data: object) -> object:
        if isinstance(data, cls):
            return data
        if not isinstance(data, Mapping):
            what = f"a {cls.__name__}, or a dict of its settings"
            raise not_the_kind(data, what)
        for name in map(str, cast("Mapping[object, object]", data)):
            if name not in cls.model_fields:
                raise unknown_name(name, cls.model_fields)
        return cast("object", data)

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        """Return what was given: the defaults stand in the documentation."""
        for name, value in super().__repr_args__():
            if name in self.model_fields_set:
                yield name, value

    def merged(self, /, **overrides: object) -> Self:
        """Return a new, validated copy with some settings replaced.

        Parts given as dicts (`retry={"max_attempts": 5}`) or dotted
        (`**{"retry.max_attempts": 5}`) are merged into what stands; None switches a layer off.

        Raises:
            ValueError: A setting is unknown or its value is refused.
        """
        return type(self).model_validate(merge(given_settings(self), overrides))
