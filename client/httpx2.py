"""The drop-in clients, the transports and the facade of the httpx2 family; needs its extra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

try:
    import httpx2
except ImportError as _missing:
    raise ImportError(
        f"{__name__} needs the package httpx2: pip install 'resilient-http-client[httpx2]'"
    ) from _missing

from .faces.drop_in.clients import AsyncDropIn, BlockingDropIn
from .faces.drop_in.transports import AsyncTransport, BlockingTransport
from .faces.facade.clients import AsyncFacade, BlockingFacade
from .transports.aiohttp.transport import AiohttpTransportOf

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from typing import Unpack

    from httpx2._client import UseClientDefault

    from .faces.drop_in.arguments import BodyOptions

    URL = httpx2.URL | str
    Body = BodyOptions[httpx2.Request, UseClientDefault]

    Events = AbstractContextManager[httpx2.EventSource]
    AsyncEvents = AbstractAsyncContextManager[httpx2.EventSource]

    class EventOptions(BodyOptions[httpx2.Request, UseClientDefault], total=False):
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


class Client(  # type: ignore[misc] # the same methods, with more arguments
    BlockingDropIn[httpx2.Request, httpx2.Response, httpx2.BaseTransport, "UseClientDefault"],
    httpx2.Client,
):
    """`httpx2.Client` whose calls survive failures, with its methods, arguments and exceptions."""

    _family_name: ClassVar[str] = "httpx2"

    def query(self, url: URL, **options: Unpack[Body]) -> httpx2.Response:
        """Send a QUERY request."""
        return self.request("QUERY", url, **options)

    def sse(self, url: URL, **options: Unpack[EventOptions]) -> Events:  # type: ignore[override] # the same, with more arguments
        """Open a stream of server-sent events; one attempt unless told otherwise."""
        carried: Any = self._carry(options)
        return super().sse(url, **carried)


class AsyncClient(  # type: ignore[misc] # likewise
    AsyncDropIn[httpx2.Request, httpx2.Response, httpx2.AsyncBaseTransport, "UseClientDefault"],
    httpx2.AsyncClient,
):
    """`httpx2.AsyncClient` whose calls survive failures, with all that it has."""

    _family_name: ClassVar[str] = "httpx2"

    async def query(self, url: URL, **options: Unpack[Body]) -> httpx2.Response:
        """Send a QUERY request."""
        return await self.request("QUERY", url, **options)

    def sse(self, url: URL, **options: Unpack[EventOptions]) -> AsyncEvents:  # type: ignore[override] # likewise
        """Open a stream of server-sent events; one attempt unless told otherwise."""
        carried: Any = self._carry(options)
        return super().sse(url, **carried)


class ResilientTransport(
    BlockingTransport[httpx2.Request, httpx2.Response, httpx2.BaseTransport],
    httpx2.BaseTransport,
):
    """Protects any `httpx2.BaseTransport`, for code that only lets a transport in."""

    _family_name: ClassVar[str] = "httpx2"


class AsyncResilientTransport(
    AsyncTransport[httpx2.Request, httpx2.Response, httpx2.AsyncBaseTransport],
    httpx2.AsyncBaseTransport,
):
    """Protects any `httpx2.AsyncBaseTransport`, for code that only lets a transport in."""

    _family_name: ClassVar[str] = "httpx2"


class AiohttpTransport(
    AiohttpTransportOf[httpx2.Request, httpx2.Response], httpx2.AsyncBaseTransport
):
    """An `httpx2.AsyncBaseTransport` over aiohttp, which is faster. Needs the extra `fast`."""

    _family_name: ClassVar[str] = "httpx2"


class ResilientClient(AsyncFacade[httpx2.Response, httpx2.AsyncBaseTransport, httpx2.AsyncClient]):
    """The facade over `httpx2.AsyncClient`."""

    _family_name: ClassVar[str] = "httpx2"


class SyncResilientClient(BlockingFacade[httpx2.Response, httpx2.BaseTransport, httpx2.Client]):
    """The blocking facade over `httpx2.Client`."""

    _family_name: ClassVar[str] = "httpx2"


def __dir__() -> list[str]:
    return sorted(__all__)
