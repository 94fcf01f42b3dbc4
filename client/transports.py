"""Transports that protect another transport, without their family.

A transport sees one exchange at a time: neither redirects nor auth flows, and the body of an
answer only when the client reads it, which is after its work is done. So what is retried here is
what happens up to the head of the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from client.asyncio_ports import ASYNCIO
from client.blocking_ports import BLOCKING
from client.drop_in import DropIn
from client.drop_in_options import ResilienceOptions, RetrySettings, split_options
from client.family import family_named
from client.ports import run_to_end

if TYPE_CHECKING:
    from typing import Self, Unpack

    from client.ports import World

__all__ = ["AsyncTransport", "BlockingTransport"]

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class _Transport(Generic[RequestT, ResponseT]):
    """What the two have in common: the transport they protect, and the engine before it."""

    _family_name: ClassVar[str]
    _world: ClassVar[World]
    _kind: ClassVar[str]
    # Named as in httpx's clients, so that a deadline reaches the connections here as it does there.
    _transport: Any
    _mounts: ClassVar[dict[str, Any]] = {}

    def __init__(self, transport: Any = None, **options: Unpack[ResilienceOptions]) -> None:
        family = family_named(self._family_name)
        given: dict[str, Any] = dict(options)
        # Told explicitly, because a transport's answers are always streamed.
        told: dict[str, Any] = {"max_retries": RetrySettings().max_retries}
        settings = RetrySettings(**told | split_options(given, ()))
        self._transport = _checked(family.module, self._kind, transport)
        self._world.adopt(self, family)
        self._drop_in = DropIn(family, self._world, settings)


class AsyncTransport(_Transport[RequestT, ResponseT]):
    """The async one."""

    _world = ASYNCIO
    _kind = "AsyncHTTPTransport"

    async def handle_async_request(self, request: RequestT) -> ResponseT:
        """Send a request, retrying it up to the head of its answer."""
        send = self._transport.handle_async_request
        response: ResponseT = await self._drop_in.send(
            request, send, through=self, is_streamed=True
        )
        return response

    async def aclose(self) -> None:
        """Close the transport that is protected; no call waits for another attempt."""
        await self._transport.aclose()
        self._drop_in.end_waits()

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._transport.__aexit__(*raised)
        self._drop_in.end_waits()


class BlockingTransport(_Transport[RequestT, ResponseT]):
    """The blocking one."""

    _world = BLOCKING
    _kind = "HTTPTransport"

    def handle_request(self, request: RequestT) -> ResponseT:
        """Send a request, retrying it up to the head of its answer."""
        send = self._world.awaitable(self._transport.handle_request)
        response: ResponseT = run_to_end(
            self._drop_in.send(request, send, through=self, is_streamed=True)
        )
        return response

    def close(self) -> None:
        """Close the transport that is protected; no call waits for another attempt."""
        self._transport.close()
        self._drop_in.end_waits()

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._transport.__exit__(*raised)
        self._drop_in.end_waits()


def _checked(module: Any, kind: str, transport: Any) -> Any:
    """Return the transport to protect: the one given, or httpx's own."""
    if transport is None:
        return getattr(module, kind)()
    base = getattr(module, kind.replace("HTTP", "Base"))
    if not isinstance(transport, base):
        given = f"{type(transport).__module__}.{type(transport).__qualname__}"
        raise TypeError(f"transport is a {given}: give a {module.__name__}.{base.__name__}")
    return transport
