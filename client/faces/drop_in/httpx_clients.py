"""The drop-in clients and transports of the httpx family; importing this imports httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import httpx

from ...transports.aiohttp.transport import AiohttpTransportOf
from .clients import AsyncDropIn, BlockingDropIn
from .transports import AsyncTransport, BlockingTransport

if TYPE_CHECKING:
    from httpx._client import UseClientDefault  # noqa: F401 - a type argument below

__all__ = [
    "AiohttpTransport",
    "AsyncClient",
    "AsyncResilientTransport",
    "Client",
    "ResilientTransport",
]


class Client(  # type: ignore[misc] # the same methods, with more arguments
    BlockingDropIn[httpx.Request, httpx.Response, httpx.BaseTransport, "UseClientDefault"],
    httpx.Client,
):
    """`httpx.Client` whose calls survive failures, with its methods, arguments and exceptions."""

    _family_name: ClassVar[str] = "httpx"


class AsyncClient(  # type: ignore[misc] # likewise
    AsyncDropIn[httpx.Request, httpx.Response, httpx.AsyncBaseTransport, "UseClientDefault"],
    httpx.AsyncClient,
):
    """`httpx.AsyncClient` whose calls survive failures, with all that it has."""

    _family_name: ClassVar[str] = "httpx"


class ResilientTransport(
    BlockingTransport[httpx.Request, httpx.Response, httpx.BaseTransport],
    httpx.BaseTransport,
):
    """Protects any `httpx.BaseTransport`, for code that only lets a transport in."""

    _family_name: ClassVar[str] = "httpx"


class AsyncResilientTransport(
    AsyncTransport[httpx.Request, httpx.Response, httpx.AsyncBaseTransport],
    httpx.AsyncBaseTransport,
):
    """Protects any `httpx.AsyncBaseTransport`, for code that only lets a transport in."""

    _family_name: ClassVar[str] = "httpx"


class AiohttpTransport(AiohttpTransportOf[httpx.Request, httpx.Response], httpx.AsyncBaseTransport):
    """An `httpx.AsyncBaseTransport` over aiohttp, which is faster. Needs the extra `fast`."""

    _family_name: ClassVar[str] = "httpx"
