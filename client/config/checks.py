"""The checks behind the settings: each says what was given and what is allowed.

They are plain functions, because the drop-in clients do without pydantic's models, which take as
long to import as httpx. pydantic's own texts are not used because they show either every value,
secrets too, or none.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, LiteralString, cast
from urllib.parse import urlsplit

from ..backoff import BY_NAME, Backoff
from ..errors.urls import mask_url
from ..runtime.seconds import MAX_SECONDS
from .did_you_mean import nearest
from .log_levels import EVENT_LEVELS, LEVELS

if TYPE_CHECKING:
    from pydantic_core import PydanticCustomError

__all__ = [
    "check_backoff",
    "check_base_url",
    "check_callable",
    "check_exceptions",
    "check_flag",
    "check_header_name",
    "check_header_names",
    "check_headers",
    "check_levels",
    "check_listeners",
    "check_methods",
    "check_name",
    "check_statuses",
    "check_strategy",
    "check_text",
    "choice",
    "count",
    "is_plain_function",
    "is_shown_name",
    "not_allowed",
    "not_the_kind",
    "number",
    "refuse",
    "seconds",
    "to_tuple",
    "unknown_name",
]

MAX_COUNT: Final = 1_000_000

_SHOWN: Final = 80
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNPRINTABLE: Final = re.compile(r"[^\t\x20-\x7e]")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_LONGEST_NAME: Final = 128
_LISTENER_METHODS: Final = ("before_call", "failure", "success", "state_change")
_WORDS: Final = {
    **dict.fromkeys(("true", "1", "yes", "on"), True),
    **dict.fromkeys(("false", "0", "no", "off"), False),
}


def refuse(code: LiteralString, message: LiteralString, **context: object) -> PydanticCustomError:
    """Make an error whose text quotes only what is named in it."""
    from pydantic_core import PydanticCustomError  # noqa: PLC0415 - only a mistake needs it

    return PydanticCustomError(code, message, context)


def not_allowed(given: object, allowed: str) -> PydanticCustomError:
    """Make the error for a value that is not a secret."""
    return refuse(
        "not_allowed",
        "{given} is not allowed: give {allowed}",
        given=_shown(given),
        allowed=allowed,
    )


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a foreign __repr__ may raise anything, a long int ValueError
        text = f"<{type(value).__name__}>"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def not_the_kind(given: object, allowed: str) -> PydanticCustomError:
    """Make the error for a value of the wrong kind, which may hold a secret inside."""
    is_plain = given is None or isinstance(given, str | int | float)
    return not_allowed(given if is_plain else type(given), allowed)


def unknown_name(name: str, known: Iterable[str], kind: str = "setting") -> PydanticCustomError:
    """Make the error for a setting that does not exist, with the nearest that does."""
    allowed = sorted(known)
    near = nearest(name, allowed)
    offer = f"did you mean '{near}'?" if near else f"allowed are {', '.join(allowed)}"
    text: LiteralString = "there is no {kind} '{name}': {offer}"
    return refuse("unknown", text, kind=kind, name=name, offer=offer)


def number(
    kind: type[int | float], *, low: float, high: float, above: bool = False, unit: str = ""
) -> Callable[[object], float]:
    """Accept a number within bounds; `above` leaves the lower bound itself out."""
    what = "a whole number" if kind is int else "a number"
    bounds = f"above {low:g}, up to {high:.15g}" if above else f"from {low:g} to {high:.15g}"

    def check(value: object) -> float:
        found = _parsed(kind, value)
        if found is None or not low <= found <= high or (above and found == low):
            raise not_allowed(value, f"{what}{unit} {bounds}")
        return found

    return check


def _parsed(kind: type[int | float], value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = kind(value)
        return found if found == float(value) else None
    except (ValueError, OverflowError):
        return None


def seconds(*, low: float = 0, above: bool = False) -> Callable[[object], float]:
    """Accept a time in seconds, up to a year."""
    return number(float, low=low, high=MAX_SECONDS, above=above, unit=" of seconds")


def count(low: int = 1, high: int = MAX_COUNT) -> Callable[[object], float]:
    """Accept a whole number within bounds."""
    return number(int, low=low, high=high)


def choice(*allowed: str, upper: bool = False) -> Callable[[object], str]:
    """Accept one of a few words; `upper` lets them be written in any case."""
    words = ", ".join(repr(word) for word in allowed)

    def check(value: object) -> str:
        if isinstance(value, str):
            word = value.upper() if upper else value
            if word in allowed:
                return word
        raise not_allowed(value, words)

    return check


def check_flag(value: object) -> bool:
    """Accept a boolean, or a word that environments use for one."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    raise not_allowed(value, "True or False")


def check_text(value: object) -> str:
    """Accept a text of printable ASCII characters that may stand in a header."""
    if isinstance(value, str) and value and not _UNPRINTABLE.search(value):
        return value
    raise not_allowed(value, "a text of printable ASCII characters")


def check_name(value: object) -> str:
    """Accept the name of a client, which may stand in labels and logs."""
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise not_allowed(value, "a name of 1-128 letters, digits and . _ -")


def check_levels(value: object) -> dict[str, str]:
    """Accept levels by the names of events."""
    if not isinstance(value, Mapping):
        raise not_allowed(value, "a mapping of the names of events to levels")
    check_level = choice(*LEVELS, upper=True)
    levels: dict[str, str] = {}
    for name, level in cast("Mapping[object, object]", value).items():
        if name not in EVENT_LEVELS:
            raise unknown_name(str(name), EVENT_LEVELS, "event in the log")
        levels[str(name)] = check_level(level)
    return levels


