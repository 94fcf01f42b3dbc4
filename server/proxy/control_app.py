"""The control API of a wire proxy: faults are set, listed and lifted over HTTP and JSON."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from ..addresses.browsers import BrowserGuard, app_without_pages
from .armed_faults import NoSuchFaultError, TooManyFaultsError
from .complaints import complaints
from .fault_models import FAULT, AnyFault, Ending
from .proxy import Proxy
from .proxy_thread import ProxyThread

MAX_BODY_BYTES = 2_097_152
JSON = "application/json"
T = TypeVar("T")


class Controller:
    """The routes' way to the proxy, which lives on another thread."""

    def __init__(self, thread: ProxyThread) -> None:
        self._thread = thread

    async def perform(self, task: Callable[[Proxy], Coroutine[Any, Any, T]]) -> T:
        """Do something with the proxy."""
        return await asyncio.wrap_future(self._thread.perform(task))


def create_control_app(thread: ProxyThread, *, upstream: str) -> FastAPI:
    """Build the control API of one proxy.

    Args:
        thread: Where the proxy runs.
        upstream: Where it connects to, for the answer of `/health`.
    """
    app = app_without_pages("Wire proxy")
    controller = Controller(thread)
    app.include_router(_fault_routes(controller))
    app.include_router(_other_routes(controller, {"port": thread.port, "upstream": upstream}))
    app.add_middleware(BrowserGuard)
    return app


def _fault_routes(controller: Controller) -> APIRouter:
    router = APIRouter()

    async def show(proxy: Proxy) -> JSONResponse:
        return JSONResponse({"faults": [fault.shown() for fault in proxy.faults()]})

    @router.get("/faults")
    async def in_force() -> JSONResponse:
        return await controller.perform(show)

    @router.post("/faults")
    async def add(request: Request) -> JSONResponse:
        return _refused_type(request) or await _add_asked_for(request, controller)

    @router.delete("/faults/{number}")
    async def remove(number: Annotated[int, Path(ge=0)]) -> JSONResponse:
        async def remove_and_show(proxy: Proxy) -> JSONResponse:
            try:
                proxy.remove_fault(number)
            except NoSuchFaultError as error:
                return JSONResponse({"detail": str(error)}, 404)
            return await show(proxy)

        return await controller.perform(remove_and_show)

    @router.post("/reset")
    async def reset() -> JSONResponse:
        async def reset_and_show(proxy: Proxy) -> JSONResponse:
            proxy.reset()
            return await show(proxy)

        return await controller.perform(reset_and_show)

    _ = in_force, add, remove, reset
    return router


def _other_routes(controller: Controller, about: dict[str, object]) -> APIRouter:
    router = APIRouter()

    async def show(proxy: Proxy) -> JSONResponse:
        return JSONResponse(asdict(proxy.statistics()))

    @router.get("/health")
    async def health() -> JSONResponse:
        await controller.perform(show)
        return JSONResponse({"status": "ok", **about})

    @router.get("/statistics")
    async def statistics() -> JSONResponse:
        return await controller.perform(show)

    @router.post("/clear")
    async def clear() -> JSONResponse:
        async def clear_and_show(proxy: Proxy) -> JSONResponse:
            await proxy.clear()
            return await show(proxy)

        return await controller.perform(clear_and_show)

    @router.post("/connections/close")
    async def close(
        *, by: Annotated[Ending, Query()] = "fin", idle_only: Annotated[bool, Query()] = True
    ) -> JSONResponse:
        closed = await controller.perform(
            lambda proxy: proxy.close_connections(by, idle_only=idle_only)
        )
        return JSONResponse({"closed": closed})

    _ = health, statistics, clear, close
    return router


async def _add_asked_for(request: Request, controller: Controller) -> JSONResponse:
    try:
        model = FAULT.validate_python(await _json(request))
    except ValidationError as error:
        return JSONResponse({"detail": complaints(error)}, 422)
    return await controller.perform(lambda proxy: _add(proxy, model))


async def _add(proxy: Proxy, model: AnyFault) -> JSONResponse:
    try:
        return JSONResponse(proxy.add_fault(model).shown())
    except TooManyFaultsError as error:
        return JSONResponse({"detail": str(error)}, 409)


def _refused_type(request: Request) -> JSONResponse | None:
    """Refuse what a page could post without asking first, as forms and plain text are."""
    given = request.headers.get("content-type", JSON)
    if given.partition(";")[0].strip().lower() == JSON:
        return None
    detail = f"Content-Type is {given[:100]!r}; send the fault with Content-Type: {JSON}"
    return JSONResponse({"detail": detail}, 415)


async def _json(request: Request) -> object:
    """Return what the body says; None, which is no fault, if it is too long or no JSON."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return None
        return json.loads(body)
    except (ClientDisconnect, ValueError, RecursionError):
        return None
