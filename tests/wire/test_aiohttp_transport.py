"""`AiohttpTransport` and `backend="aiohttp"`: what they take, what they refuse, where they work."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import httpx2
import pytest
import trio

import client.httpx2
from client import (
    AiohttpTransport,
    APINetworkError,
    AsyncClient,
    AsyncResilientTransport,
    ClientClosedError,
    ClientConfig,
    ResilientClient,
    SyncResilientClient,
)
from client.runtime import forking
from client.runtime.coroutines import run_to_end
from client.transports.aiohttp import parts as aiohttp_parts
from client.transports.aiohttp.pool import _turn_away
from client.transports.aiohttp.routes import Direct, _Limit
from client.transports.aiohttp.wire import _give_up
from tests.wire.catalogue.test_head import resets
from tests.wire.scripts import echoes, healthy, stalls_in_the_body
from tests.wire.twins import AsyncTwin, pools_of, settings

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection

until = AsyncTwin().until
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"http2": True}, "HTTP/1.1 only"),
    ({"http1": False}, "HTTP/1.1 only"),
    ({"retries": 1}, "only 0 is allowed"),
    ({"proxy": "socks5://127.0.0.1:1"}, "socks5 proxy"),
    ({"proxy": "http://127.0.0.1:1", "uds": "/a"}, "both given"),
]


@pytest.mark.parametrize(("options", "reason"), REFUSED)
def test_what_cannot_be_honoured_is_refused(options: dict[str, Any], reason: str) -> None:
    """When the transport is made."""
    with pytest.raises(ValueError, match=reason):
        AiohttpTransport(**options)


@pytest.mark.parametrize(
    "options", [{"limits": httpx2.Limits()}, {"proxy": httpx2.Proxy("http://a")}]
)
def test_families_are_not_mixed(options: dict[str, Any]) -> None:
    """They look alike."""
    with pytest.raises(TypeError, match="httpx2"):
        AiohttpTransport(**options)
    assert isinstance(client.httpx2.AiohttpTransport(**options), httpx2.AsyncBaseTransport)


def test_it_is_shown_without_what_it_was_given() -> None:
    """The URL of a proxy may hold a password."""
    shown = repr(AiohttpTransport(proxy="http://user:secret@proxy.example:3128"))
    assert shown == "<AiohttpTransport>"


async def test_tracing_is_refused() -> None:
    """It would never be told anything."""
    async with httpx.AsyncClient(transport=AiohttpTransport()) as http:
        with pytest.raises(ValueError, match="no trace"):
            await http.get("http://a.test/", extensions={"trace": print})


def test_the_configuration_refuses_what_does_not_go_together() -> None:
    """At once."""
    with pytest.raises(ValueError, match=r"HTTP/1\.1 only"):
        ClientConfig(backend="aiohttp", http2=True)
    config = ClientConfig(backend="aiohttp")
    with pytest.raises(ValueError, match="async clients only"):
        SyncResilientClient(config)
    with pytest.raises(ValueError, match="transport and"):
        ResilientClient(config, transport=AiohttpTransport())
    with pytest.raises(ValueError, match="http_client and"):
        ResilientClient(config, http_client=httpx.AsyncClient())


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Like every other setting."""
    monkeypatch.setenv("RESILIENT_CLIENT_BACKEND", "aiohttp")
    assert ClientConfig.from_env().backend == "aiohttp"


WITHOUT_AIOHTTP = """
import sys
sys.modules["aiohttp"] = None
import client
for make in (client.AiohttpTransport, lambda: client.ResilientClient(config)):
    config = client.ClientConfig(backend="aiohttp")
    try:
        make()
    except ImportError as error:
        assert "pip install 'resilient-http-client[fast]'" in str(error), error
    else:
        raise AssertionError("it was made")
client.AsyncClient
"""


@pytest.mark.usefixtures("measured_programs")
def test_a_missing_extra_says_how_to_get_it() -> None:
    """When client or transport is made, not at the first request; all else works without."""
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_AIOHTTP], capture_output=True, text=True, check=False
    )
    assert run.stderr == ""


