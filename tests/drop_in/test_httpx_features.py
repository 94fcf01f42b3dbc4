"""Everything httpx does around a request still happens, in each attempt as it would in one."""

from http.cookiejar import CookieJar
from typing import Any

import pytest

from tests.drop_in.kits import ON_EACH_KIT, URL, Face, Kit
from tests.drop_in.wire import Reply

VERBS = ("delete", "get", "head", "options", "patch", "post", "put")


def seen(client: Face) -> list[tuple[Any, ...]]:
    """What came to the server: method, path, headers and body."""
    return [
        (arrival.method, str(arrival.request.url), arrival.headers, arrival.body)
        for arrival in client._transport.arrivals
    ]


@ON_EACH_KIT
@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_sends_what_httpx_sends(kit: Kit, verb: str) -> None:
    """And the second attempt sends it again, identically."""
    body: dict[str, Any] = {"json": {"a": 1}} if verb in ("patch", "post", "put") else {}
    options = {"params": {"q": "1"}, "headers": {"X-A": "b"}, "timeout": 7, **body}
    plain, ours = kit.plain(200), kit.client(503, 200)
    await getattr(plain, verb)(URL, **options)
    response = await getattr(ours, verb)(URL, **options)
    assert seen(ours) == seen(plain) * 2
    assert ours._transport.arrivals[1].timeouts == plain._transport.arrivals[0].timeouts
    assert type(response) is kit.module.Response
    assert response.request.method == verb.upper()


@ON_EACH_KIT
async def test_httpx2_has_a_verb_more(kit: Kit) -> None:
    """QUERY, which is idempotent (RFC 9110 asks only that its definition says so)."""
    if kit.family == "httpx":
        assert not hasattr(kit.ours_of, "query")
        return
    plain, ours = kit.plain(200), kit.client("ReadTimeout", 200)
    await plain.query(URL, content=b"select")
    await ours.query(URL, content=b"select", max_retries=1)
    assert seen(ours) == seen(plain) * 2


@ON_EACH_KIT
async def test_httpx2_listens_to_events(kit: Kit) -> None:
    """`sse` takes the added arguments too, and makes one attempt unless told otherwise."""
    if kit.family == "httpx":
        assert not hasattr(kit.ours_of, "sse")
        return
    events = Reply(200, (b"data: hello\n\n",), {"Content-Type": "text/event-stream"})
    client = kit.client(503, events)
    heard: list[str] = []
    if kit.is_async:
        async with client.real.sse(URL, max_retries=1) as source:
            heard.extend([event.data async for event in source])
    else:
        with client.real.sse(URL, max_retries=1) as source:
            heard.extend(event.data for event in source)
    assert heard == ["hello"]
    assert client._transport.arrivals[0].headers["accept"] == "text/event-stream"


async def test_request_and_send_are_the_same_thing(kit: Kit) -> None:
    """`request` builds and sends, as does the caller himself."""
    client = kit.client(503, 200)
    request = client.build_request("PUT", URL, content=b"x", headers={"X-A": "b"})
    assert isinstance(request, kit.module.Request)
    response = await client.send(request)
    assert response.request is request
    assert (await client.request("put", URL, content=b"x", headers={"X-A": "b"})).is_success
    first, second, third = seen(client)
    assert first == second == third


async def test_a_request_built_elsewhere_is_sent_as_it_is(kit: Kit) -> None:
    """Without the client's headers, and with its timeouts, as httpx does."""
    client = kit.client(200, headers={"X-Client": "a"}, timeout=9)
    await client.send(kit.request(headers={"X-Own": "b"}))
    arrival = client._transport.arrivals[0]
    assert "x-client" not in arrival.headers
    assert arrival.headers["x-own"] == "b"
    assert arrival.timeouts == {"connect": 9, "read": 9, "write": 9, "pool": 9}


