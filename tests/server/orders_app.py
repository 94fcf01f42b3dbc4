"""A service of a user's own, for the failure server to stand in front of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

not_an_app = 3


def make_app(*, fails_to_start: bool = False) -> Starlette:
    """Build one with an empty list of orders."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        if fails_to_start:
            raise RuntimeError("no database")
        app.state.life = "begun"
        app.state.orders = []
        yield
        app.state.life = "over"

    routes = [
        Route("/orders", show, methods=["GET"]),
        Route("/orders", order, methods=["POST"]),
        Route("/stream", stream),
        Route("/boom", boom),
        Route("/hang", hang, methods=["POST"]),
        Route("/msg", show),
        Route("/health", boom),
        WebSocketRoute("/shout", shout),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def show(request: Request) -> Response:
    """Answer with the bodies of the orders so far."""
    return JSONResponse({"life": request.app.state.life, "orders": request.app.state.orders})


async def order(request: Request) -> Response:
    """Take an order, unless it is a bad one."""
    body = (await request.body()).decode()
    if body == "bad":
        return PlainTextResponse("bad order", 400)
    request.app.state.orders.append(body)
    return PlainTextResponse("taken", 201, headers={"X-Mine": "yes"})


async def stream(_: Request) -> Response:
    """Send one chunk, and the other when the first has been seen."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    return StreamingResponse(chunks())


async def boom(_: Request) -> Response:
    """Have a bug."""
    raise ValueError("a bug of the app")


async def hang(request: Request) -> Response:
    """Wait for the caller to leave."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    request.app.state.orders.append("left")
    return Response()


async def shout(socket: WebSocket) -> None:
    """Say a word louder."""
    await socket.accept()
    await socket.send_text((await socket.receive_text()).upper())
    await socket.close()


app = make_app()
