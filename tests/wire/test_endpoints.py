"""Calls that are spread over several real servers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    APINetworkError,
    ClientConfig,
    Endpoint,
    MyAPIError,
    ResilientClient,
    SyncResilientClient,
)
from tests.wire.scripts import echoes, healthy
from tests.wire.twins import check_all_is_back

if TYPE_CHECKING:
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script
    from tests.wire.twins import Client, Twin

QUICK = {"min_wait_seconds": 0.0, "max_wait_seconds": 0.0, "jitter": False}


def spread(*endpoints: Any, **more: Any) -> ClientConfig:
    """A configuration that goes to one after the other, and waits for nothing between attempts."""
    settings: dict[str, Any] = {
        "endpoints": endpoints,
        "balancing": {"policy": "round_robin"},
        "retry": QUICK,
        **more,
    }
    return ClientConfig(**settings)


def named(name: str) -> Script:
    """Answer each request with a name."""

    def script(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.answer(body=name.encode())

    return script


def outstanding(client: Client) -> set[int]:
    """What is out, to whatever endpoint."""
    return {each.outstanding for each in client.stats().endpoints.values()}


async def test_calls_go_to_one_server_after_the_other(twin: Twin, serve: Serve) -> None:
    """Each by connections of its own."""
    one, other = serve(named("one")), serve(named("other"))
    async with twin.client(spread(f"{one.url}/api", other.url)) as client:
        answers = [await client.get("/items?n=1") for _ in range(4)]
        assert sorted(each.text for each in answers) == ["one", "one", "other", "other"]
        assert outstanding(client) == {0}
        check_all_is_back(client)
    assert [each.target for each in one.requests] == ["/api/items?n=1"] * 2
    assert [each.target for each in other.requests] == ["/items?n=1"] * 2
    assert {each.headers["host"] for each in one.requests} == {one.url.removeprefix("http://")}


async def test_where_nobody_listens_no_call_fails(twin: Twin, serve: Serve) -> None:
    """Another endpoint answers in its place, and after a while alone."""
    well, gone = serve(named("well")), serve(healthy)
    gone_url = gone.url
    gone.__exit__(None, None, None)
    async with twin.client(spread(well.url, gone_url)) as client:
        for _ in range(20):
            answer = await client.get("/x")
            assert answer.text == "well"
            assert answer.extensions["resilience"].endpoint == well.url
        stats = client.stats()
        assert stats.endpoints[gone_url].state == "ejected"
        assert sum(stats.targets[gone_url].attempts.values()) == 5
        with pytest.raises(APINetworkError) as caught:
            await client.get(f"{gone_url}/x")
        assert caught.value.url == f"{gone_url}/x"


async def test_a_redirect_between_endpoints_takes_along_what_is_the_services(
    twin: Twin, serve: Serve
) -> None:
    """By the wire of each backend."""
    other = serve(healthy)

    def moves(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.answer(
                307, b"", location=f"{other.url}/there", set_cookie="session=1; Path=/"
            )

    one = serve(moves)
    ones = Endpoint(one.url, headers={"X-Own": "one's"})
    others = Endpoint(other.url, headers={"X-Key": "other's"})
    async with twin.client(spread(ones, others, headers={"X-All": "all"})) as client:
        answer = await client.request(
            "POST", f"{one.url}/x", content=b"body", headers={"Authorization": "Bearer secret"}
        )
        assert answer.text == "ok"
    [first], [second] = one.requests, other.requests
    assert first.headers["x-own"] == "one's"
    assert "x-own" not in second.headers
    assert second.headers["x-key"] == "other's"
    assert second.headers["authorization"] == "Bearer secret"
    assert second.headers["cookie"] == "session=1"
    assert second.headers["x-all"] == "all"
    assert second.headers["host"] == other.url.removeprefix("http://")
    assert second.body == b"body"


async def test_a_stream_counts_until_it_is_closed(twin: Twin, serve: Serve) -> None:
    """Whatever is left of its body."""
    server = serve(echoes)
    async with twin.client(spread(server.url)) as client:
        async with client.stream("GET", "/large"):
            assert outstanding(client) == {1}
        assert outstanding(client) == {0}


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_both_families_go_there(family: str, serve: Serve) -> None:
    """With what each of them has for URLs and headers."""
    one, other = serve(named("one")), serve(named("other"))
    home = "client" if family == "httpx" else "client.httpx2"
    kind: type[SyncResilientClient] = importlib.import_module(home).SyncResilientClient
    ones = Endpoint(one.url, headers={"X-Own": "one's"})
    with kind(spread(ones, other.url)) as client:
        texts = [client.get("/x").text for _ in range(4)]
    assert sorted(texts) == ["one", "one", "other", "other"]
    assert one.requests[0].headers["x-own"] == "one's"


def test_a_client_of_ones_own_goes_there(serve: Serve) -> None:
    """It is handed whole URLs, and its own headers and cookies are as it has them."""
    one, other = serve(named("one")), serve(named("other"))
    with (
        httpx.Client(headers={"X-Mine": "mine"}) as own,
        SyncResilientClient(spread(one.url, other.url), http_client=own) as client,
    ):
        texts = [client.get("/x").text for _ in range(4)]
        assert sorted(texts) == ["one", "one", "other", "other"]
        with pytest.raises(MyAPIError):
            client.get("http://elsewhere.test/x")
        with client.stream("GET", "/x") as response:
            assert response.read() in {b"one", b"other"}
    assert one.requests[0].headers["x-mine"] == "mine"


@pytest.mark.parametrize(
    "endpoint", [Endpoint("http://a", headers={"X-Own": "a's"}), "http://user:secret@a"]
)
def test_an_endpoints_secrets_are_not_for_a_client_of_ones_own(endpoint: Any) -> None:
    """Nobody could keep it from taking them along where it is redirected to."""
    with httpx.Client() as own, pytest.raises(ValueError, match=r"http://a has headers of its own"):
        SyncResilientClient(spread(endpoint), http_client=own)


async def test_a_transport_of_ones_own_is_asked_for_each(serve: Serve) -> None:
    """As for one base URL."""
    asked: list[str] = []

    class Noting(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            asked.append(str(request.url))
            return await super().handle_async_request(request)

    one, other = serve(named("one")), serve(named("other"))
    async with ResilientClient(spread(one.url, other.url), transport=Noting()) as client:
        for _ in range(2):
            await client.get("/x")
    assert sorted(asked) == sorted([f"{one.url}/x", f"{other.url}/x"])
