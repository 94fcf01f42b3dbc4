"""What the wire proxy must not change: every byte, both ends, whatever is spoken."""

from __future__ import annotations

import random
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from server.testing import WireProxy
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.server.proxy_peers import Client, echoing
from tests.wire.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from server.proxy.fault_models import FaultName
    from tests.wire.scripted_server import Connection

CERTIFICATES = Path(__file__).parents[1] / "wire" / "certificates"
LARGE = 8_000_000
HOLDING_BACK: dict[FaultName, dict[str, Any]] = {
    "stall": {"after_bytes": 100_000},
    "drip": {"after_bytes": 100_000, "size": 100, "interval_ms": 1},
    "bandwidth": {"bytes_per_second": 100_000},
    "latency": {"ms": 1, "jitter_ms": 1},
}


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that mean nothing."""
    return random.Random(seed).randbytes(size)  # noqa: S311 - not for secrets


@pytest.fixture
def echo() -> Iterator[WireProxy]:
    """A proxy in front of a service that sends everything back."""
    with ScriptedServer(echoing) as server, WireProxy(server.url) as proxy:
        yield proxy


def exchange(client: Client, data: bytes) -> bytes:
    """Send all of it, then FIN, and meanwhile read what comes back."""

    def send() -> None:
        client.sock.sendall(data)
        client.sock.shutdown(socket.SHUT_WR)

    sending = threading.Thread(target=send)
    sending.start()
    received, end = client.read_all()
    sending.join()
    assert end == "fin"
    return received


def test_large_payloads_pass_both_ways(echo: WireProxy) -> None:
    """Byte for byte."""
    data = noise(LARGE)
    with Client(echo) as client:
        assert exchange(client, data) == data
    counted = echo.statistics()
    assert (counted.bytes_up, counted.bytes_down) == (LARGE, LARGE)


def test_no_byte_is_lost_when_faults_come_and_go(echo: WireProxy) -> None:
    """Such as hold bytes back: each of them, in both directions, while all is under way."""
    data, sent, done = noise(200_000, seed=2), 0, threading.Event()

    def send() -> None:
        nonlocal sent
        while not done.is_set():
            client.sock.sendall(data)
            sent += 1
            done.wait(0.002)  # leaves the processor to the others
        client.sock.shutdown(socket.SHUT_WR)

    def disturb() -> None:
        for stream in ("upstream", "downstream"):
            for kind, options in HOLDING_BACK.items():
                before = echo.statistics().applied.get(kind, 0)
                echo.fault(kind, **options, stream=stream)
                eventually(lambda: echo.statistics().applied.get(kind, 0) > before)  # noqa: B023 - called within the round
                echo.reset()
        done.set()

    with Client(echo) as client, ThreadPoolExecutor() as threads:
        begun = [threads.submit(send), threads.submit(disturb)]
        received, end = client.read_all()
        for one in begun:
            one.result()
    assert end == "fin"
    assert received == data * sent


def test_half_close_passes_from_the_client(echo: WireProxy) -> None:
    """It is answered after it has said its last word: `exchange` would not end otherwise."""
    with Client(echo) as client:
        assert exchange(client, b"hello") == b"hello"


def test_half_close_passes_from_the_service() -> None:
    """It hears on after its own last word."""
    heard: list[bytes] = []

    def fall_silent(connection: Connection) -> None:
        connection.sock.shutdown(socket.SHUT_WR)
        while data := connection.sock.recv(100):
            heard.append(data)
        is_over.set()

    is_over = threading.Event()
    with (
        ScriptedServer(fall_silent) as server,
        WireProxy(server.url) as proxy,
        Client(proxy) as client,
    ):
        assert client.read_all() == (b"", "fin")
        client.ask(b"still here")
        client.sock.shutdown(socket.SHUT_WR)
        assert is_over.wait(PATIENCE_SECONDS)
    assert b"".join(heard) == b"still here"


def test_a_reset_of_the_client_reaches_the_service() -> None:
    """As a reset, with what came before it."""
    heard: list[bytes | str] = []
    is_over = threading.Event()

    def listen(connection: Connection) -> None:
        try:
            while data := connection.sock.recv(100):
                heard.append(data)
            heard.append("fin")
        except ConnectionResetError:
            heard.append("rst")
        is_over.set()

    with ScriptedServer(listen) as server, WireProxy(server.url) as proxy:
        with Client(proxy) as client:
            client.ask(b"hello")
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert is_over.wait(PATIENCE_SECONDS)
    assert heard == [b"hello", "rst"]


def test_an_answer_given_before_the_request_was_heard_out_arrives() -> None:
    """Though the service then resets the connection, with an upload still under way."""

    def refuse_early(connection: Connection) -> None:
        connection.sock.recv(10)
        connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        connection.sock.close()  # with bytes unread: an RST follows

    with (
        ScriptedServer(refuse_early) as server,
        WireProxy(server.url) as proxy,
        Client(proxy) as client,
    ):
        client.ask(b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\nabc")
        assert client.read_all()[0].startswith(b"HTTP/1.1 413")


def test_a_slow_receiver_slows_its_sender() -> None:
    """No more is read than can be passed on: what is on the way is bounded."""
    sent = 0

    def send_on(connection: Connection) -> None:
        nonlocal sent
        connection.sock.settimeout(0.3)
        try:
            while sent < 50 * LARGE:
                sent += connection.sock.send(bytes(65_536))
        except TimeoutError:
            is_stuck.set()

    is_stuck = threading.Event()
    with ScriptedServer(send_on) as server, WireProxy(server.url) as proxy, Client(proxy):
        assert is_stuck.wait(PATIENCE_SECONDS)
        assert proxy.statistics().bytes_down <= sent < 50 * LARGE


@pytest.fixture
def tls() -> ssl.SSLContext:
    """For the service."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.pem")
    return context


