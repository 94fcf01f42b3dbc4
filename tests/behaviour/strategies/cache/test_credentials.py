"""Nobody is served what is another's: whatever says whose a request is, wherever it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client.cache import MemoryStorage
from client.http.credentials import is_credential, name_credential
from tests.behaviour.strategies.cache.serving import (
    MINUTE,
    PUBLIC,
    cached,
    counted,
    echoing,
    said,
    status_of,
)
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World

ALICE = {"Authorization": "Bearer alice"}
BOB = {"Authorization": "Bearer bob"}


@pytest.mark.parametrize(
    "options",
    [
        {"headers": ALICE},
        {"headers": {"Proxy-Authorization": "Basic x"}},
        {"headers": {"Cookie": "sid=1"}},
        {"headers": {"X-Api-Key": "k"}},
        {"headers": {"X-Auth-Token": "t"}},
        {"headers": {"X-Amz-Signature": "s"}},
        {"auth": ("user", "password")},
        {"auth": httpx.DigestAuth("user", "password")},
        {"url": "http://user:password@server.test/"},
    ],
    ids=["bearer", "proxy", "cookie", "key", "token", "signature", "basic", "digest", "url"],
)
async def test_an_answer_to_credentials_is_kept_for_nobody(
    world: World, options: dict[str, Any]
) -> None:
    """Nor are they served what others have got."""
    client = cached(world, counted())
    assert said(await client.get(**options)) == ("answer 1", "miss")
    assert said(await client.get(**options)) == ("answer 2", "miss")
    assert said(await client.get()) == ("answer 3", "miss")
    assert said(await client.get(**options)) == ("answer 4", "miss")
    assert said(await client.get()) == ("answer 3", "hit")


@pytest.mark.parametrize("rule", ["public, max-age=60", "s-maxage=60"], ids=["public", "s-maxage"])
async def test_the_server_may_say_that_it_is_for_all(world: World, rule: str) -> None:
    """Then whoever asks gets it."""
    client = cached(world, counted({"Cache-Control": rule}))
    assert said(await client.get(headers=ALICE)) == ("answer 1", "miss")
    assert said(await client.get(headers=BOB)) == ("answer 1", "hit")
    assert said(await client.get(auth=("user", "password"))) == ("answer 1", "hit")
    assert said(await client.get()) == ("answer 1", "hit")


async def test_cookies_of_the_jar_are_credentials(world: World) -> None:
    """Also where nothing in the call says so."""

    async def serve(arrival: Arrival) -> Answer:
        if arrival.request.url.path == "/login":
            return Answer(200, (), {"Set-Cookie": "sid=alice", "Cache-Control": "no-store"})
        return Answer(200, (arrival.request.headers.get("Cookie", "-").encode(),), MINUTE)

    client = cached(world, serve)
    assert said(await client.get("/me")) == ("-", "miss")
    await client.get("/login")
    assert said(await client.get("/me")) == ("sid=alice", "miss")
    assert said(await client.get("/me")) == ("sid=alice", "miss")


async def test_vary_by_cookie_sees_those_of_the_jar(world: World) -> None:
    """So that a public answer that depends on them is the right one."""

    async def serve(arrival: Arrival) -> Answer:
        cookie = arrival.request.headers.get("Cookie", "-")
        if arrival.request.url.path.startswith("/be/"):
            name = arrival.request.url.path[4:]
            return Answer(200, (), {"Set-Cookie": f"sid={name}; Path=/", **MINUTE})
        return Answer(200, (cookie.encode(),), {**PUBLIC, "Vary": "Cookie"})

    client = cached(world, serve)
    for name in ("alice", "bob"):
        assert status_of(await client.get(f"/be/{name}")) == "miss"
        assert said(await client.get("/me")) == (f"sid={name}", "miss")
        assert said(await client.get("/me")) == (f"sid={name}", "hit")
    await client.get("/be/alice")
    assert said(await client.get("/me")) == ("sid=alice", "hit")


async def test_an_answer_that_sets_a_cookie_is_not_kept(world: World) -> None:
    """Whoever asks next would be somebody else."""
    client = cached(world, counted({**PUBLIC, "Set-Cookie": "sid=1"}))
    assert said(await client.get("/a")) == ("answer 1", "miss")
    assert said(await client.get("/a")) == ("answer 2", "miss")


async def test_a_private_answer_is_not_kept(world: World) -> None:
    """This is a shared cache."""
    client = cached(world, counted({"Cache-Control": "private, max-age=60"}))
    assert said(await client.get()) == ("answer 1", "miss")
    assert said(await client.get()) == ("answer 2", "miss")


def tenant(request: httpx.Request) -> str | None:
    """Whose a request is, by its bearer."""
    return request.headers.get("Authorization")


async def test_a_partition_says_whose_answers_a_request_may_have(world: World) -> None:
    """Each has his own; without a name the cache has no part in it."""
    client = cached(world, echoing("Authorization"), cache={"partition": tenant})
    for bearer in (ALICE, BOB):
        assert said(await client.get(headers=bearer)) == (bearer["Authorization"], "miss")
    for bearer in (ALICE, BOB):
        assert said(await client.get(headers=bearer)) == (bearer["Authorization"], "hit")
    nobody = await client.get()
    assert (said(nobody), nobody.extensions["cache"].why) == (("-", "bypass"), "no partition")


async def test_a_write_makes_the_answers_of_all_stale(world: World) -> None:
    """Whosever they are."""
    client = cached(world, counted(), cache={"partition": tenant})
    await client.get(headers=ALICE)
    await client.get(headers=BOB)
    await client.post(headers=ALICE)
    assert status_of(await client.get(headers=ALICE)) == "miss"
    assert status_of(await client.get(headers=BOB)) == "miss"


async def test_a_partition_sees_the_cookies_of_the_jar(world: World) -> None:
    """As they will be sent; the request that is sent stays as it is."""
    seen: list[str | None] = []

    def whose(request: httpx.Request) -> str:
        seen.append(request.headers.get("Cookie"))
        return "me"

    client = cached(world, counted({**MINUTE, "Set-Cookie": "a=1"}), cache={"partition": whose})
    await client.get()
    await client.get(headers={"Cookie": "b=2"})
    assert seen == [None, "b=2; a=1"]
    assert client.wire.last.headers.get_list("Cookie") == ["b=2; a=1"]


async def test_what_a_partition_raises_is_its_callers(world: World) -> None:
    """And nothing is sent."""

    def broken(_request: httpx.Request) -> str:
        raise LookupError("no such tenant")

    client = cached(world, 200, cache={"partition": broken})
    with pytest.raises(LookupError, match="no such tenant"):
        await client.get()
    assert client.wire.arrivals == []
    wrong = cached(world, 200, cache={"partition": lambda _request: 7})
    with pytest.raises(TypeError, match="partition returned a int: return a text, or None"):
        await wrong.get()


async def test_attempt_middleware_may_add_credentials(world: World) -> None:
    """So its requests are another's, as far as anybody can tell."""
    names = iter(["alice", "bob", "carol"])

    def sign(request: Any, call_next: Any) -> Any:
        request.headers["Authorization"] = next(names)
        return call_next(request)

    async def sign_async(request: Any, call_next: Any) -> Any:
        return await sign(request, call_next)

    client = cached(
        world,
        echoing("Authorization"),
        attempt_middleware=[sign_async if world.is_async else sign],
    )
    assert said(await client.get()) == ("alice", "miss")
    assert said(await client.get()) == ("bob", "miss")
    assert said(await client.get(attempt_middleware=[])) == ("-", "miss")
    assert said(await client.get()) == ("carol", "miss")
    assert said(await client.get(attempt_middleware=[])) == ("-", "hit")


