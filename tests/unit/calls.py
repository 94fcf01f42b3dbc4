"""Operations and failures as the engine would hand them to a policy."""

import httpx

from client.engine.engine import Engine
from client.engine.layer import Failure
from client.engine.notifiers import Notifiers
from client.engine.operation import Call
from client.engine.plan import Plan
from client.exceptions import APINetworkError, MyAPIError, ServerError
from client.ports.blocking_ports import BLOCKING

URL = "https://api.example/items"


def call_of(
    *,
    attempts: int = 1,
    method: str = "GET",
    started: float = 0.0,
    waits: tuple[float, ...] = (),
) -> Call:
    """An operation that has made some attempts."""
    host, plan = Engine(BLOCKING.make_ports()), Plan((), Notifiers(()), None)
    call = Call(method=method, target=URL, host=host, plan=plan, total=None)
    call.request_id = "id-1"
    call.attempts = attempts
    call.started = started
    call.waits = waits
    return call


def failure_of(error: MyAPIError, retry_after: float | None = None) -> Failure:
    """An attempt that ended with this error."""
    return Failure(error, error.response, retry_after)


def server_error(status: int = 500) -> ServerError:
    """An answer that is an error."""
    response = httpx.Response(status, request=httpx.Request("GET", URL))
    return ServerError(f"{status}", status_code=status, response=response)


def network_error() -> APINetworkError:
    """No answer at all."""
    return APINetworkError("connection refused")
