"""The cache in drop-in clients and transports: what httpx's callers get of it."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from client import CacheConfig, CircuitBreaker
from client.cache import CacheReport, MemoryStorage
from tests.drop_in.kits import ON_EACH_KIT, URL, Kit, VirtualPorts
from tests.drop_in.wire import Reply

if TYPE_CHECKING:
    from tests.drop_in.kits import Face

MINUTE = {"Cache-Control": "max-age=60"}
STALE = {"Cache-Control": "max-age=0", "ETag": '"one"'}
PACKED = gzip.compress(b"hello " * 100)
GOOD = Reply(200, (b"hello",), MINUTE)


def cached(kit: Kit, *answers: Any, **options: Any) -> Face:
    """A client with a cache, whose calls are tried once."""
    return kit.client(*answers, **{"cache": {}, "max_retries": 0, **options})


def behind(kit: Kit, *answers: Any, cache: Any = None, **options: Any) -> Face:
    """A plain client of httpx whose transport has a cache."""
    name = "AsyncResilientTransport" if kit.is_async else "ResilientTransport"
    transport = getattr(kit.ours, name)(kit.wire(*answers), cache=cache or {}, max_retries=0)
    ports: Any = VirtualPorts(kit.clock)
    transport._drop_in._engine.ports = ports
    return kit.plain(transport=transport, **options)


def status_of(response: Any) -> str:
    """What the cache did for an answer."""
    status: str = response.extensions["cache"].status
    return status


@ON_EACH_KIT
async def test_a_fresh_answer_is_served_again(kit: Kit) -> None:
    """As a response of the family, with its report."""
    client = cached(kit, GOOD)
    first = await client.get(URL)
    kit.clock.now += 7
    second = await client.get(URL)
    assert type(second) is kit.module.Response
    assert first.extensions["cache"] == CacheReport("miss", "nothing is kept")
    assert second.extensions["cache"] == CacheReport("hit", "fresh", 7.0)
    assert (second.text, second.headers["Age"]) == ("hello", "7")
    assert second.extensions["resilience"].attempts == 0
    assert (second.elapsed.total_seconds(), str(second.request.url)) == (0, URL)
    second.raise_for_status()
    assert client.stats().cache == {"miss": 1, "hit": 1}


@ON_EACH_KIT
async def test_streams_yield_what_came_from_the_wire(kit: Kit) -> None:
    """A hit, too; and a miss is kept while it passes."""
    client = cached(
        kit, Reply(200, (PACKED[:9], PACKED[9:]), {**MINUTE, "Content-Encoding": "gzip"})
    )
    for status in ("miss", "hit"):
        async with client.stream() as response:
            read = response.aiter_raw if kit.is_async else response.iter_raw
            raw = [chunk async for chunk in read()] if kit.is_async else list(read())
        assert (b"".join(raw), status_of(response)) == (PACKED, status)
    async with client.stream() as response:
        assert await kit.read(response) == b"hello " * 100
    assert (await client.get(URL)).text == "hello " * 100
    assert len(client._transport.arrivals) == 1


async def test_one_that_is_left_early_is_not_kept(kit: Kit) -> None:
    """Its connection is let go of."""
    client = cached(kit, Reply(200, (b"one", b"two"), MINUTE))
    async with client.stream() as response:
        async for _ in kit.chunks(response):
            break
    assert client._transport.left_open == 0
    assert status_of(await client.get(URL)) == "miss"


@ON_EACH_KIT
async def test_a_server_is_asked_whether_a_stale_answer_still_holds(kit: Kit) -> None:
    """And the caller's own request stays as it is."""
    client = cached(kit, Reply(200, (b"hello",), STALE), Reply(304, (), {"ETag": '"one"'}))
    request = kit.request()
    await client.send(request)
    response = await client.send(request)
    assert (response.status_code, response.text, status_of(response)) == (
        200,
        "hello",
        "revalidated",
    )
    assert client._transport.arrivals[1].headers["if-none-match"] == '"one"'
    assert "if-none-match" not in request.headers
    assert response.request is not None


async def test_an_error_that_is_kept_is_an_answer(kit: Kit) -> None:
    """As httpx has it."""
    client = cached(kit, Reply(404, (b"gone",), MINUTE))
    for status in ("miss", "hit"):
        response = await client.get(URL)
        assert (response.status_code, response.text, status_of(response)) == (404, "gone", status)
    with pytest.raises(kit.module.HTTPStatusError):
        response.raise_for_status()


