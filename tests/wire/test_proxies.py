"""Through a proxy that the environment names: deadlines hold, and nothing is left in its pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client import (
    APINetworkError,
    DeadlineExceededError,
    ResilientClient,
    TLSVerificationError,
)
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

SECONDS = 0.1


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
