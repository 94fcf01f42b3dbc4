"""`AiohttpTransport` without its family: aiohttp's connector and parser under httpx's API.

What it raises is what httpx's own transport raises in the same phase, so that whether a request
was sent can be told by the class of the exception.
"""

from __future__ import annotations

from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from ...errors.httpx_names import environment_proxies
from ...http.family import family_named
from .exchange import answer_of, send
from .pool import Bounds, WirePool
from .request import request_head
from .routes import Direct, ViaProxy

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Iterable, Mapping
    from types import ModuleType
    from typing import Self

    from ...http.family import Family
    from ...http.shapes import URL, Limits, Proxy

    Address = str | URL | Proxy
    Certificate = str | tuple[str, str] | tuple[str, str, str]
    SocketOption = (
        tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
    )
    Timeouts = Mapping[str, float | None]

__all__ = ["AiohttpTransportOf", "check_installed", "make_transports", "transport_kind"]

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class AiohttpTransportOf(Generic[RequestT, ResponseT]):
    """The transport; a subclass names its family.

    Args:
        verify: As for httpx: True, False or an `ssl.SSLContext`.
        cert: As for httpx: a client certificate.
        trust_env: Take certificate paths from the environment; its proxies are a client's matter.
        http1: True, which is all there is.
        http2: False: aiohttp does not speak it.
        limits: `httpx.Limits`; default 100 connections, of which 20 may stand idle for 5 seconds.
        proxy: An http or https proxy: its URL, or an `httpx.Proxy`.
        uds: The path of a Unix socket to connect to.
        local_address: The address to connect from.
        retries: 0: the clients of this library retry, and know what may be sent twice.
        socket_options: Triples for `setsockopt`.

    Raises:
        ImportError: The extra `fast` is not installed.
        RuntimeError: This aiohttp is built otherwise.
        ValueError: An argument cannot be honoured.
        TypeError: An argument is of the other family.
    """

    _family_name: ClassVar[str]

    def __init__(  # noqa: PLR0913, PLR0917 - the arguments of httpx's transport
        self,
        verify: ssl.SSLContext | str | bool = True,  # noqa: FBT001, FBT002 - as in httpx
        cert: Certificate | None = None,
        trust_env: bool = True,  # noqa: FBT001, FBT002 - as in httpx
        http1: bool = True,  # noqa: FBT001, FBT002 - as in httpx
        http2: bool = False,  # noqa: FBT001, FBT002 - as in httpx
        limits: Limits | None = None,
        proxy: Address | None = None,
        uds: str | None = None,
        local_address: str | None = None,
        retries: int = 0,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> None:
        parts = check_installed()
        family = family_named(self._family_name)
        family.check({"limits": limits, "proxy": proxy})
        _refuse_what_cannot_be(http1=http1, http2=http2, retries=retries, uds=uds, proxy=proxy)
        errors = family.module
        context = errors.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env)
        usual = errors.Limits(max_connections=100, max_keepalive_connections=20)
        most: Limits = usual if limits is None else limits
        self._family = family
        self._errors = errors
        self._open = parts.Opener
        self._place = parts.Place(uds, local_address, tuple(socket_options or ()))
        self._route: Direct = _route(errors, context, proxy)
        self._pool = WirePool(
            Bounds(most.max_connections, most.max_keepalive_connections, most.keepalive_expiry),
            errors,
            parts.read_head,
        )

    def enlarge(self, most_idle: int) -> None:
        """Keep more connections, and open as many as are asked for."""
        self._pool.enlarge(most_idle)

    def limit_age(self, seconds: float | None) -> None:
        """Send no request over a connection that is older; None for no limit."""
        self._pool.limit_age(seconds)

    @property
    def tells_unsent(self) -> bool:
        """Whether the class of its exceptions tells that nothing was sent; not if overridden."""
        kind: Any = AiohttpTransportOf
        return type(self).handle_async_request is kind.handle_async_request

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # where it leads may hold a password

    async def handle_async_request(self, request: RequestT) -> ResponseT:
        """Send a request, and return its answer as soon as the head has come."""
        pool, errors, route = self._pool, self._errors, self._route
        self._family.check_request(request, self)
        given: Any = request
        extensions = given.extensions
        loop = pool.settle()
        if "trace" in extensions:
            raise ValueError("AiohttpTransport has no trace: leave that extension out")
        url = given.url
        key = route.key(given)
        target = _target(extensions["target"]) if "target" in extensions else route.target(url)
        head = request_head(given.method, target, route.headers(given), errors)
        timeouts: Timeouts = extensions.get("timeout") or {}
        wire = pool.take(key)
        has_served = wire is not None
        if wire is None:
            dial = partial(route.dial, self._opener(loop), key, timeouts)
            wire = await pool.open(key, dial, timeouts.get("pool"))
        try:
            await send(wire, given, head, errors, timeouts.get("write"))
            message = await wire.head(timeouts.get("read"))
        except BaseException as error:
            wire.drop()
            if has_served and isinstance(error, errors.ReadError | errors.RemoteProtocolError):
                # Whatever cut it while it was idle may have cut those beside it.
                pool.drop_idle(key)
            raise
        answer: ResponseT = answer_of(wire, message, pool, errors, timeouts.get("read"))
        return answer

    async def aclose(self) -> None:
        """Close every connection; what is under way fails."""
        await self._pool.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _opener(self, loop: asyncio.AbstractEventLoop) -> Any:
        make_wire = partial(self._pool.make_wire, loop)
        return self._open(loop, self._place, make_wire)


