"""`/fail`: switching faults on and off; each answers with the faults then in force."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import AfterValidator

from ..limits import (
    MAX_FAULT_COUNT,
    MAX_FAULT_SECONDS,
    MAX_LATENCY_MS,
    MAX_RETRY_AFTER_LENGTH,
)
from ..stores.fault_records import FaultAnswer, When
from .wiring import State

router: APIRouter = APIRouter(prefix="/fail", tags=["faults"])


def _fit_for_a_header(value: str) -> str:
    if set(value) & set("\0\n\v\f\r") or value != value.strip(" \t"):
        raise ValueError("HTTP carries no line break or NUL, and no blank at either end")
    return value


Count = Annotated[int, Path(ge=0, le=MAX_FAULT_COUNT)]
Seconds = Annotated[float, Path(ge=0, le=MAX_FAULT_SECONDS, allow_inf_nan=False)]
Percent = Annotated[float, Path(ge=0, le=100, allow_inf_nan=False)]
Milliseconds = Annotated[float, Path(ge=0, le=MAX_LATENCY_MS, allow_inf_nan=False)]
Status = Annotated[int, Query(ge=300, le=599)]
RetryAfter = Annotated[
    str | None, Query(max_length=MAX_RETRY_AFTER_LENGTH), AfterValidator(_fit_for_a_header)
]
Seed = Annotated[int | None, Query(ge=-(2**63), lt=2**63)]


async def _answer(
    status: Status = 500, retry_after: RetryAfter = None, when: When = When.BEFORE
) -> FaultAnswer:
    return FaultAnswer(status=status, retry_after=retry_after, when=when)


Answer = Annotated[FaultAnswer, Depends(_answer)]


@router.get("")
async def in_force(state: State) -> JSONResponse:
    """Show the faults in force."""
    return JSONResponse(state.faults.in_force())


@router.post("/count/{n}")
async def fail_count(state: State, n: Count, answer: Answer) -> JSONResponse:
    """Fail the next `n` calls; 0 switches this off."""
    state.faults.fail_count(n, answer)
    return JSONResponse(state.faults.in_force())


@router.post("/duration/{seconds}")
async def fail_duration(state: State, seconds: Seconds, answer: Answer) -> JSONResponse:
    """Fail every call for so many seconds; 0 switches this off."""
    state.faults.fail_duration(seconds, answer)
    return JSONResponse(state.faults.in_force())


@router.post("/rate/{percent}")
async def fail_rate(
    state: State, percent: Percent, answer: Answer, seed: Seed = None
) -> JSONResponse:
    """Fail a share of the calls, the same for the same seed; 0 switches this off."""
    state.faults.fail_rate(percent, answer, seed=seed)
    return JSONResponse(state.faults.in_force())


@router.post("/latency/{ms}")
async def add_latency(state: State, ms: Milliseconds) -> JSONResponse:
    """Answer every call so many milliseconds later; 0 switches this off."""
    state.faults.add_latency(ms)
    return JSONResponse(state.faults.in_force())


@router.post("/reset")
async def reset(state: State) -> JSONResponse:
    """Switch every fault off."""
    state.faults.reset()
    return JSONResponse(state.faults.in_force())
