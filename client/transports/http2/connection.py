"""An HTTP/2 connection that passes for httpcore's own in its pool, and keeps our promises.

In httpcore's own a call that ends early never resets its stream, its timeout breaks the connection
for all others, and headers go out, and come in, unchecked. Written once for both worlds, whose
faces are in `asyncio_face` and `blocking_face`.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from ...http.verdicts import NOT_TAKEN_ON
from .headers import Malformed, read_request_head
from .protocol import Failure, Protocol, Stream
from .wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from types import ModuleType

    from ..shapes import PoolRequest
    from .headers import Head, Outgoing
    from .wire import Wiring

    Timeouts = Mapping[str, float | None]

__all__ = ["Body", "Connection"]

ConnectionT = TypeVar("ConnectionT", bound="Connection")

_LENGTH_DIFFERS: Final = "Too {} data for declared Content-Length"
_CLOSED: Final = Failure("ReadError", "the client is closed")


class Connection(ABC):
    """What both worlds have in common.

    Args:
        httpcore: httpcore or httpcore2.
        origin: Where the connection leads.
        network_stream: The connection below.
        keepalive_expiry: Seconds that it may stand idle, or None for any time.
        wiring: Of its world.
    """

    def __init__(
        self,
        httpcore: ModuleType,
        *,
        origin: object,
        network_stream: Any,
        keepalive_expiry: float | None,
        wiring: Wiring,
    ) -> None:
        self._httpcore = httpcore
        self._origin = origin
        self._network_stream = network_stream
        self._keepalive_expiry = keepalive_expiry
        self._expires_at: float | None = None
        self._lock = wiring.lock
        self._protocol = Protocol()
        self._wire = Wire(self._protocol, wiring)
        self._calls = 0
        self._count = 0
        self._is_closed = False

    async def _handle(self, request: PoolRequest) -> object:
        """Send a request and return the answer once its head is there."""
        head = self._read_head(request)
        timeouts = request.extensions.get("timeout", {})
        with self._lock:
            is_first, self._calls = self._calls == 0, self._calls + 1
            is_new, self._count = self._count == 0, self._count + 1
            self._expires_at = None
        stream: Stream | None = None
        try:
            if is_first and self._network_stream.get_extra_info("is_readable"):
                await self._wire.read_what_is_there()
            stream = await self._begin(request, head, timeouts, is_new=is_new)
            await self._send(request, head, stream, timeouts)
            answer = await self._receive_head(stream, timeouts)
        except BaseException:
            await self._release(stream)
            raise
        return self._response(stream, answer, timeouts)

    def _read_head(self, request: PoolRequest) -> Outgoing:
        try:
            return read_request_head(request)
        except Malformed as error:
            raise self._httpcore.LocalProtocolError(str(error)) from None

    async def _begin(
        self, request: PoolRequest, head: Outgoing, timeouts: Timeouts, *, is_new: bool
    ) -> Stream:
        """Begin a stream, once the server allows another."""
        protocol = self._protocol
        while True:
            with self._lock:
                if is_new and not protocol.is_usable:
                    # Elsewhere it would be the same: the pool would connect without end or pause.
                    raise self._httpcore.ConnectError(NOT_TAKEN_ON)
                if not protocol.is_usable or self._is_closed:
                    raise self._httpcore.ConnectionNotAvailable
                if protocol.has_place:
                    return protocol.begin(head, is_to_head=request.method == b"HEAD")
                if protocol.limit:
                    # The pool has, or opens, another connection.
                    raise self._httpcore.ConnectionNotAvailable
            await self._wire.until(
                lambda: protocol.has_place or protocol.limit or not protocol.is_usable,
                timeouts.get("pool"),
                self._httpcore.PoolTimeout,
            )

    async def _send(
        self, request: PoolRequest, head: Outgoing, stream: Stream, timeouts: Timeouts
    ) -> None:
        seconds, expired = timeouts.get("write"), self._httpcore.WriteTimeout
        await self._wire.flush(seconds, expired)
        if not head.has_body:
            return
        sent = 0
        async with aclosing(self._chunks_of(request)) as chunks:
            async for chunk in chunks:
                sent += len(chunk)
                if head.length is not None and sent > head.length:
                    raise self._httpcore.LocalProtocolError(_LENGTH_DIFFERS.format("much"))
                await self._send_chunk(stream, chunk, seconds)
                if not stream.takes_more:
                    return
        if head.length is not None and sent < head.length:
            raise self._httpcore.LocalProtocolError(_LENGTH_DIFFERS.format("little"))
        with self._lock:
            self._protocol.end(stream)
        await self._wire.flush(seconds, expired)

    async def _send_chunk(self, stream: Stream, chunk: bytes, seconds: float | None) -> None:
        left, expired = memoryview(chunk), self._httpcore.WriteTimeout
        while left and stream.takes_more:
            await self._wire.until(lambda: self._protocol.can_send(stream), seconds, expired)
            with self._lock:
                left = left[self._protocol.send(stream, left) :]
            await self._wire.flush(seconds, expired)

    async def _receive_head(self, stream: Stream, timeouts: Timeouts) -> Head:
        while stream.head is None:
            self._check(stream)
            before = stream.interims
            await self._wire.until(
                lambda: stream.head or stream.failure or stream.interims != before,  # noqa: B023 - called in this very turn
                timeouts.get("read"),
                self._httpcore.ReadTimeout,
            )
        return stream.head

    async def _next_chunk(self, stream: Stream, seconds: float | None) -> bytes | None:
        """Return some more of the body, or None at its end."""
        while True:
            with self._lock:
                chunk = self._protocol.take(stream)
            if chunk is not None:
                await self._wire.flush_some()
                return chunk
            if stream.is_whole:
                return None
            self._check(stream)
            await self._wire.until(
                lambda: stream.chunks or stream.is_whole or stream.failure,
                seconds,
                self._httpcore.ReadTimeout,
            )

    def _check(self, stream: Stream) -> None:
        if stream.failure is not None and not stream.chunks:
            raise getattr(self._httpcore, stream.failure.kind)(stream.failure.text)

    async def _release(self, stream: Stream | None) -> None:
        """Free a stream; the server is told, but nobody waits until it is."""
        with self._lock:
            if stream is not None:
                self._protocol.release(stream)
            self._calls -= 1
            if self._calls == 0 and self._keepalive_expiry is not None:
                self._expires_at = time.monotonic() + self._keepalive_expiry
        self._wire.wake()
        await self._wire.flush_some()

    def _response(self, stream: Stream, head: Head, timeouts: Timeouts) -> object:
        return self._httpcore.Response(
            status=head.status,
            headers=head.headers,
            content=self._body(stream, timeouts.get("read")),
            extensions={
                "http_version": b"HTTP/2",
                "network_stream": self._network_stream,
                "stream_id": stream.number,
            },
        )

    @abstractmethod
    def _chunks_of(self, request: PoolRequest) -> AsyncGenerator[bytes]:
        """Yield the body of a request."""

    @abstractmethod
    def _body(self, stream: Stream, seconds: float | None) -> object:
        """Make the body of an answer."""

    def _end(self) -> None:
        """Fail what is under way, before the connection below is closed."""
        self._is_closed = True
        with self._lock:
            self._protocol.fail(_CLOSED)
        self._wire.wake()

    # What httpcore's pool asks.

    def is_available(self) -> bool:
        """Whether another request may be sent over it."""
        protocol = self._protocol
        is_full = bool(protocol.limit) and not protocol.has_place
        return protocol.is_usable and not (self._is_closed or self._wire.is_stuck or is_full)

    def has_expired(self) -> bool:
        """Whether it is to be closed: nobody uses it, and nobody will."""
        if self._calls or self._is_closed:
            return False
        if not self._protocol.is_usable or self._wire.is_stuck:
            return True
        return self._expires_at is not None and time.monotonic() > self._expires_at

    def is_idle(self) -> bool:
        """Whether nobody uses it, and somebody may."""
        return not (self._calls or self._is_closed or self._wire.is_stuck)

    def is_closed(self) -> bool:
        """Whether it is closed."""
        return self._is_closed

    def is_connected(self) -> bool:
        """Whether it is not closed."""
        return not self._is_closed

    def can_multiplex(self) -> bool:
        """Whether several requests may be sent over it at a time."""
        return True

    def info(self) -> str:
        """Describe it."""
        state = "CLOSED" if self._is_closed else "ACTIVE" if self._calls else "IDLE"
        return f"{str(self._origin)!r}, HTTP/2, {state}, Request Count: {self._count}"


class Body(Generic[ConnectionT]):
    """The body of an answer; a subclass reads it, and frees its stream."""

    def __init__(self, connection: ConnectionT, stream: Stream, seconds: float | None) -> None:
        self._connection = connection
        self._stream = stream
        self._seconds = seconds
        self._is_released = False
