"""httpx runs on trio, and so do the async drop-ins."""

import threading
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio

import client.httpx2
from client import CircuitBreaker, CircuitOpenError, ClientConfig, DeadlineExceededError
from client.ports.asyncio_ports import AsyncioPorts
from tests.codings import MEBIBYTE, bomb
from tests.drop_in.conftest import Serve
from tests.drop_in.kits import URL, Kit
from tests.eventually import eventually
from tests.wire.scripted_server import Connection, head

FAMILIES = pytest.mark.parametrize("family", ["httpx", "httpx2"])


def run(story: Callable[[], Awaitable[Any]]) -> Any:
    """Run a story on trio."""
    return trio.run(story)


@FAMILIES
def test_calls_are_retried(family: str, serve: Serve) -> None:
    """Over a real socket, with a wait in between."""

    def failing(connection: Connection) -> None:
        connection.read_request()
        connection.answer(503)
        connection.read_request()
        connection.answer(200, b"good")

    server = serve(failing)

    async def story() -> None:
        kit = Kit(family, is_async=True)
        async with kit.ours_of(backoff_factor=0.001, verify=False) as client:
            response = await client.get(server.url)
            assert response.content == b"good"
            assert response.extensions["resilience"].waits == (0.001,)

    run(story)


@FAMILIES
def test_long_unpacking_lets_others_run(family: str, serve: Serve) -> None:
    """By trio's own checkpoint."""

    def packed(connection: Connection) -> None:
        connection.read_request()
        connection.answer(200, bomb("gzip", 10), content_encoding="gzip")

    server = serve(packed)

    async def story() -> None:
        kit = Kit(family, is_async=True)
        async with kit.ours_of(verify=False) as client:
            assert len((await client.get(server.url)).content) == 10 * MEBIBYTE

    run(story)


@FAMILIES
@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")  # as without us
def test_a_time_limit_holds(family: str, serve: Serve) -> None:
    """By trio's own cancellation."""

    def dripping(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        connection.drip(b"x" * 10_000, every=0.01)

    server = serve(dripping)

    async def story() -> None:
        kit = Kit(family, is_async=True)
        async with kit.ours_of(max_total_time=0.1, verify=False) as client:
            with pytest.raises(DeadlineExceededError):
                await client.get(server.url)
            async with client.stream("GET", server.url) as response:
                with pytest.raises(DeadlineExceededError):
                    await response.aread()

    run(story)


@FAMILIES
@pytest.mark.filterwarnings("ignore:Async generator 'http:ResourceWarning")  # as without us
def test_a_body_that_is_left_is_closed(family: str, serve: Serve) -> None:
    """What we put around it is not left to the garbage collector, of which trio would warn."""

    def in_two_parts(connection: Connection) -> None:
        packer = zlib.compressobj(wbits=31)
        first = packer.compress(b"1") + packer.flush(zlib.Z_SYNC_FLUSH)
        connection.read_request()
        connection.send(head(content_encoding="gzip", content_length="1000") + first)
        connection.stall()

    server = serve(in_two_parts, in_two_parts)

    async def story() -> None:
        kit = Kit(family, is_async=True)
        async with kit.ours_of(max_total_time=0.2, verify=False) as client:
            for read in ("aiter_bytes", "aiter_raw"):
                async with client.stream("GET", server.url) as response:
                    body = getattr(response, read)()
                    assert await anext(body)
                    await trio.sleep(0.3)
                    with pytest.raises(DeadlineExceededError):
                        await anext(body)

    run(story)


@FAMILIES
def test_transports_and_streams_work(family: str) -> None:
    """On a server of a few lines."""

    async def story() -> None:
        kit = Kit(family, is_async=True)
        transport = kit.ours.AsyncResilientTransport(kit.wire(503, 200), backoff_factor=0)
        async with kit.theirs_of(transport=transport) as client:
            assert (await client.get(URL)).status_code == 200
        client = kit.ours_of(transport=kit.wire(503, 200), backoff_factor=0)
        async with client, client.stream("GET", URL, max_retries=1) as response:
            assert await response.aread() == b"ok"

    run(story)


def test_cancellation_passes_through() -> None:
    """In the middle of a wait; it is never retried."""
    kit = Kit("httpx", is_async=True)
    wire = kit.wire(503)

    async def story() -> None:
        async with kit.ours_of(transport=wire, backoff_factor=60) as client:
            with trio.move_on_after(0.01) as scope:
                await client.get(URL)
            assert scope.cancelled_caught

    run(story)
    assert len(wire.arrivals) == 1


def test_a_circuit_may_be_shared_with_threads_and_with_another_run() -> None:
    """The clock of trio begins anew, somewhere else, in each run: the circuit does not go by it."""
    breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=3600)
    blocking = Kit("httpx", is_async=False)
    with blocking.ours_of(transport=blocking.wire(500), max_retries=0) as client:
        client.get(URL, circuit_breaker=breaker)

    async def story() -> None:
        kit = Kit("httpx", is_async=True)
        async with kit.ours_of(transport=kit.wire(200), circuit_breaker=breaker) as client:
            with pytest.raises(CircuitOpenError) as caught:
                await client.get(URL)
        assert caught.value.retry_after == pytest.approx(3600, abs=10)

    run(story)


def test_a_client_that_was_closed_does_not_wait() -> None:
    """Whatever it was about to wait for."""
    ports = AsyncioPorts()
    ports.wake_sleepers()
    run(lambda: ports.sleep(3600))


def test_a_wait_ends_where_a_shared_circuit_opens() -> None:
    """From another thread."""
    breaker = CircuitBreaker(failure_threshold=1)

    def fail() -> None:
        eventually(lambda: breaker.circuit._wakers)
        blocking = Kit("httpx", is_async=False)
        with blocking.ours_of(transport=blocking.wire(500), max_retries=0) as client:
            client.get(URL, circuit_breaker=breaker)

    async def story() -> None:
        kit = Kit("httpx", is_async=True)
        options = {"circuit_breaker": breaker, "backoff_factor": 100_000}
        async with kit.ours_of(transport=kit.wire(503), **options) as client:
            other = threading.Thread(target=fail)
            other.start()
            assert (await client.get(URL)).status_code == 503
            other.join()

    run(story)


USES: dict[str, tuple[Callable[[Any], Awaitable[Any]], int]] = {
    "request": (lambda facade: facade.get("/"), 1),
    "stream": (lambda facade: facade.stream("GET", "/").__aenter__(), 1),
    "block": (lambda facade: facade.__aenter__(), 0),
    "lifetime": (lambda facade: facade._ensure_initialized(), 0),
}
"""What may be tried with a facade, and how many attempts begin."""


@pytest.mark.parametrize("ours", [client, client.httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("use", USES)
def test_the_facade_says_what_works_here(ours: Any, use: str) -> None:
    """It runs on asyncio only; it keeps no slot, and can be closed."""

    async def story() -> None:
        facade = ours.ResilientClient(ClientConfig(base_url=URL))
        work, attempts = USES[use]
        with pytest.raises(RuntimeError, match=r"asyncio only.* under trio use AsyncClient, "):
            await work(facade)
        stats = facade.stats()
        assert (stats.slots_in_use, stats.attempts) == (0, attempts)
        await facade.close()

    run(story)