async def test_only_if_cached_is_answered_504(kit: Kit) -> None:
    """By an answer, not by an exception; and it is not tried again."""
    client = kit.client(GOOD, cache={}, max_retries=3)
    response = await client.get(URL, headers={"Cache-Control": "only-if-cached"})
    assert (response.status_code, client._transport.arrivals) == (504, [])
    async with client.stream(headers={"Cache-Control": "only-if-cached"}) as streamed:
        assert (streamed.status_code, await kit.read(streamed)) == (504, b"")


async def test_a_stale_answer_stands_in(kit: Kit) -> None:
    """Where the circuit is open, and for an error where that is set."""
    breaker = CircuitBreaker(failure_threshold=2)
    client = cached(
        kit,
        Reply(200, (b"hello",), STALE),
        "ConnectError",
        503,
        circuit_breaker=breaker,
        cache={"stale_if_error": 60},
    )
    await client.get(URL)
    for why in ("stale-if-error", "stale-if-error", "CircuitOpenError"):
        response = await client.get(URL)
        assert (response.text, response.extensions["cache"].why) == ("hello", why)
    assert breaker.state == "open"
    async with client.stream() as streamed:
        assert (await kit.read(streamed), status_of(streamed)) == (b"hello", "stale")
    assert len(client._transport.arrivals) == 3
    assert client._transport.left_open == 0


@pytest.mark.parametrize("how", ["call", "client", "jar", "header", "hook", "url"])
async def test_what_answers_credentials_is_kept_for_nobody(kit: Kit, how: str) -> None:
    """Wherever they come from."""
    by_how: dict[str, dict[str, Any]] = {
        "client": {"auth": ("user", "password")},
        "jar": {"cookies": {"sid": "1"}},
        "header": {"headers": {"X-Api-Key": "k"}},
        "hook": {"event_hooks": {"request": [kit.awaited_if_async(lambda _request: None)]}},
    }
    options = by_how.get(how, {})
    of_call: dict[str, Any] = {"auth": ("user", "password")} if how == "call" else {}
    client = cached(kit, GOOD, **options)
    url = "http://user:password@server.test/" if how == "url" else URL
    for _ in range(2):
        assert status_of(await client.get(url, **of_call)) == "miss"
    assert len(client._transport.arrivals) == 2


async def test_who_is_who_may_be_said(kit: Kit) -> None:
    """By `partition`, which sees the request as httpx has built it."""
    client = cached(
        kit,
        lambda request: Reply(200, (request.headers["Cookie"].encode(),), MINUTE),
        cache=CacheConfig(partition=lambda request: request.headers["Cookie"]),
    )
    for status in ("miss", "hit"):
        for who in ("alice", "bob"):
            client.real.cookies = {"sid": who}
            response = await client.get(URL)
            assert (response.text, status_of(response)) == (f"sid={who}", status)


async def test_a_call_may_go_past_it(kit: Kit) -> None:
    """And otherwise has that of its client."""
    client = cached(kit, GOOD)
    await client.get(URL)
    assert status_of(await client.get(URL, cache=None)) == "bypass"
    async with client.stream(cache=None) as streamed:
        assert status_of(streamed) == "bypass"
    assert status_of(await client.get(URL)) == "hit"
    with pytest.raises(TypeError, match="cache is given to a client"):
        await client.get(URL, cache={})


async def test_it_may_be_reconfigured(kit: Kit) -> None:
    """Switched off it forgets; switched on it begins anew."""
    client = cached(kit, GOOD)
    await client.get(URL)
    client.reconfigure(cache={"stale_if_error": 5})
    assert status_of(await client.get(URL)) == "hit"
    client.reconfigure(cache=None)
    assert "cache" not in (await client.get(URL)).extensions
    client.reconfigure(cache={})
    assert status_of(await client.get(URL)) == "miss"


async def test_a_write_is_heeded(kit: Kit) -> None:
    """And an answer to a redirected call is kept nowhere."""
    client = cached(
        kit,
        lambda request: (
            Reply(302, (), {**MINUTE, "Location": "/new"}) if request.url.path == "/old" else GOOD
        ),
        follow_redirects=True,
    )
    await client.get(URL)
    await client.post(URL)
    assert status_of(await client.get(URL)) == "miss"
    for _ in range(2):
        assert status_of(await client.get(f"{URL}old")) == "miss"


