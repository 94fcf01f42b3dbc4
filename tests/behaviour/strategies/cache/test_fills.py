"""What is kept of the answers of a server, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import ClientConfig, ResponseError, ServerError
from client.cache import MemoryStorage
from tests.behaviour.strategies.cache.serving import (
    MINUTE,
    PACKED,
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

PIECES = (b"one ", b"two ", b"three")


async def test_a_streamed_answer_is_kept_while_it_passes(world: World) -> None:
    """Once it has been read to its end."""
    client = cached(world, Answer(200, PIECES, MINUTE))
    async with client.stream() as response:
        assert status_of(response) == "miss"
        pieces = [chunk async for chunk in client.chunks(response, "raw")]
    assert pieces == list(PIECES)
    async with client.stream() as response:
        assert await client.read(response) == b"one two three"
    assert status_of(response) == "hit"
    assert said(await client.get()) == ("one two three", "hit")


async def test_one_that_is_left_early_is_dropped(world: World) -> None:
    """Nobody knows what would have come."""
    client = cached(world, Answer(200, PIECES, MINUTE))
    async with client.stream() as response:
        async for _ in client.chunks(response, "raw"):
            break
    assert status_of(await client.get()) == "miss"
    assert len(client.wire.arrivals) == 2


async def test_one_that_breaks_is_dropped(world: World) -> None:
    """As what is shorter than its head has said."""
    broken = Answer(200, (b"one ", httpx.ReadError("boom")), MINUTE)
    short = Answer(200, PIECES, {**MINUTE, "Content-Length": "99"})
    client = cached(world, [broken, short, short])
    with pytest.raises(Exception, match=r"boom|broke|read"):
        await client.streamed()
    assert status_of(await client.get()) == "miss"
    assert status_of(await client.get()) == "miss"


@pytest.mark.parametrize("most", [12, 13], ids=["too-long", "just-fits"])
async def test_what_is_too_long_is_not_kept(world: World, most: int) -> None:
    """It passes all the same, whole."""
    client = cached(world, Answer(200, PIECES, MINUTE), cache={"max_entry_bytes": most})
    for _ in range(2):
        assert (await client.get("/read")).text == "one two three"
        assert await client.streamed(url="/streamed") == [b"one ", b"two ", b"three"] or most == 13
    assert len(client.wire.arrivals) == (4 if most == 12 else 2)


async def test_a_body_that_has_been_read_already_is_kept_unpacked(world: World) -> None:
    """As that of a client of the caller's, where nobody sees how it came."""

    def serve(_request: httpx.Request) -> httpx.Response:
        headers = {**MINUTE, "Content-Encoding": "gzip"}
        return httpx.Response(200, headers=headers, content=PACKED)

    raw = world.httpx_client(transport=httpx.MockTransport(serve), base_url="http://server.test")
    client = cached(world, 200, http_client=raw)
    assert status_of(await client.get()) == "miss"
    response = await client.get()
    assert said(response) == ("hello " * 100, "hit")
    assert "Content-Encoding" not in response.headers
    assert "Content-Length" not in response.headers


async def test_a_stream_of_a_client_of_the_callers_is_kept_as_it_came(world: World) -> None:
    """There it is seen."""
    headers = {**MINUTE, "Content-Encoding": "gzip"}
    wire = world.wire(Answer(200, (PACKED,), headers))
    raw = world.httpx_client(transport=wire, base_url="http://server.test")
    client = cached(world, 200, http_client=raw)
    for status in ("miss", "hit"):
        async with client.stream() as response:
            pieces = [chunk async for chunk in client.chunks(response, "raw")]
        assert (b"".join(pieces), status_of(response)) == (PACKED, status)


async def test_what_is_of_one_connection_is_not_kept(world: World) -> None:
    """Nor what `Connection` names, nor trailers (RFC 9111, 3.1)."""
    headers = {
        **MINUTE,
        "Connection": "X-Hop, close",
        "X-Hop": "1",
        "Keep-Alive": "timeout=5",
        "Trailer": "X-Sum",
        "Proxy-Authenticate": "Basic",
        "X-Kept": "1",
    }
    client = cached(world, Answer(200, (b"hello",), headers))
    first, second = await client.get(), await client.get()
    gone = {"connection", "x-hop", "keep-alive", "trailer", "proxy-authenticate"}
    assert set(first.headers) - set(second.headers) == gone
    assert second.headers["X-Kept"] == "1"


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {}),
        (200, {"Cache-Control": "no-store"}),
        (200, {**PUBLIC, "Vary": "*"}),
        (206, MINUTE),
        (404, {"ETag": '"one"'}),
    ],
    ids=["nothing-said", "no-store", "vary-all", "part", "error"],
)
async def test_what_is_not_kept(world: World, status: int, headers: dict[str, str]) -> None:
    """By the rules; they have tests of their own."""
    client = cached(world, counted(headers, status))
    for _ in range(2):
        await world.outcome(world.start(client.get()))
    assert len(client.wire.arrivals) == 2


async def test_variants_are_kept_side_by_side(world: World) -> None:
    """Three of them, asked for in turn."""
    headers = {**MINUTE, "Vary": "Accept-Language"}
    client = cached(world, echoing("Accept-Language", headers=headers))
    for status in ("miss", "hit", "hit"):
        for language in ("en", "de", "fr"):
            response = await client.get(headers={"Accept-Language": language})
            assert said(response) == (language, status)


