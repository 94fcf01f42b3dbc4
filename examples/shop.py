"""A small shop that places its orders with another service."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from client import ClientConfig, MyAPIError, ResilientClient


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Hold one client for as long as the service runs."""
    async with ResilientClient(ClientConfig.from_env()) as client:
        app.state.upstream = client
        yield


app = FastAPI(lifespan=lifespan)


@app.exception_handler(MyAPIError)
async def upstream_failed(_request: Request, error: MyAPIError) -> JSONResponse:
    """Say what is wrong, and by which id the call is found in the logs."""
    return JSONResponse({"detail": type(error).__name__, "request_id": error.request_id}, 503)


@app.put("/orders/{order_id}")
async def place_order(order_id: int, request: Request) -> dict[str, object]:
    """Place an order; the other service knows a repeated call by its request id."""
    upstream: ResilientClient = request.app.state.upstream
    response = await upstream.post("/msg", json={"order": order_id}, request_id=f"order-{order_id}")
    return {"order": order_id, "confirmation": response.json()["message_id"]}
