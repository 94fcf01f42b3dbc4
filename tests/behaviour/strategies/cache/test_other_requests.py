"""What makes a request another one than its URL says, and what makes a service another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import CacheConfig, MyAPIError
from client.cache import MemoryStorage
from client.faces.facade.identity import identity_of
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
    from tests.behaviour.world import World


def attempt(world: World, change: Any) -> Any:
    """Attempt middleware that changes a request."""

    def plain(request: Any, call_next: Any) -> Any:
        change(request)
        return call_next(request)

    async def awaited(request: Any, call_next: Any) -> Any:
        change(request)
        return await call_next(request)

    return awaited if world.is_async else plain


@pytest.mark.parametrize(
    "options",
    [
        {"extensions": {"target": b"/private"}},
        {"extensions": {"sni_hostname": "other.test"}},
        {"headers": {"X-HTTP-Method-Override": "DELETE"}},
        {"headers": {"X-Original-URL": "/private"}},
        {"headers": {"X-Forwarded-Host": "evil.test"}},
    ],
    ids=["target", "sni", "method", "url", "host"],
)
async def test_what_asks_for_something_else_goes_past_the_cache(
    world: World, options: dict[str, Any]
) -> None:
    """Or whoever asks for the URL alone would get that."""
    client = cached(world, counted())
    assert said(await client.get("/a", **options)) == ("answer 1", "bypass")
    assert said(await client.get("/a")) == ("answer 2", "miss")
    assert said(await client.get("/a", **options)) == ("answer 3", "bypass")


async def test_an_answer_to_another_url_is_not_kept(world: World) -> None:
    """Attempt middleware may send a request elsewhere, each time to another place."""
    users = iter(["/alice", "/bob"])

    def change(request: Any) -> None:
        request.url = request.url.copy_with(path=next(users))

    async def serve(arrival: Arrival) -> Answer:
        return Answer(200, (arrival.request.url.path.encode(),), PUBLIC)

    client = cached(world, serve, attempt_middleware=[attempt(world, change)])
    assert said(await client.get("/me")) == ("/alice", "miss")
    assert said(await client.get("/me")) == ("/bob", "miss")


async def test_an_answer_to_another_method_is_not_kept(world: World) -> None:
    """What answers a POST is none to a GET."""

    def change(request: Any) -> None:
        request.method = "POST"

    client = cached(world, counted(PUBLIC), attempt_middleware=[attempt(world, change)])
    await client.get()
    assert status_of(await client.get()) == "miss"


async def test_middleware_may_choose_a_language(world: World) -> None:
    """An attempt's is not foreseen, so what depends on it is not kept."""
    languages = iter(["de", "fr"])

    def change(request: Any) -> None:
        request.headers["Accept-Language"] = next(languages)

    server = echoing("Accept-Language", headers={**PUBLIC, "Vary": "Accept-Language"})
    client = cached(world, server, attempt_middleware=[attempt(world, change)])
    assert said(await client.get()) == ("de", "miss")
    assert said(await client.get()) == ("fr", "miss")


async def test_middleware_and_codings_go_together(world: World) -> None:
    """What it might say of them does no harm: bodies are unpacked."""
    client = cached(
        world,
        counted({**PUBLIC, "Vary": "Accept-Encoding"}),
        attempt_middleware=[attempt(world, lambda _request: None)],
    )
    await client.get()
    assert status_of(await client.get()) == "hit"


async def test_a_304_may_say_that_more_is_looked_at(world: World) -> None:
    """Then what is kept is for nobody else."""

    async def serve(arrival: Arrival) -> Answer:
        headers = {"Cache-Control": "max-age=60", "ETag": '"1"', "Vary": "Accept-Language"}
        if "If-None-Match" in arrival.request.headers:
            return Answer(304, headers=headers)
        language = arrival.request.headers["Accept-Language"]
        first = {"Cache-Control": "max-age=0", "ETag": '"1"'}
        return Answer(200, (language.encode(),), first if language == "de" else MINUTE)

    client = cached(world, serve)
    await client.get(headers={"Accept-Language": "de"})
    again = await client.get(headers={"Accept-Language": "de"})
    assert said(again) == ("de", "revalidated")
    assert said(await client.get(headers={"Accept-Language": "fr"})) == ("fr", "miss")


async def test_services_that_share_a_storage_share_no_answers(world: World) -> None:
    """Nothing in a URL tells them apart, but which endpoints they have."""
    cache = CacheConfig(storage=MemoryStorage())

    def of(*endpoints: Any) -> Any:
        return cached(world, echoing("Host"), cache=cache, base_url="", endpoints=endpoints)

    users = of("http://users.test")
    await users.get("/1")
    assert said(await of("http://orders.test").get("/1")) == ("orders.test", "miss")
    assert said(await of("http://users.test").get("/1")) == ("users.test", "hit")


def test_a_service_whose_endpoints_change_is_told_by_who_says_which() -> None:
    """Two functions are two services; which endpoints they name makes no difference."""

    class Unhashable(list[str]):
        """Can be neither hashed nor let go of."""

        __slots__ = ()

        def __call__(self) -> list[str]:
            return self

    def one() -> list[str]:
        return ["http://one.test"]

    def other() -> list[str]:
        return ["http://one.test"]

    assert identity_of(one) == identity_of(one)
    identities = {identity_of(each) for each in (one, other, Unhashable(), Unhashable())}
    assert len(identities) == 4