async def test_a_redirected_answer_is_not_kept_under_the_url_that_was_asked(world: World) -> None:
    """It is the answer to another."""

    async def serve(arrival: Arrival) -> Answer:
        if arrival.request.url.path == "/old":
            return Answer(302, (b"moved",), {**MINUTE, "Location": "/new"})
        return Answer(200, (b"new",), MINUTE)

    client = cached(world, serve)
    for _ in range(2):
        response = await client.get("/old")
        assert (said(response), len(response.history)) == (("new", "miss"), 1)
    assert len(client.wire.arrivals) == 4


async def test_an_answer_with_another_host_poisons_nothing(world: World) -> None:
    """It goes past the cache."""
    client = cached(world, echoing("Host"))
    await client.get("/a", headers={"Host": "evil.test"})
    assert said(await client.get("/a")) == ("server.test", "miss")


async def test_an_answer_that_is_refused_is_not_kept(world: World) -> None:
    """Its caller has not got it, either."""
    client = cached(world, Answer(200, (b"x" * 100,), MINUTE), max_body_bytes=50)
    for _ in range(2):
        with pytest.raises(ResponseError, match="max_body_bytes"):
            await client.get()
    assert len(client.wire.arrivals) == 2


async def test_of_several_attempts_the_answer_of_the_last_is_kept(world: World) -> None:
    """With its own age: that of the one before says nothing."""

    async def serve(arrival: Arrival) -> Answer:
        if len(client.wire.arrivals) == 1:
            return Answer(503, (b"later",), MINUTE)
        await arrival.takes(2)
        return Answer(200, (b"hello",), MINUTE)

    client = cached(
        world, serve, retry={"min_wait_seconds": 7, "max_wait_seconds": 7, "jitter": False}
    )
    await client.get()
    response = await client.get()
    assert (said(response), response.headers["Age"]) == (("hello", "hit"), "2")


async def test_an_age_that_a_cache_before_us_gives_counts(world: World) -> None:
    """So that two of them do not keep it twice as long."""
    client = cached(world, Answer(200, (b"hello",), {**MINUTE, "Age": "50"}))
    await client.get()
    await world.sleep(9)
    response = await client.get()
    assert (said(response), response.headers.get_list("Age")) == (("hello", "hit"), ["59"])
    await world.sleep(2)
    assert status_of(await client.get()) == "miss"


@pytest.mark.parametrize("seconds", [-86400.0, 86400.0], ids=["back", "ahead"])
async def test_a_wall_clock_that_jumps_changes_no_age(world: World, seconds: float) -> None:
    """Within the process it is the monotonic clock that counts."""
    client = cached(world, counted())
    await client.get()
    ports: Any = client.raw._session.engine.ports
    wall = ports.wall_clock
    ports.wall_clock = lambda: wall() + seconds
    await world.sleep(30)
    response = await client.get()
    assert (said(response), response.headers["Age"]) == (("answer 1", "hit"), "30")
    await world.sleep(31)
    assert status_of(await client.get()) == "miss"


class Awkward:
    """A storage with something wrong.

    Args:
        raises: What each method raises.
        damages: Whether it gives back something else.
    """

    is_blocking = False

    def __init__(self, raises: Exception | None = None, *, damages: bool = False) -> None:
        self._raises = raises
        self._damages = damages
        self._kept: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        """Give back what was kept, damaged."""
        self._raise()
        found = self._kept.get(key)
        return found if found is None or not self._damages else found[:-3] + b"xxx"

    def set(self, key: str, value: bytes) -> None:
        """Keep it."""
        self._raise()
        self._kept[key] = value

    def delete(self, key: str) -> None:
        """Forget it."""
        self._raise()
        self._kept.pop(key, None)

    def close(self) -> None:
        """Do nothing."""

    def _raise(self) -> None:
        if self._raises is not None:
            raise self._raises


@pytest.mark.parametrize(
    "storage",
    [
        Awkward(OSError("disk full")),
        Awkward(damages=True),
        MemoryStorage(max_bytes=10),
    ],
    ids=["raises", "damages", "full"],
)
async def test_a_storage_that_fails_is_as_if_nothing_were_kept(
    world: World, storage: object
) -> None:
    """No call notices."""
    client = cached(world, counted(), cache={"storage": storage})
    for number in range(1, 6):
        assert said(await client.get()) == (f"answer {number}", "miss")
    assert (await client.post()).text == "answer 6"


async def test_what_is_reconfigured_keeps_what_is_kept(world: World) -> None:
    """Unless another storage is given."""
    client = cached(world, counted())
    await client.get()
    client.raw.reconfigure(cache={"stale_if_error": 5})
    assert said(await client.get()) == ("answer 1", "hit")
    client.raw.reconfigure(cache=None)
    response = await client.get()
    assert (response.text, "cache" in response.extensions) == ("answer 2", False)
    client.raw.reconfigure(cache={"storage": MemoryStorage()})
    assert said(await client.get()) == ("answer 3", "miss")


async def test_clients_with_one_configuration_share_what_is_kept(world: World) -> None:
    """And those with another have their own."""
    config = ClientConfig(cache={}).cache
    one, other = (cached(world, counted(), cache=config) for _ in range(2))
    await one.get()
    assert said(await other.get()) == ("answer 1", "hit")
    assert status_of(await cached(world, counted()).get()) == "miss"


async def test_an_error_passes_where_it_is_not_kept(world: World) -> None:
    """Streamed, too, with its beginning."""
    client = cached(world, Answer(500, (b"oh",), {}))
    with pytest.raises(ServerError) as raised:
        await client.streamed()
    assert raised.value.response is not None
    assert raised.value.response.text == "oh"