def _target(given: bytes | str) -> bytes:
    if isinstance(given, bytes):
        return given
    if not given.isascii():
        raise TypeError("the target is not ASCII")
    return given.encode()


def _refuse_what_cannot_be(
    *, http1: bool, http2: bool, retries: int, uds: str | None, proxy: object
) -> None:
    if http2 or not http1:
        raise ValueError(
            f"http1={http1}, http2={http2}: aiohttp speaks HTTP/1.1 only; "
            "leave them out, or use httpx's own transport"
        )
    if retries:
        raise ValueError(
            f"retries={retries}: only 0 is allowed; the clients of this library retry: "
            "give them max_retries, or RetryConfig(max_attempts=...)"
        )
    if uds is not None and proxy is not None:
        raise ValueError("uds and proxy are both given: a Unix socket leads to no proxy")


def _route(errors: ModuleType, context: ssl.SSLContext, proxy: Any) -> Direct:
    if proxy is None:
        return Direct(context, errors)
    proxy = proxy if isinstance(proxy, errors.Proxy) else errors.Proxy(url=proxy)
    if proxy.url.scheme not in {"http", "https"}:
        raise ValueError(
            f"proxy is a {proxy.url.scheme} proxy: aiohttp knows http and https ones; "
            "use httpx's own transport for others"
        )
    return ViaProxy(proxy, context, errors)


def check_installed() -> Any:
    """Return the module that holds aiohttp; not before somebody wants it.

    Raises:
        ImportError: The extra `fast` is not installed.
        RuntimeError: This aiohttp is built otherwise.
    """
    return import_module(".parts", __package__)


@cache
def transport_kind(family: Family) -> type[Any]:
    """Return the transport of a family."""
    bases = (AiohttpTransportOf, family.module.AsyncBaseTransport)
    return type("AiohttpTransport", bases, {"_family_name": family.name})


def make_transports(
    family: Family, *, verify: bool, trust_env: bool, limits: object
) -> tuple[Any, dict[str, Any]]:
    """Return the transport of a client, and by URL pattern those to the environment's proxies.

    Raises:
        ImportError: The extra `fast` is not installed.
        RuntimeError: This aiohttp, or httpx, is built otherwise.
    """
    module = family.module
    context = module.create_ssl_context(verify=verify, trust_env=trust_env)
    kind = transport_kind(family)

    def make(proxy: str | None = None) -> Any:
        return kind(verify=context, limits=limits, proxy=proxy)

    proxies = environment_proxies(module) if trust_env else {}
    mounts = {pattern: None if proxy is None else make(proxy) for pattern, proxy in proxies.items()}
    return make(), mounts
