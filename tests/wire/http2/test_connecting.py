"""Several calls wait for one connection to open, and what is private to httpcore is checked."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import httpcore
import httpcore2
import httpx
import httpx2
import pytest
import trio

import client.httpx2
from client import APINetworkError, APITimeoutError, DeadlineExceededError
from client.transports.http2.blocking_face import BlockingConnection, BlockingTurn
from client.transports.http2.pool import put_in_place
from client.transports.httpcore.blocking_deadline import _Stream
from client.transports.httpcore.thread_deadline import deadline_of_this_thread
from tests.wire.conftest import make_server_tls
from tests.wire.http2.conftest import config_for, connections_of
from tests.wire.http2_server import Peer, over_http2, over_http2_in_the_clear
from tests.wire.scripts import healthy
from tests.wire.test_cancellation import ONE, interrupted
from tests.wire.test_tls_in_tls import tunnel
from tests.wire.twins import BlockingTwin, check_all_is_back, outcome_of

if TYPE_CHECKING:
    import ssl

    from tests.wire.conftest import Serve
    from tests.wire.http2.conftest import Speak
    from tests.wire.scripted_server import Connection
    from tests.wire.twins import Twin

PATIENT = 10.0


async def test_a_deadline_while_another_call_connects(twin: Twin, serve: Serve) -> None:
    """Holds, and does not end the connecting of the other."""
    let = threading.Event()

    def is_slow_to_shake_hands(connection: Connection) -> None:
        let.wait(PATIENT)
        over_http2(Peer.serve)(connection)

    server = serve(is_slow_to_shake_hands)
    url = server.url.replace("http:", "https:")
    async with twin.client(config_for(_At(url), retry=None)) as ours:
        first = twin.start(ours.get("/"))
        await twin.until(lambda: server.accepted == 1)
        with pytest.raises(DeadlineExceededError):
            await ours.get("/", deadline=0.05)
        let.set()
        assert (await first.result()).text == "ok"
        assert (await ours.get("/")).text == "ok"
        assert server.accepted == 1


async def test_a_failure_to_connect_is_its_own_call_s(twin: Twin, serve: Serve) -> None:
    """Those that waited for it connect by themselves."""
    let = threading.Event()

    def hangs_up_when_told(_connection: Connection) -> None:
        let.wait(PATIENT)

    server = serve(hangs_up_when_told, over_http2(Peer.serve))
    url = server.url.replace("http:", "https:")
    async with twin.client(config_for(_At(url), retry=None)) as ours:
        first = twin.start(outcome_of(ours.get("/")))
        await twin.until(lambda: server.accepted == 1)
        second = twin.start(ours.get("/"))
        await twin.until(lambda: ours.stats().slots_in_use == 2)
        await twin.sleep(0.01)
        let.set()
        assert isinstance(await first.result(), APINetworkError)
        assert (await second.result()).text == "ok"
        assert server.accepted == 2
        assert len(connections_of(ours)) == 1


def test_a_deadline_before_an_open_connection_is_used(speak: Speak) -> None:
    """Says nothing about the connection."""
    server, twin = speak(Peer.serve), BlockingTwin()

    async def story() -> None:
        async with twin.client(config_for(server, retry=None)) as ours:
            await ours.get("/")
            (connection,) = connections_of(ours)
            with deadline_of_this_thread(0.0), pytest.raises(httpcore.ConnectTimeout):
                connection.handle_request(
                    httpcore.Request("GET", server.url + "/", headers={"Host": "x"})
                )
            assert (await ours.get("/")).text == "ok"
            assert server.tcp.accepted == 1

    twin.tell(story())


class _At:
    def __init__(self, url: str) -> None:
        self.url = url


@pytest.mark.parametrize("httpcore", [httpcore, httpcore2], ids=["httpcore", "httpcore2"])
@pytest.mark.parametrize("name", ["ConnectionPool", "HTTPProxy"])
def test_what_is_put_in_place_says_how_it_stands(httpcore: Any, name: str) -> None:
    """As httpcore's own does."""
    proxy = {} if name == "ConnectionPool" else {"proxy_url": "http://127.0.0.1"}
    pool = getattr(httpcore, name)(http2=True, **proxy)
    put_in_place(pool, BlockingConnection, BlockingTurn)
    assert "CONNECTING" in repr(pool.create_connection(httpcore.Origin(b"https", b"x", 1)))


