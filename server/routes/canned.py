"""`/fail/routes`: giving paths answers of the test's own."""

import json

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from ..calls.state import ServerState
from ..limits import MAX_ROUTE_BYTES
from ..stores.canned_answers import CannedRoute
from ..stores.route_table import TooManyRoutesError
from .wiring import State

JSON = "application/json"

router: APIRouter = APIRouter(prefix="/fail/routes", tags=["routes"])


@router.get("")
async def in_force(state: State) -> JSONResponse:
    """Show the paths that have been given answers."""
    return _shown(state)


@router.post("")
async def add(request: Request, state: State) -> JSONResponse:
    """Give a path answers, in place of those it has."""
    given = request.headers.get("content-type", JSON)
    if given.partition(";")[0].strip().lower() != JSON:  # what a page may post unasked
        detail = f"Content-Type is {given[:100]!r}; send the route with Content-Type: {JSON}"
        return JSONResponse({"detail": detail}, 415)
    try:
        state.routes.add(CannedRoute.model_validate(await _json(request)))
    except ValidationError as error:
        return JSONResponse({"detail": _complaints(error)}, 422)
    except TooManyRoutesError as error:
        return JSONResponse({"detail": str(error)}, 409)
    return _shown(state)


@router.delete("")
async def clear(state: State) -> JSONResponse:
    """Forget the answers of every path."""
    state.routes.clear()
    return _shown(state)


def _shown(state: ServerState) -> JSONResponse:
    return JSONResponse({"routes": state.routes.shown()})


async def _json(request: Request) -> object:
    """Return what the body says; None, which is no route, if it is too long or no JSON."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_ROUTE_BYTES:
            return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _complaints(error: ValidationError) -> list[dict[str, object]]:
    """Say what is wrong, in the form of FastAPI's own."""
    return [
        {
            "loc": ["body", *(str(part) for part in one["loc"] or ("route",))],
            "input": repr(one["input"])[:100],
            "msg": one["msg"].removeprefix("Value error, "),
        }
        for one in error.errors(include_url=False)
    ]
