"""Keeps what a server sends behind an answer from passing for the answer to the next request.

httpcore reads as much as has come. What stands behind the end of an answer stays in h11's buffer,
where the connection's next request would find it: whoever can make a server send too much would
choose what another call gets. A client must not take it for an answer (RFC 9112, 6.3).
"""

from __future__ import annotations

from typing import Any

__all__ = ["close_after_surplus"]


def close_after_surplus(stream: Any) -> None:
    """Have a connection closed, not reused, where more came over it than the answer.

    Args:
        stream: The body of an answer of httpcore's pool, read to its end and about to be closed.
            Where it came by another protocol than HTTP/1.1, nothing is done.
    """
    connection = getattr(getattr(stream, "_stream", None), "_connection", None)
    protocol = getattr(connection, "_h11_state", None)
    if protocol is not None and protocol.trailing_data[0]:
        protocol.send_failed()  # httpcore closes what is not as it should be
