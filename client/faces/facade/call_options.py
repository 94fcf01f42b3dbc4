"""The keyword arguments of a call: httpx's own, passed through, and those added here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar, cast

from ...config.did_you_mean import did_you_mean
from ...config.models import RetryConfig
from ...exceptions import InvalidRequestError
from ...runtime.seconds import MAX_SECONDS, is_seconds
from ..shown import parameters_of, show
from ..strategies import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable

    from ...config.parts.hedge import HedgeConfig
    from ...http import shapes
    from ..strategies import Wanted

    Pairs = Iterable[tuple[str, object]]

__all__ = [
    "USUAL_METHODS",
    "CallOptions",
    "check_deadline",
    "check_method",
    "check_names",
    "check_operation",
    "check_priority",
    "check_retry",
    "show_options",
    "take_strategies",
]

FaceT = TypeVar("FaceT")

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
USUAL_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_SHOWN: Final = 40
_LONGEST_NAME: Final = 128
_LOWEST: Final = 9


class CallOptions(TypedDict, total=False):
    """What every method takes by keyword.

    `content` to `extensions` are httpx's own. Added are:

    request_id: The operation's id, 1-128 characters of `A-Z a-z 0-9 . _ ~ -`; one is made
        where none is given, in a header neither.
    retry: A `RetryConfig` in place of the client's, a dict of settings laid over the client's,
        or None for a single attempt. Retries are paid from the client's budget in any case.
    deadline: Seconds for the whole operation, in place of `timeout.total`; None for no bound.
    priority: From 0, the highest, to 9, default 5: where the bulkhead's queue grows longer than its
        limit, the least important are turned away first.
    rate_limit: None sends at once, by no limit.
    hedge: A `HedgeConfig` in place of the client's, a dict of settings laid over the client's, or
        None for no attempt beside another.
    chaos: None injects nothing.
    cache: None asks the server, and keeps nothing.
    fallback: What answers in place of this call when it failed; None raises its error.
    middleware: What goes around this call in place of the client's;
        `[*client.middleware, mine]` adds to them.
    attempt_middleware: Likewise for its attempts.
    operation: What the call is named in traces, 1-128 printable characters; by default its method
        and the client's name.
    """

    content: str | bytes | Iterable[bytes] | AsyncIterable[bytes] | None
    data: Mapping[str, object] | None
    files: Mapping[str, object] | Iterable[tuple[str, object]] | None
    json: object
    params: Mapping[str, object] | Pairs | str | bytes | None
    headers: Mapping[str, str] | Mapping[bytes, bytes] | Pairs | None
    cookies: Mapping[str, str] | Pairs | shapes.Cookies | None
    auth: tuple[str | bytes, str | bytes] | shapes.Auth[object] | Callable[[Any], Any] | None
    follow_redirects: bool
    timeout: float | tuple[float | None, ...] | shapes.Timeout | None
    extensions: Mapping[str, object] | None
    request_id: str | None
    retry: RetryConfig | Mapping[str, Any] | None
    deadline: float | None
    operation: str | None
    priority: int
    rate_limit: None
    hedge: HedgeConfig | Mapping[str, object] | None
    chaos: None
    cache: None
    fallback: object
    middleware: Iterable[object]
    attempt_middleware: Iterable[object]


_KNOWN = CallOptions.__optional_keys__


def show_options(face: type[FaceT]) -> type[FaceT]:
    """Let `help()` show the arguments of each method of a face that takes them."""
    nothing = ("content", "data", "files", "json", "params", "headers", "cookies", "extensions")
    defaults = {**dict.fromkeys((*nothing, "request_id", "operation")), "priority": 5}
    parameters = parameters_of(CallOptions, defaults)
    for method in vars(face).values():
        if getattr(method, "__annotations__", {}).get("options") == "Unpack[CallOptions]":
            show(method, parameters, CallOptions)
    return face


def check_names(options: Mapping[str, object]) -> None:
    """Refuse a misspelt argument before anything is done.

    Raises:
        TypeError: An argument is unknown; the nearest known is offered.
    """
    for name in options:
        if name not in _KNOWN:
            raise TypeError(f"unexpected keyword argument {name!r}{did_you_mean(name, _KNOWN)}")


def check_method(method: object) -> None:
    """Refuse what is no HTTP method (a token of RFC 9110, 9.1) before anything is done.

    Raises:
        InvalidRequestError: It is none.
    """
    if not isinstance(method, str) or not _TOKEN.fullmatch(method):
        shown = repr(method)[:_SHOWN]
        text = f"HTTP method {shown} is not allowed: give a word such as GET"
        raise InvalidRequestError(text, request_sent=False)


def check_deadline(value: object) -> float | None:
    """Return the deadline as a number, or raise ValueError saying what is allowed."""
    if value is None:
        return None
    if not is_seconds(value) or value == 0:
        raise ValueError(
            f"deadline {value!r} is not allowed: give a number of seconds above 0, "
            f"up to {MAX_SECONDS:.0f}, or None"
        )
    return float(value)


def check_operation(value: object) -> str | None:
    """Return the name of an operation, or raise ValueError saying what is allowed."""
    if value is None:
        return None
    if isinstance(value, str) and value.isprintable() and 1 <= len(value) <= _LONGEST_NAME:
        return value
    raise ValueError(
        f"operation {repr(value)[:_SHOWN]} is not allowed: give 1-{_LONGEST_NAME} printable "
        "characters, or None"
    )


def check_priority(value: object) -> int:
    """Return a priority, or raise ValueError saying what is allowed."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LOWEST:
        return value
    raise ValueError(
        f"priority {value!r} is not allowed: give a whole number from 0, the highest, to {_LOWEST}"
    )


def take_strategies(options: CallOptions, wanted: Wanted) -> Wanted | None:
    """Remove what a call says about strategies; return what it has then, or None for no word.

    Raises:
        TypeError: It cannot be given so.
        ValueError: A setting is refused.
    """
    given = cast("dict[str, object]", options)
    names = STRATEGIES & given.keys()
    return wanted.with_call({name: given.pop(name) for name in names}) if names else None


def check_retry(value: object, base: RetryConfig | None) -> RetryConfig | None:
    """Return the configuration that a `retry=` argument asks for.

    Raises:
        TypeError: It is none of the three kinds.
        ValueError: A setting in the dict is refused.
    """
    if value is None or isinstance(value, RetryConfig):
        return value
    if isinstance(value, Mapping):
        return (base or RetryConfig()).merged(**cast("Mapping[str, object]", value))
    raise TypeError(f"retry {value!r} is not allowed: give a RetryConfig, a dict, or None")
