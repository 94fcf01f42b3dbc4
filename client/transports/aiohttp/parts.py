"""The parts of aiohttp that the fast transport is made of; the only module that imports aiohttp.

aiohttp's connector opens connections (it looks names up, and tries addresses by RFC 8305), and its
parser reads the heads of answers and their chunks. Its session is not used, because it follows
redirects, sends again and hides in which phase it failed; nor is its pool, which does not know
httpx's limits.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final, NamedTuple

try:
    import aiohttp
    from aiohttp.http import HttpResponseParser
except ImportError as _missing:
    raise ImportError(
        'backend="aiohttp" and AiohttpTransport need the package aiohttp: '
        "pip install 'resilient-http-client[fast]'"
    ) from _missing

from yarl import URL  # of which aiohttp is made

from .aiohttp_names import FACTORY, check_aiohttp
from .answer import MOST_HEAD_BYTES

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

    from .shapes import Message
    from .wire import Wire

__all__ = ["Opener", "Place", "read_head"]

check_aiohttp(aiohttp)

_LEAST_STATUS: Final = 100
_UNBOUNDED: Final = 2**30
_NO_LIMITS: Final = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None)


class Place(NamedTuple):
    """Where connections are opened from, and how.

    Attributes:
        uds: The path of a Unix socket that all go to, or None.
        local_address: The address they come from, or None for any.
        socket_options: Triples for `setsockopt`.
    """

    uds: str | None = None
    local_address: str | None = None
    socket_options: tuple[Any, ...] = ()


class _Unpaused:
    """What aiohttp's streams ask of a protocol; how much may wait is decided in `answer`."""

    connected: Final = True

    def pause_reading(self) -> None:
        """Do nothing."""

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002 - aiohttp's
        """Do nothing."""


_UNPAUSED: Final[Any] = _Unpaused()


class Opener:
    """Opens connections in one event loop, without TLS.

    Args:
        loop: The running loop.
        place: See `Place`.
        make_wire: Makes the protocol of a new connection.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, place: Place, make_wire: Callable[[], Wire]
    ) -> None:
        self._loop = loop
        self._connector: Any = _connector(loop, place)
        setattr(self._connector, FACTORY, make_wire)

    async def open(self, host: str, port: int) -> Wire:
        """Return the protocol of a new connection.

        Raises:
            OSError: There is none. The error's text is what the system says, if it says anything.
            OverflowError: No machine has that port.
        """
        if not 0 <= port <= 65_535:  # noqa: PLR2004 - sixteen bits
            raise OverflowError("port must be 0-65535")
        host = f"[{host}]" if ":" in host else host
        try:
            url = URL.build(scheme="http", host=host, port=port, encoded=True)
            request = aiohttp.ClientRequest("GET", url, loop=self._loop)
            connection = await self._connector.connect(request, [], _NO_LIMITS)
        # The latter where the host cannot be written as a name: a label is empty, or too long.
        except (aiohttp.ClientError, ValueError) as error:
            reason = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
            raise ConnectionError(str(reason)) from error
        wire: Wire = connection.protocol
        # The wire stays open: aiohttp only forgets the connection.
        connection.close()
        return wire


def _connector(loop: asyncio.AbstractEventLoop, place: Place) -> Any:
    if place.uds is not None:
        return aiohttp.UnixConnector(place.uds, limit=0, loop=loop)
    address = place.local_address
    return aiohttp.TCPConnector(
        limit=0,
        loop=loop,
        local_addr=None if address is None else (address, 0),
        resolver=aiohttp.ThreadedResolver(loop),
        use_dns_cache=False,
        socket_factory=_socket_factory(place.socket_options) if place.socket_options else None,
    )


def _socket_factory(options: Iterable[Any]) -> Callable[[Any], socket.socket]:
    def make(address: Any) -> socket.socket:
        family, kind, protocol = address[:3]
        made = socket.socket(family, kind, protocol)
        for option in options:
            made.setsockopt(*option)
        return made

    return make


def read_head(
    head: bytes, loop: asyncio.AbstractEventLoop, *, has_no_body: bool
) -> tuple[Message, Any, Any]:
    """Read the whole head of an answer.

    Returns:
        aiohttp's message; where chunks follow, also what parses them and what they come out of.

    Raises:
        ValueError: The head breaks the protocol. The text may quote it.
    """
    # A parser that is to expect no body makes nothing to put it into.
    parser, message, _ = _parse(head, loop, reads_body=False)
    if message.code < _LEAST_STATUS:
        raise ValueError(f"there is no status {message.code}")
    if _has_stray_blank(head, message):
        raise ValueError("a blank stands where the name of a header begins or ends")
    if has_no_body or not message.chunked:
        return message, None, None
    parser, message, payload = _parse(head, loop, reads_body=True)
    return message, parser, payload


def _has_stray_blank(head: bytes, message: Message) -> bool:
    """Whether a blank stands before the first name, or behind any.

    aiohttp lets one pass at the names by which bodies are framed, and then frames otherwise.
    """
    return head[head.index(b"\n") + 1] in b" \t" or any(
        name.endswith(b" ") for name, _ in message.raw_headers
    )


def _parse(
    head: bytes, loop: asyncio.AbstractEventLoop, *, reads_body: bool
) -> tuple[Message, Any, Any]:
    parser: Any = HttpResponseParser(
        _UNPAUSED,
        loop,
        _UNBOUNDED,
        max_line_size=MOST_HEAD_BYTES,
        max_field_size=MOST_HEAD_BYTES,
        max_headers=MOST_HEAD_BYTES,
        response_with_body=reads_body,
        read_until_eof=False,
        auto_decompress=False,
    )
    try:
        messages, _, _ = parser.feed_data(head)
        [(message, payload)] = messages
    except Exception as error:
        # Its text begins with a status of aiohttp's own, as if a server had answered with that.
        raise ValueError(str(getattr(error, "message", error))) from error
    return parser, message, payload
