"""Through a proxy that the environment names: deadlines hold, and nothing is left in its pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

import client
import client.httpx2
from client import (
    APINetworkError,
    APIStatusError,
    CircuitState,
    DeadlineExceededError,
    ResilientClient,
    TLSVerificationError,
)
from client.http.verdicts import status_phrase
from tests.wire.cancelling import WAYS, cancel_at_every_tick, get
from tests.wire.scripted_server import head
from tests.wire.scripts import serves
from tests.wire.twins import check_all_is_back, settings

if TYPE_CHECKING:
    import ssl

    from tests.wire.cancelling import Way
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script
    from tests.wire.twins import Twin

    Refusal = tuple[int, int]

SECONDS = 0.1
FAMILIES: dict[str, tuple[Any, Any]] = {
    "httpx": (httpx, client),
    "httpx2": (httpx2, client.httpx2),
}
TWICE: dict[str, Any] = {"max_retries": 2, "backoff_factor": 0}


@pytest.fixture
def tunnel(server_tls: ssl.SSLContext) -> Script:
    """A proxy's answer to CONNECT that is the server at the other end as well."""

    def connects(connection: Connection) -> None:
        request = connection.read_request()
        assert request.method == "CONNECT"
        connection.send(head(200))
        connection.secure(server_tls)
        serves(connection)

    return connects


def stalls_after_connect(connection: Connection) -> None:
    """Say that the tunnel is there, and let nothing through."""
    connection.read_request()
    connection.send(head(200))
    connection.stall()


def stalls_at_connect(connection: Connection) -> None:
    """Do not even say so."""
    connection.read_request()
    connection.stall()


def refuses_to_connect(connection: Connection) -> None:
    """Answer CONNECT with an error."""
    connection.read_request()
    connection.answer(502, b"no")


