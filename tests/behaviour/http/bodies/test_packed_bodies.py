"""Packed answers: unpacked in bounded steps, held to the deadline, and whole or a failure."""

from __future__ import annotations

import gzip
import pickle
import tracemalloc
from typing import TYPE_CHECKING

import httpx
import pytest

from client import APINetworkError, CircuitState, NotFoundError, ResponseError
from tests.behaviour.wire import Answer
from tests.codings import ENCODERS, MEBIBYTE, bomb

if TYPE_CHECKING:
    from tests.behaviour.world import World

TEXT = b"some text, twice: some text"


def packed(coding: str, *pieces: bytes, status: int = 200) -> Answer:
    """An answer in some coding."""
    return Answer(status, pieces, {"Content-Encoding": coding})


@pytest.mark.parametrize("name", sorted(ENCODERS))
async def test_each_coding_is_undone(world: World, name: str) -> None:
    """Whole, every member of it."""
    coding, encode = ENCODERS[name]
    body = encode(TEXT)
    client = world.client(packed(coding, body[:5], body[5:]))
    response = await client.get()
    assert response.content == TEXT
    assert pickle.loads(pickle.dumps(response)).content == TEXT  # noqa: S301 - made just here


@pytest.mark.parametrize("coding", ["identity", "x-unknown", "compress, aws-chunked", ""])
async def test_what_nobody_can_undo_stays_as_it_is(world: World, coding: str) -> None:
    """As with httpx."""
    assert (await world.client(packed(coding, b"", TEXT)).get()).content == TEXT


@pytest.mark.parametrize("name", sorted(ENCODERS))
async def test_a_packed_body_that_is_cut_short_is_tried_again(world: World, name: str) -> None:
    """As one that is cut short on the wire; the circuit counts it."""
    coding, encode = ENCODERS[name]
    cut = packed(coding, encode(TEXT)[:-1])
    client = world.client([cut, packed(coding, encode(TEXT))])
    assert (await client.get()).content == TEXT
    client = world.client(cut, circuit_breaker={"failure_threshold": 1})
    with pytest.raises(APINetworkError) as caught:
        await client.get("/x", request_id="r")
    assert caught.value.attempts == 3
    assert caught.value.request_sent is True
    assert isinstance(caught.value.__cause__, httpx.RemoteProtocolError)
    assert client.circuit_state is CircuitState.OPEN


async def test_a_stream_that_is_cut_short_fails_at_its_end(world: World) -> None:
    """The caller has what came before it."""
    client = world.client(packed("gzip", gzip.compress(TEXT)[:-1]))
    received: list[bytes] = []

    async def receive() -> None:
        async with client.stream() as response:
            async for chunk in client.chunks(response):
                received.append(chunk)  # noqa: PERF401 - what came before the failure counts

    with pytest.raises(APINetworkError, match="the compressed body ends before its end"):
        await receive()
    assert received == [TEXT]


async def test_a_packed_stream_in_chunks_of_a_size(world: World) -> None:
    """Cut anew after unpacking."""
    client = world.client(packed("gzip", gzip.compress(b"x" * 25)))
    async with client.stream() as response:
        chunks = [chunk async for chunk in client.chunks(response, "bytes", 10)]
    assert [len(chunk) for chunk in chunks] == [10, 10, 5]


@pytest.mark.parametrize("size", [19_000, 6])
async def test_too_many_codings_are_refused(world: World, size: int) -> None:
    """However many; those that nobody knows do not count."""
    client = world.client(packed(", ".join(["gzip"] * size), TEXT))
    tracemalloc.start()
    with pytest.raises(ResponseError):
        await client.get()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * MEBIBYTE
    assert (await world.client(packed("x, " * size, TEXT)).get()).content == TEXT


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "gzip, gzip", "br, zstd"])
async def test_a_bomb_costs_little_more_than_the_limit(world: World, coding: str) -> None:
    """Of a hundred mebibytes."""
    body = bomb(coding)
    client = world.client(packed(coding, body), max_body_bytes=64 * 1024)
    tracemalloc.start()
    with pytest.raises(ResponseError, match="larger than max_body_bytes, 65536"):
        await client.get()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * MEBIBYTE


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "gzip, gzip"])
async def test_what_an_error_keeps_of_a_bomb_is_bounded(world: World, coding: str) -> None:
    """Without any setting: its first mebibyte, of a call and of a stream."""
    body = bomb(coding)
    client = world.client(packed(coding, body, status=404))
    tracemalloc.start()
    with pytest.raises(NotFoundError) as of_call:
        await client.get()
    with pytest.raises(NotFoundError) as of_stream:
        async with client.stream():
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    for caught in (of_call, of_stream):
        assert len(caught.value.response.content) == MEBIBYTE
    assert peak < 10 * MEBIBYTE
    assert client.wire.unclosed() == []


async def test_a_small_packed_body_is_kept_whole(world: World) -> None:
    """By the error of a call, and of a stream."""
    client = world.client(packed("gzip", gzip.compress(TEXT), status=404))
    with pytest.raises(NotFoundError) as of_call:
        await client.get()
    with pytest.raises(NotFoundError) as of_stream:
        async with client.stream():
            pass
    assert of_call.value.response.content == of_stream.value.response.content == TEXT


async def test_what_a_retry_drains_is_not_unpacked(world: World) -> None:
    """What is small on the wire is read as it comes, and let go of."""
    body = bomb("gzip, gzip")
    headers = {"Content-Encoding": "gzip, gzip", "Content-Length": str(len(body))}
    client = world.client([Answer(503, (body,), headers), 200])
    tracemalloc.start()
    async with client.stream() as response:
        assert response.status_code == 200
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEBIBYTE
