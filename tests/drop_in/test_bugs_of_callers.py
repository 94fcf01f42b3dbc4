"""A body that was taken, and a body with a bug: neither is sent a second time."""

import gzip
import io
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from client import CircuitBreaker, CircuitState
from tests.drop_in.kits import URL, Kit
from tests.drop_in.test_raised_below import (
    AsyncBackend,
    BlockingBackend,
    ending_of,
    transport_over,
)


def once(kit: Kit, *chunks: Any) -> Any:
    """Return a body that can be read once."""

    async def later() -> AsyncIterator[Any]:
        for chunk in chunks:
            yield chunk

    def now() -> Iterator[Any]:
        yield from chunks

    return later() if kit.is_async else now()


async def test_a_body_that_was_taken_in_vain(kit: Kit) -> None:
    """As where a server says that it did not take the request on: that ends the call."""
    count = 0

    def refuse(_request: Any) -> None:
        nonlocal count
        count += 1
        raise kit.module.ConnectError("elsewhere")

    # Which reads the body before it asks.
    client = kit.client(transport=kit.module.MockTransport(refuse))
    with pytest.raises(kit.module.ConnectError):
        await client.put(URL, content=once(kit, b"pay"))
    assert count == 1


async def bug_of(kit: Kit, **body: Any) -> BaseException | None:
    """Send a body over httpx's own transport; return what it ends with: at once, and uncounted."""
    backend = AsyncBackend("none") if kit.is_async else BlockingBackend("none")
    breaker = CircuitBreaker(failure_threshold=1)
    client = kit.client(transport=transport_over(kit, backend), circuit_breaker=breaker)
    outcome = await ending_of(client.put(URL, **body))
    assert breaker.state is CircuitState.CLOSED
    assert client.stats().attempts == 1
    return outcome


@pytest.mark.parametrize("chunk", ["text", 5])
async def test_a_body_that_yields_no_bytes(kit: Kit, chunk: Any) -> None:
    """What httpx raises over it stays as it is."""
    assert type(await bug_of(kit, content=once(kit, b"a", chunk))) is TypeError


async def test_a_body_that_ends_in_a_bug(kit: Kit) -> None:
    """Its generator is gone by the time the exception comes out."""

    async def later() -> AsyncIterator[bytes]:
        for chunk in (b"a", b""):
            yield chunk or next(iter(()))

    def now() -> Iterator[bytes]:
        yield b"a"
        yield next(iter(()))

    outcome = await bug_of(kit, content=later() if kit.is_async else now())
    assert type(outcome) is RuntimeError
    assert "StopIteration" in str(outcome)


async def test_a_file_that_cannot_be_read(kit: Kit) -> None:
    """It is of the standard library, and of no layer below."""
    packed = gzip.compress(b"a" * 99)[:-8] + bytes(8)
    file = gzip.GzipFile(fileobj=io.BytesIO(packed))
    assert type(await bug_of(kit, files={"report": file})) is gzip.BadGzipFile
