"""What `help()`, editors and `inspect.signature` show of methods that take `**options`.

Their arguments stand once, in a `TypedDict`, with a word about each in its docstring: type checkers
read that. Here the same is put on the methods, for people and for whatever reads at run time.
"""

from __future__ import annotations

import re
from inspect import Parameter, Signature, cleandoc, signature
from textwrap import indent
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["documented", "parameters_of", "show"]

_OPTIONS: Final = re.compile(r"^ {4}\*\*options:.*\n?(?:^ {8}.*\n?)*", re.MULTILINE)
_SECTION: Final = re.compile(r"\n\n(?=Raises:)|\Z")


class _Default:
    """Stands where an argument that is not given leaves it to the client, or to httpx."""

    def __repr__(self) -> str:
        return "<default>"


_DEFAULT: Final = _Default()


def parameters_of(options: Any, defaults: Mapping[str, object]) -> list[Parameter]:
    """Return what a `TypedDict` of options takes, as arguments by keyword.

    Args:
        options: The class.
        defaults: What holds where an argument is not given, as far as it is one value.
    """
    # The values are as they were written, for annotations are not evaluated there.
    return [
        Parameter(
            name,
            Parameter.KEYWORD_ONLY,
            default=defaults.get(name, _DEFAULT),
            annotation=annotation.__forward_arg__,
        )
        for name, annotation in options.__annotations__.items()
    ]


def show(
    function: Callable[..., object], parameters: Sequence[Parameter], *options: type[object]
) -> None:
    """Put arguments on a function in place of its `**options`, and a word about each.

    Args:
        function: What takes them.
        parameters: What it takes.
        *options: Where the words are.
    """
    plain = signature(function)
    named = [each for each in plain.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    shown: Any = function
    shown.__signature__ = Signature(
        [*named, *parameters],
        return_annotation=plain.return_annotation,
        __validate_parameters__=False,  # they are in order, and there are many of them
    )
    shown.__doc__ = documented(function.__doc__, *options)


def documented(text: str | None, *options: type[object]) -> str:
    """Return a docstring with what those of options say of each argument.

    They take the place of its `**options`, or else have a section, before what it raises.

    Args:
        text: The docstring; None, and those of options too, where Python leaves them out.
        *options: The classes; the last paragraph of a docstring has the arguments.
    """
    words = [cleandoc(each.__doc__ or "").rpartition("\n\n")[2] for each in options]
    lines = indent("\n".join([*words, "All others are httpx's own."]), "    ")
    doc = cleandoc(text or "")
    if _OPTIONS.search(doc):
        return _OPTIONS.sub(lambda _: f"{lines}\n", doc)
    return _SECTION.sub(lambda found: f"\n\nArgs:\n{lines}{found[0]}", doc, count=1).strip()
