"""`/health`: whether the server is up, which no fault affects."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from ..health import Health, installed_version
from .wiring import State

router: APIRouter = APIRouter(tags=["health"])


@router.get("/health")
async def health(state: State) -> JSONResponse:
    """Answer that the server is up, for how long, and which version it is."""
    answer: Health = {
        "status": "ok",
        "version": installed_version(),
        "uptime_seconds": state.clock() - state.started_at,
    }
    return JSONResponse(answer)
