"""The ways of the fast transport to an origin: straight, or by an HTTP proxy."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any, Final

from ...runtime.asyncio_limit import Limit
from .exchange import connect_through

if TYPE_CHECKING:
    import ssl
    from collections.abc import Hashable, Mapping
    from types import ModuleType, TracebackType

    from ...http.shapes import URL, Proxy, Request
    from .parts import Opener
    from .wire import Wire

    Timeouts = Mapping[str, float | None]
    Pairs = list[tuple[bytes, bytes]]

__all__ = ["Direct", "ViaProxy"]

_PORTS: Final = {b"http": 80, b"https": 443, b"ws": 80, b"wss": 443}
_SECURE: Final = frozenset({b"https", b"wss"})
_NO_LIMIT_SECONDS: Final = 365 * 24 * 3600.0
"""For the handshake, which the connect timeout bounds."""


class Direct:
    """Connections to the origin itself.

    Args:
        context: For TLS.
        errors: The httpx module whose exceptions are raised.
    """

    def __init__(self, context: ssl.SSLContext, errors: ModuleType) -> None:
        self._context = context
        self._errors = errors

    def key(self, request: Request) -> Hashable:
        """Return what a connection must have in common with a request that it serves.

        That is the origin, and the name in the certificate where the request asks for another.

        Raises:
            UnsupportedProtocol: The URL is for something else than HTTP.
            ConnectError: It names no host.
        """
        origin = self._origin(request.url)
        name = request.extensions.get("sni_hostname")
        return (*origin, name) if name and origin[0] in _SECURE else origin

    def _origin(self, url: URL) -> tuple[bytes, bytes, int]:
        scheme, host, port = url.raw_scheme, url.raw_host, url.port
        if scheme not in _PORTS:
            raise self._errors.UnsupportedProtocol(_what_is_wrong(scheme))
        if not host:
            raise self._errors.ConnectError("the URL names no host")
        return scheme, host, _PORTS[scheme] if port is None else port

    def target(self, url: URL) -> bytes:
        """Return what stands behind the method."""
        return url.raw_path

    def headers(self, request: Request) -> Pairs:
        """Return the headers that are sent."""
        return request.headers.raw

    async def dial(self, opener: Opener, key: Any, timeouts: Timeouts) -> Wire:
        """Open a connection.

        Raises:
            ConnectError: There is none.
            ConnectTimeout: It took longer than the connect timeout.
        """
        scheme, host, port, *names = key
        wire = await self._open(opener, host, port, timeouts)
        if scheme in _SECURE:
            name = names[0] if names else host.decode("ascii")
            await self._secure(wire, self._context, name, timeouts)
        return wire

    async def _open(self, opener: Opener, host: bytes, port: int, timeouts: Timeouts) -> Wire:
        async with _Limit(timeouts.get("connect"), self._errors):
            try:
                wire: Wire = await opener.open(host.decode("ascii"), port)
            except OSError as error:
                raise self._errors.ConnectError(str(error)) from error
        return wire

    async def _secure(
        self, wire: Wire, context: ssl.SSLContext, name: str, timeouts: Timeouts
    ) -> None:
        """Set up TLS."""
        # Each time, because another user of the context may have set it for HTTP/2.
        context.set_alpn_protocols(["http/1.1"])
        try:
            async with _Limit(timeouts.get("connect"), self._errors):
                wire.begin_again(await _shake_hands(wire, context, name))
        # CPython 3.11 raises a TypeError where a handshake fails inside TLS.
        except (OSError, TypeError) as error:
            wire.drop()
            raise self._errors.ConnectError(str(error)) from error
        except BaseException:
            wire.drop()
            raise


class ViaProxy(Direct):
    """Connections to a proxy: it passes plain requests on, and makes tunnels for the others.

    Args:
        proxy: An `httpx.Proxy`, for http or https.
        context: For TLS with the origin.
        errors: The httpx module whose exceptions are raised.
    """

    def __init__(self, proxy: Proxy, context: ssl.SSLContext, errors: ModuleType) -> None:
        super().__init__(context, errors)
        self._proxy = self._origin(proxy.url)
        self._proxy_context: ssl.SSLContext = proxy.ssl_context or errors.create_ssl_context()
        self._pairs: Pairs = list(proxy.headers.raw)
        if proxy.raw_auth is not None:
            credentials = base64.b64encode(b":".join(proxy.raw_auth))
            self._pairs.insert(0, (b"Proxy-Authorization", b"Basic " + credentials))

    def key(self, request: Request) -> Hashable:
        """Return what connections are shared by: plain requests to all origins go over any."""
        origin = self._origin(request.url)
        return origin if origin[0] in _SECURE else None

    def target(self, url: URL) -> bytes:
        """Return what stands behind the method: for the proxy to pass on, the whole URL."""
        scheme, host, _ = self._origin(url)
        path = url.raw_path
        return path if scheme in _SECURE else b"%b://%b%b" % (scheme, _netloc(host, url.port), path)

    def headers(self, request: Request) -> Pairs:
        """Return the headers that are sent: to a proxy its own besides, but none twice."""
        pairs = super().headers(request)
        if request.url.raw_scheme in _SECURE:
            return pairs
        return _merged(self._pairs, pairs)

    async def dial(self, opener: Opener, key: Any, timeouts: Timeouts) -> Wire:
        """Open a connection to the proxy, or through it.

        A request's own name for the handshake is not heeded there, as in httpx.

        Raises:
            ConnectError: There is none.
            ConnectTimeout: It took longer than the connect timeout.
            ProxyError: The proxy makes no tunnel.
        """
        scheme, host, port = self._proxy
        wire = await self._open(opener, host, port, timeouts)
        if scheme in _SECURE:
            await self._secure(wire, self._proxy_context, host.decode("ascii"), timeouts)
        if key is None:
            return wire
        _, host, port = key
        netloc = _netloc(host, port)
        pairs = _merged([(b"Host", netloc), (b"Accept", b"*/*")], self._pairs)
        try:
            await connect_through(wire, netloc, pairs, self._errors, timeouts)
        except BaseException:
            wire.drop()
            raise
        await self._secure(wire, self._context, host.decode("ascii"), timeouts)
        return wire


async def _shake_hands(wire: Wire, context: ssl.SSLContext, name: str) -> asyncio.Transport:
    transport = None
    if not wire.has_spoken():
        transport = await asyncio.get_running_loop().start_tls(
            wire.transport,
            wire,
            context,
            server_hostname=name,
            ssl_handshake_timeout=_NO_LIMIT_SECONDS,
        )
    if transport is None:
        raise ConnectionError("the server spoke in the clear, or closed, before the handshake")
    return transport


class _Limit(Limit):
    """Bounds a block by the connect timeout."""

    __slots__ = ("_errors",)

    def __init__(self, seconds: float | None, errors: ModuleType) -> None:
        super().__init__(seconds)
        self._errors = errors

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await super().__aexit__(kind, error, traceback)
        except TimeoutError as late:
            raise self._errors.ConnectTimeout("connecting took too long") from late


def _merged(below: Pairs, above: Pairs) -> Pairs:
    names = {name.lower() for name, _ in above}
    return [pair for pair in below if pair[0].lower() not in names] + list(above)


def _netloc(host: bytes, port: int | None) -> bytes:
    host = b"[%b]" % host if b":" in host else host
    return host if port is None else b"%b:%d" % (host, port)


def _what_is_wrong(scheme: bytes) -> str:
    if not scheme:
        return "Request URL is missing an 'http://' or 'https://' protocol."
    return f"Request URL has an unsupported protocol '{scheme.decode()}://'."
