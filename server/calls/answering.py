"""Answering a call that faults apply to and the ledger counts, where the answer is our own."""

from collections.abc import Mapping
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from ..stores.fault_records import When
from ..stores.ledger_store import Arrival
from .body import Body, read_body
from .fault_answers import failed, refused
from .refusal import CallerGoneError, RefusedError
from .request_ids import choose_request_id
from .state import ServerState
from .waiting import hold_back


class Deed(Protocol):
    """What a call does if no fault prevents it."""

    @property
    def delay_ms(self) -> float:
        """How late the answer comes by itself."""
        ...

    def do(self, arrival: Arrival, facts: Mapping[str, object]) -> Response:
        """Let the call take effect, and return its answer."""
        ...


async def answer_call(request: Request, state: ServerState, deed: Deed) -> Response:
    """Count a call, decide whether it fails, do what it does, and answer it late if it must be."""
    try:
        headers = request.headers
        request_id = choose_request_id(headers.get("x-request-id"), headers.get("idempotency-key"))
    except RefusedError as refusal:
        return refused(refusal)
    arrival = state.ledger.arrive(request_id, request.method)
    try:
        response = await _serve(request, state, arrival, deed)
    except RefusedError as refusal:
        response = refused(refusal)
    except CallerGoneError:
        state.ledger.abandon(arrival)
        return Response()
    state.ledger.answer(arrival, response.status_code)
    response.headers["X-Request-ID"] = request_id
    return response


async def _serve(request: Request, state: ServerState, arrival: Arrival, deed: Deed) -> Response:
    body = await read_body(request, state.limits)
    state.ledger.receive(arrival, body.sha256)
    seconds = (deed.delay_ms + state.faults.latency_ms) / 1000
    if not seconds:
        return _settle(request, state, arrival, body, deed)
    with state.waiting_room.seat():
        response = _settle(request, state, arrival, body, deed)
        await hold_back(request.receive, seconds)
    return response


def _settle(
    request: Request, state: ServerState, arrival: Arrival, body: Body, deed: Deed
) -> Response:
    """Decide a call and do what it does, in one step that nothing can come between."""
    facts: dict[str, object] = {
        "request_id": arrival.request_id,
        "method": request.method,
        "arrival": arrival.ordinal,
        "body_bytes": body.size,
        "body_sha256": body.sha256,
    }
    fault = state.faults.strike()
    if fault is None:
        return deed.do(arrival, facts)
    if fault.answer.when is When.AFTER:
        deed.do(arrival, facts)
    return failed(fault, facts)