async def test_middleware_is_outside_and_seen(world: World) -> None:
    """What it puts in is known before anything is looked up."""
    names = iter(["alice", "bob"])

    def sign(request: Any, call_next: Any) -> Any:
        request.headers["Authorization"] = next(names)
        return call_next(request)

    async def sign_async(request: Any, call_next: Any) -> Any:
        return await sign(request, call_next)

    client = cached(
        world,
        echoing("Authorization", headers={**PUBLIC, "Vary": "Authorization"}),
        middleware=[sign_async if world.is_async else sign],
    )
    assert said(await client.get()) == ("alice", "miss")
    assert said(await client.get()) == ("bob", "miss")


async def test_vary_by_what_cannot_be_foreseen_is_not_kept(world: World) -> None:
    """An auth flow puts it in when the request is on its way."""
    client = cached(world, echoing("Authorization", headers={**PUBLIC, "Vary": "Authorization"}))
    first = await client.get(auth=("alice", "x"))
    second = await client.get(auth=("bob", "x"))
    assert first.text != second.text
    assert [status_of(first), status_of(second)] == ["miss", "miss"]
    assert status_of(await client.get(auth=("bob", "x"))) == "miss"


async def test_vary_by_it_is_kept_where_a_partition_stands_for_it(world: World) -> None:
    """And so is what no flow changes."""
    client = cached(
        world,
        echoing("Authorization", headers={**MINUTE, "Vary": "Authorization, Accept-Encoding"}),
        cache={"partition": lambda request: request.headers["X-Request-ID"][:1]},
    )
    options = {"auth": ("alice", "x")}
    assert status_of(await client.get(request_id="a1", **options)) == "miss"
    assert status_of(await client.get(request_id="a2", **options)) == "hit"
    assert status_of(await client.get(request_id="b1", **options)) == "miss"


