"""Turns what httpx raises and what servers answer into the tree of `exceptions`: by tables.

Texts are taken from below only where they cannot hold a header, a body or a query.
"""

from __future__ import annotations

import re
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from client.exceptions import (
    APINetworkError,
    APITimeoutError,
    AuthenticationError,
    InvalidRequestError,
    MyAPIError,
    NotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
    ServerTimeoutError,
    ServiceUnavailableError,
    TLSVerificationError,
    UnexpectedStatusError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client.family import Family

__all__ = ["Classifier", "Refused", "Verdict", "error_for_status", "status_phrase"]

_BY_STATUS: Final[dict[int, type[MyAPIError]]] = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    408: ServerTimeoutError,
    422: InvalidRequestError,
    429: RateLimitError,
    502: ServiceUnavailableError,
    503: ServiceUnavailableError,
    504: ServiceUnavailableError,
}
OK: Final = range(200, 400)
"""The statuses that are no failure."""
_SERVER_ERRORS: Final = range(500, 600)


class Verdict(NamedTuple):
    """What a failure is: its class in the tree, whether the request may have been sent, why."""

    kind: type[MyAPIError]
    request_sent: bool | None
    reason: str


def error_for_status(status: int) -> type[MyAPIError] | None:
    """Return the error a status stands for, or None for 2xx and 3xx."""
    if status in OK:
        return None
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return ServerError if status in _SERVER_ERRORS else UnexpectedStatusError


def status_phrase(status: int) -> str:
    """Return "503 Service Unavailable", or the number alone where nobody named it."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


class Refused(Exception):  # noqa: N818 - a verdict on its way, not an error of its own
    """Raised by our own hooks inside httpx; the verdict says what it is to become."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


# What a peer said follows a colon or stands in quotes: it may be anything, so it is left out.
_QUOTED: Final = re.compile(r"""[:'"({].*""", re.DOTALL)


def _nothing(_text: str) -> str:
    return ""


def _everything(text: str) -> str:
    return text


def _own_words(text: str) -> str:
    return _QUOTED.sub("", text)


class _Row(NamedTuple):
    exception: str
    kind: type[MyAPIError]
    request_sent: bool
    shows: Callable[[str], str] = _nothing
    """What of the exception's text may be shown."""


# The first row whose class fits decides, so the special ones stand before the general.
# `request_sent` follows from where in the exchange httpx raises each: nothing has been written
# before a connection is there. Texts of protocol errors quote the peer, so they are cut.
_TABLE: Final = (
    _Row("ConnectTimeout", APITimeoutError, request_sent=False),
    _Row("PoolTimeout", APITimeoutError, request_sent=False),
    _Row("TimeoutException", APITimeoutError, request_sent=True),
    _Row("ConnectError", APINetworkError, request_sent=False, shows=_everything),
    _Row("ProxyError", APINetworkError, request_sent=False),
    _Row("UnsupportedProtocol", InvalidRequestError, request_sent=False),
    _Row("LocalProtocolError", InvalidRequestError, request_sent=False),
    _Row("RemoteProtocolError", APINetworkError, request_sent=True, shows=_own_words),
    _Row("TransportError", APINetworkError, request_sent=True, shows=_own_words),
    _Row("DecodingError", ResponseError, request_sent=True),
    _Row("TooManyRedirects", ResponseError, request_sent=True),
    _Row("RequestError", APINetworkError, request_sent=True),
    _Row("InvalidURL", InvalidRequestError, request_sent=False),
)
_REASONS: Final = {
    "ConnectTimeout": "connecting took too long",
    "PoolTimeout": "no connection of the pool came free in time",
    "ReadTimeout": "the server stayed silent too long",
    "WriteTimeout": "the server took the request too slowly",
    "UnsupportedProtocol": "the URL is not an absolute http:// or https:// URL",
    "LocalProtocolError": "the request breaks the protocol, in a header or the length of its body",
    "DecodingError": "the body is not encoded as its Content-Encoding says",
    "TooManyRedirects": "the redirects do not end",
    "InvalidURL": "the URL is malformed",
}
# h11 finds a body of another length than announced when the head, or all of it, is out already.
_FOUND_WHILE_SENDING: Final = "declared Content-Length"


class Classifier:
    """The tables above, bound to the classes of one httpx family."""

    def __init__(self, family: Family) -> None:
        self._rows = [(getattr(family.module, row.exception), row) for row in _TABLE]
        self._status_error: Any = family.module.HTTPStatusError

    def response_in(self, error: Exception) -> Any:
        """Return the response of a `raise_for_status` in somebody's hook, or None."""
        found: Any = error
        return found.response if isinstance(error, self._status_error) else None

    def verdict(self, error: Exception) -> Verdict | None:
        """Return what an exception of the layers below means, or None where it is not theirs."""
        if isinstance(error, Refused):
            return error.verdict
        for kind, row in self._rows:
            if isinstance(error, kind):
                return _from_httpx(error, row)
        if isinstance(error, TimeoutError):
            return Verdict(APITimeoutError, request_sent=True, reason="it took too long")
        if isinstance(error, ConnectionError):
            return Verdict(APINetworkError, request_sent=True, reason=type(error).__name__)
        if isinstance(error, UnicodeError | OverflowError):
            reason = "the URL or a header cannot be encoded"
            return Verdict(InvalidRequestError, request_sent=False, reason=reason)
        return None


def _from_httpx(error: Exception, row: _Row) -> Verdict:
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error)):
        reason = "the server's certificate was refused"
        return Verdict(TLSVerificationError, request_sent=False, reason=reason)
    name, text = type(error).__name__, str(error)
    reason = _REASONS.get(name, name)
    sent = row.request_sent or _FOUND_WHILE_SENDING in text
    shown = row.shows(text).strip()
    return Verdict(row.kind, sent, f"{reason}: {shown}" if shown else reason)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
