"""What a redirect may take along (SPEC.md, section 10)."""

from collections.abc import AsyncIterator, Generator
from typing import Any

import httpx
import pytest

from client import APINetworkError, CircuitState, ResponseError
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import BASE_URL, Caller, World

OTHER_ORIGINS = [
    "http://other.test/there",
    "http://server.test:8080/there",
    "https://server.test/there",
    "http://sub.server.test/there",
]


def to(location: str, status: int = 302) -> Answer:
    """A redirect."""
    return Answer(status, headers={"Location": location})


def redirected(
    world: World,
    location: str,
    status: int = 302,
    **settings: Any,
) -> Caller:
    """A client whose first request is redirected, once."""
    return world.client([to(location, status), 200], **settings)


SECRETS = {
    "Authorization": "s3cr3t",
    "Proxy-Authorization": "s3cr3t",
    "Cookie": "session=s3cr3t",
    "X-Api-Key": "s3cr3t",
}


@pytest.mark.parametrize("location", OTHER_ORIGINS)
async def test_nothing_private_goes_to_another_origin(world: World, location: str) -> None:
    """Another host, another port, another scheme: all are another origin."""
    client = redirected(world, location, headers={"X-Api-Key": "s3cr3t", "x-tenant": "s3cr3t"})
    headers = {name: value for name, value in SECRETS.items() if name != "X-Api-Key"}
    response = await client.get("/here", headers={**headers, "Accept-Language": "eo"})
    assert str(response.url) == location
    first, second = (arrival.request.headers for arrival in client.wire.arrivals)
    assert [first[name] for name in (*SECRETS, "X-Tenant")].count("s3cr3t") == 4
    assert "s3cr3t" not in str(second.raw)
    assert second["Accept-Language"] == "eo"
    assert second["X-Request-ID"] == first["X-Request-ID"]
    assert second["User-Agent"].startswith("resilient-http-client/")


async def test_auth_of_a_call_does_not_go_to_another_origin(world: World) -> None:
    """Nor credentials in the URL."""
    client = world.client([to(OTHER_ORIGINS[2]), 200] * 2)
    await client.get("/", auth=("user", "word"))
    await client.get("http://user:word@server.test/")
    authorized = ["Authorization" in arrival.request.headers for arrival in client.wire.arrivals]
    assert authorized == [True, False, True, False]


async def test_cookies_of_a_host_do_not_go_to_its_other_ports(world: World) -> None:
    """Though cookies know no ports."""
    setting = Answer(302, headers={"Location": OTHER_ORIGINS[1], "Set-Cookie": "a=s3cr3t"})
    client = world.client([setting, 200, 200])
    await client.get("/")
    assert "Cookie" not in client.wire.last.headers
    await client.get("/")
    assert client.wire.last.headers["Cookie"] == "a=s3cr3t"


@pytest.mark.parametrize("location", ["/there", "there", BASE_URL + ":80/there", "//server.test/x"])
async def test_the_same_origin_is_given_everything(world: World, location: str) -> None:
    """It has had it before."""
    client = redirected(world, location, headers={"X-Api-Key": "s3cr3t"})
    await client.get("/here", headers={"Authorization": "s3cr3t"})
    assert client.wire.last.headers["Authorization"] == "s3cr3t"
    assert client.wire.last.headers["X-Api-Key"] == "s3cr3t"


async def test_what_was_dropped_does_not_come_back(world: World) -> None:
    """Where the other origin redirects back."""
    client = world.client([to("http://other.test/"), to(BASE_URL), 200])
    await client.get("/", headers={"Authorization": "s3cr3t"})
    assert "Authorization" not in client.wire.last.headers


async def test_every_attempt_begins_with_everything(world: World) -> None:
    """What one attempt's redirect dropped is there in the next."""
    client = world.client([to("http://other.test/"), 503, to("http://other.test/"), 200])
    await client.get("/", headers={"Authorization": "s3cr3t"})
    authorized = ["Authorization" in arrival.request.headers for arrival in client.wire.arrivals]
    assert authorized == [True, False, True, False]


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("http://server.test/", "a redirect from https://server.test:443 to http is not followed"),
        ("http://other.test/", "a redirect from https://server.test:443 to http is not followed"),
        ("ftp://server.test/x", "a redirect from https://server.test:443 to ftp is not followed"),
        ("file:///etc/passwd", "a redirect from https://server.test:443 to file is not followed"),
    ],
)
async def test_a_redirect_to_something_less_safe_is_refused(
    world: World, location: str, text: str
) -> None:
    """It is an answer that cannot be used: neither retried, nor counted."""
    client = world.client(
        [to(location)], base_url="https://server.test", circuit_breaker={"failure_threshold": 1}
    )
    with pytest.raises(ResponseError) as caught:
        await client.get("/", request_id="r")
    assert str(caught.value) == f"GET https://server.test/ failed: {text} (request id r)"
    assert (caught.value.attempts, caught.value.request_sent) == (1, True)
    assert client.circuit_state is CircuitState.CLOSED


@pytest.mark.parametrize("location", ["ftp://server.test/x", "file:///etc/passwd", "gopher://x/"])
async def test_other_schemes_are_refused_from_http_too(world: World, location: str) -> None:
    """There is no client for them here."""
    client = redirected(world, location)
    with pytest.raises(ResponseError, match="is not followed"):
        await client.get("/")
    assert len(client.wire.arrivals) == 1


@pytest.mark.parametrize("location", OTHER_ORIGINS)
@pytest.mark.parametrize("status", [307, 308])
async def test_a_body_is_not_sent_to_another_origin(
    world: World, location: str, status: int
) -> None:
    """Whatever is in it."""
    client = redirected(world, location, status)
    with pytest.raises(ResponseError, match="would send the body to another origin, http"):
        await client.post("/", json={"password": "s3cr3t"})
    assert len(client.wire.arrivals) == 1


