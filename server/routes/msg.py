"""`/msg`: the resource that is always there for faults to apply to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response

from ..calls.answering import answer_call
from ..limits import MAX_DELAY_MS
from ..stores.ledger_store import Arrival, LedgerStore
from .wiring import State

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

router: APIRouter = APIRouter(tags=["messages"])

DelayMs = Annotated[float, Query(ge=0, le=MAX_DELAY_MS, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class _MakeMessage:
    ledger: LedgerStore
    delay_ms: float
    dedupe: bool

    def do(self, arrival: Arrival, facts: Mapping[str, object]) -> Response:
        return JSONResponse(
            {"message_id": self.ledger.perform(arrival, dedupe=self.dedupe), **facts}
        )


async def message(  # noqa: PLR0913 - one parameter per thing that a caller may say
    request: Request,
    state: State,
    *,
    delay: DelayMs = 0,
    dedupe: Annotated[bool, Query()] = True,
    x_request_id: Annotated[str | None, Header()] = None,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Response:
    """Answer with the message of a request id, unless a fault is due.

    The same `X-Request-ID` (or, in its absence, `Idempotency-Key`) gets the same message and
    takes effect once; `dedupe=false` makes a new one each time. The answer comes `delay`
    milliseconds late; what the call does is done before that.
    """
    _ = x_request_id, idempotency_key  # they are read with the other calls', and described here
    return await answer_call(request, state, _MakeMessage(state.ledger, delay, dedupe))


for method in METHODS:
    router.add_api_route("/msg", message, methods=[method])
