"""What belongs to the service, and what to one of its endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import Endpoint, ResponseError
from tests.behaviour.strategies.endpoints.services import Service, balanced
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World


def moved(to: str, status: int = 302) -> Answer:
    """An answer that leads somewhere else."""
    return Answer(status, headers={"Location": to})


def sent_to(client: Caller, host: str) -> httpx.Headers:
    """The headers of the last request that reached a host."""
    arrivals = [each for each in client.wire.arrivals if each.request.url.host == host]
    return arrivals[-1].request.headers


A = Endpoint("http://a/api", headers={"X-Key": "of a", "X-Only": "a's"})
B = Endpoint("http://b", headers={"X-Key": "of b"})


async def test_each_endpoint_is_sent_its_own_headers(world: World) -> None:
    """In the place of the client's, and of no other endpoint's."""
    client = balanced(world, Service(), A, B, headers={"X-Key": "the client's", "X-All": "all"})
    for _ in range(2):
        await client.get("/x")
    of_a, of_b = sent_to(client, "a"), sent_to(client, "b")
    assert (of_a["X-Key"], of_a["X-Only"], of_a["X-All"]) == ("of a", "a's", "all")
    assert (of_b["X-Key"], of_b["X-All"]) == ("of b", "all")
    assert "X-Only" not in of_b


async def test_the_headers_of_a_call_stand(world: World) -> None:
    """Whoever gives one for a call means it for whatever endpoint."""
    client = balanced(world, Service(), A, B)
    for _ in range(2):
        await client.get("/x", headers={"X-Key": "mine"})
    assert sent_to(client, "a")["X-Key"] == sent_to(client, "b")["X-Key"] == "mine"


async def test_a_retry_takes_nothing_of_the_endpoint_before(world: World) -> None:
    """Each attempt has a request of its own."""
    client = balanced(world, Service(a=503), A, B)
    for _ in range(2):
        await client.get("/x")
    assert "X-Only" not in sent_to(client, "b")
    assert sent_to(client, "b")["X-Key"] == "of b"


async def test_a_redirect_to_another_endpoint_takes_along_what_is_the_services(
    world: World,
) -> None:
    """Credentials, headers of client and call, and the body; but not the endpoint's own."""
    client = balanced(
        world,
        Service(a=moved("http://b/there", 307)),
        A,
        B,
        headers={"X-Tenant": "ours"},
    )
    answer = await client.post(
        "http://a/api/x",
        content=b"body",
        headers={"Authorization": "Bearer secret", "X-Call": "mine"},
    )
    assert str(answer.request.url) == "http://b/there"
    headers = sent_to(client, "b")
    assert headers["Authorization"] == "Bearer secret"
    assert headers["X-Tenant"] == "ours"
    assert headers["X-Call"] == "mine"
    assert headers["X-Key"] == "of b"
    assert headers["Host"] == "b"
    assert "X-Only" not in headers
    assert client.wire.bodies[-1] == b"body"


async def test_a_redirect_brings_back_what_an_endpoints_header_stood_for(world: World) -> None:
    """An endpoint without one is sent the client's."""
    service = Service(a=moved("http://b/there"))
    client = balanced(world, service, A, "http://b", headers={"X-Key": "the client's"})
    await client.get("http://a/api/x")
    assert sent_to(client, "a")["X-Key"] == "of a"
    assert sent_to(client, "b")["X-Key"] == "the client's"


@pytest.mark.parametrize("to", ["http://evil/there", "http://b:81/there", "//a.evil/there"])
async def test_a_redirect_out_of_the_service_takes_nothing_along(world: World, to: str) -> None:
    """Neither what is the client's, nor what is an endpoint's, nor credentials."""
    service = Service(a=Answer(302, headers={"Location": to, "Set-Cookie": "session=secret"}))
    client = balanced(world, service, A, B, headers={"X-Tenant": "ours"})
    await client.get("http://a/api/x", headers={"Authorization": "Bearer secret"})
    headers = client.wire.last.headers
    assert not {"authorization", "cookie", "x-key", "x-only", "x-tenant"} & headers.keys()


async def test_a_redirect_out_and_back_brings_nothing_back(world: World) -> None:
    """What was left behind at the border stays behind."""

    async def evil(_arrival: Arrival) -> Answer:
        return moved("http://b/there")

    client = balanced(world, Service(a=moved("http://evil/"), evil=evil), A, B)
    await client.get("http://a/api/x", headers={"Authorization": "Bearer secret"})
    headers = sent_to(client, "b")
    assert not {"authorization", "x-key", "x-only"} & headers.keys()


async def test_a_body_does_not_leave_the_service(world: World) -> None:
    """As it does not leave its origin."""
    client = balanced(world, Service(a=moved("http://evil/", 307)), A, B)
    with pytest.raises(ResponseError, match="would send the body to another origin"):
        await client.post("http://a/api/x", content=b"body")


async def test_no_redirect_leads_from_https_to_http(world: World) -> None:
    """Not between endpoints either."""
    client = balanced(world, Service(a=moved("http://b/there")), "https://a", "http://b")
    with pytest.raises(ResponseError, match="from https://a:443 to http is not followed"):
        await client.get("https://a/x")