async def test_a_body_of_unknown_length_is_not_sent_to_another_origin(world: World) -> None:
    """Refused for where it would go, before it is asked whether it could."""

    async def async_body() -> AsyncIterator[bytes]:
        yield b"s3cr3t"

    client = redirected(world, "http://other.test/", 307)
    content = async_body() if world.is_async else iter([b"s3cr3t"])
    with pytest.raises(ResponseError, match="would send the body to another origin"):
        await client.post("/", content=content)


@pytest.mark.parametrize("status", [307, 308])
async def test_a_request_without_a_body_may_go_there(world: World, status: int) -> None:
    """Nothing is given away by it."""
    client = redirected(world, "http://other.test/", status)
    await client.post("/")
    assert client.wire.last.method == "POST"
    client = redirected(world, "http://other.test/", status)
    await client.get("/")
    assert str(client.wire.last.url) == "http://other.test/"


async def test_a_redirect_that_drops_the_body_may_go_there(world: World) -> None:
    """As a 303 does, and a 302 after a POST."""
    for status in (301, 302, 303):
        client = redirected(world, "http://other.test/", status)
        await client.post("/", json={"a": 1})
        assert client.wire.last.method == "GET"
        assert client.wire.bodies[1] == b""


async def test_a_body_goes_along_to_the_same_origin(world: World) -> None:
    """After a 307 and a 308."""
    client = redirected(world, "/there", 308)
    await client.post("/", json={"a": 1})
    assert client.wire.bodies == [b'{"a":1}'] * 2


async def test_endless_redirects_are_refused(world: World) -> None:
    """Once: what is a loop now will be one in a second."""
    client = world.client(to("/again?s3cr3t"))
    with pytest.raises(ResponseError, match="the redirects do not end") as caught:
        await client.get("/")
    assert len(client.wire.arrivals) == 21
    assert isinstance(caught.value.__cause__, httpx.TooManyRedirects)
    assert caught.value.attempts == 1


NOWHERE = [
    "http://[::1",
    "http://\x00/",
    "javascript:alert(1)",
    "mailto:x@y.test",
    "data:text/plain,x",
]


@pytest.mark.parametrize("location", NOWHERE)
@pytest.mark.parametrize("follow", [True, False], ids=["follow", "leave"])
async def test_a_location_that_is_no_url_to_go_to(
    world: World,
    location: str,
    *,
    follow: bool,
) -> None:
    """Is an answer that cannot be used, not a request that was wrong or never sent."""
    client = world.client([to(location, 303)])
    with pytest.raises(ResponseError, match=": a redirect leads to what is no URL") as caught:
        await client.post("/", json={"a": 1}, follow_redirects=follow)
    assert caught.value.request_sent is True
    assert location not in str(caught.value)
    assert isinstance(caught.value.__cause__, Exception)


async def test_odd_locations_that_httpx_understands(world: World) -> None:
    """Are followed as httpx does it."""
    for location in ("", "?a=b", "#top", "http:/there", "http:///there", "HTTP://SERVER.TEST/x"):
        client = redirected(world, location)
        await client.get("/here")
        assert client.wire.last.url.host == "server.test", location


async def test_a_header_alone_is_no_redirect(world: World) -> None:
    """A 201 has a Location too."""
    client = world.client(to("javascript:alert(1)", 201))
    assert (await client.get()).status_code == 201


async def test_what_a_redirect_could_not_reach_was_sent_before(world: World) -> None:
    """The POST has had its effect; only the GET after it never left."""
    client = world.client([to("/there", 303), httpx.ConnectError], retry=None)
    with pytest.raises(APINetworkError) as caught:
        await client.post("/here", json={"a": 1})
    assert caught.value.request_sent is True
    client = world.client([httpx.ConnectError], retry=None)
    with pytest.raises(APINetworkError) as caught:
        await client.post("/here", json={"a": 1})
    assert caught.value.request_sent is False


async def test_redirects_can_be_switched_off(world: World) -> None:
    """For the client, and on again for a call."""
    client = world.client([to("/there"), to("/there"), 200], follow_redirects=False)
    assert (await client.get("/")).status_code == 302
    assert (await client.get("/", follow_redirects=True)).status_code == 200


async def test_an_auth_flow_may_ask_another_origin(world: World) -> None:
    """A request of its own is no redirect."""

    class TokenAuth(httpx.Auth):
        def auth_flow(
            self, request: httpx.Request
        ) -> Generator[httpx.Request, httpx.Response, None]:
            token = yield httpx.Request("POST", "http://login.test/token", content=b"s3cr3t")
            request.headers["Authorization"] = token.headers["X-Token"]
            yield request

    async def server(arrival: Arrival) -> Answer:
        is_login = arrival.request.url.host == "login.test"
        return Answer(200, headers={"X-Token": "t0ken"} if is_login else {})

    client = world.client(server)
    await client.post("/", auth=TokenAuth(), json={"a": 1})
    assert client.wire.last.headers["Authorization"] == "t0ken"
    assert client.wire.bodies == [b"s3cr3t", b'{"a":1}']


async def test_a_request_through_another_origin_by_a_retry_is_no_redirect(world: World) -> None:
    """Two operations to two origins share nothing either."""
    client = world.client(200)
    for url in ("http://a.test/", "http://b.test/"):
        await client.post(url, json={"a": 1}, headers={"Authorization": "x"})
    assert [arrival.request.headers["Authorization"] for arrival in client.wire.arrivals] == [
        "x"
    ] * 2
