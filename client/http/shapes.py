"""What httpx and httpx2 have in common, as types: the two share no classes.

Each has the name of the classes it stands for, and of them only what is used, or what tells them
from other things. Nothing is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, overload

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Generator, Iterator, Sequence
    from http.cookiejar import CookieJar
    from typing import Never

__all__ = [
    "URL",
    "AsyncClient",
    "Auth",
    "BaseClient",
    "Client",
    "Cookies",
    "Headers",
    "Limits",
    "Options",
    "Proxy",
    "Request",
    "Response",
    "Timeout",
]

RequestT_co = TypeVar("RequestT_co", covariant=True)

Options: TypeAlias = "dict[str, object]"
"""Keyword arguments on their way to httpx, by name."""


class URL(Protocol):
    """`httpx.URL`."""

    @property
    def scheme(self) -> str:
        """As in `http`."""
        ...

    @property
    def host(self) -> str:
        """A name, or an address without brackets."""
        ...

    @property
    def raw_scheme(self) -> bytes:
        """As it is sent."""
        ...

    @property
    def raw_host(self) -> bytes:
        """As it is sent."""
        ...

    @property
    def port(self) -> int | None:
        """None where it is the usual one."""
        ...

    @property
    def raw_path(self) -> bytes:
        """With the query."""
        ...

    @property
    def userinfo(self) -> bytes:
        """What stands before the host, as it is sent."""
        ...

    @property
    def netloc(self) -> bytes:
        """The host, and the port where it is not the usual one."""
        ...


class Timeout(Protocol):
    """`httpx.Timeout`."""

    def as_dict(self) -> dict[str, float | None]:
        """Return the seconds for each of connect, read, write and pool."""
        ...


class Limits(Protocol):
    """`httpx.Limits`."""

    @property
    def max_connections(self) -> int | None:
        """Those of a pool."""
        ...

    @property
    def max_keepalive_connections(self) -> int | None:
        """Those that may stand idle."""
        ...

    @property
    def keepalive_expiry(self) -> float | None:
        """Seconds that they may do so."""
        ...


class Proxy(Protocol):
    """`httpx.Proxy`."""

    @property
    def url(self) -> URL:
        """Without a user and password."""
        ...

    @property
    def raw_auth(self) -> tuple[bytes, bytes] | None:
        """The user and password."""
        ...

    @property
    def headers(self) -> Headers:
        """What is sent to it."""
        ...

    @property
    def ssl_context(self) -> ssl.SSLContext | None:
        """For TLS with it."""
        ...


class Cookies(Protocol):
    """`httpx.Cookies`."""

    @property
    def jar(self) -> CookieJar:
        """What they are kept in."""
        ...

    def set_cookie_header(self, request: Any) -> None:
        """Put those that belong there into a request."""
        ...


class Auth(Protocol[RequestT_co]):
    """`httpx.Auth`; what its flows yield tells the two families' apart."""

    def sync_auth_flow(self, request: Never) -> Generator[RequestT_co, Never, None]:
        """Yield the requests that are to be sent, and be sent their answers."""
        ...


class BaseClient(Protocol):
    """What is read of `httpx.Client` and `httpx.AsyncClient` alike."""

    @property
    def base_url(self) -> URL:
        """What relative URLs are relative to."""
        ...

    @property
    def timeout(self) -> Timeout:
        """That of each call that names none."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether it sends no more."""
        ...


class Client(Protocol):
    """`httpx.Client`."""

    def build_request(self, method: str, url: str) -> object:
        """Return a request with the client's own settings."""
        ...

    def close(self) -> None:
        """Close it for good."""
        ...


class AsyncClient(Protocol):
    """`httpx.AsyncClient`."""

    def build_request(self, method: str, url: str) -> object:
        """Return a request with the client's own settings."""
        ...

    async def aclose(self) -> None:
        """Close it for good."""
        ...


class Headers(Protocol):
    """`httpx.Headers`."""

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """Name and value of each, as they came or will be sent."""
        ...

    @overload
    def get(self, key: str, /) -> str | None: ...

    @overload
    def get(self, key: str, default: str) -> str: ...

    def get_list(self, key: str, split_commas: bool = ...) -> list[str]:  # noqa: FBT001 - as it is there
        """Return the values of a name, one by one."""
        ...

    def pop(self, key: str, default: None, /) -> str | None:
        """Remove a name, and return its values."""
        ...

    def __contains__(self, key: object) -> bool: ...

    def __getitem__(self, key: str) -> str: ...

    def __setitem__(self, key: str, value: str) -> None: ...


class Request(Protocol):
    """`httpx.Request`."""

    @property
    def method(self) -> str:
        """In upper case."""
        ...

    @property
    def url(self) -> URL:
        """Absolute."""
        ...

    @property
    def headers(self) -> Headers:
        """What is sent before the body."""
        ...

    @property
    def extensions(self) -> dict[str, Any]:
        """What goes on to the transport besides."""
        ...

    @property
    def stream(self) -> Any:
        """The body."""
        ...


class Response(Protocol):
    """`httpx.Response`."""

    @property
    def status_code(self) -> int:
        """From 100 to 999."""
        ...

    @property
    def headers(self) -> Headers:
        """What came before the body."""
        ...

    @property
    def extensions(self) -> dict[str, Any]:
        """What came from the transport besides."""
        ...

    @property
    def request(self) -> Request:
        """What it is the answer to."""
        ...

    @property
    def next_request(self) -> Request | None:
        """What a redirect asks for."""
        ...

    @property
    def history(self) -> Sequence[Response]:
        """The redirects before it."""
        ...

    @property
    def stream(self) -> Any:
        """The body that is still to come."""
        ...

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can be read."""
        ...

    @property
    def is_stream_consumed(self) -> bool:
        """Whether all has been read."""
        ...

    @property
    def is_error(self) -> bool:
        """Whether its status is 400 or above."""
        ...

    @property
    def has_redirect_location(self) -> bool:
        """Whether it sends the client elsewhere."""
        ...

    @property
    def content(self) -> bytes:
        """The body, once it has been read."""
        ...

    def read(self) -> bytes:
        """Read the body to its end."""
        ...

    async def aread(self) -> bytes:
        """Read the body to its end."""
        ...

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the body as it comes."""
        ...

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the body, decoded."""
        ...

    def aiter_raw(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""
        ...

    def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        """Yield the body, decoded."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...

    async def aclose(self) -> None:
        """Let go of the connection."""
        ...