async def test_a_redirect_within_an_endpoint_keeps_its_headers(world: World) -> None:
    """Nothing has changed but the path."""
    service = Service(a=moved("/api/there"))
    client = balanced(world, service, A, B)

    async def server(arrival: Arrival) -> Answer:
        path = arrival.request.url.path
        return moved("/api/there") if path == "/api/x" else Answer(200)

    service.hosts["a"] = server
    await client.get("http://a/api/x")
    assert sent_to(client, "a")["X-Key"] == "of a"
    assert client.wire.last.url.path == "/api/there"


async def test_endpoints_of_one_origin_are_told_apart_by_their_paths(world: World) -> None:
    """What is the one's own does not go to the other, though the server is the same."""
    service = Service()
    ones = Endpoint("http://a/one", headers={"X-Key": "of one"})
    client = balanced(world, service, ones, "http://a/two")

    async def server(arrival: Arrival) -> Answer:
        path = arrival.request.url.path
        return moved("/two/x") if path.startswith("/one") else Answer(200)

    service.hosts["a"] = server
    await client.get("http://a/one/x", headers={"Authorization": "Bearer secret"})
    assert client.wire.last.url.path == "/two/x"
    assert "X-Key" not in client.wire.last.headers
    assert client.wire.last.headers["Authorization"] == "Bearer secret"


async def test_credentials_of_an_endpoint_are_its_own(world: World) -> None:
    """A password in its URL is sent to it alone, and shown nowhere."""
    service = Service(a=moved("http://b/there"))
    client = balanced(world, service, "http://user:secret@a", "http://b")
    await client.get("http://a/x")
    assert sent_to(client, "a")["Authorization"] == httpx.BasicAuth("user", "secret")._auth_header
    assert "Authorization" not in sent_to(client, "b")
    assert "secret" not in str(client.wire.last.url)
    assert "secret" not in repr(client.stats())


async def test_cookies_are_the_services(world: World) -> None:
    """What one endpoint has set, all are sent, each behind its own path."""
    service = Service(a=Answer(200, headers=[("Set-Cookie", "session=1; Path=/api/items")]))
    client = balanced(world, service, A, B)
    await client.get("http://a/api/items/1")
    await client.get("http://b/items/1")
    await client.get("http://b/other")
    with_path, without = (each.request.headers for each in client.wire.arrivals[1:])
    assert with_path["Cookie"] == "session=1"
    assert "Cookie" not in without


async def test_cookies_of_a_redirect_go_along(world: World) -> None:
    """An endpoint that sets one and leads to another endpoint means it for that, too."""
    service = Service(
        a=Answer(302, headers={"Location": "http://b/", "Set-Cookie": "session=1; Domain=a"})
    )
    client = balanced(world, service)
    await client.get("http://a/x")
    assert sent_to(client, "b")["Cookie"] == "session=1"


async def test_cookies_of_others_are_not_the_services(world: World) -> None:
    """What a server outside has set goes to no endpoint, and it gets nothing of the service's."""
    service = Service(
        a=Answer(302, headers={"Location": "http://evil/", "Set-Cookie": "session=1"}),
        evil=Answer(200, headers={"Set-Cookie": "evil=1"}),
    )
    client = balanced(world, service)
    for _ in range(2):
        await client.get("http://a/x")
    assert "Cookie" not in sent_to(client, "evil")
    assert sent_to(client, "a")["Cookie"] == "session=1"


async def test_secure_cookies_go_by_https_only(world: World) -> None:
    """Endpoints may speak both."""
    service = Service(a=Answer(200, headers={"Set-Cookie": "session=1; Secure"}))
    client = balanced(world, service, "https://a", "https://b", "http://c")
    await client.get("https://a/x")
    await client.get("https://b/x")
    await client.get("http://c/x")
    assert sent_to(client, "b")["Cookie"] == "session=1"
    assert "Cookie" not in sent_to(client, "c")


async def test_timeouts_of_an_endpoint_are_for_its_attempts(world: World) -> None:
    """Those that are given; the others stay the client's, and all are cut to the deadline."""
    ones = Endpoint("http://a", timeout={"read": 1, "connect": 90})
    client = balanced(world, Service(), ones, "http://b", timeout={"write": 7})
    await client.get("http://a/x")
    await client.get("http://b/x")
    await client.get("http://a/x", deadline=30)
    await client.get("http://a/x", timeout=3)
    given: list[dict[str, Any]] = [each.timeouts for each in client.wire.arrivals]
    assert given[0] == {"connect": 90, "read": 1, "write": 7, "pool": 5}
    assert given[1] == {"connect": 60, "read": 15, "write": 7, "pool": 5}
    assert given[2] == {"connect": 30, "read": 1, "write": 7, "pool": 5}
    assert given[3] == {"connect": 3, "read": 3, "write": 3, "pool": 3}


async def test_attempt_middleware_sees_the_endpoint(world: World) -> None:
    """It is inside of it, so its request is the one that is sent; it may make another one."""
    seen: list[str] = []

    async def replace_async(request: httpx.Request, call_next: Any) -> httpx.Response:
        seen.append(str(request.url))
        answer: httpx.Response = await call_next(httpx.Request("GET", request.url))
        return answer

    def replace(request: httpx.Request, call_next: Any) -> httpx.Response:
        seen.append(str(request.url))
        answer: httpx.Response = call_next(httpx.Request("GET", request.url))
        return answer

    service = Service(a=moved("http://b/there"))
    client = balanced(
        world, service, A, B, attempt_middleware=[replace_async if world.is_async else replace]
    )
    await client.get("http://a/api/x")
    assert seen == ["http://a/api/x"]
    assert sent_to(client, "b")["X-Key"] == "of b"
