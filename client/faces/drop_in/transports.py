"""Transports that protect another transport, without their family.

A transport sees one exchange at a time: neither redirects nor auth flows, and the body of an
answer only when the client reads it, which is after its work is done. So what is retried here is
what happens up to the head of the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from ...http.bodies.response_decoding import Decoding
from ...http.family import family_named
from ...ports.asyncio_ports import ASYNCIO
from ...ports.blocking_ports import BLOCKING
from ...runtime.coroutines import run_to_end
from ..nesting import check_transports
from .options import RetrySettings, split_options, take_identity
from .session import DropIn

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Self, Unpack

    from ...engine.ports import World
    from ...http.shapes import Options, Request
    from ...metrics.stats import ClientStats
    from ...strategies.circuit.control import CircuitControl
    from ...telemetry.health import Health
    from .arguments import TransportOptions

__all__ = ["AsyncTransport", "BlockingTransport"]

RequestT = TypeVar("RequestT", bound="Request")
ResponseT = TypeVar("ResponseT")
TransportT = TypeVar("TransportT")


class _Transport(Generic[RequestT, ResponseT, TransportT]):
    """What the two have in common: the transport they protect, and the engine before it."""

    _family_name: ClassVar[str]
    _world: ClassVar[World]
    _kind: ClassVar[str]
    # Named as in httpx's clients, so that a deadline reaches the connections here as it does there.
    _transport: Any
    _mounts: ClassVar[Options] = {}

    def __init__(
        self, transport: TransportT | None = None, **options: Unpack[TransportOptions]
    ) -> None:
        family = family_named(self._family_name)
        given: Options = dict(options)
        identity = take_identity(given)
        # Told explicitly, because a transport's answers are always streamed.
        told: Options = {"max_retries": RetrySettings().max_retries}
        settings = RetrySettings(**told | split_options(given, ()))
        family.check_ours("transport", transport)
        if settings.max_retries:
            check_transports({"transport": transport})
        self._transport = _checked(family.module, self._kind, transport)
        self._world.adopt(self, family)
        self._decoding = Decoding(family, self._world.pause)
        self._drop_in = DropIn(family, self._world, settings, **identity)
        self._drop_in.plugins.belong_to(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._drop_in.name!r}, {type(self._transport).__name__})"

    @property
    def circuit(self) -> CircuitControl:
        """The circuit, to be isolated and released by hand; also where none is configured."""
        return self._drop_in.control

    def reconfigure(self, **overrides: object) -> None:
        """Change settings at work: any that the constructor added to those of httpx.

        All of it is checked first. Calls under way keep what they began with; limits and budgets
        keep their state. `Reconfigured` tells what has changed, without values.

        Raises:
            ValueError: A setting is unknown or refused, or it is the `circuit_breaker`. Nothing has
                changed then.
        """
        self._drop_in.reconfigure(overrides)

    @property
    def middleware(self) -> tuple[Any, ...]:
        """What goes around each call, the outermost first, that of plugins included."""
        return self._drop_in.settings.middleware

    @property
    def attempt_middleware(self) -> tuple[Any, ...]:
        """What goes around each attempt."""
        return self._drop_in.settings.attempt_middleware

    def stats(self) -> ClientStats:
        """Return a snapshot: operations, attempts, retries, failures and the circuit."""
        return self._drop_in.stats()

    def health(self, *, ready_requires: Iterable[str] = ()) -> Health:
        """Return whether the transport can do its work, as a dictionary for probes.

        Args:
            ready_requires: Origins such as "https://ledger.internal" without which it is not
                ready. By default an open circuit leaves it ready. One that was not called yet
                counts as fine. A transport may be used again after it was closed, and is ready.

        Raises:
            TypeError: `ready_requires` is a text and no collection of them.
            ValueError: Something in it is no origin.
        """
        return self._drop_in.health(ready_requires, is_closed=False)


class AsyncTransport(_Transport[RequestT, ResponseT, TransportT]):
    """The async one."""

    _world = ASYNCIO
    _kind = "AsyncHTTPTransport"

    async def handle_async_request(self, request: RequestT) -> ResponseT:
        """Send a request, retrying it up to the head of its answer."""
        family_named(self._family_name).check_request(request, self)
        response: ResponseT = await self._drop_in.send(
            request, self._send_once, through=self, is_streamed=True
        )
        return response

    async def _send_once(self, request: RequestT) -> Any:
        response = await self._transport.handle_async_request(request)
        self._decoding.install(response)
        return response

    async def aclose(self) -> None:
        """Close the transport that is protected; no call waits for another attempt."""
        await self._transport.aclose()
        self._drop_in.end_waits()
        await self._drop_in.close_plugins()

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        await self._drop_in.start()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._transport.__aexit__(*raised)
        self._drop_in.end_waits()
        await self._drop_in.close_plugins()


class BlockingTransport(_Transport[RequestT, ResponseT, TransportT]):
    """The blocking one."""

    _world = BLOCKING
    _kind = "HTTPTransport"

    def handle_request(self, request: RequestT) -> ResponseT:
        """Send a request, retrying it up to the head of its answer."""
        family_named(self._family_name).check_request(request, self)
        send = self._world.awaitable(self._send_once)
        response: ResponseT = run_to_end(
            self._drop_in.send(request, send, through=self, is_streamed=True)
        )
        return response

    def _send_once(self, request: RequestT) -> Any:
        response = self._transport.handle_request(request)
        self._decoding.install(response)
        return response

    def close(self) -> None:
        """Close the transport that is protected; no call waits for another attempt."""
        self._transport.close()
        self._drop_in.end_waits()
        run_to_end(self._drop_in.close_plugins())

    def __enter__(self) -> Self:
        self._transport.__enter__()
        run_to_end(self._drop_in.start())
        return self

    def __exit__(self, *raised: object) -> None:
        self._transport.__exit__(*raised)
        self._drop_in.end_waits()
        run_to_end(self._drop_in.close_plugins())


def _checked(module: ModuleType, kind: str, transport: object) -> Any:
    """Return the transport to protect: the one given, or httpx's own."""
    if transport is None:
        return getattr(module, kind)()
    base = getattr(module, kind.replace("HTTP", "Base"))
    if not isinstance(transport, base):
        given = f"{type(transport).__module__}.{type(transport).__qualname__}"
        raise TypeError(f"transport is a {given}: give a {module.__name__}.{base.__name__}")
    return transport