@pytest.fixture
def trust() -> ssl.SSLContext:
    """For its client."""
    return ssl.create_default_context(cafile=CERTIFICATES / "authority.pem")


def answer_large(connection: Connection) -> None:
    """Answer each request with its own body, again and again."""
    while True:
        connection.answer(body=connection.read_request().body)


def test_tls_passes(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    """With a large body both ways, and the service's own certificate."""
    data = noise(1_000_000)
    with (
        ScriptedServer(answer_large, tls=tls) as server,
        WireProxy(server.url) as proxy,
        httpx.Client(verify=trust, trust_env=False) as client,
    ):
        for _ in range(2):
            assert client.post(f"https://127.0.0.1:{proxy.port}", content=data).content == data
        assert proxy.statistics().accepted == 1


@pytest.mark.parametrize("after_bytes", [0, 500])
def test_tls_is_broken_at_an_offset(
    tls: ssl.SSLContext, trust: ssl.SSLContext, after_bytes: int
) -> None:
    """In the handshake, which a fault that knows heads would have skipped."""
    with ScriptedServer(answer_large, tls=tls) as server, WireProxy(server.url) as proxy:
        proxy.fault("reset", after_bytes=after_bytes)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"https://127.0.0.1:{proxy.port}", verify=trust, trust_env=False)
        assert proxy.statistics().applied == {"reset": 1}


def test_an_idle_tls_connection_is_closed(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    """By its silence; the next request goes by another."""
    with (
        ScriptedServer(answer_large, tls=tls) as server,
        WireProxy(server.url) as proxy,
        httpx.Client(verify=trust, trust_env=False) as client,
    ):
        url = f"https://127.0.0.1:{proxy.port}"
        client.get(url)
        assert proxy.close_connections() == 1
        client.get(url)
        proxy.fault("close_idle", after_ms=20)
        eventually(lambda: proxy.statistics().applied == {"close_idle": 1})


def speak_http2(connection: Connection) -> None:
    """Answer every request with its own path, by prior knowledge or under TLS."""
    config = pytest.importorskip("h2.config").H2Configuration(client_side=False)
    events = pytest.importorskip("h2.events")
    http2 = pytest.importorskip("h2.connection").H2Connection(config)
    http2.initiate_connection()
    connection.send(http2.data_to_send())
    while data := connection.sock.recv(65_536):
        for event in http2.receive_data(data):
            if isinstance(event, events.RequestReceived):
                path = dict(event.headers)[b":path"]
                http2.send_headers(event.stream_id, [(":status", "200")])
                http2.send_data(event.stream_id, path, end_stream=True)
        connection.send(http2.data_to_send())


@pytest.fixture
def http2() -> Iterator[tuple[WireProxy, httpx.Client]]:
    """A client of a service that speaks HTTP/2, with a proxy between them."""
    pytest.importorskip("h2")
    with (
        ScriptedServer(speak_http2) as server,
        WireProxy(server.url) as proxy,
        httpx.Client(http1=False, http2=True, base_url=proxy.url, trust_env=False) as client,
    ):
        yield proxy, client


def test_http2_passes(http2: tuple[WireProxy, httpx.Client]) -> None:
    """Many requests over one connection."""
    proxy, client = http2
    for path in ("/a", "/b", "/c"):
        response = client.get(path)
        assert (response.http_version, response.text) == ("HTTP/2", path)
    assert proxy.statistics().accepted == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda proxy: proxy.fault("reset", count=1),
        lambda proxy: proxy.fault("cut", after_bytes=12, count=1),
        lambda proxy: proxy.fault("garbage", count=1),
    ],
    ids=["reset", "cut", "garbage"],
)
def test_http2_is_broken(
    http2: tuple[WireProxy, httpx.Client], ask: Callable[[WireProxy], object]
) -> None:
    """By a fault that does not ask what is spoken; the next connection is whole."""
    proxy, client = http2
    ask(proxy)
    with pytest.raises(httpx.TransportError):
        client.get("/a")
    assert client.get("/b").text == "/b"
    assert sum(proxy.statistics().applied.values()) == 1
