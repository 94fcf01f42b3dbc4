"""Every name of anyio that this package leans on beyond its documentation.

They lead from a stream to what has come over it and was not read: bytes that a server has sent
behind an answer, which must not be taken for the next answer.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Final

from ...errors.private_names import PrivateName, check

__all__ = ["ARRIVED", "BELOW_TLS", "PROTOCOL", "TLS", "check_anyio"]

PROTOCOL: Final = "_protocol"
"""Of a stream over a socket: what reads ahead."""
ARRIVED: Final = "read_queue"
"""What it has read."""
BELOW_TLS: Final = "transport_stream"
"""Of a stream under TLS: the one below."""
TLS: Final = "_ssl_object"
"""What decrypts it."""

_WORKS: Final = "anyio>=4.16,<4.17"
_LOST: Final = "what a server sends some time behind an answer may be taken for the next answer"
_ASYNCIO: Final = "_backends._asyncio"
_SECURE: Final = "streams.tls.TLSStream"
_NAMES: Final = tuple(
    PrivateName(place, name, _LOST, is_vital=False)
    for place, name in (
        (f"{_ASYNCIO}.SocketStream", PROTOCOL),
        (f"{_ASYNCIO}.StreamProtocol", ARRIVED),
        (_SECURE, BELOW_TLS),
        (_SECURE, TLS),
    )
)


def check_anyio() -> None:
    """Check, at the first connection over asyncio, that anyio has these names; else warn.

    Not before: to import that part of anyio takes longer than to make a client.
    """
    if f"anyio.{_ASYNCIO}" in sys.modules:  # else it runs on trio, which reads nothing ahead
        _check()


@cache
def _check() -> None:
    check(sys.modules["anyio"], _WORKS, _NAMES)
