"""The parts of aiohttp that the fast transport is made of; the only module that imports aiohttp.

aiohttp's connector opens connections (names are looked up, addresses are tried by RFC 8305), and
its parser reads the heads of answers and their chunks. Neither its session nor its pool is used:
the one follows redirects, sends again and hides in which phase it failed, the other does not know
httpx's limits.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final, NamedTuple

try:
    import aiohttp
    from aiohttp.http import HttpResponseParser
except ImportError as missing:
    raise ImportError(
        'backend="aiohttp" and AiohttpTransport need the package aiohttp: '
        "pip install 'resilient-http-client[fast]'"
    ) from missing

from yarl import URL  # of which aiohttp is made

from client.aiohttp_answer import MOST_HEAD_BYTES

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterable

__all__ = ["Opener", "Place", "read_head"]

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
    """What aiohttp's streams ask of a protocol: how much may wait is not decided by them here."""

    connected: Final = True
    _reading_paused: Final = False

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

    Raises:
        RuntimeError: This aiohttp has no way to say what a connection is to be.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, place: Place, make_wire: Callable[[], Any]
    ) -> None:
        self._loop = loop
        self._connector: Any = _connector(loop, place)
        # The one attribute of aiohttp's that is not public: its own protocol knows no phases.
        if not hasattr(self._connector, "_factory"):
            raise RuntimeError(
                f"aiohttp {aiohttp.__version__} is built otherwise than AiohttpTransport needs: "
                "pip install 'aiohttp<3.15'"
            )
        self._connector._factory = make_wire  # noqa: SLF001 - see above

    async def open(self, host: str, port: int) -> Any:
        """Return the protocol of a new connection.

        Raises:
            OSError: There is none. The error's text names host and port.
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
            raise ConnectionError(str(error)) from error
        wire = connection.protocol
        # A wire takes no notice of it: aiohttp only forgets the connection.
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
) -> tuple[Any, Any, Any]:
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
    if has_no_body or not message.chunked:
        return message, None, None
    parser, message, payload = _parse(head, loop, reads_body=True)
    return message, parser, payload


def _parse(
    head: bytes, loop: asyncio.AbstractEventLoop, *, reads_body: bool
) -> tuple[Any, Any, Any]:
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
        raise ValueError(str(error)) from error
    return parser, message, payload