@pytest.mark.parametrize("target", ["/drip", "/stall"])
async def test_http(twin: Twin, serve: Serve, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """The proxy is handed the whole URL."""

    def proxies(connection: Connection) -> None:
        """Answer for the server, which is nowhere."""
        while True:
            request = connection.read_request()
            if request.target.endswith("/drip"):
                connection.send(head(content_length="1000"))
                connection.drip(b"x" * 1000)
            if request.target.endswith("/stall"):
                connection.stall()
            connection.answer(body=b"ok")

    proxy = serve(proxies)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    async with twin.client(settings("http://far.invalid")) as client:
        assert (await client.get("/", deadline=5)).text == "ok"
        with pytest.raises(DeadlineExceededError) as failed:
            await client.get(target, deadline=SECONDS)
        assert (failed.value.attempts, failed.value.request_sent) == (1, True)
        check_all_is_back(client)
        assert (await client.get("/")).text == "ok"
        assert proxy.requests[0].target == "http://far.invalid/"


@pytest.mark.parametrize("target", ["/drip", "/stall"])
async def test_https(
    twin: Twin, serve: Serve, monkeypatch: pytest.MonkeyPatch, tunnel: Script, target: str
) -> None:
    """The proxy is asked for a tunnel, and TLS goes through it."""
    proxy = serve(tunnel)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    async with twin.client(settings("https://localhost")) as client:
        assert (await client.get("/", deadline=5)).text == "ok"
        assert (await client.get("/")).text == "ok"
        assert proxy.accepted == 1
        with pytest.raises(DeadlineExceededError):
            await client.get(target, deadline=SECONDS)
        check_all_is_back(client)
        assert (await client.get("/")).text == "ok"
        assert proxy.requests[0].target == "localhost:443"


@pytest.mark.parametrize("script", [stalls_at_connect, stalls_after_connect])
async def test_a_tunnel_that_does_not_come(
    twin: Twin, serve: Serve, monkeypatch: pytest.MonkeyPatch, tunnel: Script, script: Script
) -> None:
    """It counts as not sent, and the pool is as before."""
    proxy = serve(script, tunnel)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    async with twin.client(settings("https://localhost")) as client:
        with pytest.raises(DeadlineExceededError) as failed:
            await client.get("/", deadline=SECONDS)
        assert failed.value.attempts == 1
        check_all_is_back(client)
        assert (await client.get("/")).text == "ok"


async def test_a_proxy_that_refuses(
    twin: Twin, serve: Serve, monkeypatch: pytest.MonkeyPatch, tunnel: Script
) -> None:
    """The request was not sent; another attempt may find the proxy better disposed."""
    proxy = serve(refuses_to_connect, tunnel, refuses_to_connect)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    async with twin.client(settings("https://localhost")) as client:
        response = await client.get("/")
        assert response.extensions["resilience"].attempts == 2
        check_all_is_back(client)
        with pytest.raises(APINetworkError) as failed:
            await client.get("https://localhost:444/", retry=None)
        assert failed.value.request_sent is False
        check_all_is_back(client)


def refuses_with(status: int) -> Script:
    """Answer CONNECT with a status, and a phrase and a body that nobody should see."""

    def script(connection: Connection) -> None:
        connection.read_request()
        connection.send(f"HTTP/1.1 {status} s3cret\r\nContent-Length: 6\r\n\r\ns3cret".encode())

    return script


@pytest.mark.parametrize("status", [302, 400, 403, 404, 407, 451])
async def test_a_proxy_that_refuses_for_good(
    twin: Twin, serve: Serve, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Its status is shown in our words; asking again would not help, and the server is not down."""
    proxy = serve(refuses_with(status))
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:passw0rd@127.0.0.1:{proxy.port}")
    config = settings("https://localhost", circuit_breaker={"failure_threshold": 1})
    async with twin.client(config) as client:
        for _ in range(2):
            with pytest.raises(APIStatusError) as failed:
                await client.request("POST", "/", content=b"x")
            error = failed.value
            assert type(error) is APIStatusError
            assert f"the proxy refused to connect: {status_phrase(status)}" in str(error)
            assert "s3cret" not in str(error)
            assert "passw0rd" not in str(error)
            assert (error.attempts, error.request_sent, error.status_code) == (1, False, None)
            check_all_is_back(client)
        assert proxy.accepted == 2
        assert client.circuit_state is CircuitState.CLOSED


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_proxy_that_refuses_for_now(
    twin: Twin, serve: Serve, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """It is asked again: it may find the way to the server later."""
    proxy = serve(refuses_with(status))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    async with twin.client(settings("https://localhost")) as client:
        with pytest.raises(
            APINetworkError, match=f"the proxy refused to connect: {status} "
        ) as failed:
            await client.request("POST", "/", content=b"x")
        error = failed.value
        assert (error.attempts, error.request_sent, error.status_code) == (3, False, None)
        check_all_is_back(client)


REFUSALS: list[Refusal] = [(407, 1), (403, 1), (429, 3), (502, 3)]
"""Statuses, and how often the proxy is asked."""
MADE: dict[str, Any] = {
    "client": lambda _, ours, **_route: ours.Client(**TWICE),
    "transport": lambda module, ours, **route: module.Client(
        transport=ours.ResilientTransport(module.HTTPTransport(**route), **TWICE)
    ),
}
MADE_ASYNC: dict[str, Any] = {
    "client": lambda _, ours, **_route: ours.AsyncClient(**TWICE),
    "transport": lambda module, ours, **route: module.AsyncClient(
        transport=ours.AsyncResilientTransport(module.AsyncHTTPTransport(**route), **TWICE)
    ),
    "fast": lambda module, ours, **route: module.AsyncClient(
        transport=ours.AsyncResilientTransport(ours.AiohttpTransport(**route), **TWICE)
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("made", MADE)
def test_in_place_of_httpx(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, made: str, family: str, refusal: Refusal
) -> None:
    """It is httpx's own error, and a write is repeated where that may help."""
    (module, ours), (status, asked) = FAMILIES[family], refusal
    proxy = serve(refuses_with(status))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    refused = pytest.raises(module.ProxyError, match=f"{status} s3cret")
    with MADE[made](module, ours, proxy=proxy.url) as http, refused:
        http.post("https://localhost/", content=b"x")
    assert proxy.accepted == asked


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("made", MADE_ASYNC)
async def test_in_place_of_async_httpx(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, made: str, family: str, refusal: Refusal
) -> None:
    """The same, async, and over the fast transport."""
    (module, ours), (status, asked) = FAMILIES[family], refusal
    proxy = serve(refuses_with(status))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    async with MADE_ASYNC[made](module, ours, proxy=proxy.url) as http:
        with pytest.raises(module.ProxyError, match=f"{status} s3cret"):
            await http.post("https://localhost/", content=b"x")
    assert proxy.accepted == asked


def test_functions(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """They raise the error of the tree."""
    proxy = serve(refuses_with(407))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(APIStatusError, match="refused to connect: 407 Proxy Auth") as failed:
        client.get("https://localhost/", **TWICE)
    assert (failed.value.request_sent, proxy.accepted) == (False, 1)


async def test_an_unverified_server_behind_a_proxy(
    twin: Twin, serve: Serve, monkeypatch: pytest.MonkeyPatch, tunnel: Script
) -> None:
    """The certificate is for another name: refused once, not retried, nothing left."""
    proxy = serve(tunnel)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    async with twin.client(settings("https://far.invalid")) as client:
        for _ in range(3):
            with pytest.raises(TLSVerificationError) as failed:
                await client.get("/")
            assert (failed.value.attempts, failed.value.request_sent) == (1, False)
            check_all_is_back(client)
        assert proxy.accepted == 3


@pytest.mark.parametrize("way", WAYS)
async def test_cancelled_at_any_tick(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tunnel: Script, way: Way
) -> None:
    """While the tunnel is built, as well as later."""
    proxy = serve(tunnel)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    async with ResilientClient(settings("https://localhost")) as client:
        await cancel_at_every_tick(client, way, get("/last"))
