"""A body left half read: the garbage collector, or the end of the loop, closes its readers."""

import asyncio
import gc
import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from client.http.bodies.response_body import MOST_KEPT, BodyCut, BodyGuard, BodyLimit
from client.http.bodies.response_decoding import Decoding
from client.http.family import family_named


async def pause() -> None:
    """Let others run."""
    await asyncio.sleep(0)


async def watch(fetch: Any) -> bytes:
    """Read without a bound."""
    read: bytes = await fetch()
    return read


def install_all(response: Any) -> None:
    """What a facade puts in front of a streamed answer."""
    Decoding(family_named("httpx"), pause).install(response)
    BodyLimit(MOST_KEPT).install(response)
    BodyGuard(watch).install(response)


GUARDS: dict[str, Callable[[Any], object]] = {
    "decoding": Decoding(family_named("httpx"), pause).install,
    "limit": BodyLimit(MOST_KEPT).install,
    "cut": BodyCut(MOST_KEPT).install,
    "guard": BodyGuard(watch).install,
    "all": install_all,
}


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("reads", ["aiter_raw", "aiter_bytes", "aiter_text", "aiter_lines"])
@pytest.mark.parametrize("is_kept", [False, True], ids=["collected", "until the loop ends"])
def test_a_body_that_is_left_is_closed_without_a_complaint(
    guard: str, reads: str, *, is_kept: bool
) -> None:
    """Whatever stands in front of it, one after the other or, by the loop, all at once."""
    complaints: list[Any] = []
    is_closed = []
    kept: list[Any] = []
    packed = gzip.compress(b"a line\n" * 100_000)

    async def body() -> AsyncIterator[bytes]:
        try:
            for at in range(0, len(packed), 10):
                yield packed[at : at + 10]
        finally:
            is_closed.append(True)

    async def story() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        response = httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=body())
        response.request = httpx.Request("GET", "http://server.test/")
        GUARDS[guard](response)
        reader = getattr(response, reads)()
        assert await anext(reader)
        kept.extend([reader, response] * is_kept)
        del reader, response
        gc.collect()
        for _ in range(20):
            await pause()

    asyncio.run(story())
    assert complaints == []
    assert is_closed == [True]
