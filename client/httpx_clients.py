"""The drop-in clients and transports of the httpx family; importing this imports httpx."""

from __future__ import annotations

from typing import ClassVar

import httpx

from client.aiohttp_transport import AiohttpTransportOf
from client.drop_in_clients import AsyncDropIn, BlockingDropIn
from client.transports import AsyncTransport, BlockingTransport

__all__ = [
    "AiohttpTransport",
    "AsyncClient",
    "AsyncResilientTransport",
    "Client",
    "ResilientTransport",
]


class Client(BlockingDropIn[httpx.Request, httpx.Response], httpx.Client):  # type: ignore[misc] # the same methods, with more arguments
    """`httpx.Client` whose calls survive failures; see USAGE.md for what is added and differs."""

    _family_name: ClassVar[str] = "httpx"


class AsyncClient(AsyncDropIn[httpx.Request, httpx.Response], httpx.AsyncClient):  # type: ignore[misc] # likewise
    """`httpx.AsyncClient` whose calls survive failures; see USAGE.md."""

    _family_name: ClassVar[str] = "httpx"


class ResilientTransport(BlockingTransport[httpx.Request, httpx.Response], httpx.BaseTransport):
    """Protects any `httpx.BaseTransport`, for code that only lets a transport in."""

    _family_name: ClassVar[str] = "httpx"


class AsyncResilientTransport(
    AsyncTransport[httpx.Request, httpx.Response], httpx.AsyncBaseTransport
):
    """Protects any `httpx.AsyncBaseTransport`, for code that only lets a transport in."""

    _family_name: ClassVar[str] = "httpx"


class AiohttpTransport(AiohttpTransportOf[httpx.Request, httpx.Response], httpx.AsyncBaseTransport):
    """An `httpx.AsyncBaseTransport` over aiohttp, which is faster; see USAGE.md. Needs `fast`."""

    _family_name: ClassVar[str] = "httpx"