def test_a_connection_of_httpcore_s_is_replaced() -> None:
    """As soon as it is there."""
    pool = httpcore.ConnectionPool(http2=True)
    put_in_place(pool, BlockingConnection, BlockingTurn)
    origin = httpcore.Origin(b"https", b"x", 1)
    connection: Any = pool.create_connection(origin)
    original = httpcore.HTTP2Connection(origin, httpcore.MockStream([]))
    connection._connection = original
    assert isinstance(connection._connection, BlockingConnection)
    assert repr(connection) == ("<HTTPConnection ['https://x:1', HTTP/2, IDLE, Request Count: 0]>")


def test_a_proxy_that_forwards_is_left_alone() -> None:
    """It speaks HTTP/1.1."""
    pool = httpcore.HTTPProxy("http://127.0.0.1", http2=True)
    put_in_place(pool, BlockingConnection, BlockingTurn)
    connection = pool.create_connection(httpcore.Origin(b"http", b"x", 1))
    assert type(connection) is httpcore._sync.http_proxy.ForwardHTTPConnection


def test_over_another_kind_of_stream(speak: Speak, monkeypatch: pytest.MonkeyPatch) -> None:
    """As TLS in TLS is, whose reads and writes take the timeout along."""
    monkeypatch.setattr(_Stream, "plain_socket", lambda _stream: None)
    server, twin = speak(Peer.serve), BlockingTwin()

    async def story() -> None:
        async with twin.client(config_for(server, retry=None)) as ours:
            assert (await ours.request("POST", "/up", content=b"x" * 99_999)).content[3:]
            with pytest.raises(APITimeoutError):
                await ours.get("/stall", timeout=(PATIENT, 0.05, PATIENT, PATIENT))
            assert (await ours.get("/large")).content == b"x" * 300_000
            assert server.tcp.accepted == 1

    twin.tell(story())


@pytest.mark.parametrize("family", [client, client.httpx2], ids=["httpx", "httpx2"])
def test_on_trio(speak: Speak, family: Any) -> None:
    """A call that is cancelled there resets its stream, too."""
    server = speak(Peer.serve)

    async def story() -> None:
        async with family.AsyncClient(http2=True) as ours:
            assert (await ours.get(server.url)).http_version == "HTTP/2"
            with trio.move_on_after(0.05):
                await ours.get(server.url + "/stall")
            with pytest.raises(DeadlineExceededError):
                await ours.get(server.url + "/stall", max_total_time=0.05)
            answer = await ours.post(server.url + "/up", content=b"x" * 99_999)
            assert len(answer.content) == 3 + 99_999
            assert server.resets() == [None, 8, 8, None]
            assert server.tcp.accepted == 1

    trio.run(story)


@pytest.mark.parametrize("family", [client, client.httpx2], ids=["httpx", "httpx2"])
def test_a_body_is_closed_once(speak: Speak, family: Any) -> None:
    """However often it is said, in both worlds."""
    server = speak(Peer.serve)

    def body_below(response: Any) -> Any:
        return response.stream._stream._httpcore_stream._inner._stream

    async def story() -> None:
        async with (
            family.AsyncClient(http2=True) as ours,
            ours.stream("GET", server.url + "/half") as response,
        ):
            await body_below(response).aclose()
            await response.aclose()
            await body_below(response).aclose()
            assert (await ours.get(server.url)).text == "ok"

    asyncio.run(story())
    with (
        family.Client(http2=True) as ours,
        ours.stream("GET", server.url + "/half") as response,
    ):
        body_below(response).close()
        response.close()
        body_below(response).close()
        assert ours.get(server.url).text == "ok"


