"""Compressed bodies: whole or an error, in steps, and within bounds nobody has to set."""

from __future__ import annotations

import copy
import gzip
import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    APINetworkError,
    CircuitState,
    DeadlineExceededError,
    NotFoundError,
    ResponseError,
    ServiceUnavailableError,
)
from client.http.bodies.response_body import MOST_KEPT as KEPT
from tests.behaviour.wire import Answer
from tests.codings import ENCODERS, MEBIBYTE, bomb

if TYPE_CHECKING:
    from tests.behaviour.world import World

AT_ONCE = {"min_wait_seconds": 0, "max_wait_seconds": 0}
CONTENT = b"some bytes of content " * 50


def packed(coding: str, body: bytes, status: int = 200, **headers: str) -> Answer:
    """An answer in two pieces, whose body says that it was packed."""
    half = len(body) // 2
    named = {"Content-Encoding": coding, **headers}
    return Answer(status, (body[:half], body[half:]), named)


def through_pickle(value: Any) -> Any:
    """Return what becomes of a value."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own bytes


@pytest.mark.parametrize("kind", sorted(ENCODERS))
async def test_every_coding_is_undone_whole(world: World, kind: str) -> None:
    """All members of gzip and all frames of zstd; read whole, streamed, raw, as text, by lines."""
    coding, pack = ENCODERS[kind]
    body = pack(CONTENT)
    client = world.client(packed(coding, body))
    response = await client.get()
    assert (response.content, response.num_bytes_downloaded) == (CONTENT, len(body))
    for how, whole in (("bytes", CONTENT), ("raw", body), ("text", CONTENT.decode())):
        async with client.stream() as response:
            chunks: list[Any] = [chunk async for chunk in client.chunks(response, how)]
        assert type(whole)().join(chunks) == whole


async def test_several_codings_are_undone_in_their_order(world: World) -> None:
    """Up to five of them."""
    body = CONTENT
    for coding in ("gzip", "br", "zstd", "deflate", "gzip"):
        body = ENCODERS[coding][1](body)
    client = world.client(packed("gzip, br, zstd, deflate, gzip", body))
    assert (await client.get()).content == CONTENT


@pytest.mark.parametrize("header", ["gzip, " * 5 + "gzip", "gzip," * 19_000])
async def test_more_codings_than_a_handful_are_refused(world: World, header: str) -> None:
    """Saying so; nothing is read, and nothing retried."""
    client = world.client([packed(header, b"x" * 100)])
    with pytest.raises(
        ResponseError, match="its Content-Encoding names more than 5 content codings"
    ):
        await client.get()
    assert client.wire.taken(0) == 0


@pytest.mark.parametrize("header", ["identity, " * 19_000, "unknown, " * 19_000])
async def test_codings_that_are_none_cost_nothing(world: World, header: str) -> None:
    """The body is handed over as it came, as with httpx."""
    client = world.client(packed(header, CONTENT))
    assert (await client.get()).content == CONTENT


@pytest.mark.parametrize("kind", ["gzip", "deflate", "bare deflate", "br", "zstd", "gzip in br"])
async def test_data_that_ends_early_is_a_failed_attempt(world: World, kind: str) -> None:
    """Retried like a body that is cut short, and counted by the circuit."""
    if kind == "gzip in br":
        coding, body = "gzip, br", ENCODERS["br"][1](gzip.compress(CONTENT)[:-4])
    else:
        coding, body = ENCODERS[kind][0], ENCODERS[kind][1](CONTENT)[:-4]
    client = world.client([packed(coding, body), 200], retry=AT_ONCE)
    assert (await client.get()).extensions["resilience"].attempts == 2
    client = world.client(
        packed(coding, body), retry=None, circuit_breaker={"failure_threshold": 1}
    )
    with pytest.raises(APINetworkError) as caught:
        await client.get("/x", request_id="r")
    assert str(caught.value) == (
        "GET http://server.test/x failed: RemoteProtocolError:"
        " the compressed body ends before its end (request id r)"
    )
    assert caught.value.request_sent is True
    assert isinstance(caught.value.__cause__, httpx.RemoteProtocolError)
    assert client.circuit_state is CircuitState.OPEN


async def test_a_stream_that_ends_early_says_so_at_its_end(world: World) -> None:
    """What came before it was handed over."""
    client = world.client(packed("gzip", gzip.compress(CONTENT)[:-4]))
    got = b""
    with pytest.raises(APINetworkError, match="ends before"):  # noqa: PT012 - it comes in the middle
        async with client.stream() as response:
            async for chunk in client.chunks(response):
                got += chunk
    assert got == CONTENT
    assert client.stats().failures == {"APINetworkError": 1}


@pytest.mark.parametrize("status", [200, 204, 304])
async def test_a_body_without_a_byte_is_whole(world: World, status: int) -> None:
    """As HEAD, 204 and 304 have it."""
    client = world.client(Answer(status, (), {"Content-Encoding": "gzip"}))
    assert (await client.get()).content == b""


async def test_a_part_of_a_packed_body_ends_where_it_was_asked_to(world: World) -> None:
    """206 is the answer to a range of the packed bytes."""
    client = world.client(packed("gzip", gzip.compress(CONTENT)[:-4], 206))
    assert (await client.get()).content == CONTENT


async def test_wrong_data_is_no_failure_of_the_network(world: World) -> None:
    """It would be wrong again."""
    client = world.client([packed("gzip", b"no such thing")])
    with pytest.raises(ResponseError, match="not encoded as its Content-Encoding says"):
        await client.get()


@pytest.mark.parametrize("size", [1, 7, 1000, 10**6])
async def test_chunks_are_of_the_size_the_caller_wants(world: World, size: int) -> None:
    """But for the last."""
    client = world.client(packed("gzip", gzip.compress(CONTENT)))
    async with client.stream() as response:
        chunks = [chunk async for chunk in client.chunks(response, "bytes", size)]
    assert b"".join(chunks) == CONTENT
    assert {len(chunk) for chunk in chunks[:-1]} <= {size}


async def test_an_answer_pickles_and_copies_as_httpxs_own(world: World) -> None:
    """Whatever has read its body."""
    client = world.client(packed("gzip", gzip.compress(CONTENT)), max_body_bytes=10_000)
    response = await client.get()
    for other in (through_pickle(response), copy.copy(response)):
        assert type(other) is httpx.Response
        assert other.content == CONTENT
    assert repr(response) == "<Response [200 OK]>"
    assert isinstance(response, httpx.Response)


async def test_what_has_been_read_can_be_read_again(world: World) -> None:
    """From memory."""
    client = world.client(packed("gzip", gzip.compress(CONTENT)))
    async with client.stream() as response:
        await client.read(response)
        assert b"".join([chunk async for chunk in client.chunks(response)]) == CONTENT


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "zstd, br"])
async def test_the_limit_holds_for_every_coding(world: World, coding: str) -> None:
    """The answer is cut off before the rest of it is fetched."""
    answer = packed(coding, bomb(coding, 10))
    client = world.client(
        [Answer(200, (*answer.pieces, 3600.0), answer.headers)], max_body_bytes=KEPT
    )
    with pytest.raises(ResponseError, match=r"larger than max_body_bytes, 1048576"):
        await client.get()
    assert client.wire.unclosed() == []
    assert world.now() == 1000


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_the_limit_holds_for_raw_bytes_too(world: World, coding: str) -> None:
    """What the caller reads as it came."""
    piece = bytes(100_000)
    client = world.client(
        [Answer(200, (piece,) * 4, {"Content-Encoding": coding})], max_body_bytes=99_999
    )
    got: list[bytes] = []
    with pytest.raises(ResponseError, match="max_body_bytes"):  # noqa: PT012 - it comes in the middle
        async with client.stream() as response:
            async for chunk in client.chunks(response, "raw"):
                got.append(chunk)  # noqa: PERF401 - what came before the failure counts
    assert len(got) <= 2


@pytest.mark.parametrize("status", [404, 503])
@pytest.mark.parametrize("coding", ["identity", "gzip", "br", "zstd, gzip"])
async def test_the_body_of_an_error_has_a_limit_of_its_own(
    world: World, coding: str, status: int
) -> None:
    """It was not asked for: its first mebibyte is kept, and the status stands."""
    body = bytes(2 * MEBIBYTE) if coding == "identity" else bomb(coding, 2)
    client = world.client(packed(coding, body, status), retry=AT_ONCE)
    with pytest.raises((NotFoundError, ServiceUnavailableError)) as caught:
        await client.get()
    error = caught.value
    assert (error.status_code, error.attempts) == (status, 1 if status == 404 else 3)
    assert error.response is not None
    assert len(error.response.content) == KEPT
    assert through_pickle(error).status_code == status


async def test_an_error_within_it_is_kept(world: World) -> None:
    """Whatever it was packed in."""
    client = world.client(packed("gzip", gzip.compress(bytes(KEPT)), 404))
    with pytest.raises(NotFoundError) as caught:
        await client.get()
    assert caught.value.response is not None
    assert len(caught.value.response.content) == KEPT


async def test_a_limit_that_was_set_holds_for_errors_instead(world: World) -> None:
    """Also where it is the larger one."""
    client = world.client(
        packed("gzip", gzip.compress(bytes(2 * KEPT)), 404), max_body_bytes=3 * KEPT
    )
    with pytest.raises(NotFoundError) as caught:
        await client.get()
    assert caught.value.response is not None
    assert len(caught.value.response.content) == 2 * KEPT


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_of_a_redirect_no_more_than_a_mebibyte_is_read(world: World, coding: str) -> None:
    """Then it is closed, and the next place asked."""
    body = bytes(MEBIBYTE) if coding == "identity" else gzip.compress(bytes(3 * MEBIBYTE))
    headers = {"Location": "/b", "Content-Encoding": coding}
    client = world.client([Answer(302, (body, 3600.0), headers), 200, packed("gzip", b"", 200)])
    response = await client.get("/a")
    assert (response.status_code, response.url.path) == (200, "/b")
    assert world.now() == 1000


async def test_a_redirect_that_is_not_followed_is_the_callers(world: World) -> None:
    """He asked for it."""
    body = gzip.compress(bytes(3 * MEBIBYTE))
    client = world.client(packed("gzip", body, 302, Location="/b"))
    response = await client.get("/a", follow_redirects=False)
    assert len(response.content) == 3 * MEBIBYTE


async def test_a_deadline_ends_the_unpacking(world: World) -> None:
    """In the middle of what came at once."""
    body = bomb("zstd, zstd", 2_000)
    client = world.client(packed("zstd, zstd", body))
    taken = 0
    with pytest.raises(DeadlineExceededError):  # noqa: PT012 - it comes in the middle
        async with client.stream(deadline=3) as response:
            async for _ in client.chunks(response):
                taken += 1
                world.stall(0.01)
    assert 0 < taken < 1_000
