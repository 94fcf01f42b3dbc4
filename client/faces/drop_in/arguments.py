"""What may be written between the parentheses of the drop-in clients and functions.

They are written once for both families: what the classes of the two have in common stands in
`client.http.shapes`, and what they have not is a type parameter. At run time httpx checks them.
At the end stands what type checkers shall think of the methods of httpx that take them.
"""

# ruff: noqa: D102 - the methods at the end stand for those of httpx, which documents them

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Never, TypedDict, TypeVar

from .options import IdentityOptions, ResilienceOptions

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from http.cookiejar import CookieJar
    from typing import IO, Self, Unpack

    from ...http import shapes

    URL = shapes.URL | str
    Primitive = str | int | float | bool | None
    Params = (
        Mapping[str, Primitive | Sequence[Primitive]]
        | Sequence[tuple[str, Primitive]]
        | str
        | bytes
    )
    Headers = (
        Mapping[str, str]
        | Mapping[bytes, bytes]
        | Sequence[tuple[str, str]]
        | Sequence[tuple[bytes, bytes]]
    )
    Cookies = shapes.Cookies | CookieJar | dict[str, str] | list[tuple[str, str]]
    Phases = tuple[float | None, float | None, float | None, float | None]
    Timeout = float | Phases | shapes.Timeout
    Certificate = str | tuple[str, str] | tuple[str, str, str]
    Content = str | bytes | Iterable[bytes] | AsyncIterable[bytes]
    FileContent = IO[bytes] | bytes | str
    File = (
        FileContent
        | tuple[str | None, FileContent]
        | tuple[str | None, FileContent, str | None]
        | tuple[str | None, FileContent, str | None, Mapping[str, str]]
    )
    Files = Mapping[str, File] | Sequence[tuple[str, File]]

__all__ = [
    "BodyOptions",
    "BuildOptions",
    "ClientOptions",
    "FunctionOptions",
    "HttpxAsync",
    "HttpxBlocking",
    "HttpxClient",
    "SendOptions",
    "TransportOptions",
    "VerbOptions",
]

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")
TransportT = TypeVar("TransportT")
ClientT = TypeVar("ClientT")
DefaultT = TypeVar("DefaultT")
"""What says that the client's own setting is to apply."""

if TYPE_CHECKING:
    Credentials = (
        tuple[str | bytes, str | bytes] | Callable[[RequestT], RequestT] | shapes.Auth[RequestT]
    )


class TransportOptions(ResilienceOptions, IdentityOptions, total=False):
    """What the transports take besides the transport they protect."""


class ClientOptions(TransportOptions, Generic[RequestT, TransportT], total=False):
    """What the constructors take: httpx's arguments, of either family, and those added here."""

    auth: Credentials[RequestT] | None
    params: Params | None
    headers: Headers | None
    cookies: Cookies | None
    verify: ssl.SSLContext | str | bool
    cert: Certificate | None
    http1: bool
    http2: bool
    proxy: URL | shapes.Proxy | None
    mounts: Mapping[str, TransportT | None] | None
    timeout: Timeout | None
    follow_redirects: bool
    limits: shapes.Limits
    max_redirects: int
    event_hooks: Mapping[str, list[Callable[..., Any]]] | None
    base_url: URL
    transport: TransportT | None
    trust_env: bool
    default_encoding: str | Callable[[bytes], str]


class BuildOptions(TypedDict, Generic[DefaultT], total=False):
    """What `build_request` takes."""

    params: Params | None
    headers: Headers | None
    cookies: Cookies | None
    timeout: Timeout | DefaultT | None
    extensions: Mapping[str, object] | None
    content: Content | None
    data: Mapping[str, object] | None
    files: Files | None
    json: object


class SendOptions(ResilienceOptions, Generic[RequestT, DefaultT], total=False):
    """What `send` takes besides the request and `stream`."""

    auth: Credentials[RequestT] | DefaultT | None
    follow_redirects: bool | DefaultT


class VerbOptions(SendOptions[RequestT, DefaultT], total=False):
    """What the verbs without a body take."""

    params: Params | None
    headers: Headers | None
    cookies: Cookies | None
    timeout: Timeout | DefaultT | None
    extensions: Mapping[str, object] | None


class BodyOptions(VerbOptions[RequestT, DefaultT], total=False):
    """What the verbs with a body take."""

    content: Content | None
    data: Mapping[str, object] | None
    files: Files | None
    json: object


class FunctionOptions(BodyOptions[Any, Never], Generic[ClientT], total=False):
    """What the functions take: also what concerns the client they make, or the one they use.

    client: An httpx client to reuse, which stays open; by default one is made for this call.
    """

    client: ClientT | None
    verify: ssl.SSLContext | str | bool
    cert: Certificate | None
    proxy: URL | shapes.Proxy | None
    trust_env: bool
    http1: bool
    http2: bool


if TYPE_CHECKING:
    # What `super()` leads to in the clients: httpx's own class, or one of somebody between. At run
    # time it is among the bases of `Client` and `AsyncClient`, and these here are empty. Only what
    # the clients override stands here: the rest users shall see as httpx declares it.

    class HttpxClient(Generic[RequestT, DefaultT]):
        """What the two kinds of clients have in common."""

        def __init__(self, **options: object) -> None: ...
        def build_request(
            self, method: str, url: URL, **options: Unpack[BuildOptions[DefaultT]]
        ) -> RequestT: ...

    class HttpxAsync(Generic[RequestT, ResponseT, DefaultT]):
        """`httpx.AsyncClient`."""

        async def send(
            self,
            request: RequestT,
            *,
            stream: bool = ...,
            **options: Unpack[SendOptions[RequestT, DefaultT]],
        ) -> ResponseT: ...
        async def request(
            self, method: str, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        async def get(
            self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        async def options(
            self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        async def head(
            self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        async def delete(
            self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        async def post(
            self, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        async def put(
            self, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        async def patch(
            self, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        def stream(
            self, method: str, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
        ) -> AbstractAsyncContextManager[ResponseT]: ...
        async def aclose(self) -> None: ...
        async def __aenter__(self) -> Self: ...
        async def __aexit__(self, *raised: object) -> None: ...

    class HttpxBlocking(Generic[RequestT, ResponseT, DefaultT]):
        """`httpx.Client`."""

        def send(
            self,
            request: RequestT,
            *,
            stream: bool = ...,
            **options: Unpack[SendOptions[RequestT, DefaultT]],
        ) -> ResponseT: ...
        def request(
            self, method: str, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        def get(
            self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        def options(
            self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        def head(
            self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        def delete(
            self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        def post(
            self, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        def put(
            self, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        def patch(
            self, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
        ) -> ResponseT: ...
        def stream(
            self, method: str, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
        ) -> AbstractContextManager[ResponseT]: ...
        def close(self) -> None: ...
        def __enter__(self) -> Self: ...
        def __exit__(self, *raised: object) -> None: ...

else:

    class HttpxClient(Generic[RequestT, DefaultT]):
        """Empty."""

    class HttpxAsync(Generic[RequestT, ResponseT, DefaultT]):
        """Empty."""

    class HttpxBlocking(Generic[RequestT, ResponseT, DefaultT]):
        """Empty."""
