"""Servers that cannot be reached or trusted, and URLs that lead nowhere: what each is called."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import pytest

from client import (
    APINetworkError,
    APITimeoutError,
    CircuitState,
    InvalidRequestError,
    MyAPIError,
    TLSVerificationError,
)
from tests.wire.scripts import healthy
from tests.wire.twins import check_all_is_back, settings, state_of

if TYPE_CHECKING:
    import ssl
    from typing import Unpack

    from client.faces.facade.call_options import CallOptions
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection
    from tests.wire.twins import Twin

COUNTING = {"failure_threshold": 1}


async def fail(
    twin: Twin, url: str, kind: type[MyAPIError], **options: Unpack[CallOptions]
) -> MyAPIError:
    """Make a call that fails with exactly this class, and check what the circuit made of it."""
    config = settings(
        "", circuit_breaker=COUNTING, retry={"max_attempts": 2}, timeout={"connect": 0.2}
    )
    async with twin.client(config) as client:
        with pytest.raises(kind) as failed:
            await client.get(url, **options)
        assert type(failed.value) is kind
        check_all_is_back(client)
        counts = kind in {APINetworkError, APITimeoutError}
        assert client.circuit_state is (CircuitState.OPEN if counts else CircuitState.CLOSED)
        return failed.value


async def test_nobody_listens(twin: Twin) -> None:
    """Refused: retried, and never sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = await fail(twin, f"http://127.0.0.1:{port}/", APINetworkError)
    assert (error.attempts, error.request_sent) == (2, False)
    assert re.search(r"ConnectError: (\[Errno 111\]|All connection attempts failed)", str(error))


async def test_nobody_accepts(twin: Twin, unaccepting_port: int) -> None:
    """The connect timeout: retried, and never sent."""
    error = await fail(twin, f"http://127.0.0.1:{unaccepting_port}/", APITimeoutError)
    assert (error.attempts, error.request_sent) == (2, False)
    assert "connecting took too long" in str(error)


async def test_a_name_that_does_not_resolve(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked, for some networks answer for names that do not exist."""

    def getaddrinfo(*_arguments: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    error = await fail(twin, "http://nowhere.invalid/", APINetworkError)
    assert (error.attempts, error.request_sent) == (2, False)
    assert "Name or service not known" in str(error)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"http://{'x' * 64}.invalid/", id="label-too-long"),
        pytest.param("http://double..dot.invalid/", id="empty-label"),
        pytest.param("http://127.0.0.1:99999/", id="port-too-high"),
        pytest.param("http://127.0.0.1:-1/", id="port-below-zero"),
        pytest.param("http://127.0.0.1:0/", id="port-zero"),
        pytest.param("http://127.0.0.1:port/", id="port-no-number"),
        pytest.param("http://[::1/", id="broken-ipv6"),
        pytest.param("http://", id="no-host"),
        pytest.param("127.0.0.1:80/", id="no-scheme"),
        pytest.param("/path", id="relative"),
        pytest.param("ftp://127.0.0.1/", id="other-scheme"),
        pytest.param("http://exa\u0000mple/", id="control-character"),
    ],
)
async def test_a_url_that_cannot_be_sent(twin: Twin, url: str) -> None:
    """One attempt, since another would fare no better; the server has no part in it."""
    error = await fail(twin, url, InvalidRequestError)
    assert (error.attempts, error.request_sent) == (1, False)


async def test_a_header_that_cannot_be_sent(twin: Twin, serve: Serve) -> None:
    """A line break in it would be another header."""
    server = serve(healthy)
    error = await fail(twin, server.url, InvalidRequestError, headers={"X-Evil": "a\r\nb: c"})
    assert (error.attempts, error.request_sent) == (1, False)
    assert "b: c" not in str(error)
    assert server.requests == []


async def test_tls_where_there_is_none(twin: Twin, serve: Serve) -> None:
    """The handshake meets a server that answers in the clear: as good as no connection."""

    def speaks_in_the_clear(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        connection.stall()

    url = serve(speaks_in_the_clear).url.replace("http:", "https:")
    error = await fail(twin, url, APINetworkError)
    assert (error.attempts, error.request_sent) == (2, False)


async def test_garbage_in_place_of_an_answer(twin: Twin, serve: Serve) -> None:
    """A wrong port: something else is served there. None of what it says is repeated."""

    def greets(connection: Connection) -> None:
        connection.send(b"SSH-2.0-secret_banner\r\n\r\n")
        connection.stall()

    error = await fail(twin, serve(greets).url, APINetworkError)
    assert (error.attempts, error.request_sent) == (2, True)
    assert "secret_banner" not in str(error)


async def test_an_unknown_authority(
    twin: Twin, serve: Serve, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trust does not come by trying again, and the server is not down."""
    monkeypatch.delenv("SSL_CERT_FILE")
    server = serve(healthy, tls=server_tls)
    error = await fail(twin, server.url, TLSVerificationError)
    assert (error.attempts, error.request_sent) == (1, False)
    assert server.accepted == 1


async def test_a_certificate_for_another_name(
    twin: Twin, serve: Serve, server_tls: ssl.SSLContext
) -> None:
    """The same, by the name."""
    server = serve(healthy, tls=server_tls)
    name = {"sni_hostname": "other.invalid"}
    error = await fail(twin, server.url, TLSVerificationError, extensions=name)
    assert (error.attempts, error.request_sent) == (1, False)
    assert server.accepted == 1


async def test_a_refused_certificate_leaves_a_half_open_circuit_as_it_is(
    twin: Twin, serve: Serve, server_tls: ssl.SSLContext
) -> None:
    """A probe that ends so gives its permit back: the next one decides."""

    def fails_then_serves(connection: Connection) -> None:
        connection.read_request()
        connection.answer(500, connection="close")

    server = serve(fails_then_serves, healthy, tls=server_tls)
    circuit = {"failure_threshold": 1, "recovery_timeout": 0.0}
    async with twin.client(settings(server.url, circuit_breaker=circuit, retry=None)) as client:
        with pytest.raises(MyAPIError, match="500"):
            await client.get("/")
        with pytest.raises(TLSVerificationError):
            await client.get("/", extensions={"sni_hostname": "other.invalid"})
        assert state_of(client) is CircuitState.HALF_OPEN
        assert (await client.get("/")).text == "ok"
        assert client.circuit_state is CircuitState.CLOSED


async def test_verification_can_be_switched_off(
    twin: Twin, serve: Serve, server_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loudly."""
    monkeypatch.delenv("SSL_CERT_FILE")
    server = serve(healthy, tls=server_tls)
    with pytest.warns(match="verify_ssl=False"):
        client = twin.client(settings(server.url, verify_ssl=False))
    async with client:
        assert (await client.get("/")).text == "ok"
