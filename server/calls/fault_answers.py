"""What a call is answered that fails, by a fault or because the server refuses it."""

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from ..stores.fault_records import Fault, FaultAnswer
from .refusal import RefusedError

_BODILESS = 304  # HTTP forbids the answer a body


def failed(fault: Fault, facts: Mapping[str, object]) -> Response:
    """Return the answer of a fault, with what is known of the call."""
    answer = fault.answer
    response = Response(status_code=answer.status)
    if answer.status != _BODILESS:
        injected = {"error": "injected failure", "fault": fault.kind, "when": answer.when}
        response = JSONResponse({**injected, **facts}, answer.status)
    response.headers["X-Fault"] = fault.kind
    _set_retry_after(response, answer)
    return response


def refused(refusal: RefusedError) -> Response:
    """Return the answer of a refusal."""
    headers = {"Connection": "close"} if refusal.hang_up else None
    return JSONResponse({"detail": refusal.detail}, refusal.status, headers)


def _set_retry_after(response: Response, answer: FaultAnswer) -> None:
    if answer.retry_after is not None:
        # Past the headers' Latin-1, so that digits of any script go out as they came in.
        response.raw_headers.append((b"retry-after", answer.retry_after.encode()))
