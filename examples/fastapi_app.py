"""A FastAPI service that stays up, and shows what is wrong, when its upstream does not."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from math import ceil
from typing import Annotated

from fastapi import Depends, FastAPI, Header, Request
from fastapi.responses import JSONResponse

from client import (
    APITimeoutError,
    CircuitOpenError,
    ClientClosedError,
    ClientConfig,
    MyAPIError,
    NotFoundError,
    PoolTimeoutError,
    RateLimitError,
    RateLimitRejectedError,
    ResilientClient,
    ServerTimeoutError,
    ServiceUnavailableError,
)
from client.dashboard import dashboard
from client.telemetry import OpenTelemetryTracing, PrometheusMetrics

# The nearest class an error belongs to decides what our own caller is answered with.
STATUS_FOR = {
    MyAPIError: HTTPStatus.BAD_GATEWAY,
    NotFoundError: HTTPStatus.NOT_FOUND,
    APITimeoutError: HTTPStatus.GATEWAY_TIMEOUT,
    ServerTimeoutError: HTTPStatus.GATEWAY_TIMEOUT,
    ServiceUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    RateLimitError: HTTPStatus.SERVICE_UNAVAILABLE,
    CircuitOpenError: HTTPStatus.SERVICE_UNAVAILABLE,
    RateLimitRejectedError: HTTPStatus.SERVICE_UNAVAILABLE,
    PoolTimeoutError: HTTPStatus.SERVICE_UNAVAILABLE,
    ClientClosedError: HTTPStatus.SERVICE_UNAVAILABLE,
}

metrics = PrometheusMetrics()
tracing = OpenTelemetryTracing()  # spans come once the process runs under OpenTelemetry's SDK
page = dashboard(title="orders")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Hold one client for the whole life of the process, set up by its environment."""
    client = ResilientClient(ClientConfig.from_env(), telemetry=[metrics, tracing])
    await client._ensure_initialized()  # noqa: SLF001 - public, underscore or not
    app.state.upstream = client
    page.add(client)
    try:
        yield
    finally:
        await client.close()


async def upstream(request: Request) -> ResilientClient:
    """Hand the client to an endpoint; a test overrides this dependency."""
    client: ResilientClient = request.app.state.upstream
    return client


Upstream = Annotated[ResilientClient, Depends(upstream)]
# Our caller's id goes on to the upstream, so that one id finds the call in every log.
RequestId = Annotated[str | None, Header(alias="X-Request-ID", pattern=r"^[A-Za-z0-9._~-]{1,128}$")]

app = FastAPI(lifespan=lifespan)
app.mount("/metrics", metrics.asgi_app())
app.mount("/resilience", page)


@app.exception_handler(MyAPIError)
async def upstream_failed(_request: Request, error: MyAPIError) -> JSONResponse:
    """Answer for an upstream that failed, without telling our caller where it lives."""
    status = next(STATUS_FOR[kind] for kind in type(error).__mro__ if kind in STATUS_FOR)
    body = {"detail": f"upstream: {type(error).__name__}", "request_id": error.request_id}
    if status is not HTTPStatus.SERVICE_UNAVAILABLE:
        return JSONResponse(body, status)
    return JSONResponse(body, status, {"Retry-After": str(ceil(error.retry_after or 1))})


@app.get("/health/live")
async def live() -> dict[str, str]:
    """Say that this process is well: an upstream's outage is no reason to restart it."""
    return {"status": "ok"}


@app.get("/health/ready")
async def ready(client: Upstream) -> JSONResponse:
    """Say whether to send work here. An open circuit alone is no reason not to."""
    health = client.health()
    return JSONResponse(
        health, HTTPStatus.OK if health["ready"] else HTTPStatus.SERVICE_UNAVAILABLE
    )


@app.get("/message")
async def read_message(client: Upstream, request_id: RequestId = None) -> dict[str, object]:
    """Read something; an attempt that fails is made again."""
    response = await client.get("/msg", request_id=request_id)
    message: dict[str, object] = response.json()
    return message


@app.put("/orders/{order_id}")
async def place_order(client: Upstream, order_id: int) -> dict[str, object]:
    """Write something; the upstream knows a repeated call by its request id."""
    order = {"order": order_id}
    response = await client.post("/msg", json=order, request_id=f"order-{order_id}")
    message: dict[str, object] = response.json()
    return message