def foreign(world: World, server: Any, http: dict[str, Any], **settings: Any) -> Caller:
    """A client with a cache around one of httpx's own."""
    raw = world.httpx_client(transport=world.wire(server), base_url="http://server.test", **http)
    return cached(world, server, http_client=raw, **settings)


def hook(world: World) -> Any:
    """An event hook that does nothing."""

    async def note_async(_request: object) -> None:
        pass

    def note(_request: object) -> None:
        pass

    return note_async if world.is_async else note


@pytest.mark.parametrize("kind", ["auth", "hook", "header", "jar"])
async def test_a_client_of_the_callers_may_have_credentials(world: World, kind: str) -> None:
    """Its auth, its hooks, its headers and its jar."""
    http: dict[str, Any] = {
        "auth": {"auth": ("user", "password")},
        "hook": {"event_hooks": {"request": [hook(world)]}},
        "header": {"headers": ALICE},
        "jar": {"cookies": {"sid": "1"}},
    }[kind]
    client = foreign(world, counted(), http)
    assert said(await client.get()) == ("answer 1", "miss")
    assert said(await client.get()) == ("answer 2", "miss")
    if kind == "auth":
        assert said(await client.get(auth=None)) == ("answer 3", "miss")
        assert said(await client.get(auth=None)) == ("answer 3", "hit")


async def test_clients_may_share_what_is_kept(world: World) -> None:
    """By one storage; whose it is stays as it is."""
    storage = MemoryStorage()
    settings = {"cache": {"storage": storage, "partition": tenant}}
    one = cached(world, echoing("Authorization"), **settings)
    other = cached(world, echoing("Authorization"), **settings)
    await one.get(headers=ALICE)
    assert said(await other.get(headers=ALICE)) == ("Bearer alice", "hit")
    assert said(await other.get(headers=BOB)) == ("Bearer bob", "miss")


async def test_nothing_of_a_credential_is_written_to_a_storage(world: World) -> None:
    """Not in a key, and not in a value."""
    storage = MemoryStorage()
    client = cached(
        world,
        counted({**MINUTE, "Vary": "Authorization, X-Api-Key"}),
        cache={"storage": storage, "partition": tenant},
    )
    await client.get(
        "/?token=query-secret",
        headers={"Authorization": "Bearer bearer-secret", "X-Api-Key": "key-secret"},
    )
    assert len(storage) > 0
    kept = b"".join(key.encode() + (storage.get(key) or b"") for key in storage)
    for secret in (b"bearer-secret", b"query-secret", b"key-secret"):
        assert secret not in kept


def test_names_of_credentials() -> None:
    """Those of many vendors, and not what every request has."""
    named = [
        *("authorization", "cookie", "x-api-key", "x-auth-token", "x-amz-security-token"),
        *("x-session-id", "x-signature", "x-client-secret", "x-user-id", "x-tenant", "apikey"),
        *("x-goog-iap-jwt-assertion", "x-csrf-token", "private-token", "x-forwarded-email"),
    ]
    plain = [
        *("accept", "accept-encoding", "accept-language", "user-agent", "host", "connection"),
        *("x-request-id", "traceparent", "tracestate", "baggage", "cache-control", "origin"),
        *("referer", "if-none-match", "idempotency-key", "content-type", "date", "via"),
    ]
    assert [name for name in named if not is_credential(name)] == []
    assert [name for name in plain if is_credential(name)] == []
    assert name_credential(["accept", "cookie"]) == "cookie"
    assert name_credential(["accept"]) is None
