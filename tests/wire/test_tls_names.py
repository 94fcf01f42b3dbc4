"""A connection serves no call but those that its certificate was checked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest
import trustme

import client.httpx2
from client import (
    AiohttpTransport,
    AsyncClient,
    AsyncResilientTransport,
    Client,
    ResilientTransport,
    TLSVerificationError,
)
from tests.wire.scripted_server import head
from tests.wire.scripts import healthy
from tests.wire.twins import check_all_is_back, outcome_of, pools_of, settings

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection
    from tests.wire.twins import Twin

NAMED: dict[str, Any] = {"extensions": {"sni_hostname": "up.test"}}
OTHER: dict[str, Any] = {"extensions": {"sni_hostname": "down.test"}}


@pytest.fixture
def named_tls(
    server_tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext:
    """What a server needs that is trusted as up.test, by no other name and at no address."""
    authority = trustme.CA()
    authority.issue_cert("up.test").configure_cert(server_tls)  # in the place of the other
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return server_tls


async def test_a_name_of_its_own(twin: Twin, serve: Serve, named_tls: ssl.SSLContext) -> None:
    """A call that gives one shares no connection with those that give another, or none."""
    server = serve(healthy, tls=named_tls)
    async with twin.client(settings(server.url)) as client:
        for _ in range(2):
            with pytest.raises(TLSVerificationError):
                await client.get("/")
            assert (await client.get("/", **NAMED)).text == "ok"
            with pytest.raises(TLSVerificationError):
                await client.get("/", **OTHER)
        assert len(pools_of(client)[0].connections) == 1
        check_all_is_back(client)


async def test_the_name_means_nothing_in_the_clear(twin: Twin, serve: Serve) -> None:
    """There a call gets its answer with any."""
    server = serve(healthy)
    async with twin.client(settings(server.url)) as client:
        for options in ({}, NAMED, {}):
            assert (await client.get("/", **options)).text == "ok"
        check_all_is_back(client)


async def test_a_name_within_a_tunnel(
    twin: Twin, serve: Serve, named_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in httpx it is not heeded there: what the URL names decides, before and after."""

    def tunnels(connection: Connection) -> None:
        connection.read_request()
        connection.send(head())
        connection.secure(named_tls)
        healthy(connection)

    proxy = serve(tunnels)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    async with twin.client(settings("https://up.test")) as client:
        for options in ({}, OTHER, {}):
            assert (await client.get("/", **options)).text == "ok"
        for options in ({}, NAMED, {}):
            with pytest.raises(TLSVerificationError):
                await client.get("https://down.test/", **options)
        check_all_is_back(client)


BLOCKING: list[Any] = [
    lambda: Client(max_retries=0),
    lambda: client.httpx2.Client(max_retries=0),
    lambda: httpx.Client(transport=ResilientTransport(max_retries=0)),
    lambda: httpx2.Client(transport=client.httpx2.ResilientTransport(max_retries=0)),
]
ASYNC: list[Any] = [
    lambda: AsyncClient(max_retries=0),
    lambda: client.httpx2.AsyncClient(max_retries=0),
    lambda: httpx.AsyncClient(transport=AsyncResilientTransport(max_retries=0)),
    lambda: httpx2.AsyncClient(transport=client.httpx2.AsyncResilientTransport(max_retries=0)),
    lambda: httpx.AsyncClient(transport=AiohttpTransport()),
    lambda: httpx2.AsyncClient(transport=client.httpx2.AiohttpTransport()),
]


@pytest.mark.parametrize("make", BLOCKING, ids=range(len(BLOCKING)))
def test_in_place_of_httpx(serve: Serve, named_tls: ssl.SSLContext, make: Any) -> None:
    """Clients and transports of both families keep to it."""
    server = serve(healthy, tls=named_tls)
    with make() as http:
        assert http.get(server.url, **NAMED).text == "ok"
        with pytest.raises(Exception, match="certificate"):
            http.get(server.url)
        assert http.get(server.url, **NAMED).text == "ok"
    assert server.begun == 1


@pytest.mark.parametrize("make", ASYNC, ids=range(len(ASYNC)))
async def test_in_place_of_async_httpx(serve: Serve, named_tls: ssl.SSLContext, make: Any) -> None:
    """The same, async."""
    server = serve(healthy, tls=named_tls)
    async with make() as http:
        assert (await http.get(server.url, **NAMED)).text == "ok"
        error = await outcome_of(http.get(server.url))
        assert "certificate" in str(error)
        assert (await http.get(server.url, **NAMED)).text == "ok"
    assert server.begun == 1
