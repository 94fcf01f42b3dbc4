"""Keeps what a server sends behind an answer from passing for the answer to the next request.

httpcore reads as much as has come. What stands behind the end of an answer stays in h11's buffer,
where the connection's next request would find it: whoever can make a server send too much would
choose what another call gets. A client must not take it for an answer (RFC 9112, 6.3).
"""

from __future__ import annotations

import ssl
from typing import Any, Final

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
    if protocol.trailing_data[0] or _has_come(getattr(connection, "_network_stream", None)):
        protocol.send_failed()  # httpcore closes what is not as it should be


def _has_come(stream: Any) -> bool:
    """Tell whether bytes wait below h11: in anyio's queue, or not decrypted yet.

    Whether the socket is readable httpcore looks itself before it uses a connection again.
    """
    while stream is not None:
        queue = getattr(getattr(stream, "_protocol", None), "read_queue", None)
        if queue or _decrypts_more(getattr(stream, "_ssl_object", None)):
            return True
        stream = next(
            (getattr(stream, name) for name in _BELOW if getattr(stream, name, None) is not None),
            None,
        )
    return False


def _decrypts_more(tls: Any) -> bool:
    """Take a byte out, if there is one: the connection is not used again then."""
    if not isinstance(tls, ssl.SSLObject):
        return False
    try:
        return bool(tls.read(1))
    except ssl.SSLError:  # nothing, or what is no data: a session ticket
        return False
