"""`max_body_bytes`: an answer that grows too large, decoded, is cut off."""

import gzip
import pickle
import zlib
from typing import Any

import httpx
import pytest

from client import (
    CircuitState,
    ClientConfig,
    NotFoundError,
    ResilientClient,
    ResponseError,
    SyncResilientClient,
)
from tests.behaviour.wire import Answer
from tests.behaviour.world import BASE_URL, World

OPENS_AT_ONCE = {"failure_threshold": 1}
GZIP = {"Content-Encoding": "gzip"}


async def test_a_body_up_to_the_limit_is_fine(world: World) -> None:
    """In as many pieces as it comes."""
    client = world.client(Answer(200, (b"x" * 50, b"y" * 50)), max_body_bytes=100)
    assert len((await client.get()).content) == 100


@pytest.mark.parametrize("pieces", [(b"x" * 101,), (b"x" * 50, b"y" * 50, b"z")])
async def test_a_body_beyond_it_is_cut_off(world: World, pieces: tuple[bytes, ...]) -> None:
    """Neither retried nor counted; what follows is not even fetched."""
    client = world.client(
        [Answer(200, (*pieces, 3600.0))], max_body_bytes=100, circuit_breaker=OPENS_AT_ONCE
    )
    with pytest.raises(ResponseError) as caught:
        await client.get("/x", request_id="r")
    assert str(caught.value) == (
        "GET http://server.test/x failed: its body is larger than max_body_bytes, 100"
        " (request id r)"
    )
    assert caught.value.request_sent is True
    assert world.now() == 1000
    assert client.wire.unclosed() == []
    assert client.circuit_state is CircuitState.CLOSED


async def test_an_error_status_with_such_a_body(world: World) -> None:
    """Is not read either."""
    client = world.client([Answer(404, (b"x" * 101,))], max_body_bytes=100)
    with pytest.raises(ResponseError):
        await client.get()


async def test_the_decoded_size_counts(world: World) -> None:
    """Not that on the wire."""
    body = gzip.compress(b"x" * 1000)
    assert len(body) < 100
    for limit in (1000, 999):
        client = world.client(Answer(200, (body,), GZIP), max_body_bytes=limit)
        if limit == 1000:
            assert len((await client.get()).content) == 1000
        else:
            with pytest.raises(ResponseError):
                await client.get()


async def test_packing_may_make_a_body_longer(world: World) -> None:
    """As where a server sends every byte of it at once: what it stands for is within the limit."""
    packer = zlib.compressobj(wbits=31)
    pieces = [packer.compress(b"x") + packer.flush(zlib.Z_SYNC_FLUSH) for _ in range(100)]
    body = b"".join([*pieces, packer.flush()])
    assert len(body) > 500
    client = world.client(Answer(200, (body,), GZIP), max_body_bytes=100)
    assert (await client.get()).content == b"x" * 100


async def test_a_stream_is_cut_off_too(world: World) -> None:
    """Where the limit is passed; the answer is let go of."""
    client = world.client([Answer(200, (b"x" * 60, b"y" * 60, 3600.0))], max_body_bytes=100)
    received: list[bytes] = []

    async def receive() -> None:
        async with client.stream() as response:
            async for chunk in client.chunks(response):
                received.append(chunk)  # noqa: PERF401 - what came before the failure counts

    with pytest.raises(ResponseError, match="larger than max_body_bytes, 100"):
        await receive()
    assert received == [b"x" * 60]
    assert client.stats().failures == {"ResponseError": 1}


async def test_a_stream_in_pieces_of_a_size_is_counted(world: World) -> None:
    """However the caller wants them."""
    client = world.client(Answer(200, (b"x" * 60,)), max_body_bytes=60)
    async with client.stream() as response:
        pieces = [piece async for piece in client.chunks(response, "bytes", 25)]
    assert [len(piece) for piece in pieces] == [25, 25, 10]


async def test_the_body_of_a_redirect_counts_too(world: World) -> None:
    """Httpx reads it before it goes on."""
    redirect = Answer(302, (b"x" * 101,), {"Location": "/b"})
    client = world.client([redirect], max_body_bytes=100)
    with pytest.raises(ResponseError):
        await client.get("/a")


async def test_by_default_there_is_no_limit(world: World) -> None:
    """As with httpx."""
    client = world.client(Answer(200, (b"x" * 2**23,)))
    assert len((await client.get()).content) == 2**23


@pytest.mark.parametrize("status", [200, 404])
async def test_an_answer_that_came_read_is_judged_as_it_is(world: World, status: int) -> None:
    """As those of a mock: nothing is put in front of it that could not be pickled."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=b"x" * 100, request=request)

    for limit in (None, 100, 99):
        config = ClientConfig(base_url=BASE_URL, max_body_bytes=limit)
        kind = ResilientClient if world.is_async else SyncResilientClient
        raw = kind(config, transport=httpx.MockTransport(answer))
        client = world.caller(raw, world.wire(200))
        if limit == 99:
            with pytest.raises(ResponseError, match="larger than max_body_bytes, 99"):
                await client.get()
            continue
        response: Any = None
        try:
            response = await client.get()
        except NotFoundError as error:
            response = error.response
        assert pickle.loads(pickle.dumps(response)).content == b"x" * 100  # noqa: S301 - our own
