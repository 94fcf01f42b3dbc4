"""The keyword arguments of a call: httpx's own, passed through, and the three added here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypedDict

from client.config import RetryConfig
from client.exceptions import InvalidRequestError
from client.seconds import MAX_SECONDS, is_seconds
from client.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    import httpx

    Pairs = Iterable[tuple[str, Any]]

__all__ = ["CallOptions", "check_deadline", "check_method", "check_names", "check_retry"]

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_USUAL: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_SHOWN: Final = 40


class CallOptions(TypedDict, total=False):
    """What every method takes by keyword.

    `content` to `extensions` are httpx's own. Added are:

    request_id: The operation's id, 1-128 characters of `A-Z a-z 0-9 . _ ~ -`; one is made
        where none is given, in a header neither.
    retry: A `RetryConfig` in place of the client's, a dict of settings laid over the client's,
        or None for a single attempt. Retries are paid from the client's budget in any case.
    deadline: Seconds for the whole operation, in place of `timeout.total`; None for no bound.
    """

    content: str | bytes | Iterable[bytes] | AsyncIterable[bytes] | None
    data: Mapping[str, Any] | None
    files: Mapping[str, Any] | Iterable[tuple[str, Any]] | None
    json: Any
    params: Mapping[str, Any] | Pairs | str | bytes | None
    headers: Mapping[str, str] | Mapping[bytes, bytes] | Pairs | None
    cookies: Mapping[str, str] | Pairs | httpx.Cookies | None
    auth: Any
    follow_redirects: Any
    timeout: float | tuple[float | None, ...] | httpx.Timeout | None
    extensions: Mapping[str, Any] | None
    request_id: str | None
    retry: RetryConfig | Mapping[str, Any] | None
    deadline: float | None


_KNOWN = CallOptions.__optional_keys__


def check_names(options: Mapping[str, Any]) -> None:
    """Refuse a misspelt argument before anything is done.

    Raises:
        TypeError: An argument is unknown; the nearest known is offered.
    """
    for name in options:
        if name not in _KNOWN:
            near = nearest(name, _KNOWN)
            offer = f"; did you mean {near!r}?" if near else ""
            raise TypeError(f"unexpected keyword argument {name!r}{offer}")


def check_method(method: object) -> None:
    """Refuse what is no HTTP method (a token of RFC 9110, 9.1) before anything is done.

    Raises:
        InvalidRequestError: It is none.
    """
    if method in _USUAL:
        return
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


def check_retry(value: Any, base: RetryConfig | None) -> RetryConfig | None:
    """Return the configuration that a `retry=` argument asks for.

    Raises:
        TypeError: It is none of the three kinds.
        ValueError: A setting in the dict is refused.
    """
    if value is None or isinstance(value, RetryConfig):
        return value
    if isinstance(value, Mapping):
        return (base or RetryConfig()).merged(**value)
    raise TypeError(f"retry {value!r} is not allowed: give a RetryConfig, a dict, or None")
