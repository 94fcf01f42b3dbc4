"""What httpcore and httpcore2 have in common, as types: the two share no classes.

Nothing is done here; what is private in them stands in `errors/httpcore_names.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import ssl
    from typing import Self

__all__ = ["AsyncStream", "BlockingStream", "PoolConnection", "PoolRequest", "PoolURL"]


class PoolURL(Protocol):
    """`httpcore.URL`."""

    @property
    def scheme(self) -> bytes:
        """As in `http`."""
        ...

    @property
    def host(self) -> bytes:
        """A name or an address."""
        ...

    @property
    def target(self) -> bytes:
        """Path and query."""
        ...

    @property
    def origin(self) -> object:
        """Scheme, host and port."""
        ...


class PoolRequest(Protocol):
    """`httpcore.Request`."""

    @property
    def method(self) -> bytes:
        """As in `GET`."""
        ...

    @property
    def url(self) -> PoolURL:
        """Where it goes."""
        ...

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What is sent before the body."""
        ...

    @property
    def stream(self) -> Any:
        """The body, an iterable of its world."""
        ...

    @property
    def extensions(self) -> Any:
        """A mapping: its timeouts, among others."""
        ...


class PoolConnection(Protocol):
    """`httpcore.ConnectionInterface` and its async twin."""

    def can_handle_request(self, origin: Any) -> bool:
        """Return whether it leads there."""
        ...

    def is_idle(self) -> bool:
        """Return whether no request is on it."""
        ...

    def is_closed(self) -> bool:
        """Return whether it has ended."""
        ...


class BlockingStream(Protocol):
    """`httpcore.NetworkStream`."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return what has come, at most so much; nothing at the end."""
        ...

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> Self:
        """Shake hands, and return what is spoken over from now on."""
        ...

    def get_extra_info(self, info: str) -> Any:
        """Return the socket, or what else is named."""
        ...


class AsyncStream(Protocol):
    """`httpcore.AsyncNetworkStream`."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - as httpcore calls it
        """Return what has come, at most so much; nothing at the end."""
        ...

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - likewise
        """Send all of it."""
        ...

    async def aclose(self) -> None:
        """End the connection."""
        ...

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - likewise
    ) -> Self:
        """Shake hands, and return what is spoken over from now on."""
        ...

    def get_extra_info(self, info: str) -> Any:
        """Return the socket, or what else is named."""
        ...
