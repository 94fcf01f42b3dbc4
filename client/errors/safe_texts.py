"""What may be shown of the texts of exceptions: no header, URL or body that a library quotes.

What a library says in its own words comes first; what it quotes follows a colon or stands in
quotes or brackets, and may be anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from .owners import is_of_somebody
from .raised_below import was_born_below

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["alone", "own_words", "safe_args", "scrub", "system_words", "text_of"]

_QUOTED: Final = re.compile(r"""(?:\bb(?=['"]))?[:'"({].*""", re.DOTALL)
# What the operating system and OpenSSL say begins with a code of theirs.
_SYSTEM: Final = re.compile(
    r"\[(?:Errno -?\d+|SSL(?:: [A-Z0-9_]+)?|SYS|X509(?:: [A-Z0-9_]+)?)\] [\w ,/.-]+"
)
# These are whole: what stands behind the colon is theirs, too.
_WHOLE: Final = frozenset(
    {
        "Only Transfer-Encoding: chunked is supported",
        "Missing mandatory Host: header",
        "Found multiple Host: headers",
    }
)
# What counts bytes, or names a code of HTTP/2, quotes nobody.
_COUNTED: Final = re.compile(r"\(received \d+ bytes, expected \d+\)|: \d+ bytes")


def own_words(text: str) -> str:
    """Return as much of a text as its maker wrote himself, before he quotes anybody."""
    if text in _WHOLE:
        return text
    found = _SYSTEM.match(text)
    if found is not None:
        return found[0].strip()
    words = _QUOTED.sub("", text)
    counted = _COUNTED.match(text, len(words))
    return words + counted[0] if counted is not None else words.strip()


def text_of(error: BaseException) -> str:
    """Return the text of an exception, nothing where it cannot say it."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - one that was made halfway, by whoever copied or loaded it
        return ""


def system_words(error: BaseException) -> str:
    """Return what the operating system or OpenSSL says in an exception, or nothing."""
    found = _SYSTEM.match(text_of(error))
    return found[0].strip() if found is not None else ""


def safe_args(error: BaseException, args: tuple[object, ...]) -> tuple[object, ...]:
    """Return the arguments of an exception, cut where a library may quote something in them."""
    if is_of_somebody(error) or _is_of_the_system(error):
        return args
    if isinstance(error, UnicodeEncodeError | UnicodeDecodeError | UnicodeTranslateError):
        nothing = "" if isinstance(error.object, str) else b""
        return tuple(nothing if each is error.object else each for each in args)
    if isinstance(error, KeyError):
        return ()  # which is nothing but the key
    return tuple(own_words(each) if isinstance(each, str) else each for each in args)


def scrub(error: BaseException) -> None:
    """Cut from the causes of an error, for good, what libraries quote in their texts.

    They stay the objects they are. What cannot be cut is taken out of the chain.
    """
    seen = {id(error)}
    left = [error]
    while left:
        each = left.pop()
        for link, below in _below(each):
            if id(below) in seen:
                continue
            seen.add(id(below))
            left.append(below)
            if not _was_scrubbed(below) and link:
                setattr(each, link, _in_place_of(below))


def _below(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """Yield what an exception is shown with, and by which attribute it hangs on it."""
    if error.__cause__ is not None:
        yield "__cause__", error.__cause__
    context = error.__context__
    # What the caller was handling when he made the call is his.
    if context is not None and not error.__suppress_context__ and was_born_below(context):
        yield "__context__", context
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        yield from (("", each) for each in group.exceptions)


def _was_scrubbed(error: BaseException) -> bool:
    """Cut what may be quoted, and return whether nothing of it is shown any longer."""
    args = safe_args(error, error.args)
    if isinstance(error, UnicodeEncodeError | UnicodeDecodeError | UnicodeTranslateError):
        error.args = args
        of_any_kind: Any = error
        of_any_kind.object = type(error.object)()
        return True
    if args == error.args:
        return True
    before = text_of(error)
    error.args = args
    return text_of(error) != before or own_words(before) == before


def _in_place_of(error: BaseException) -> BaseException | None:
    """Return a group with a safe text for one that has none; nothing for any other exception."""
    if not isinstance(error, BaseExceptionGroup):
        return None
    group = cast("BaseExceptionGroup[BaseException]", error)
    # Of the plainer kind, if it can be.
    shown = BaseExceptionGroup(own_words(group.message), group.exceptions)
    return shown.with_traceback(error.__traceback__)


def _is_of_the_system(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno is not None


def alone(error: BaseException) -> BaseException:
    """Return a copy of an exception that has no cause and no context, and a safe text."""
    try:
        copied = type(error).__new__(type(error), *error.args)
        copied.args = safe_args(error, error.args)
    except Exception:  # noqa: BLE001 - a foreign class may refuse to be made
        return RuntimeError(f"of the class {type(error).__qualname__}, which cannot be copied")
    return copied
