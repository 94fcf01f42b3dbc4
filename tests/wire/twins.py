"""The two clients in one shape, so that a test is written once and run on both.

A test is an `async def`. For the async twin it is a task of an event loop; for the
blocking twin every `await` in it blocks and none suspends.
"""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeAlias, TypeVar, cast

from client import ClientConfig, ResilientClient, SyncResilientClient
from client.runtime.coroutines import run_to_end
from client.transports.aiohttp.pool import WirePool
from tests.eventually import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
    from typing import Unpack

    import httpx

    from client import CircuitState, ClientStats
    from client.faces.facade.call_options import CallOptions

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


def settings(url: str, **overrides: Any) -> ClientConfig:
    """A configuration that waits for nothing between attempts."""
    quick = {"min_wait_seconds": 0.0, "max_wait_seconds": 0.0, "jitter": False}
    return ClientConfig(base_url=url).merged(retry=quick).merged(**overrides)


Client: TypeAlias = ResilientClient
"""What a test sees; for the blocking twin it is a `BlockingClient` that behaves like one."""


class Task(Protocol[T_co]):
    """Something that goes on beside the test."""

    async def result(self) -> T_co:
        """Wait for its end; return or raise what it did."""
        ...


class Twin(ABC):
    """One of the two."""

    is_async: bool

    @abstractmethod
    def tell(self, story: Coroutine[Any, Any, None]) -> None:
        """Run a test."""

    @abstractmethod
    def client(self, config: ClientConfig, **parts: Any) -> Client:
        """Make a client."""

    @abstractmethod
    def start(self, work: Coroutine[Any, Any, T]) -> Task[T]:
        """Begin something beside the test."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Let real time pass."""

    @abstractmethod
    async def read(self, response: httpx.Response) -> bytes:
        """Read a streamed answer to its end."""

    @abstractmethod
    def chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """Read a streamed answer bit by bit."""

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for what a server, another thread or another task brings about."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < give_up_at, "it never came to hold"
            await self.sleep(0.002)  # see `eventually`: here, tasks of the loop go on meanwhile


class AsyncTask(Generic[T]):
    """An `asyncio.Task`."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._task = asyncio.get_running_loop().create_task(work)

    async def result(self) -> T:
        """Wait for its end; return or raise what it did."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._task


class AsyncTwin(Twin):
    """`ResilientClient`."""

    is_async = True

    def tell(self, story: Coroutine[Any, Any, None]) -> None:
        """Run a test on a loop of its own, whose complaints fail it."""
        tell(story)

    def client(self, config: ClientConfig, **parts: Any) -> Client:
        """Make a client."""
        return ResilientClient(config, **parts)

    def start(self, work: Coroutine[Any, Any, T]) -> Task[T]:
        """Begin a task."""
        return AsyncTask(work)

    async def sleep(self, seconds: float) -> None:
        """Let real time pass."""
        await asyncio.sleep(seconds)

    async def read(self, response: httpx.Response) -> bytes:
        """Read a streamed answer to its end."""
        return await response.aread()

    def chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """Read a streamed answer bit by bit."""
        return response.aiter_bytes()


class AiohttpTwin(AsyncTwin):
    """`ResilientClient` over aiohttp."""

    def client(self, config: ClientConfig, **parts: Any) -> Client:
        """Make a client, unless it is told what to speak through."""
        if not {"transport", "http_client"} & parts.keys():
            config = config.merged(backend="aiohttp")
        return super().client(config, **parts)


