"""The drop-in clients, the transports and the facade of the httpx2 family; needs its extra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

try:
    import httpx2
except ImportError as missing:
    raise ImportError(
        "client.httpx2 needs the package httpx2: pip install 'resilient-http-client[httpx2]'"
    ) from missing

from client import facade
from client.aiohttp_transport import AiohttpTransportOf
from client.drop_in_clients import AsyncDropIn, BlockingDropIn
from client.transports import AsyncTransport, BlockingTransport

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from typing import Unpack

    from client.drop_in_arguments import BodyOptions

    Events = AbstractContextManager[httpx2.EventSource]
    AsyncEvents = AbstractAsyncContextManager[httpx2.EventSource]

    class EventOptions(BodyOptions, total=False):
        """What `sse` takes."""

        method: str
        max_event_size: int | None


__all__ = [
    "AiohttpTransport",
    "AsyncClient",
    "AsyncResilientTransport",
    "Client",
    "ResilientClient",
    "ResilientTransport",
    "SyncResilientClient",
]


class Client(BlockingDropIn[httpx2.Request, httpx2.Response], httpx2.Client):  # type: ignore[misc] # the same methods, with more arguments
    """`httpx2.Client` whose calls survive failures; see USAGE.md for what is added and differs."""

    _family_name: ClassVar[str] = "httpx2"

    def query(self, url: Any, **options: Unpack[BodyOptions]) -> httpx2.Response:
        """Send a QUERY request."""
        return self.request("QUERY", url, **options)

    def sse(self, url: Any, **options: Unpack[EventOptions]) -> Events:  # type: ignore[override] # the same, with more arguments
        """Open a stream of server-sent events; one attempt unless told otherwise."""
        return super().sse(url, **self._carry(options))


class AsyncClient(AsyncDropIn[httpx2.Request, httpx2.Response], httpx2.AsyncClient):  # type: ignore[misc] # likewise
    """`httpx2.AsyncClient` whose calls survive failures; see USAGE.md."""

    _family_name: ClassVar[str] = "httpx2"

    async def query(self, url: Any, **options: Unpack[BodyOptions]) -> httpx2.Response:
        """Send a QUERY request."""
        return await self.request("QUERY", url, **options)

    def sse(self, url: Any, **options: Unpack[EventOptions]) -> AsyncEvents:  # type: ignore[override] # likewise
        """Open a stream of server-sent events; one attempt unless told otherwise."""
        return super().sse(url, **self._carry(options))


class ResilientTransport(BlockingTransport[httpx2.Request, httpx2.Response], httpx2.BaseTransport):
    """Protects any `httpx2.BaseTransport`, for code that only lets a transport in."""

    _family_name: ClassVar[str] = "httpx2"


class AsyncResilientTransport(
    AsyncTransport[httpx2.Request, httpx2.Response], httpx2.AsyncBaseTransport
):
    """Protects any `httpx2.AsyncBaseTransport`, for code that only lets a transport in."""

    _family_name: ClassVar[str] = "httpx2"


class AiohttpTransport(
    AiohttpTransportOf[httpx2.Request, httpx2.Response], httpx2.AsyncBaseTransport
):
    """An `httpx2.AsyncBaseTransport` over aiohttp, which is faster; see USAGE.md. Needs `fast`."""

    _family_name: ClassVar[str] = "httpx2"


class ResilientClient(facade.ResilientClient):
    """The facade over `httpx2.AsyncClient`."""

    _family_name: ClassVar[str] = "httpx2"


class SyncResilientClient(facade.SyncResilientClient):
    """The blocking facade over `httpx2.Client`."""

    _family_name: ClassVar[str] = "httpx2"
