"""`/ledger`: what arrived at the server, and what took effect there."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import JSONResponse

from ..limits import REQUEST_ID_LENGTH
from .wiring import State

router: APIRouter = APIRouter(prefix="/ledger", tags=["ledger"])


@router.get("")
async def whole(state: State) -> JSONResponse:
    """Show every request id and the totals."""
    return JSONResponse(state.ledger.snapshot().to_json())


@router.get("/{request_id}")
async def one(
    state: State, request_id: Annotated[str, Path(max_length=REQUEST_ID_LENGTH)]
) -> JSONResponse:
    """Show one request id."""
    entry = state.ledger.find(request_id)
    if entry is None:
        raise HTTPException(
            404,
            f"the ledger does not know request id {request_id!r}: "
            "it never arrived, or has been cleared or evicted since",
        )
    return JSONResponse(entry.to_json())


@router.delete("")
async def clear(state: State) -> JSONResponse:
    """Forget every request id, and the messages with them; answers with the empty ledger."""
    state.ledger.clear()
    return JSONResponse(state.ledger.snapshot().to_json())
