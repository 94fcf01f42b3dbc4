"""What a redirect takes along to another server, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import APINetworkError, CircuitState, Client, MyAPIError, ResponseError
from client.events import OperationFailed
from tests.wire.scripts import healthy
from tests.wire.twins import check_all_is_back, settings

if TYPE_CHECKING:
    import ssl

    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script
    from tests.wire.twins import Twin


def redirects(to: str, status: int = 302, **headers: str) -> Script:
    """Answer every request with a redirect."""

    def script(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.answer(status, b"", location=to, **headers)

    return script


async def test_secrets_stay_with_their_origin(twin: Twin, serve: Serve) -> None:
    """Credentials, cookies and the client's own headers are for the first server only."""
    elsewhere = serve(healthy)
    server = serve(redirects(f"{elsewhere.url}/there"))
    config = settings(server.url, headers={"X-Api-Key": "secret", "X-Tenant": "ours"})
    async with twin.client(config) as client:
        response = await client.get(
            "/",
            headers={
                "Authorization": "Bearer secret",
                "Proxy-Authorization": "secret",
                "Cookie": "session=secret",
                "X-Trace": "for everybody",
            },
            request_id="the-same",
        )
        assert response.text == "ok"
        check_all_is_back(client)
    [first], [second] = server.requests, elsewhere.requests
    secrets = {"authorization", "proxy-authorization", "cookie", "x-api-key", "x-tenant"}
    assert secrets <= first.headers.keys()
    assert not secrets & second.headers.keys()
    assert "secret" not in str(second.headers)
    assert second.headers["x-trace"] == "for everybody"
    assert first.headers["x-request-id"] == second.headers["x-request-id"] == "the-same"
    assert second.headers["user-agent"].startswith("resilient-http-client")


async def test_cookies_of_the_first_server_stay_there(twin: Twin, serve: Serve) -> None:
    """Also those that it sets in the redirect, on a server that differs but in its port."""
    elsewhere = serve(healthy)
    server = serve(redirects(elsewhere.url, set_cookie="session=secret; Path=/"))
    async with twin.client(settings(server.url)) as client:
        await client.get("/")
        await client.get("/")
    assert server.requests[1].headers["cookie"] == "session=secret"
    assert all("cookie" not in request.headers for request in elsewhere.requests)


async def test_secrets_follow_within_their_origin(twin: Twin, serve: Serve) -> None:
    """A redirect to another path of the same server changes nothing."""

    def moves(connection: Connection) -> None:
        connection.read_request()
        connection.answer(301, location="/there")
        connection.read_request()
        connection.answer(body=b"ok")

    server = serve(moves)
    async with twin.client(settings(server.url, headers={"X-Api-Key": "secret"})) as client:
        assert (await client.get("/", headers={"Authorization": "secret"})).text == "ok"
    assert [request.target for request in server.requests] == ["/", "/there"]
    assert server.requests[1].headers["authorization"] == "secret"
    assert server.requests[1].headers["x-api-key"] == "secret"


@pytest.mark.parametrize("status", [307, 308])
async def test_a_body_is_not_sent_to_another_origin(twin: Twin, serve: Serve, status: int) -> None:
    """It was meant for the first server: the call fails, once, and that server is not at fault."""
    elsewhere = serve(healthy)
    server = serve(redirects(elsewhere.url, status))
    config = settings(server.url, circuit_breaker={"failure_threshold": 1})
    async with twin.client(config) as client:
        with pytest.raises(ResponseError, match="body") as refused:
            await client.request("POST", "/", content=b"secret")
        assert (refused.value.attempts, refused.value.request_sent) == (1, True)
        assert client.circuit_state is CircuitState.CLOSED
        check_all_is_back(client)
    assert [request.body for request in server.requests] == [b"secret"]
    assert elsewhere.accepted == 0