@pytest.mark.parametrize("family", [client, client.httpx2], ids=["httpx", "httpx2"])
def test_without_tls(serve: Serve, family: Any) -> None:
    """Where both sides know beforehand; more is sent and read than the socket takes at once."""
    server = serve(over_http2_in_the_clear(Peer.serve))
    module = httpx if family is client else httpx2

    async def story() -> None:
        transport = module.AsyncHTTPTransport(http1=False, http2=True)
        async with family.AsyncClient(transport=transport) as ours:
            answer = await ours.post(server.url + "/up", content=b"x" * 3_000_000)
            assert len(answer.content) == 3 + 3_000_000
            assert answer.http_version == "HTTP/2"

    asyncio.run(story())
    transport = module.HTTPTransport(http1=False, http2=True)
    with family.Client(transport=transport) as ours:
        answer = ours.post(server.url + "/up", content=b"x" * 3_000_000)
        assert len(answer.content) == 3 + 3_000_000
        with pytest.raises(module.ReadTimeout):
            ours.get(
                server.url + "/stall", timeout=(PATIENT, 0.05, PATIENT, PATIENT), max_retries=0
            )
        assert ours.get(server.url).text == "ok"


@pytest.mark.parametrize("family", [client, client.httpx2], ids=["httpx", "httpx2"])
def test_a_server_that_does_not_speak_it(
    serve: Serve, server_tls: ssl.SSLContext, family: Any
) -> None:
    """Is spoken to as ever."""
    server = serve(healthy, tls=server_tls)

    async def story() -> None:
        async with family.AsyncClient(http2=True) as ours:
            assert (await ours.get(server.url)).http_version == "HTTP/1.1"

    asyncio.run(story())
    with family.Client(http2=True) as ours:
        assert ours.get(server.url).http_version == "HTTP/1.1"
        assert ours.get(server.url).text == "ok"
    assert server.accepted == 2


async def test_through_a_tunnel(twin: Twin, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that is late resets its stream there, too, and the tunnel stays."""
    peers: list[Peer] = []

    def keeps_and_serves(peer: Peer) -> None:
        peers.append(peer)
        peer.serve()

    def tunnels(connection: Connection) -> None:
        connection.read_request()
        connection.answer()
        over_http2(keeps_and_serves)(connection)

    proxy = serve(tunnels)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    async with twin.client(config_for(_At("https://127.0.0.1:1"), retry=None)) as ours:
        assert (await ours.get("/")).http_version == "HTTP/2"
        with pytest.raises(APITimeoutError):
            await ours.get("/stall", timeout=(PATIENT, 0.05, PATIENT, PATIENT))
        assert (await ours.get("/")).text == "ok"
        assert [exchange.reset for exchange in peers[0].exchanges.values()] == [None, 8, None]
        assert proxy.accepted == 1


def tunnels(connection: Connection) -> None:
    """Be the proxy, and the server behind it as well."""
    of_the_server = make_server_tls()
    of_the_server.set_alpn_protocols(["h2"])
    inside, _ = tunnel(connection, of_the_server)
    Peer(inside).serve()


async def test_through_a_proxy_that_speaks_tls(
    twin: Twin, serve: Serve, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS in TLS; what can be waited for there is one thing at a time."""
    proxy = serve(tunnels, tls=server_tls)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    async with twin.client(config_for(_At("https://localhost:1"), retry=None)) as ours:
        assert (await ours.get("/")).http_version == "HTTP/2"
        sent = b"x" * 200_000
        assert (await ours.request("POST", "/echo", content=sent)).content == b"/echo" + sent
        with pytest.raises(APITimeoutError):
            await ours.get("/stall", timeout=(PATIENT, 0.05, PATIENT, PATIENT))
        assert (await ours.get("/")).text == "ok"
        assert proxy.accepted == 1


def test_interrupted_through_a_proxy_that_speaks_tls(
    serve: Serve, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell whether it tore a frame, so that connection is not used again."""
    proxy, twin = serve(tunnels, tls=server_tls), BlockingTwin()
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)

    async def story() -> None:
        async with twin.client(config_for(_At("https://localhost:1"), **ONE)) as ours:
            await ours.get("/")
            with interrupted():
                await ours.get("/stall")
            check_all_is_back(ours)
            assert (await ours.get("/")).text == "ok"
            assert proxy.accepted == 2

    twin.tell(story())
