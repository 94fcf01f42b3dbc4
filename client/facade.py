"""The facade: `ResilientClient` and its blocking twin, two faces of one session.

They translate arguments in and outcomes out, and decide nothing.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Self

from client.asyncio_ports import ASYNCIO
from client.blocking_ports import BLOCKING
from client.config import ClientConfig
from client.family import family_named
from client.http_client import check_backend
from client.ports import run_to_end
from client.session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable
    from types import TracebackType
    from typing import Unpack

    import httpx

    from client.call_options import CallOptions
    from client.circuit_state import CircuitState
    from client.events import Listener
    from client.ports import World
    from client.stats import ClientStats

    URL = str | httpx.URL

__all__ = ["ResilientClient", "SyncResilientClient", "create_resilient_client"]


class _Face:
    """What both faces have: their session, and what can be asked of it without waiting."""

    _family_name: ClassVar[str] = "httpx"
    _world: ClassVar[World]

    def __init__(
        self,
        config: ClientConfig | None = None,
        *,
        transport: Any = None,
        http_client: Any = None,
        listeners: Iterable[Listener] = (),
    ) -> None:
        family = family_named(self._family_name)
        _check_config(config)
        _check_parts(family.module, transport, http_client, is_async=self._world.is_async)
        if config is not None:
            is_async = self._world.is_async
            check_backend(config, is_async=is_async, transport=transport, http_client=http_client)
        self._session = Session(
            config,
            world=self._world,
            family=family,
            transport=transport,
            http_client=http_client,
            listeners=listeners,
        )

    @property
    def config(self) -> ClientConfig:
        """The configuration in force."""
        return self._session.config

    @property
    def is_closed(self) -> bool:
        """Whether the client was closed."""
        return self._session.engine.is_closed

    @property
    def circuit_state(self) -> CircuitState | None:
        """The state of the circuit; with one per origin the worst of them; None without any."""
        return self._session.circuit_state()

    def stats(self) -> ClientStats:
        """Return a snapshot: operations, attempts, retries, failures, slots and circuits."""
        return self._session.stats()

    def __repr__(self) -> str:
        state = "closed" if self.is_closed else "open"
        return f"<{type(self).__name__} {state} {self.config!r}>"


class ResilientClient(_Face):
    """An async HTTP client whose calls survive the failures of others.

    One object for the whole life of an application, shared by its tasks. It builds its one
    `httpx.AsyncClient` at the first use.

    Args:
        config: The configuration; None for the defaults.
        transport: An `httpx.AsyncBaseTransport` to send through.
        http_client: An `httpx.AsyncClient` to use. It stays its owner's: it is never closed
            here, its own redirect rules and cookies apply, and only what `config` was given
            explicitly overrides its settings.
        listeners: Callables that are told what happens; see `client.events`.

    Raises:
        ValueError: A setting cannot be applied to an `http_client` that was passed in, or both
            `transport` and `http_client` are given.
        TypeError: `http_client` is not an `httpx.AsyncClient`.
    """

    _world = ASYNCIO

    async def request(
        self, method: str, url: URL, **options: Unpack[CallOptions]
    ) -> httpx.Response:
        """Send a request and return the answer, which is a 2xx or a 3xx.

        Raises:
            MyAPIError: The operation failed, for good or after its retries; see
                `client.exceptions`.
            ValueError: `request_id` or `deadline` is not allowed.
        """
        response: httpx.Response = await self._session.request(method, url, options)
        return response

    async def get(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a GET request; see `request`."""
        return await self.request("GET", url, **options)

    async def post(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a POST request; see `request`."""
        return await self.request("POST", url, **options)

    async def put(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a PUT request; see `request`."""
        return await self.request("PUT", url, **options)

    async def patch(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a PATCH request; see `request`."""
        return await self.request("PATCH", url, **options)

    async def delete(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a DELETE request; see `request`."""
        return await self.request("DELETE", url, **options)

    async def head(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a HEAD request; see `request`."""
        return await self.request("HEAD", url, **options)

    async def options(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send an OPTIONS request; see `request`."""
        return await self.request("OPTIONS", url, **options)

    @asynccontextmanager
    async def stream(
        self, method: str, url: URL, **options: Unpack[CallOptions]
    ) -> AsyncGenerator[httpx.Response]:
        """Send a request and hand over the answer before its body has been read.

        It is retried until the head has come, never after. The operation, its slot and its
        deadline last until the block is left.
        """
        stream = self._session.stream(method, url, options)
        raised: BaseException | None = None
        try:
            yield await stream.open()
        except BaseException as error:
            raised = error
            raise
        finally:
            await stream.close(raised)
            raised = None

    async def close(self) -> None:
        """Close the client for good; a second time does nothing.

        Calls in flight end with `ClientClosedError`. Returns within five seconds.
        """
        await self._session.close()

    async def _ensure_initialized(self) -> Self:
        """Build the httpx client now rather than at the first call."""
        _ = self._session.http
        return self

    async def __aenter__(self) -> Self:
        return await self._ensure_initialized()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class SyncResilientClient(_Face):
    """The blocking twin of `ResilientClient`, safe to share between threads.

    It takes the same arguments, with `httpx.Client` and `httpx.BaseTransport` in place of their
    async kin.
    """

    _world = BLOCKING

    def request(self, method: str, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a request and return the answer, which is a 2xx or a 3xx.

        Raises:
            MyAPIError: The operation failed, for good or after its retries; see
                `client.exceptions`.
            ValueError: `request_id` or `deadline` is not allowed.
        """
        response: httpx.Response = run_to_end(self._session.request(method, url, options))
        return response

    def get(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a GET request; see `request`."""
        return self.request("GET", url, **options)

    def post(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a POST request; see `request`."""
        return self.request("POST", url, **options)

    def put(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a PUT request; see `request`."""
        return self.request("PUT", url, **options)

    def patch(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a PATCH request; see `request`."""
        return self.request("PATCH", url, **options)

    def delete(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a DELETE request; see `request`."""
        return self.request("DELETE", url, **options)

    def head(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send a HEAD request; see `request`."""
        return self.request("HEAD", url, **options)

    def options(self, url: URL, **options: Unpack[CallOptions]) -> httpx.Response:
        """Send an OPTIONS request; see `request`."""
        return self.request("OPTIONS", url, **options)

    @contextmanager
    def stream(
        self, method: str, url: URL, **options: Unpack[CallOptions]
    ) -> Generator[httpx.Response]:
        """Send a request and hand over the answer before its body has been read.

        It is retried until the head has come, never after. The operation, its slot and its
        deadline last until the block is left.
        """
        stream = self._session.stream(method, url, options)
        raised: BaseException | None = None
        try:
            yield run_to_end(stream.open())
        except BaseException as error:
            raised = error
            raise
        finally:
            try:
                run_to_end(stream.close(raised))
            finally:
                stream.give_back()
                raised = None

    def close(self) -> None:
        """Close the client for good; a second time does nothing.

        Calls in flight in other threads end with `ClientClosedError`.
        """
        run_to_end(self._session.close())

    def _ensure_initialized(self) -> Self:
        """Build the httpx client now rather than at the first call."""
        _ = self._session.http
        return self

    def __enter__(self) -> Self:
        return self._ensure_initialized()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def create_resilient_client(
    config: ClientConfig | None = None,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    http_client: httpx.AsyncClient | None = None,
    listeners: Iterable[Listener] = (),
) -> ResilientClient:
    """Make the client for an `async with` statement, or for a lifetime held by hand."""
    return ResilientClient(
        config, transport=transport, http_client=http_client, listeners=listeners
    )


def _check_config(config: object) -> None:
    if config is not None and not isinstance(config, ClientConfig):
        raise TypeError(f"config is a {_kind_of(config)}: give a ClientConfig")


def _check_parts(module: Any, transport: Any, http_client: Any, *, is_async: bool) -> None:
    if transport is not None and http_client is not None:
        raise ValueError("give transport or http_client, not both: a client has its transport")
    kind = module.AsyncClient if is_async else module.Client
    if http_client is not None and not isinstance(http_client, kind):
        wanted = f"{module.__name__}.{kind.__name__}"
        raise TypeError(f"http_client is a {_kind_of(http_client)}: give a {wanted}")
    base = module.AsyncBaseTransport if is_async else module.BaseTransport
    if transport is not None and not isinstance(transport, base):
        wanted = f"{module.__name__}.{base.__name__}"
        raise TypeError(f"transport is a {_kind_of(transport)}: give a {wanted}")


def _kind_of(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