async def test_hooks_are_called_for_every_attempt(kit: Kit) -> None:
    """In their order, with the request and the answer of that attempt."""
    calls: list[Any] = []

    def before(request: Any) -> None:
        calls.append(request.method)

    def after(response: Any) -> None:
        calls.append(response.status_code)

    hooks = {"request": [kit.awaited_if_async(before)], "response": [kit.awaited_if_async(after)]}
    await kit.client(503, 200, event_hooks=hooks).get(URL)
    assert calls == ["GET", 503, "GET", 200]


async def test_what_a_hook_leaves_on_its_request_is_there_afterwards(kit: Kit) -> None:
    """Also under a time limit, where each attempt has timeouts of its own."""

    def before(request: Any) -> None:
        request.extensions["mark"] = "left"

    client = kit.client(200, event_hooks={"request": [kit.awaited_if_async(before)]})
    for options in ({}, {"max_total_time": 5}):
        response = await client.get(URL, **options)
        assert response.request.extensions["mark"] == "left"


async def test_basic_auth(kit: Kit) -> None:
    """From the client, from the call, from the URL; switched off per call."""
    client = kit.client(200, auth=("u", "p"))
    await client.get(URL)
    await client.get(URL, auth=("x", "y"))
    await client.get(URL, auth=None)
    await client.send(client.build_request("GET", URL), auth=("x", "y"))
    sent = [arrival.headers.get("authorization") for arrival in client._transport.arrivals]
    assert sent == ["Basic dTpw", "Basic eDp5", None, "Basic eDp5"]


async def test_digest_auth_begins_anew_in_each_attempt(kit: Kit) -> None:
    """The challenge is answered, and the failure after it is retried."""
    challenge = Reply(401, (b"",), {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'})
    client = kit.client(challenge, 503, 200, auth=kit.module.DigestAuth("u", "p"))
    response = await client.get(URL)
    assert response.status_code == 200
    sent = [arrival.headers.get("authorization", "") for arrival in client._transport.arrivals]
    assert sent[0] == ""
    assert "nc=00000001" in sent[1]
    assert "nc=00000002" in sent[2]


async def test_an_auth_flow_of_the_users_runs_in_each_attempt(kit: Kit) -> None:
    """With requests of its own in between, as httpx lets it."""

    class Token(kit.module.Auth):  # type: ignore[name-defined,misc] # the module is a value
        requires_response_body = True

        def auth_flow(self, request: Any) -> Any:
            answer = yield kit.request("POST", URL + "token")
            request.headers["Authorization"] = answer.text
            yield request

    replies = (Reply(200, (b"one",)), 503, Reply(200, (b"two",)), 200)
    client = kit.client(*replies, auth=Token())
    assert (await client.get(URL)).status_code == 200
    paths = [(arrival.path, arrival.headers.get("authorization")) for arrival in arrivals(client)]
    assert paths == [("/token", None), ("/", "one"), ("/token", None), ("/", "two")]


def arrivals(client: Face) -> Any:
    """What came to the server."""
    return client._transport.arrivals


async def test_redirects_are_followed_when_asked_for(kit: Kit) -> None:
    """By the client or by the call; the history is there; a failure on the way is retried."""
    moved = Reply(302, (b"",), {"Location": "/there"})
    client = kit.client(moved, 503, moved, 200)
    response = await client.get(URL, follow_redirects=True)
    assert [arrival.path for arrival in arrivals(client)] == ["/", "/there"] * 2
    assert [past.status_code for past in response.history] == [302]
    client = kit.client(moved)
    response = await client.get(URL)
    assert response.status_code == 302
    assert str(response.next_request.url) == URL + "there"


async def test_too_many_redirects_are_httpx_s_own_error(kit: Kit) -> None:
    """Raised once, after as many hops as httpx allows."""
    client = kit.client(Reply(302, (b"",), {"Location": "/"}), max_redirects=2)
    with pytest.raises(kit.error("TooManyRedirects")):
        await client.get(URL, follow_redirects=True)
    assert len(arrivals(client)) == 3


async def test_cookies_are_kept(kit: Kit) -> None:
    """Those that a failed attempt brought too."""
    client = kit.client(Reply(503, (b"",), {"Set-Cookie": "a=b"}), 200, 200)
    await client.get(URL)
    assert client.cookies["a"] == "b"
    await client.get(URL)
    sent = [arrival.headers.get("cookie") for arrival in arrivals(client)]
    assert sent == [None, None, "a=b"]


async def test_mounts_and_the_base_url(kit: Kit) -> None:
    """Each request goes through the transport that httpx picks for it."""
    other = kit.wire(503, 200)
    client = kit.client(200, base_url=URL + "api", mounts={"http://other.test": other})
    await client.get("things")
    await client.get("http://other.test/x")
    assert [arrival.path for arrival in arrivals(client)] == ["/api/things"]
    assert [arrival.path for arrival in other.arrivals] == ["/x", "/x"]


async def test_extensions_pass_through(kit: Kit) -> None:
    """Those of the caller, beside which nothing of ours arrives."""
    client = kit.client(503, 200)
    await client.get(URL, extensions={"trace": print}, max_retries=1, max_total_time=5)
    plain = kit.plain(200)
    await plain.get(URL, extensions={"trace": print})
    expected = plain._transport.arrivals[0].request.extensions.keys()
    for arrival in arrivals(client):
        assert arrival.request.extensions.keys() == expected
        assert arrival.request.extensions["trace"] is print


async def test_the_default_encoding_reaches_the_answer(kit: Kit) -> None:
    """As any other setting that httpx applies after the transport."""
    client = kit.client(Reply(200, (b"\xe4",)), default_encoding="latin-1")
    assert (await client.get(URL)).text == "ä"


async def test_an_application_in_this_process_is_called(kit: Kit) -> None:
    """Through httpx's own transports for them."""
    calls: list[str] = []

    async def asgi(scope: Any, _receive: Any, send: Any) -> None:
        calls.append(scope["path"])
        status = 503 if len(calls) == 1 else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"app"})

    def wsgi(environ: Any, start_response: Any) -> list[bytes]:
        calls.append(environ["PATH_INFO"])
        start_response("503 no" if len(calls) == 1 else "200 yes", [])
        return [b"app"]

    module = kit.module
    transport = module.ASGITransport(asgi) if kit.is_async else module.WSGITransport(wsgi)
    response = await kit.client(transport=transport).get(URL + "x")
    assert (response.content, calls) == (b"app", ["/x", "/x"])