async def test_one_endpoint_that_is_asked_alone_is_asked(world: World) -> None:
    """What another has answered is no answer to that; a write there is one to the service."""
    client = cached(world, counted(), base_url="", endpoints=("http://one.test", "http://two.test"))
    await client.get("/a")
    assert said(await client.get("http://one.test/a")) == ("answer 2", "bypass")
    assert said(await client.get("/a")) == ("answer 1", "hit")
    await client.post("http://two.test/a")
    assert status_of(await client.get("/a")) == "miss"


async def test_a_write_that_is_sent_elsewhere_is_one_to_both(world: World) -> None:
    """To where it was to go, and to where it went."""

    def change(request: Any) -> None:
        if request.method == "POST":
            request.url = request.url.copy_with(host="other.test")

    client = cached(world, counted(PUBLIC), attempt_middleware=[attempt(world, change)])
    for url in ("/a", "http://other.test/a", "/b"):
        await client.get(url)
    await client.post("/a")
    assert status_of(await client.get("/a")) == "miss"
    assert status_of(await client.get("http://other.test/a")) == "miss"
    assert status_of(await client.get("/b")) == "hit"


async def test_a_write_elsewhere_is_one_to_that_server(world: World) -> None:
    """A redirect may lead out of the service."""

    async def serve(arrival: Arrival) -> Answer:
        if arrival.request.method == "POST" and arrival.request.url.host == "one.test":
            return Answer(307, headers={"Location": "http://other.test/a"})
        return Answer(200, (b"hello",), MINUTE)

    client = cached(
        world, serve, base_url="", endpoints=("http://one.test",), follow_redirects=True
    )
    await client.get("/a")
    await client.get("/b")
    await client.post("/a")
    assert status_of(await client.get("/a")) == "miss"
    assert status_of(await client.get("/b")) == "hit"


@pytest.mark.parametrize("path", ["/a", "//a/b"])
@pytest.mark.parametrize("status", [200, 302, 404])
async def test_no_made_up_host_is_shown(world: World, path: str, status: int) -> None:
    """A hit names the path that was asked for: it was of no endpoint."""

    async def serve(_arrival: Arrival) -> Answer:
        return Answer(status, headers={**MINUTE, "Location": "/there"})

    client = cached(world, serve, base_url="", endpoints=("http://one.test",))
    shown: list[str] = []
    response: Any = None
    for _ in range(4):
        try:
            response = await client.get(path, follow_redirects=False)
        except MyAPIError as error:
            response = error.response
            shown.append(str(error))
        following = [] if response.next_request is None else [response.next_request]
        shown += [f"{each.url} {each.headers}" for each in (response.request, *following)]
    assert status_of(response) == "hit"
    assert "invalid" not in " ".join(shown)


async def test_hits_are_each_callers_own(world: World) -> None:
    """Whatever he does to his, down to the request of it."""
    client = cached(world, counted())
    for _ in range(4):
        mine = await client.get()
        mine.headers["X-Mine"] = mine.request.headers["X-Mine"] = "1"
        mine.extensions["mine"] = mine.request.extensions["mine"] = 1
        mine.request.extensions["timeout"]["read"] = 7
        mine.history.append(mine)
    other = await client.get()
    assert "X-Mine" not in {**other.headers, **other.request.headers}
    assert "mine" not in {**other.extensions, **other.request.extensions}
    assert other.request.extensions["timeout"]["read"] != 7
    assert other.history == []


async def test_an_answer_that_has_just_come_is_of_no_age(world: World) -> None:
    """Its date is in whole seconds, so the rest of one says nothing."""
    await world.sleep(0.9)
    client = cached(world, counted({"Cache-Control": "max-age=1"}))
    await client.get()
    await world.sleep(0.9)
    hit = await client.get()
    assert (status_of(hit), hit.headers["Age"]) == ("hit", "0")


async def test_a_write_that_is_given_up_may_have_been_done(world: World) -> None:
    """So what is kept is asked for once more; not where nothing was sent."""
    begun = world.gate()

    async def serve(arrival: Arrival) -> Answer:
        if arrival.request.method == "POST":
            begun.open()
            await arrival.takes(10)
        return Answer(200, (b"hello",), MINUTE)

    client = cached(world, serve, bulkhead={"max_concurrency": 1})
    for url in ("/a", "/a", "/b", "/b"):
        await client.get(url)
    writing = world.start(client.post("/a"))
    await begun.wait()
    waiting = world.start(client.post("/b"))
    await world.sleep(1)
    for each in (waiting, writing):
        each.cancel()
        await world.outcome(each)
    assert status_of(await client.get("/a")) == "miss"
    assert status_of(await client.get("/b")) == "hit"


class Shelf(dict[str, bytes]):
    """A storage that says how often it was closed."""

    is_blocking = False
    closed = 0

    def set(self, key: str, value: bytes) -> None:
        """Keep a value."""
        self[key] = value

    def delete(self, key: str) -> None:
        """Forget a value."""
        self.pop(key, None)

    def close(self) -> None:
        """Count."""
        self.closed += 1


async def test_every_storage_is_closed_with_the_client(world: World) -> None:
    """Also those that it has had before it was given others, or none."""
    one, two = Shelf(), Shelf()
    client = cached(world, counted(), cache={"storage": one})
    await client.get()
    client.raw.reconfigure(cache={"storage": one, "max_variants": 3})
    assert status_of(await client.get()) == "hit"
    client.raw.reconfigure(cache={"storage": two})
    assert status_of(await client.get()) == "miss"
    client.raw.reconfigure(cache=None)
    await client.get()
    await client.close()
    assert (one.closed, two.closed) == (1, 1)
