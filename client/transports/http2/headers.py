"""What may stand in the head of an HTTP/2 message, on its way out and on its way in.

HTTP/2 can carry any byte in a header, line ends too; whoever hands the message on as HTTP/1.1 would
see other headers, or another request. So what h11 refuses for HTTP/1.1 is refused here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..shapes import PoolRequest

    Header = tuple[bytes, bytes]

__all__ = ["Head", "Malformed", "Outgoing", "read_answer_head", "read_request_head"]

_TOKEN: Final = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
_VALUE: Final = re.compile(rb"(?:[^\x00\s]+(?:[ \t]+[^\x00\s]+)*)?")
_TARGET: Final = re.compile(rb"[\x21-\x7e]+")
_LENGTH: Final = re.compile(rb"[0-9]{1,20}")
_STATUS: Final = re.compile(rb"[1-9][0-9]{2}")
_OF_CONNECTION: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
"""Headers of HTTP/1.1 that speak of its connection (RFC 9113, 8.2.2)."""
_NO_BODY: Final = frozenset({204, 304})
_SWITCHING_PROTOCOLS: Final = 101


class Malformed(Exception):  # noqa: N818 - becomes the error of whoever sent the head
    """Raised with what is wrong with a head; no part of it is quoted."""


class Outgoing(NamedTuple):
    """The head of a request, as it goes out."""

    headers: list[Header]
    has_body: bool
    length: int | None
    """Of the body, where the caller says so."""


class Head(NamedTuple):
    """The head of an answer."""

    status: int
    headers: list[Header]
    length: int | None
    """Of the body that belongs to it, where the server says so."""


def read_request_head(request: PoolRequest) -> Outgoing:
    """Check the head of one of httpcore's requests, and translate it.

    Raises:
        Malformed: It may not go out.
    """
    if _TOKEN.fullmatch(request.method) is None:
        raise Malformed("illegal method")
    if _TARGET.fullmatch(request.url.target) is None:
        raise Malformed("illegal characters in the URL")
    fields = _Fields()
    for given, value in request.headers:
        _check(given, value)
        fields.add(given.lower(), value)
    if len(fields.hosts) != 1:
        raise Malformed("a request has exactly one Host header")
    if fields.codings not in ([], [b"chunked"]):
        raise Malformed("only Transfer-Encoding: chunked is supported")
    length = _length_in(fields.lengths)
    if fields.codings:
        length = None
    elif length is not None:
        fields.others.append((b"content-length", b"%d" % length))
    pseudo = [
        (b":method", request.method),
        (b":authority", fields.hosts[0]),
        (b":scheme", request.url.scheme),
        (b":path", request.url.target),
    ]
    has_body = bool(fields.codings) or length is not None
    return Outgoing(pseudo + fields.others, has_body, length)


def read_answer_head(raw: Iterable[Header], *, is_to_head: bool) -> Head:
    """Check the head of an answer, and translate it.

    Args:
        raw: Its fields.
        is_to_head: Whether the request was a HEAD, whose answer has no body.

    Raises:
        Malformed: It must not reach the caller.
    """
    statuses: list[bytes] = []
    headers: list[Header] = []
    for name, given in raw:
        value = given.strip(b" \t")
        if name == b":status" and not headers:
            statuses.append(value)
            continue
        _check(name, value)
        if name != name.lower():
            raise Malformed("illegal header name")
        if name not in _OF_CONNECTION:
            headers.append((name, value))
    if len(statuses) != 1 or _STATUS.fullmatch(statuses[0]) is None:
        raise Malformed("illegal status")
    status = int(statuses[0])
    if status == _SWITCHING_PROTOCOLS:
        raise Malformed("HTTP/2 has no status 101")
    length = _length_in(value for name, value in headers if name == b"content-length")
    return Head(status, headers, None if is_to_head or status in _NO_BODY else length)


class _Fields:
    """The headers of a request, those apart that HTTP/2 has another place for."""

    def __init__(self) -> None:
        self.others: list[Header] = []
        self.hosts: list[bytes] = []
        self.codings: list[bytes] = []
        self.lengths: list[bytes] = []

    def add(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            self.hosts.append(value)
        elif name == b"transfer-encoding":
            self.codings.append(value.lower())
        elif name == b"content-length":
            self.lengths.append(value)
        elif name not in _OF_CONNECTION and (name != b"te" or value.lower() == b"trailers"):
            self.others.append((name, value))


def _check(name: bytes, value: bytes) -> None:
    if _TOKEN.fullmatch(name) is None:
        raise Malformed("illegal header name")
    if _VALUE.fullmatch(value) is None:
        raise Malformed("illegal header value")


def _length_in(values: Iterable[bytes]) -> int | None:
    """Return the length that all values agree on, or None where there are none."""
    lengths = {each.strip() for value in values for each in value.split(b",")}
    if not lengths:
        return None
    if len(lengths) > 1:
        raise Malformed("conflicting Content-Length headers")
    (length,) = lengths
    if _LENGTH.fullmatch(length) is None:
        raise Malformed("bad Content-Length")
    return int(length)
