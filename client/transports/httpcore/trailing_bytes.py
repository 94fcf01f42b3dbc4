"""Keeps what a server sends behind an answer from passing for the answer to the next request.

httpcore reads as much as has come. What stands behind the end of an answer stays in h11's buffer,
where the next request on that connection would find it: whoever makes a server send too much would
choose what another call gets. A client must not take it for an answer (RFC 9112, 6.3).
"""

from __future__ import annotations

import ssl
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from ...errors.httpcore_names import CONNECTION, H11, SOCKET, STREAM, TLS_IN_TLS
from .anyio_names import ARRIVED, BELOW_TLS, PROTOCOL, TLS

__all__ = ["close_after_trailing_bytes"]

_BELOW: Final = ("_inner", STREAM, BELOW_TLS)
"""The attributes by which our wrapper, httpcore's and anyio's streams hold the one below."""
_SECURED: Final = (TLS, TLS_IN_TLS)
"""Those by which anyio's streams, and httpcore's for TLS in TLS that blocks, hold what decrypts."""


def close_after_trailing_bytes(stream: Any) -> None:
    """Close a connection, rather than use it again, where more came over it than the answer.

    Args:
        stream: The body of an answer of httpcore's pool, read to its end and about to be closed.
            Where it came by another protocol than HTTP/1.1, nothing is done.
    """
    connection = getattr(getattr(stream, STREAM, None), CONNECTION, None)
    protocol = getattr(connection, H11, None)
    if protocol is None:
        return
    if protocol.trailing_data[0] or _has_come(connection):
        protocol.send_failed()  # httpcore closes what is not as it should be


class _Below(NamedTuple):
    """Where bytes may wait below h11: anyio's protocols, and what is not decrypted yet."""

    protocols: tuple[Any, ...]
    secured: tuple[ssl.SSLObject, ...]


_below: Final[WeakKeyDictionary[object, _Below]] = WeakKeyDictionary()
"""By httpcore's connection, whose streams stay the same, so that they are looked for once."""


def _has_come(connection: object) -> bool:
    """Whether bytes wait below h11: in anyio's queue, or not decrypted yet.

    httpcore itself looks whether the socket is readable before it uses a connection again.
    """
    below = _below.get(connection)
    if below is None:
        below = _below[connection] = _look_below(getattr(connection, SOCKET, None))
    for protocol in below.protocols:
        if getattr(protocol, ARRIVED):
            return True
    return any(_decrypts_more(tls) for tls in below.secured) if below.secured else False


def _look_below(stream: Any) -> _Below:
    protocols: list[Any] = []
    secured: list[ssl.SSLObject] = []
    while stream is not None:
        protocol = getattr(stream, PROTOCOL, None)
        if hasattr(protocol, ARRIVED):
            protocols.append(protocol)
        held = (getattr(stream, name, None) for name in _SECURED)
        secured += [tls for tls in held if isinstance(tls, ssl.SSLObject)]
        stream = next(
            (getattr(stream, name) for name in _BELOW if getattr(stream, name, None) is not None),
            None,
        )
    return _Below(tuple(protocols), tuple(secured))


def _decrypts_more(tls: ssl.SSLObject) -> bool:
    """Whether there is a byte, which this takes out: the connection is not used again then."""
    try:
        return bool(tls.read(1))
    except ssl.SSLError:  # nothing, or what is no data: a session ticket
        return False