async def test_a_body_is_sent_again_within_its_origin(twin: Twin, serve: Serve) -> None:
    """As 307 asks for."""

    def moves(connection: Connection) -> None:
        connection.read_request()
        connection.answer(307, location="/there")
        connection.read_request()
        connection.answer(body=b"ok")

    server = serve(moves)
    async with twin.client(settings(server.url)) as client:
        await client.request("POST", "/", content=b"abc")
    assert [request.body for request in server.requests] == [b"abc", b"abc"]


async def test_a_see_other_goes_without_the_body(twin: Twin, serve: Serve) -> None:
    """It becomes a GET, which may go anywhere."""
    elsewhere = serve(healthy)
    server = serve(redirects(elsewhere.url, 303))
    async with twin.client(settings(server.url)) as client:
        assert (await client.request("POST", "/", content=b"secret")).text == "ok"
    assert [(request.method, request.body) for request in elsewhere.requests] == [("GET", b"")]


async def test_from_https_to_http_is_refused(
    twin: Twin, serve: Serve, server_tls: ssl.SSLContext
) -> None:
    """Not even the URL goes over the wire in the clear."""
    elsewhere = serve(healthy)
    server = serve(redirects(elsewhere.url), tls=server_tls)
    async with twin.client(settings(server.url)) as client:
        with pytest.raises(ResponseError, match="http") as refused:
            await client.get("/")
        assert refused.value.attempts == 1
        check_all_is_back(client)
    assert elsewhere.accepted == 0


async def test_a_loop_ends(twin: Twin, serve: Serve) -> None:
    """After as many as httpx follows, and without a retry."""
    server = serve(redirects("/"))
    async with twin.client(settings(server.url, bulkhead={"max_concurrency": 1})) as client:
        with pytest.raises(ResponseError, match="redirects") as refused:
            await client.get("/")
        assert (refused.value.attempts, server.accepted) == (1, 1)
        check_all_is_back(client)


async def test_a_stream_keeps_the_rules(twin: Twin, serve: Serve) -> None:
    """The same for an answer that is not read at once."""
    elsewhere = serve(healthy)
    server = serve(redirects(elsewhere.url))
    config = settings(server.url, headers={"X-Api-Key": "secret"})
    async with twin.client(config) as client:
        async with client.stream("GET", "/") as response:
            assert await twin.read(response) == b"ok"
        check_all_is_back(client)
    assert "x-api-key" not in elsewhere.requests[0].headers


@pytest.mark.parametrize("location", ["http://127.0.0.1:99999/", f"http://{'x' * 64}.invalid/"])
async def test_an_address_that_cannot_be_is_refused(
    twin: Twin, serve: Serve, location: str
) -> None:
    """It is the server's fault, not the request's; a port of 99999 would be taken for 34463."""
    server = serve(redirects(location))
    async with twin.client(settings(server.url)) as client:
        with pytest.raises(ResponseError, match="leads nowhere") as refused:
            await client.get("/")
        assert (refused.value.attempts, refused.value.request_sent) == (1, True)
        check_all_is_back(client)


@pytest.mark.parametrize(
    ("location", "error", "meaning"),
    [
        ("http://server.test:nowhere/", httpx.RemoteProtocolError, APINetworkError),
        ("nowhere://server.test/", httpx.UnsupportedProtocol, ResponseError),
    ],
)
def test_for_a_drop_in_too_it_is_the_server_s_fault(
    serve: Serve, location: str, error: type[Exception], meaning: type[Exception]
) -> None:
    """The error is httpx's; listeners hear what it means: an answer that cannot be followed."""
    heard: list[Any] = []
    server = serve(redirects(location))
    with (
        Client(follow_redirects=True, backoff_factor=0, listeners=[heard.append]) as http,
        pytest.raises(error),
    ):
        http.get(server.url)
    (failed,) = [event for event in heard if isinstance(event, OperationFailed)]
    assert isinstance(failed.error, meaning)
    assert isinstance(failed.error, MyAPIError)
    assert failed.error.request_sent