def test_under_trio() -> None:
    """It says so, and what to do."""

    async def call() -> None:
        async with httpx.AsyncClient(transport=AiohttpTransport()) as http:
            with pytest.raises(RuntimeError, match="asyncio only"):
                await http.get("http://a.test/")

    async def closes() -> None:
        with pytest.raises(RuntimeError, match="asyncio only"):
            await call()

    trio.run(closes)


def test_one_loop_after_another(serve: Serve) -> None:
    """Nothing is taken along, and two at once are refused."""
    server = serve(echoes)
    transport = AiohttpTransport()

    async def call() -> None:
        request = httpx.Request("GET", f"{server.url}/x")
        response = await transport.handle_async_request(request)
        assert await response.aread() == b"/x"
        assert len(transport._pool.connections) == 1
        [wire] = transport._pool.connections
        wire.drop()
        await wire.lost

    async def meanwhile() -> None:
        await call()

        def elsewhere() -> None:
            with pytest.raises(ClientClosedError, match="another event loop"):
                asyncio.run(call())

        await asyncio.to_thread(elsewhere)

    asyncio.run(call())
    asyncio.run(meanwhile())
    assert server.accepted == 2


async def test_connections_are_not_taken_into_a_child(serve: Serve) -> None:
    """As in a child, but in this process."""
    server = serve(echoes)
    transport = AiohttpTransport()
    async with httpx.AsyncClient(transport=transport) as http:
        await http.get(f"{server.url}/a")
        [wire] = transport._pool.connections
        transport._pool.begin_anew()
        assert transport._pool.connections == []
        await http.get(f"{server.url}/b")
        assert server.accepted == 2
        wire.drop()
        await wire.lost
    assert transport._pool in forking._told


async def test_a_unix_socket(serve: Serve, tmp_path: Path) -> None:
    """Whatever the host."""
    server = serve(healthy, path=tmp_path / "s")
    async with httpx.AsyncClient(transport=AiohttpTransport(uds=str(tmp_path / "s"))) as http:
        assert (await http.get("http://a.test/")).text == "ok"
    assert server.requests[0].headers["host"] == "a.test"


async def test_socket_options_and_the_local_address(serve: Serve) -> None:
    """Of the connections."""
    server = serve(healthy)
    transport = AiohttpTransport(
        local_address="127.0.0.1",
        socket_options=[(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)],
    )
    async with httpx.AsyncClient(transport=transport) as http:
        network = (await http.get(server.url)).extensions["network_stream"]
        sock = network.get_extra_info("socket")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert network.get_extra_info("client_addr")[0] == "127.0.0.1"


async def test_tls(serve: Serve, server_tls: ssl.SSLContext) -> None:
    """By the environment's certificates, by a context of the caller's, or unverified."""
    server = serve(healthy, tls=server_tls)
    for verify in (True, httpx.create_ssl_context(), False):
        async with httpx.AsyncClient(transport=AiohttpTransport(verify=verify)) as http:
            assert (await http.get(server.url)).text == "ok"
            response = await http.get(server.url)
            assert response.text == "ok"
            tls = response.extensions["network_stream"].get_extra_info("ssl_object")
            assert tls.version().startswith("TLS")
    assert server.accepted == 3
    async with httpx.AsyncClient(transport=AiohttpTransport(trust_env=False)) as http:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await http.get(server.url)  # its certificate is known to the environment only


async def test_a_context_that_others_use_too(serve: Serve, server_tls: ssl.SSLContext) -> None:
    """Whatever they offer to speak, this speaks HTTP/1.1."""
    server_tls.set_alpn_protocols(["h2", "http/1.1"])
    context = httpx.create_ssl_context()
    async with httpx.AsyncClient(transport=AiohttpTransport(verify=context)) as http:
        context.set_alpn_protocols(["h2"])
        response = await http.get(serve(healthy, tls=server_tls).url)
        tls = response.extensions["network_stream"].get_extra_info("ssl_object")
        assert tls.selected_alpn_protocol() == "http/1.1"


