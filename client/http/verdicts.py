"""Turns what httpx raises and what servers answer into the tree of `exceptions`: by tables.

Texts are taken from below only where they cannot hold a header, a body or a query.
"""

from __future__ import annotations

import re
import ssl
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors.httpx_names import check_httpx
from ..errors.owners import is_of_a_library
from ..errors.raised_below import Place, is_an_interrupt, origin_of_error, was_born_below
from ..errors.safe_texts import own_words, system_words, text_of
from ..exceptions import (
    APINetworkError,
    APIStatusError,
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
from .bodies.codings.layers import TOO_MANY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..errors.raised_below import Origin
    from .family import Family

__all__ = [
    "NOT_TAKEN_ON",
    "Classifier",
    "Refused",
    "Verdict",
    "error_for_status",
    "status_phrase",
]

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


def _nothing(_text: str) -> str:
    return ""


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
    _Row("ConnectError", APINetworkError, request_sent=False, shows=own_words),
    _Row("ProxyError", APINetworkError, request_sent=False),
    _Row("UnsupportedProtocol", InvalidRequestError, request_sent=False),
    _Row("LocalProtocolError", InvalidRequestError, request_sent=False),
    _Row("RemoteProtocolError", APINetworkError, request_sent=True, shows=own_words),
    _Row("TransportError", APINetworkError, request_sent=True, shows=own_words),
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
NOT_TAKEN_ON: Final = "the server did not take the request on"
"""What our HTTP/2 connections say where the server says so (RFC 9113, 8.7): it was read in vain."""
# h11 finds a body of another length than announced when the head, or all of it, is out already.
_FOUND_WHILE_SENDING: Final = "declared Content-Length"
_PROXYS_STATUS: Final = re.compile(r"([1-5][0-9]{2})(?: |$)")
"""The status with which a proxy refused a tunnel, in httpx's text; the proxy's phrase follows."""
_CURED_BY_TIME: Final = frozenset({408, 429, *_SERVER_ERRORS})


_REFUSED_CERTIFICATE: Final = Verdict(
    TLSVerificationError, request_sent=False, reason="the server's certificate was refused"
)
_BROKEN_HTTP2: Final = Verdict(
    APINetworkError, request_sent=True, reason="the rules of HTTP/2 were broken"
)
_NEVER_FROM_BELOW: Final = (MemoryError, Warning)
"""Of the machine, or of whoever turned warnings into errors."""
_NAMED_ALIKE: Final = frozenset({"h11", "httpcore", "httpcore2"})
_ENCODING: Final = frozenset({Place.CONNECTING, Place.ELSEWHERE, Place.TRANSPORT})
_TIMEOUTS: Final = {Place.CONNECTING: "ConnectTimeout", Place.SENDING: "WriteTimeout"}
_BREAKS: Final = {
    Place.CONNECTING: "ConnectError",
    Place.SENDING: "WriteError",
    Place.CLOSING: "CloseError",
}


class Classifier:
    """The tables above, bound to the classes of one httpx family.

    Raises:
        RuntimeError: The family is built otherwise than its exceptions are read by.
    """

    def __init__(self, family: Family) -> None:
        module = family.module
        check_httpx(module)
        self._module = module
        self._rows = [(getattr(module, row.exception), row) for row in _TABLE]
        self._misuse = (module.StreamError, module.CookieConflict)
        self._status_error: Any = module.HTTPStatusError

    def response_in(self, error: Exception) -> Any:
        """Return the response of a `raise_for_status` in somebody's hook, or None."""
        found: Any = error
        return found.response if isinstance(error, self._status_error) else None

    def verdict(self, error: Exception) -> Verdict | None:
        """Return what an exception of the layers below means, or None where it is not theirs."""
        if isinstance(error, Refused):
            return error.verdict
        if isinstance(error, (MyAPIError, *self._misuse, *_NEVER_FROM_BELOW)):
            return None
        origin = origin_of_error(error)
        found = self._by_itself(error, origin)
        return None if found is None else _after_answers(found, origin)

    def says_unsent(self, error: Exception) -> bool:
        """Whether an exception says that the request it speaks of was never sent.

        That may be another one than the call's.
        """
        if isinstance(error, Refused):
            return error.verdict.request_sent is False
        found = self._by_itself(error, origin_of_error(error))
        return found is not None and found.request_sent is False

    def _by_itself(self, error: Exception, origin: Origin) -> Verdict | None:
        row = self._row_of(error)
        if row is None:
            return _of_any(error, origin) if _is_from_below(error, origin) else None
        if row.exception == "InvalidURL" and origin.place is Place.CALLER:
            return None  # he made a URL of his own
        return _by_row(error, row, origin.place)

    def of_family(self, error: Exception) -> Exception:
        """Return what httpx would have raised, had it known an exception of a layer below.

        The exception itself becomes its cause; what httpx raised is returned as it is.
        """
        module = self._module
        if isinstance(error, module.HTTPError | module.InvalidURL | MyAPIError):
            return error
        verdict = self.verdict(error)
        if verdict is None or _is_a_transport_s_own(error) or _says_what_is_missing(error):
            return error
        kind = getattr(module, _class_of_family(error, verdict))
        made: Exception = kind(verdict.reason)
        made.__cause__ = error
        return made

    def _row_of(self, error: Exception) -> _Row | None:
        for kind, row in self._rows:
            if isinstance(error, kind):
                return row
        # Those of httpcore and h11 have the same names, where httpx has not put its own in place.
        if type(error).__module__.partition(".")[0] in _NAMED_ALIKE:
            names = {kind.__name__ for kind in type(error).__mro__}
            return next((row for row in _TABLE if row.exception in names), None)
        return None


def _is_a_transport_s_own(error: Exception) -> bool:
    """Whether somebody's transport raised an exception of Python's, which passes as with httpx."""
    by_itself = origin_of_error(error).place in {Place.TRANSPORT, Place.ELSEWHERE}
    return by_itself and type(error).__module__ == "builtins"


def _says_what_is_missing(error: Exception) -> bool:
    """Whether httpx names what it cannot do for an answer, as it promises for `qop="auth-int"`."""
    is_answer = origin_of_error(error).place is Place.ANSWER
    return is_answer and isinstance(error, NotImplementedError)


def _is_from_below(error: Exception, origin: Origin) -> bool:
    """Whether an exception that no table names is of a layer below, or could be of nobody else."""
    if origin.place is Place.CALLER:
        return False
    if origin.place in {Place.TRANSPORT, Place.ELSEWHERE}:
        return is_of_a_library(error)
    return not is_an_interrupt(error)


def _of_any(error: Exception, origin: Origin) -> Verdict:
    """Return what an exception that no table names means, by where it was raised."""
    place, name = origin.place, type(error).__name__
    sent = place is not Place.CONNECTING
    if _is_about_a_certificate(error):
        return _REFUSED_CERTIFICATE
    if isinstance(error, TimeoutError):
        return Verdict(APITimeoutError, request_sent=sent, reason="it took too long")
    if place is Place.ANSWER:
        reason = f"what the answer asks for cannot be done: {name}"
        return Verdict(ResponseError, request_sent=True, reason=reason)
    if isinstance(error, UnicodeError | OverflowError) and place in _ENCODING:
        reason = "the URL or a header cannot be encoded"
        # Of somebody else's transport nobody knows what it had sent.
        return Verdict(InvalidRequestError, place is Place.TRANSPORT, reason)
    return Verdict(APINetworkError, request_sent=sent, reason=_named(name, system_words(error)))


def _after_answers(found: Verdict, origin: Origin) -> Verdict:
    """Correct a verdict by what is known of the requests that went before."""
    if not origin.was_answered or found.request_sent:
        return found
    if origin.was_redirected and found.kind is InvalidRequestError:
        reason = f"a redirect leads nowhere: {found.reason}"
        return Verdict(ResponseError, request_sent=True, reason=reason)
    return found._replace(request_sent=True)


def _class_of_family(error: Exception, verdict: Verdict) -> str:
    place = origin_of_error(error).place
    if issubclass(verdict.kind, APITimeoutError):
        return _TIMEOUTS.get(place, "ReadTimeout")
    if issubclass(verdict.kind, APINetworkError):
        return _BREAKS.get(place, "ReadError")
    return "LocalProtocolError" if verdict.kind is InvalidRequestError else "RemoteProtocolError"


def _by_row(error: Exception, row: _Row, place: Place) -> Verdict:
    if _is_about_a_certificate(error):
        return _REFUSED_CERTIFICATE
    if row.exception == "ProxyError" and (status := _PROXYS_STATUS.match(text_of(error))):
        return _refused_tunnel(int(status[1]))
    if row.exception == "LocalProtocolError" and _is_about_http2(error):
        return _BROKEN_HTTP2
    name, text = type(error).__name__, text_of(error)
    if row.exception == "DecodingError" and text == TOO_MANY:
        return Verdict(row.kind, row.request_sent, f"its Content-Encoding names {TOO_MANY}")
    if text == NOT_TAKEN_ON:
        return Verdict(row.kind, request_sent=False, reason=_named(name, text))
    sent = row.request_sent or _FOUND_WHILE_SENDING in text
    reason = _named(_REASONS.get(name, name), row.shows(text).strip())
    return _placed(Verdict(row.kind, sent, reason), place)


def _placed(found: Verdict, place: Place) -> Verdict:
    """Correct what the class of an exception says by where it was raised."""
    if place is Place.CONNECTING:
        return found._replace(request_sent=False)
    if place is not Place.READING:
        return found
    if found.kind is InvalidRequestError:
        # What was read is not the caller's fault, by whatever name it goes.
        return Verdict(APINetworkError, request_sent=True, reason="the answer breaks the protocol")
    return found._replace(request_sent=True)


def _named(name: str, shown: str) -> str:
    return f"{name}: {shown}" if shown else name


def _is_about_a_certificate(error: Exception) -> bool:
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def _is_about_http2(error: Exception) -> bool:
    """Whether h2 raised it: where a connection is not ours, mostly over what the server sent."""
    return any(type(cause).__module__.startswith("h2.") for cause in _causes(error))


def _refused_tunnel(status: int) -> Verdict:
    """Return what it means that a proxy will not connect; the request itself never left."""
    kind = APINetworkError if status in _CURED_BY_TIME else APIStatusError
    reason = f"the proxy refused to connect: {status_phrase(status)}"
    return Verdict(kind, request_sent=False, reason=reason)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or _own_context(error)


def _own_context(error: BaseException) -> BaseException | None:
    """Return the context of an exception, where that is not what the caller was handling."""
    context = error.__context__
    return context if context is not None and was_born_below(context) else None
