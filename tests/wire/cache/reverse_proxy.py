"""A small reverse proxy whose cache is the client's: for suites that test caches from outside.

    python -m tests.wire.cache.reverse_proxy --origin http://127.0.0.1:8000 --port 8001

What it is asked it asks the origin, by a client of the project with its cache on, and passes on
what comes: status, header fields and body as they are.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final, Protocol

import httpx
import uvicorn

import client as package
from client import ClientConfig, ResilientClient
from client.exceptions import MyAPIError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Pairs = list[tuple[bytes, bytes]]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

CACHE: Final[dict[str, Any]] = {"stale_if_error": 60.0}
"""Stale answers in place of errors, so that what forbids them is seen to forbid them."""
MODES: Final = ("drop-in", "facade", "none")
"""Which client asks the origin: one of two, or one without a cache."""
LIMITS: Final = httpx.Limits(max_connections=100, keepalive_expiry=2.0)
"""An origin closes idle connections after a while, and nothing is tried twice here."""
OF_THE_HOP: Final = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"host"})


class Front(Protocol):
    """What asks the origin."""

    def ask(self, method: str, url: str, headers: Pairs, body: bytes) -> Any:
        """Return a context in which there is an answer, streamed."""
        ...


class Reverse:
    """The proxy as an ASGI application."""

    def __init__(self, origin: str, front: Front) -> None:
        self.origin = origin
        self.front = front

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        body = await read(receive)
        query = scope["query_string"]
        path = scope["raw_path"].partition(b"?")[0] + (b"?" + query if query else b"")
        headers = [pair for pair in scope["headers"] if pair[0].lower() not in OF_THE_HOP]
        try:
            url = self.origin + path.decode("latin-1")
            async with self.front.ask(scope["method"], url, headers, body) as answer:
                await pass_on(answer, scope["method"], send)
        except httpx.HTTPError as error:
            await send({"type": "http.response.start", "status": 502, "headers": []})
            await send({"type": "http.response.body", "body": repr(error).encode()})


async def read(receive: Receive) -> bytes:
    """Return the body of a request."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def pass_on(answer: httpx.Response, method: str, send: Send) -> None:
    """Send an answer as it came, its length as it is."""
    is_read = answer.is_stream_consumed or answer.is_closed  # as those of the facade's errors
    body = answer.content if is_read else b"".join([part async for part in answer.aiter_raw()])
    headers = [pair for pair in answer.headers.raw if pair[0].lower() not in OF_THE_HOP]
    if method != "HEAD" and answer.headers.get("content-length") not in {None, str(len(body))}:
        body = body[: int(answer.headers["content-length"])]
    headers = [(name.lower(), value) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class ByDropIn:
    """Asks by the drop-in client."""

    def __init__(self, client: Any) -> None:
        self.client = client

    @asynccontextmanager
    async def ask(
        self, method: str, url: str, headers: Pairs, body: bytes
    ) -> AsyncIterator[httpx.Response]:
        """Return a context in which there is an answer, streamed."""
        async with self.client.stream(method, url, headers=headers, content=body or None) as answer:
            yield answer


class ByFacade:
    """Asks by the facade."""

    def __init__(self, client: ResilientClient) -> None:
        self.client = client

    @asynccontextmanager
    async def ask(
        self, method: str, url: str, headers: Pairs, body: bytes
    ) -> AsyncIterator[httpx.Response]:
        """Return a context in which there is an answer, streamed."""
        text = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        options: dict[str, Any] = {"headers": text, "content": body or None}
        async with AsyncExitStack() as stack:
            stream = self.client.stream(method, url, **options)
            try:
                answer = await stack.enter_async_context(stream)
            except MyAPIError as error:
                if error.response is None:
                    raise httpx.TransportError(str(error)) from error
                answer = error.response
            yield answer


@asynccontextmanager
async def fronts(mode: str, origin: str) -> AsyncIterator[Front]:
    """Enter a client of one of the kinds."""
    jar = CookieJar(DefaultCookiePolicy(allowed_domains=[]))  # cookies are the caller's
    async with AsyncExitStack() as stack:
        if mode == "facade":
            config = ClientConfig(base_url=origin).merged(
                retry={"max_attempts": 1}, cache=CACHE, circuit_breaker=None
            )
            own = await stack.enter_async_context(
                httpx.AsyncClient(cookies=jar, timeout=30.0, limits=LIMITS)
            )
            facade = ResilientClient(config, http_client=own)
            yield ByFacade(await stack.enter_async_context(facade))
            return
        client = package.AsyncClient(
            cache=CACHE if mode == "drop-in" else None,
            max_retries=0,
            follow_redirects=False,
            cookies=jar,
            timeout=30.0,
            limits=LIMITS,
        )
        client.headers = httpx.Headers()
        yield ByDropIn(await stack.enter_async_context(client))


async def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--origin", default="http://127.0.0.1:8000")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--mode", choices=MODES, default="drop-in")
    wanted = parser.parse_args()
    async with fronts(wanted.mode, wanted.origin) as front:
        config = uvicorn.Config(
            Reverse(wanted.origin, front),
            port=wanted.port,
            lifespan="off",
            log_level="warning",
            date_header=False,
            server_header=False,
        )
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())
