"""One exchange over a connection of the fast transport: a request goes out, an answer comes in."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from .answer import SUCCESS, SWITCHING
from .request import request_head

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Mapping
    from types import ModuleType

    from ...http.shapes import Request
    from .pool import WirePool
    from .request import Head, Pairs
    from .shapes import Message
    from .wire import Wire

    Timeouts = Mapping[str, float | None]

__all__ = ["answer_of", "connect_through", "send"]

_SMALL: Final = 64 * 1024
"""A body up to this many bytes is put behind its head, so that they leave together."""
_USUAL: Final = (1, 1)
_LAST_CHUNK: Final = b"0\r\n\r\n"


async def send(
    wire: Wire, request: Request, head: Head, errors: ModuleType, patience: float | None
) -> None:
    """Send a request; `patience` is the longest that one write may take, in seconds.

    Where the connection breaks meanwhile this returns: the server may have answered already.

    Raises:
        WriteTimeout: The server does not read.
        LocalProtocolError: The body is not as long as its head says.
    """
    wire.expect(request.method)
    if head.is_last:
        wire.is_reusable = False
    stream = request.stream
    if not isinstance(stream, errors.ByteStream):
        await _send_stream(wire, stream, head, errors, patience)
        return
    body = b"".join(stream)
    if head.length is None:
        body = _chunk(body) + _LAST_CHUNK
    elif len(body) != head.length:
        raise _wrong_length(errors)
    if len(body) <= _SMALL:
        await wire.send(head.data + body, patience)
    else:
        await wire.send(head.data, patience)
        await wire.send(body, patience)


async def _send_stream(
    wire: Wire, stream: AsyncIterable[bytes], head: Head, errors: ModuleType, patience: float | None
) -> None:
    await wire.send(head.data, patience)
    left = head.length
    async for piece in stream:
        if left is not None:
            left -= len(piece)
            if left < 0:
                raise _wrong_length(errors)
        if not await wire.send(_chunk(piece) if left is None else piece, patience):
            return
    if left:
        raise _wrong_length(errors)
    if left is None:
        await wire.send(_LAST_CHUNK, patience)


def _chunk(piece: bytes) -> bytes:
    # An empty chunk would end the body.
    return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""


def _wrong_length(errors: ModuleType) -> Exception:
    # By these words such a request is known as one that may have gone out in part.
    wrong: Exception = errors.LocalProtocolError(
        "the body is shorter or longer than the declared Content-Length"
    )
    return wrong


async def connect_through(
    wire: Wire, target: bytes, pairs: Pairs, errors: ModuleType, timeouts: Timeouts
) -> None:
    """Ask a proxy for a tunnel.

    Raises:
        ProxyError: It makes none.
        RemoteProtocolError: It switches to another protocol instead.
    """
    head = request_head("CONNECT", target, pairs, errors)
    wire.expect("CONNECT")
    await wire.send(head.data, timeouts.get("write"))
    message = await wire.head(timeouts.get("read"))
    if message.code == SWITCHING:
        raise errors.RemoteProtocolError("the proxy answered CONNECT with another protocol")
    if message.code not in SUCCESS:
        raise errors.ProxyError(f"{message.code} {message.reason}")


def answer_of(
    wire: Wire,
    message: Message,
    pool: WirePool,
    errors: ModuleType,
    patience: float | None,
) -> Any:
    """Return the answer whose head has come; its connection is free as soon as its body has."""
    version = message.version
    extensions = {
        "http_version": b"HTTP/1.1" if version == _USUAL else b"HTTP/%d.%d" % version,
        "reason_phrase": message.reason.encode("utf-8", "surrogateescape"),
        "network_stream": Network(wire),
    }
    body = wire.take_whole()
    if body is None:
        stream = _body_kind(errors)(wire, pool, patience)
    else:
        pool.give_back(wire)
        stream = errors.ByteStream(body)
    return errors.Response(
        message.code, headers=message.raw_headers, stream=stream, extensions=extensions
    )


class Network:
    """What can be asked of the connection under an answer; not to be read or written."""

    __slots__ = ("_transport",)

    def __init__(self, wire: Wire) -> None:
        self._transport = wire.transport

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore's streams return: addresses, the socket, the TLS object."""
        name = {"client_addr": "sockname", "server_addr": "peername"}.get(info, info)
        return self._transport.get_extra_info(name)


class _Body:
    """The body of an answer that is still on the wire."""

    def __init__(self, wire: Wire, pool: WirePool, patience: float | None) -> None:
        self._wire: Wire | None = wire
        self._pool = pool
        self._patience = patience

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        wire = self._wire
        try:
            while wire is not None and (chunk := await wire.read(self._patience)):
                yield chunk
        except BaseException:
            self._let_go(is_whole=False)
            raise
        self._let_go(is_whole=True)

    async def aclose(self) -> None:
        """Free the connection: close it, unless the answer has come whole."""
        self._let_go(is_whole=False)

    def _let_go(self, *, is_whole: bool) -> None:
        wire, self._wire = self._wire, None
        if wire is None:
            return
        if is_whole or wire.is_idle():
            self._pool.give_back(wire)
        else:
            wire.drop()

    def __del__(self) -> None:
        # Dropped unread; perhaps in another thread, or when the loop has ended.
        if self._wire is not None:
            with suppress(RuntimeError):
                self._wire.drop_soon()


@cache
def _body_kind(errors: ModuleType) -> type[Any]:
    return type("Body", (_Body, errors.AsyncByteStream), {})