async def test_cookies_that_are_set_anew_are_kept_and_sent(kit: Kit) -> None:
    """Whatever they are set from; the jar of the caller stays the one that is used."""
    setting = Reply(200, (b"",), {"Set-Cookie": "a=1"})
    client = kit.client(setting, 200, 200)
    own = CookieJar()
    client.real.cookies = own
    await client.get(URL)
    kept: Any = client.real.cookies
    assert kept.jar is own
    assert isinstance(client.real.cookies, kit.module.Cookies)
    await client.get(URL)
    client.real.cookies = {"b": "2"}
    await client.get(URL)
    sent = [arrival.request.headers.get("Cookie") for arrival in client._transport.arrivals]
    assert sent == [None, "a=1", "b=2"]


async def test_cookies_of_the_caller_s_own_making_are_left_as_they_are(kit: Kit) -> None:
    """They may do more than to keep cookies: they are asked as often as by httpx itself."""
    looked: list[str] = []

    class OwnJar(CookieJar):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def extract_cookies(self, response: Any, request: Any) -> None:
            looked.append(self.name)
            super().extract_cookies(response, request)

    await kit.plain(200, cookies=OwnJar("theirs")).get(URL)
    client = kit.client(200, cookies=OwnJar("ours"))
    await client.get(URL)
    assert looked.count("ours") == looked.count("theirs")
    own = type("Own", (kit.module.Cookies,), {})()
    client.real._cookies = own  # by httpx's own name: its setter would make a copy
    assert client.real.cookies is own
