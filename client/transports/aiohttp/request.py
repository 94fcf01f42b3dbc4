"""Writes the heads of the fast transport's requests, and checks them as h11 does.

A header that could be read as two, a length that is none, a second `Host`: none of these leaves
this process.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    Pairs = Sequence[tuple[bytes, bytes]]

__all__ = ["Head", "request_head"]

_TOKEN: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VISIBLE: Final = bytes(range(0x21, 0x7F))
_IN_A_VALUE: Final = bytes(set(range(256)) - set(b"\x00\n\r\x0b\x0c"))
_PADDED: Final = re.compile(rb"[ \t].*|.*[ \t]", re.DOTALL)
_LENGTH: Final = re.compile(rb"[0-9]{1,20}")
_SINGLE: Final = (b"host", b"content-length", b"transfer-encoding")


class Head(NamedTuple):
    """The head of a request.

    Attributes:
        data: As it is sent.
        length: Of the body, in bytes; None where it is sent in chunks.
        is_last: Whether the connection is to be closed after the answer.
    """

    data: bytes
    length: int | None
    is_last: bool


def request_head(method: str, target: bytes, pairs: Pairs, errors: ModuleType) -> Head:
    """Write the head of a request.

    Args:
        method: Such as "GET".
        target: What stands behind it: the path, or for a proxy the whole URL.
        pairs: The headers.
        errors: The httpx module whose exceptions are raised.

    Raises:
        LocalProtocolError: The request breaks the protocol.
        TypeError: The method is not ASCII.
    """
    fields = {name.lower(): value for name, value in pairs}
    if b"transfer-encoding" in fields and fields.pop(b"content-length", None) is not None:
        # The body is sent in chunks; with its length besides it could be read as two requests.
        pairs = [pair for pair in pairs if pair[0].lower() != b"content-length"]
    lines = b"".join([b"%b: %b\r\n" % pair for pair in pairs])
    if not method.isascii():
        raise TypeError("the method is not ASCII")
    verb = method.encode()
    if (
        not pairs
        or len(fields) != len(pairs)
        or pairs[0][0].lower() != b"host"
        or b":  " in lines
        or b": \t" in lines
        or b" \r\n" in lines
        or b"\t\r\n" in lines
    ):
        pairs = _in_order(pairs, errors)
        lines = b"".join([b"%b: %b\r\n" % pair for pair in pairs])
    if (
        not verb
        or not target
        or verb.translate(None, _TOKEN)
        or target.translate(None, _VISIBLE)
        or b"" in fields
        or b"".join(fields).translate(None, _TOKEN)
        or lines.translate(None, _IN_A_VALUE) != b"\r\n" * len(pairs)
    ):
        raise errors.LocalProtocolError("the method, the target or a header is malformed")
    data = b"%b %b HTTP/1.1\r\n%b\r\n" % (verb, target, lines)
    connection = fields.get(b"connection", b"")
    is_last = connection != b"keep-alive" and b"close" in _tokens(connection)
    return Head(data, _length(fields, errors), is_last)


def _in_order(pairs: Pairs, errors: ModuleType) -> Pairs:
    """Put `Host` first, and refuse what there may be once only, and what begins or ends blank."""
    kept = sorted(pairs, key=_is_not_host)
    for single in _SINGLE:
        values = [value for name, value in kept if name.lower() == single]
        if len(values) > 1 and (single != b"content-length" or len(set(values)) > 1):
            raise errors.LocalProtocolError(f"there is more than one {single.decode()}")
        if len(values) > 1:
            kept = [pair for pair in kept if pair[0].lower() != single]
            kept.append((b"Content-Length", values[0]))
    if not kept or _is_not_host(kept[0]):
        raise errors.LocalProtocolError("Missing mandatory Host: header")
    if any(_PADDED.fullmatch(value) for _, value in kept):
        raise errors.LocalProtocolError("the value of a header begins or ends with a blank")
    return kept


def _is_not_host(pair: tuple[bytes, bytes]) -> bool:
    return pair[0].lower() != b"host"


def _tokens(value: bytes) -> set[bytes]:
    return {token.strip() for token in value.lower().split(b",")}


def _length(fields: dict[bytes, bytes], errors: ModuleType) -> int | None:
    """Return the length of the body, or None where it is sent in chunks."""
    coding = fields.get(b"transfer-encoding")
    if coding is not None:
        if coding.lower() != b"chunked":
            raise errors.LocalProtocolError("Only Transfer-Encoding: chunked is supported")
        return None
    length = fields.get(b"content-length")
    if length is None:
        return 0
    if not _LENGTH.fullmatch(length):
        raise errors.LocalProtocolError("bad Content-Length")
    return int(length)