async def test_addresses_of_version_6() -> None:
    """Of the origin, and of a proxy."""

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()

    try:
        server = await asyncio.start_server(answers, "::1", 0)
    except OSError:  # pragma: no cover - as on this machine or not
        pytest.skip("there is no IPv6 here")
    async with server:
        url = f"http://[::1]:{server.sockets[0].getsockname()[1]}"
        for proxy, origin in ((None, url), (url, "http://a.test")):
            async with httpx.AsyncClient(transport=AiohttpTransport(proxy=proxy)) as http:
                assert (await http.get(f"{origin}/")).text == "ok"


async def test_a_handshake_that_is_cancelled(serve: Serve) -> None:
    """Leaves no socket."""
    greetings: list[bytes] = []

    def never_greets_back(connection: Connection) -> None:
        greetings.append(connection.sock.recv(1))
        connection.stall()

    server = serve(never_greets_back)
    transport = AiohttpTransport()
    async with httpx.AsyncClient(transport=transport) as http:
        call = asyncio.create_task(http.get(server.url.replace("http:", "https:")))
        await until(lambda: greetings)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert transport._pool._opening == 0


def proxies(connection: Connection) -> None:
    """Answer in the place of everybody, and make tunnels to oneself."""
    request = connection.read_request()
    while request.method != "CONNECT":
        connection.answer(body=request.target.encode())
        request = connection.read_request()
    connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")


async def test_a_proxy(serve: Serve, server_tls: ssl.SSLContext) -> None:
    """Plain requests are passed on, the others go through a tunnel; the proxy's own headers too."""

    def tunnels(connection: Connection) -> None:
        proxies(connection)
        connection.secure(server_tls)
        healthy(connection)

    proxy = serve(tunnels)
    headers = {"X-Proxy": "1", "Accept": "for/proxy"}
    given = httpx.Proxy(proxy.url, auth=("user", "pass"), headers=headers)
    asked = []
    for transport in (httpx.AsyncHTTPTransport(proxy=given), AiohttpTransport(proxy=given)):
        async with httpx.AsyncClient(transport=transport) as http:
            assert (await http.get("http://a.test:81/b?c")).text == "http://a.test:81/b?c"
            assert (await http.get("http://[::1]/")).text.startswith("http://")
            assert (await http.get("https://127.0.0.1/x")).text == "ok"
            assert (await http.get("https://127.0.0.1/y")).text == "ok"
        asked.append([(sent.method, sent.headers) for sent in proxy.requests])
        proxy.requests.clear()
    assert asked[0] == asked[1]
    assert proxy.accepted >= 4


async def test_a_proxy_under_tls(serve: Serve, server_tls: ssl.SSLContext) -> None:
    """The way to it is secure."""
    proxy = serve(proxies, tls=server_tls)
    given = httpx.Proxy(proxy.url, ssl_context=httpx.create_ssl_context())
    async with httpx.AsyncClient(transport=AiohttpTransport(proxy=given)) as http:
        assert (await http.get("http://a.test/")).text == "http://a.test/"