def check_backoff(value: object) -> object:
    """Accept the name of a backoff, a `Backoff` or a tenacity wait object."""
    is_name = isinstance(value, str) and value in BY_NAME
    is_wait = callable(value) and not isinstance(value, type) and not _is_async(value)
    if is_name or isinstance(value, Backoff) or is_wait:
        return value
    names = ", ".join(repr(name) for name in BY_NAME)
    raise not_allowed(value, f"{names}, a Backoff, or a tenacity wait object")


def check_strategy(value: object) -> object:
    """Accept None, a `Backoff` or a tenacity wait object."""
    if value is None or isinstance(value, Backoff):
        return value
    if callable(value) and not isinstance(value, type) and not _is_async(value):
        return value
    raise not_allowed(value, "a Backoff, a tenacity wait object, or None")


def check_callable(value: object) -> object:
    """Accept None or a plain function: an async one would never be awaited."""
    if is_plain_function(value):
        return value
    raise not_allowed(value, "None or a plain function, not an async one")


def is_shown_name(value: object) -> bool:
    """Return whether a value is a name for people and metrics: 1 to 128 printable characters."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()


def to_tuple(name: str, given: object) -> tuple[Any, ...]:
    """Return what a collection holds.

    Raises:
        TypeError: It is none, but perhaps what should be in one.
    """
    if not isinstance(given, Iterable):
        raise TypeError(f"{name} is {given!r}: give a list, also where it is one object alone")
    return tuple(cast("Iterable[Any]", given))


def is_plain_function(value: object) -> bool:
    """Return whether a value is None, or can be called without awaiting anything."""
    return value is None or (callable(value) and not _is_async(value))


def _is_async(function: Callable[..., object]) -> bool:
    """Return whether a value is an async function, or has an async `__call__`."""
    call = type(function).__call__ if not isinstance(function, type) else function
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def check_listeners(value: object) -> object:
    """Accept a list or tuple of objects with the methods of pybreaker's listeners."""
    listeners = cast("tuple[object, ...]", value) if isinstance(value, list | tuple) else None
    if listeners is None or not all(map(_is_listener, listeners)):
        what = "a list or tuple of pybreaker.CircuitBreakerListener objects"
        raise not_allowed(cast("object", value), what)
    return listeners


def _is_listener(value: object) -> bool:
    if isinstance(value, type):
        return False
    return all(callable(getattr(value, method, None)) for method in _LISTENER_METHODS)


def check_statuses(value: object) -> list[object]:
    """Accept statuses as a list, or as a comma-separated text from the environment."""
    statuses = _as_list(value)
    if statuses is None:
        raise not_allowed(value, "a list of statuses, each from 100 to 599")
    return statuses


def _as_list(value: object) -> list[object] | None:
    """Return the members of a list, or of a comma-separated text, or None for anything else."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, Iterable) and not isinstance(value, bytes | Mapping):
        return list(cast("Iterable[object]", value))
    return None


def check_methods(value: object) -> frozenset[str] | None:
    """Accept None or HTTP methods, in any case."""
    if value is None:
        return None
    names = _as_list(value)
    if names is None or not all(isinstance(name, str) and _TOKEN.fullmatch(name) for name in names):
        raise not_allowed(value, "HTTP methods, or None for all")
    return frozenset(str(name).upper() for name in names)


def check_exceptions(value: object) -> object:
    """Accept an exception class or a tuple of them."""
    kinds = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    if all(isinstance(kind, type) and issubclass(kind, Exception) for kind in kinds):
        return cast("object", value)
    raise not_allowed(cast("object", value), "an exception class, or a tuple of them")


def check_base_url(value: object) -> object:
    """Accept "" or an http(s) URL with a host, without query and fragment."""
    if value == "":
        return value
    if isinstance(value, str) and _is_base_url(value):
        return value
    shown = mask_url(value) if isinstance(value, str) else value
    raise not_the_kind(shown, "an http:// or https:// URL with a host and without query, or ''")


def _is_base_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    has_spaces = bool(re.search(r"[\s\x00-\x1f\x7f]", value))
    is_bare = not (parts.query or parts.fragment or has_spaces)
    return parts.scheme in {"http", "https"} and bool(host) and port != 0 and is_bare


def check_headers(value: object) -> dict[str, str]:
    """Accept header names and texts; never quote a text.

    Names are the same in any case: of two that are, the later stands.
    """
    if not isinstance(value, Mapping):
        raise refuse("headers", "give a mapping of header names to texts")
    headers: dict[str, tuple[str, str]] = {}
    for given, text in cast("Mapping[object, object]", value).items():
        name = check_header_name(given)
        if not isinstance(text, str) or _UNPRINTABLE.search(text):
            raise refuse(
                "headers",
                "the value of {name} is not allowed: give a text of printable ASCII characters",
                name=name,
            )
        headers[name.lower()] = name, text
    return dict(headers.values())


def check_header_name(value: object) -> str:
    """Accept the name of a header (a token of RFC 9110, 5.6.2).

    Of anything else only the beginning is quoted: what follows may be the value.
    """
    if isinstance(value, str):
        if _TOKEN.fullmatch(value):
            return value
        token = _TOKEN.match(value)
        value = f"{token[0] if token else ''}..."
    raise not_the_kind(value, "the name of a header: letters, digits and !#$%&'*+.^_`|~-")


def check_header_names(value: object) -> tuple[str, ...]:
    """Accept the names of headers, as a list or a comma-separated text."""
    names = _as_list(value)
    if names is None:
        raise not_the_kind(value, "names of headers, or () for none")
    return tuple(map(check_header_name, names))