async def test_a_text_without_a_charset_is_read_as_the_client_says(kit: Kit) -> None:
    """Out of the cache, too."""
    client = cached(kit, Reply(200, ("hé".encode("latin-1"),), MINUTE), default_encoding="latin-1")
    texts = [(await client.get(URL)).text for _ in range(2)]
    assert texts == ["hé", "hé"]


async def test_families_may_share_what_is_kept(kit: Kit) -> None:
    """Each has answers of its own kind."""
    storage = MemoryStorage()
    family, is_async = ("httpx2" if kit.family == "httpx" else "httpx"), kit.is_async
    other = Kit(family, is_async=is_async)
    one = cached(kit, GOOD, cache={"storage": storage})
    two = cached(other, GOOD, cache={"storage": storage})
    await one.get(URL)
    response = await two.get(URL)
    assert (type(response), status_of(response)) == (other.module.Response, "hit")
    await two.close()


@ON_EACH_KIT
async def test_a_transport_has_one(kit: Kit) -> None:
    """Before a plain client of httpx, which reads what it answers."""
    packed = Reply(200, (PACKED,), {**MINUTE, "Content-Encoding": "gzip"})
    client = behind(kit, packed)
    responses = [await client.get(URL) for _ in range(2)]
    assert [status_of(each) for each in responses] == ["miss", "hit"]
    assert [each.text for each in responses] == ["hello " * 100] * 2
    async with client.stream() as response:
        assert await kit.read(response) == b"hello " * 100


async def test_a_transport_sees_the_credentials_of_the_client_around_it(kit: Kit) -> None:
    """They are in the request by then."""
    client = behind(kit, GOOD, auth=("user", "password"))
    for _ in range(2):
        assert status_of(await client.get(URL)) == "miss"


async def test_a_transport_answers_redirects_one_by_one(kit: Kit) -> None:
    """Those are followed by the client around it, each from what is kept."""

    def serve(request: Any) -> Reply:
        if request.url.path == "/old":
            return Reply(301, (), {**MINUTE, "Location": "/new"})
        return GOOD

    client = behind(kit, serve, follow_redirects=True)
    for status in ("miss", "hit"):
        response = await client.get(f"{URL}old")
        assert (response.text, len(response.history)) == ("hello", 1)
        assert status_of(response) == status_of(response.history[0]) == status


async def test_a_body_that_is_left_early_behind_a_transport_is_not_kept(kit: Kit) -> None:
    """It is read by the client around it, or not."""
    client = behind(kit, Reply(200, (b"one", b"two"), MINUTE))
    async with client.stream() as response:
        async for _ in kit.chunks(response):
            break
    assert status_of(await client.get(URL)) == "miss"


@ON_EACH_KIT
async def test_a_url_that_is_none_is_refused_as_httpx_does(kit: Kit) -> None:
    """With a cache as without one; one that httpx has parsed is taken as it is."""
    client = cached(kit, GOOD)
    assert status_of(await client.get(kit.module.URL(URL))) == "miss"
    assert status_of(await client.get(URL)) == "hit"
    with pytest.raises(kit.module.InvalidURL):
        await client.get("http://a:port/")


@ON_EACH_KIT
async def test_an_extension_may_send_a_request_elsewhere(kit: Kit) -> None:
    """What is asked for in place of the URL is not kept for it, nor served from there."""
    client = cached(kit, GOOD, GOOD, GOOD)
    elsewhere = {"extensions": {"target": b"/private"}}
    assert status_of(await client.get(URL, **elsewhere)) == "bypass"
    assert status_of(await client.get(URL)) == "miss"
    for _ in range(2):
        assert status_of(await client.get(URL)) == "hit"
    assert status_of(await client.get(URL, **elsewhere)) == "bypass"


@ON_EACH_KIT
async def test_a_kept_redirect_is_followed_by_who_follows(kit: Kit) -> None:
    """However often somebody has been served it who does not."""
    moved = Reply(301, (), {**MINUTE, "Location": "/there"})
    client = cached(kit, moved, moved, GOOD)
    for _ in range(3):
        assert (await client.get(URL)).status_code == 301
    followed = await client.get(URL, follow_redirects=True)
    assert (followed.status_code, followed.text) == (200, "hello")
