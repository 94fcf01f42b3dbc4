"""`/msg`: the one resource that faults apply to."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response

from server.body import Body, read_body
from server.fault_records import Fault, FaultAnswer, When
from server.ledger_store import Arrival
from server.limits import MAX_DELAY_MS
from server.refusal import CallerGoneError, RefusedError
from server.request_ids import choose_request_id
from server.routes.wiring import State
from server.state import ServerState
from server.waiting import hold_back

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_BODILESS = 304  # HTTP forbids the answer a body

router = APIRouter(tags=["messages"])

DelayMs = Annotated[float, Query(ge=0, le=MAX_DELAY_MS, allow_inf_nan=False)]


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
    try:
        request_id = choose_request_id(x_request_id, idempotency_key)
    except RefusedError as refusal:
        return _refuse(refusal)
    arrival = state.ledger.arrive(request_id, request.method)
    try:
        response = await _serve(request, state, arrival, delay_ms=delay, dedupe=dedupe)
    except RefusedError as refusal:
        response = _refuse(refusal)
    except CallerGoneError:
        state.ledger.abandon(arrival)
        return Response()
    state.ledger.answer(arrival, response.status_code)
    response.headers["X-Request-ID"] = request_id
    return response


for method in METHODS:
    router.add_api_route("/msg", message, methods=[method])


async def _serve(
    request: Request, state: ServerState, arrival: Arrival, *, delay_ms: float, dedupe: bool
) -> Response:
    body = await read_body(request, state.limits)
    state.ledger.receive(arrival, body.sha256)
    seconds = (delay_ms + state.faults.latency_ms) / 1000
    if not seconds:
        return _settle(request, state, arrival, body, dedupe=dedupe)
    with state.waiting_room.seat():
        response = _settle(request, state, arrival, body, dedupe=dedupe)
        await hold_back(request.receive, seconds)
    return response


def _settle(
    request: Request, state: ServerState, arrival: Arrival, body: Body, *, dedupe: bool
) -> Response:
    """Decide a call and do what it does, in one step that nothing can come between."""
    facts: dict[str, Any] = {
        "request_id": arrival.request_id,
        "method": request.method,
        "arrival": arrival.ordinal,
        "body_bytes": body.size,
        "body_sha256": body.sha256,
    }
    fault = state.faults.strike()
    if fault is None:
        return JSONResponse({"message_id": state.ledger.perform(arrival, dedupe=dedupe), **facts})
    if fault.answer.when is When.AFTER:
        state.ledger.perform(arrival, dedupe=dedupe)
    return _fail(fault, facts)


def _fail(fault: Fault, facts: dict[str, Any]) -> Response:
    answer = fault.answer
    response = Response(status_code=answer.status)
    if answer.status != _BODILESS:
        injected = {"error": "injected failure", "fault": fault.kind, "when": answer.when}
        response = JSONResponse({**injected, **facts}, answer.status)
    response.headers["X-Fault"] = fault.kind
    _set_retry_after(response, answer)
    return response


def _set_retry_after(response: Response, answer: FaultAnswer) -> None:
    if answer.retry_after is not None:
        # Past the headers' Latin-1, so that digits of any script go out as they came in.
        response.raw_headers.append((b"retry-after", answer.retry_after.encode()))


def _refuse(refusal: RefusedError) -> Response:
    headers = {"Connection": "close"} if refusal.hang_up else None
    return JSONResponse({"detail": refusal.detail}, refusal.status, headers)