class Thread(Generic[T]):
    """A thread."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._work = work
        self._outcome: list[T] = []
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    async def result(self) -> T:
        """Wait for its end; return or raise what it did."""
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "it hangs"
        if self._error is not None:
            raise self._error
        return self._outcome[0]

    def _run(self) -> None:
        try:
            self._outcome.append(run_to_end(self._work))
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            self._error = error


class BlockingClient:
    """`SyncResilientClient` in the shape of its twin."""

    def __init__(self, client: SyncResilientClient) -> None:
        self._client = client
        self._session = client._session

    async def request(
        self, method: str, url: str, **options: Unpack[CallOptions]
    ) -> httpx.Response:
        """Send a request."""
        return self._client.request(method, url, **options)

    async def get(self, url: str, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a GET request."""
        return self._client.get(url, **options)

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, **options: Unpack[CallOptions]
    ) -> AsyncGenerator[httpx.Response]:
        """Send a request and hand over the answer unread."""
        with self._client.stream(method, url, **options) as response:
            yield response

    async def close(self) -> None:
        """Close the client."""
        self._client.close()

    def stats(self) -> ClientStats:
        """Return a snapshot."""
        return self._client.stats()

    @property
    def circuit_state(self) -> CircuitState | None:
        """The state of the circuit."""
        return self._client.circuit_state

    async def __aenter__(self) -> Self:
        self._client.__enter__()
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._client.close()


class BlockingTwin(Twin):
    """`SyncResilientClient`."""

    is_async = False

    def tell(self, story: Coroutine[Any, Any, None]) -> None:
        """Run a test in this thread."""
        run_to_end(story)

    def client(self, config: ClientConfig, **parts: Any) -> Client:
        """Make a client."""
        return cast("Client", BlockingClient(SyncResilientClient(config, **parts)))

    def start(self, work: Coroutine[Any, Any, T]) -> Task[T]:
        """Begin a thread."""
        return Thread(work)

    async def sleep(self, seconds: float) -> None:
        """Let real time pass."""
        time.sleep(seconds)  # noqa: ASYNC251 - this twin blocks

    async def read(self, response: httpx.Response) -> bytes:
        """Read a streamed answer to its end."""
        return response.read()

    async def chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """Read a streamed answer bit by bit."""
        for chunk in response.iter_bytes():
            yield chunk


TWINS: dict[str, Callable[[], Twin]] = {
    "async": AsyncTwin,
    "blocking": BlockingTwin,
    "aiohttp": AiohttpTwin,
}


def tell(story: Coroutine[Any, Any, None]) -> None:
    """Run a test on an event loop whose complaints fail it."""
    complaints: list[dict[str, Any]] = []
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
        runner.run(story)
    assert complaints == []


def pools_of(client: Client) -> list[Any]:
    """The connection pools under a client, one for each proxy and one for none."""
    http = client._session.http.client
    return [transport._pool for transport in (http._transport, *http._mounts.values())]


def check_all_is_back(client: Client) -> None:
    """Assert that an ended call holds no slot, and that its connection is closed or free."""
    stats = client.stats()
    assert (stats.slots_in_use, stats.slots_waiting) == (0, 0)
    assert not getattr(client._session.http, "_under_way", ())
    for pool in pools_of(client):
        assert [each for each in pool.connections if not each.is_idle()] == []
        if isinstance(pool, WirePool):
            assert (pool._opening, list(pool._queued)) == (0, [])
            continue
        assert not getattr(pool._network_backend, "_connecting", ())
        assert pool._requests == []


def state_of(client: Client) -> CircuitState | None:
    """The state of the circuit, which mypy takes for a constant where it reads the property."""
    return client.circuit_state


async def read_stream(twin: Twin, client: Client, **options: Unpack[CallOptions]) -> bytes:
    """Get an answer as a stream and read it."""
    async with client.stream("GET", "/", **options) as response:
        assert response.status_code == 200
        return await twin.read(response)


async def outcome_of(work: Awaitable[T]) -> T | Exception:
    """What a call returned or raised."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - it is what the test looks at
        return error


async def together(twin: Twin, *calls: Coroutine[Any, Any, T]) -> list[T | Exception]:
    """Begin calls at the same time, and return what each returned or raised."""
    tasks = [twin.start(outcome_of(call)) for call in calls]
    return [await task.result() for task in tasks]
