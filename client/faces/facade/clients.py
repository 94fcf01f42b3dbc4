"""The facade: `ResilientClient` and its blocking twin, two faces of one session.

They translate arguments in and outcomes out, and decide nothing.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from ...errors.urls import mask_url
from ...http.family import family_named
from ...ports.asyncio_ports import ASYNCIO
from ...ports.blocking_ports import BLOCKING
from ...runtime.coroutines import run_to_end
from ...runtime.event_loop import require_asyncio
from ..nesting import check_client, check_transports
from ..reprs import describe
from .arguments import check_config, check_parts, refuse_settings
from .call_options import show_options
from .http_client import check_backend
from .session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Iterable
    from types import TracebackType
    from typing import Never, Unpack

    import httpx

    from ...config.models import ClientConfig
    from ...engine.ports import World
    from ...events import Listener
    from ...http import shapes
    from ...metrics.stats import ClientStats
    from ...strategies.circuit.control import CircuitControl
    from ...strategies.circuit.state import CircuitState
    from ...telemetry.health import Health
    from .call_options import CallOptions

    URL = str | shapes.URL

__all__ = [
    "AsyncFacade",
    "BlockingFacade",
    "ResilientClient",
    "SyncResilientClient",
    "create_resilient_client",
]


ResponseT = TypeVar("ResponseT")
TransportT = TypeVar("TransportT")
ClientT = TypeVar("ClientT")


class _Facade(Generic[ResponseT, TransportT, ClientT]):
    """What both faces have: their session, and what can be asked of it without waiting."""

    _family_name: ClassVar[str]
    _world: ClassVar[World]

    def __init__(  # noqa: PLR0913 - what a client is made of, each named by the caller
        self,
        config: ClientConfig | None = None,
        *,
        transport: TransportT | None = None,
        http_client: ClientT | None = None,
        listeners: Iterable[Listener] = (),
        telemetry: Iterable[Any] = (),
        fallback: object = None,
        middleware: Iterable[object] = (),
        attempt_middleware: Iterable[object] = (),
        plugins: Iterable[object] = (),
        allow_chaos: bool = False,
        **settings: Never,
    ) -> None:
        refuse_settings(type(self).__name__, settings)
        family = family_named(self._family_name)
        check_config(config)
        family.check_ours("transport", transport)
        if http_client is not None:
            plain = "AsyncClient" if self._world.is_async else "Client"
            check_client(http_client, f"{family.name}.{plain}")
        if config is None or config.retry is not None:
            check_transports({"transport": transport})
        check_parts(family.module, transport, http_client, is_async=self._world.is_async)
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
            telemetry=telemetry,
            fallback=fallback,
            middleware=middleware,
            attempt_middleware=attempt_middleware,
            plugins=plugins,
            allow_chaos=allow_chaos,
        )
        self._session.plugins.belong_to(self)

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
        return self._session.control.state

    @property
    def circuit(self) -> CircuitControl:
        """The circuit, to be isolated and released by hand; also where none is configured."""
        return self._session.control

    def reconfigure(self, **overrides: object) -> None:
        """Change settings of a client at work, as `ClientConfig.merged` takes them.

        All of it is checked first. Calls under way keep what they began with; circuits, limits and
        budgets keep their state. `Reconfigured` tells what has changed, without values.

        Raises:
            ValueError: A setting is unknown or refused, or the client is made with it: `name`,
                `verify_ssl`, `http2`, `trust_env`, `backend`, `headers`, `user_agent`, scheme and
                host of `base_url`. Nothing has changed then.
        """
        self._session.reconfigure(overrides)

    @property
    def middleware(self) -> tuple[Any, ...]:
        """What goes around each call, the outermost first, that of plugins included."""
        return self._session.wanted.middleware

    @property
    def attempt_middleware(self) -> tuple[Any, ...]:
        """What goes around each attempt."""
        return self._session.wanted.attempt_middleware

    def stats(self) -> ClientStats:
        """Return a snapshot: operations, attempts, retries, failures, slots and circuits."""
        return self._session.stats()

    def health(self, *, ready_requires: Iterable[str] = ()) -> Health:
        """Return whether the client can do its work, as a dictionary for probes.

        Args:
            ready_requires: Origins such as "https://ledger.internal" without which it is not
                ready. By default an open circuit leaves it ready. One that was not called yet
                counts as fine.

        Raises:
            TypeError: `ready_requires` is a text and no collection of them.
            ValueError: Something in it is no origin.
        """
        return self._session.health(ready_requires)

    def __repr__(self) -> str:
        name, base_url = self.config.name, mask_url(self.config.base_url)
        return describe(self, name, base_url, is_closed=self.is_closed)


@show_options
class AsyncFacade(_Facade[ResponseT, TransportT, ClientT]):
    """The async one, without its family."""

    _world = ASYNCIO

    async def request(self, method: str, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a request and return the answer, which is a 2xx or a 3xx.

        Raises:
            MyAPIError: The operation failed, for good or after its retries; see
                `client.exceptions`.
            ValueError: `request_id` or `deadline` is not allowed.
        """
        response: ResponseT = await self._session.request(method, url, options)
        return response

    async def get(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a GET request; see `request`."""
        return await self.request("GET", url, **options)

    async def post(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a POST request; see `request`."""
        return await self.request("POST", url, **options)

    async def put(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a PUT request; see `request`."""
        return await self.request("PUT", url, **options)

    async def patch(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a PATCH request; see `request`."""
        return await self.request("PATCH", url, **options)

    async def delete(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a DELETE request; see `request`."""
        return await self.request("DELETE", url, **options)

    async def head(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a HEAD request; see `request`."""
        return await self.request("HEAD", url, **options)

    async def options(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send an OPTIONS request; see `request`."""
        return await self.request("OPTIONS", url, **options)

    @asynccontextmanager
    async def stream(
        self, method: str, url: URL, **options: Unpack[CallOptions]
    ) -> AsyncGenerator[ResponseT]:
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
        """Build the httpx client and start the plugins now rather than at the first call."""
        require_asyncio()
        await self._session.initialize()
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


@show_options
class BlockingFacade(_Facade[ResponseT, TransportT, ClientT]):
    """The blocking one, without its family."""

    _world = BLOCKING

    def request(self, method: str, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a request and return the answer, which is a 2xx or a 3xx.

        Raises:
            MyAPIError: The operation failed, for good or after its retries; see
                `client.exceptions`.
            ValueError: `request_id` or `deadline` is not allowed.
        """
        response: ResponseT = run_to_end(self._session.request(method, url, options))
        return response

    def get(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a GET request; see `request`."""
        return self.request("GET", url, **options)

    def post(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a POST request; see `request`."""
        return self.request("POST", url, **options)

    def put(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a PUT request; see `request`."""
        return self.request("PUT", url, **options)

    def patch(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a PATCH request; see `request`."""
        return self.request("PATCH", url, **options)

    def delete(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a DELETE request; see `request`."""
        return self.request("DELETE", url, **options)

    def head(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a HEAD request; see `request`."""
        return self.request("HEAD", url, **options)

    def options(self, url: URL, **options: Unpack[CallOptions]) -> ResponseT:
        """Send an OPTIONS request; see `request`."""
        return self.request("OPTIONS", url, **options)

    @contextmanager
    def stream(self, method: str, url: URL, **options: Unpack[CallOptions]) -> Generator[ResponseT]:
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
        """Build the httpx client and start the plugins now rather than at the first call."""
        run_to_end(self._session.initialize())
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


class ResilientClient(
    AsyncFacade["httpx.Response", "httpx.AsyncBaseTransport", "httpx.AsyncClient"]
):
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
        telemetry: Where metrics and traces go: `PrometheusMetrics()`, a `MetricSink` of your own,
            and their like; see `client.telemetry`.
        fallback: What answers in place of an operation that failed: a response, a function
            `(error, request) -> response`, or a `Fallback`. By default its error is raised.
        middleware: Goes around each call, the first outermost: callables `(request, call_next)`.
        attempt_middleware: Goes around each attempt of it, inside the retries.
        plugins: Objects that bring some of these, and live as long as the client.
        allow_chaos: Whether the faults of `config.chaos` are injected.

    Raises:
        ValueError: A setting cannot be applied to an `http_client` that was passed in, or both
            `transport` and `http_client` are given.
        TypeError: `http_client` is not an `httpx.AsyncClient`.
    """

    _family_name: ClassVar[str] = "httpx"


class SyncResilientClient(BlockingFacade["httpx.Response", "httpx.BaseTransport", "httpx.Client"]):
    """The blocking twin of `ResilientClient`, safe to share between threads.

    It takes the same arguments, with `httpx.Client` and `httpx.BaseTransport` in place of their
    async kin.
    """

    _family_name: ClassVar[str] = "httpx"


def create_resilient_client(  # noqa: PLR0913 - as the client
    config: ClientConfig | None = None,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    http_client: httpx.AsyncClient | None = None,
    listeners: Iterable[Listener] = (),
    telemetry: Iterable[Any] = (),
    fallback: object = None,
    middleware: Iterable[object] = (),
    attempt_middleware: Iterable[object] = (),
    plugins: Iterable[object] = (),
    allow_chaos: bool = False,
    **settings: Never,
) -> ResilientClient:
    """Make the client for an `async with` statement, or for a lifetime held by hand."""
    return ResilientClient(
        config,
        transport=transport,
        http_client=http_client,
        listeners=listeners,
        telemetry=telemetry,
        fallback=fallback,
        middleware=middleware,
        attempt_middleware=attempt_middleware,
        plugins=plugins,
        allow_chaos=allow_chaos,
        **settings,
    )
