"""Keeps what a server sends behind an answer from passing for the answer to the next request.

httpcore reads as much as has come. What stands behind the end of an answer stays in h11's buffer,
where the connection's next request would find it: whoever can make a server send too much would
choose what another call gets. A client must not take it for an answer (RFC 9112, 6.3).
"""

from __future__ import annotations

import ssl
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

__all__ = ["close_after_surplus"]

_BELOW: Final = ("_inner", "_stream", "transport_stream")
"""The attributes by which our wrapper, httpcore's and anyio's streams hold the one below."""


def close_after_surplus(stream: Any) -> None:
    """Have a connection closed, not reused, where more came over it than the answer.

    Args:
        stream: The body of an answer of httpcore's pool, read to its end and about to be closed.
            Where it came by another protocol than HTTP/1.1, nothing is done.
    """
    connection = getattr(getattr(stream, "_stream", None), "_connection", None)
    protocol = getattr(connection, "_h11_state", None)
    if protocol is None:
        return
    if protocol.trailing_data[0] or _has_come(connection):
        protocol.send_failed()  # httpcore closes what is not as it should be


class _Below(NamedTuple):
    """Where bytes may wait below h11: anyio's protocols, and what is not decrypted yet."""

    protocols: tuple[Any, ...]
    secured: tuple[ssl.SSLObject, ...]


_below: Final[WeakKeyDictionary[Any, _Below]] = WeakKeyDictionary()
"""By httpcore's connection, whose streams stay the same, so that they are looked for once."""


def _has_come(connection: Any) -> bool:
    """Tell whether bytes wait below h11: in anyio's queue, or not decrypted yet.

    Whether the socket is readable httpcore looks itself before it uses a connection again.
    """
    below = _below.get(connection)
    if below is None:
        below = _below[connection] = _look_below(getattr(connection, "_network_stream", None))
    for protocol in below.protocols:
        if protocol.read_queue:
            return True
    return any(_decrypts_more(tls) for tls in below.secured) if below.secured else False


def _look_below(stream: Any) -> _Below:
    protocols: list[Any] = []
    secured: list[ssl.SSLObject] = []
    while stream is not None:
        protocol, tls = (getattr(stream, name, None) for name in ("_protocol", "_ssl_object"))
        if hasattr(protocol, "read_queue"):
            protocols.append(protocol)
        if isinstance(tls, ssl.SSLObject):
            secured.append(tls)
        stream = next(
            (getattr(stream, name) for name in _BELOW if getattr(stream, name, None) is not None),
            None,
        )
    return _Below(tuple(protocols), tuple(secured))


def _decrypts_more(tls: ssl.SSLObject) -> bool:
    """Take a byte out, if there is one: the connection is not used again then."""
    try:
        return bool(tls.read(1))
    except ssl.SSLError:  # nothing, or what is no data: a session ticket
        return False