async def test_the_environments_proxies(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are those of `backend="aiohttp"` too, unless it is told otherwise."""
    proxy, server = serve(proxies), serve(healthy)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    config = settings("", backend="aiohttp", retry=None)
    async with ResilientClient(config) as facade:
        assert (await facade.get("http://a.test/x")).text == "http://a.test/x"
        assert (await facade.get(server.url)).text == "ok"
    async with ResilientClient(config.merged(trust_env=False)) as facade:
        assert facade._session._http is not None
        assert facade._session._http.client._mounts == {}


async def test_the_pool_has_the_size_of_the_bulkhead(serve: Serve) -> None:
    """So that every slot keeps its connection."""
    config = settings(serve(healthy).url, backend="aiohttp", bulkhead={"max_concurrency": 7})
    async with ResilientClient(config) as facade:
        await facade.get("/")
        [pool] = pools_of(facade)
        assert (pool._bounds.open, pool._bounds.idle) == (None, 7)


async def test_what_was_never_sent_is_sent_again(serve: Serve) -> None:
    """A drop-in client believes the transport, unless somebody has changed it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        refusing = f"http://127.0.0.1:{listener.getsockname()[1]}/"

    class Changed(AiohttpTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return await super().handle_async_request(request)

    attempts = []
    for transport in (AiohttpTransport(), Changed()):
        seen: list[object] = []
        async with AsyncClient(
            transport=transport, backoff_factor=0.0, max_retries=2, on_request=seen.append
        ) as http:
            with pytest.raises(httpx.ConnectError):
                await http.post(refusing)
        attempts.append(len(seen))
    assert attempts == [3, 1]


async def test_a_write_whose_fate_is_unknown_is_not_doubled(serve: Serve) -> None:
    """The server has read it, and said nothing."""
    server = serve(resets)
    async with AsyncClient(transport=AiohttpTransport(), backoff_factor=0.0) as http:
        with pytest.raises(httpx.ReadError):
            await http.post(server.url, content=b"once")
    assert len(server.requests) == 1
    async with httpx.AsyncClient(transport=AsyncResilientTransport(AiohttpTransport())) as http:
        with pytest.raises(httpx.ReadError):
            await http.post(server.url, content=b"once")
    assert len(server.requests) == 2


async def test_an_attempt_that_failed_says_whether_it_was_sent(serve: Serve) -> None:
    """In the facade's errors."""
    server = serve(resets)
    async with ResilientClient(settings(server.url, backend="aiohttp", retry=None)) as facade:
        with pytest.raises(APINetworkError) as failed:
            await facade.post("/")
        assert failed.value.request_sent


async def test_a_server_that_speaks_before_the_handshake(serve: Serve) -> None:
    """Speaks no TLS; what it said is not taken for part of an answer."""

    def greets(connection: Connection) -> None:
        connection.send(b"220 welcome\r\n")
        connection.stall()

    pool, loop = AiohttpTransport()._pool, asyncio.get_running_loop()
    opener = aiohttp_parts.Opener(loop, aiohttp_parts.Place(), partial(pool.make_wire, loop))
    wire = await opener.open("127.0.0.1", serve(greets).port)
    await until(wire.has_spoken)
    context = httpx.create_ssl_context()
    with pytest.raises(httpx.ConnectError, match="in the clear"):
        await Direct(context, httpx)._secure(wire, context, "a.test", {})
    await wire.lost


async def test_the_connect_timeout_within_a_cancelled_scope() -> None:
    """Where both end in the same turn, the scope knows its cancellation."""
    with anyio.CancelScope() as scope:
        async with _Limit(None, httpx) as limit:
            scope.cancel()
            limit.reschedule(asyncio.get_running_loop().time())
            await asyncio.sleep(10)
    assert scope.cancelled_caught
    await asyncio.sleep(0)


def test_an_answer_that_outlives_its_loop(serve: Serve) -> None:
    """Nothing can be closed there any more; whoever lets go of it hears nothing."""
    server = serve(stalls_in_the_body)
    kept: list[Any] = []

    async def call() -> None:
        transport = AiohttpTransport()
        request = httpx.Request("GET", server.url)
        kept.extend([await transport.handle_async_request(request) for _ in range(2)])
        kept.append([wire.transport for wire in transport._pool.connections])

    asyncio.run(call())
    left = kept.pop()
    kept.pop()
    run_to_end(kept.pop().stream.aclose())
    for transport in left:
        transport._sock.close()
        transport._sock = None


def test_what_comes_too_late_changes_nothing() -> None:
    """Two timers that ring in the turn in which what they wait for is there."""

    async def late() -> None:
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        _give_up(done)
        _turn_away(done, TimeoutError())
        assert done.result() is None

    asyncio.run(late())
