"""Standing in for another service: in front of an app, and with answers of the test's own.

Rule 1: the controls win: `/fail`, `/ledger` and `/health` are always the server's own.
Rule 2: then come the paths that the test has given answers, then the app, if there is one; without
one, `/msg`.
Rule 3: the app's messages pass on as they come. WebSockets and the lifespan are the app's alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..stores.canned_answers import is_control
from ..stores.ledger_store import Arrival, LedgerStore
from ..stores.route_table import ActiveRoute
from .answering import answer_call
from .passing_on import pass_on
from .state import ServerState

FIRST_FAILURE = 400


class StandIn:
    """Serves routes and the app; the rest is for `own`.

    Args:
        own: What serves the controls and `/msg`.
        state: The stores of the server.
        app: What the server stands in front of, if anything.
    """

    def __init__(self, own: ASGIApp, *, state: ServerState, app: ASGIApp | None) -> None:
        self._own = own
        self._state = state
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a call, or the lifespan."""
        if scope["type"] != "http":
            await (self._app or self._own)(_for_the_app(scope), receive, send)
        elif is_control(scope["path"]):
            await self._own(scope, receive, send)
        elif route := self._state.routes.find(scope["method"], scope["path"]):
            await self._answer(route, scope, receive, send)
        elif self._app is not None:
            await pass_on(self._app, _for_the_app(scope), receive, send, self._state)
        elif methods := self._state.routes.methods_of(scope["path"]):
            detail = f"no route answers {scope['method']} here; there is {', '.join(methods)}"
            refusal = JSONResponse({"detail": detail}, 405, {"Allow": ", ".join(methods)})
            await refusal(scope, receive, send)
        else:
            await self._own(scope, receive, send)

    async def _answer(self, route: ActiveRoute, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await answer_call(request, self._state, _GiveAnswer(self._state.ledger, route))
        await response(scope, receive, send)


@dataclass(frozen=True, slots=True)
class _GiveAnswer:
    """Answers with what the route says; it takes effect if that is no failure."""

    ledger: LedgerStore
    active: ActiveRoute

    @property
    def delay_ms(self) -> float:
        return self.active.next_answer().delay_ms

    def do(self, arrival: Arrival, facts: Mapping[str, object]) -> Response:  # noqa: ARG002 - no part of a route's answer
        answer = self.active.next_answer()
        self.active.answered += 1
        if answer.status < FIRST_FAILURE:
            self.ledger.perform(arrival, dedupe=self.active.route.dedupe)
        body, media_type = answer.body()
        response = Response(body, answer.status)
        names = {name.lower() for name in answer.headers}
        if media_type is not None and "content-type" not in names:
            response.headers["Content-Type"] = media_type
        for name, value in answer.headers.items():
            response.raw_headers.append((name.lower().encode(), value.encode()))
        return response


def _for_the_app(scope: Scope) -> Scope:
    """Return a scope without what the server's own framework has put there."""
    return {key: value for key, value in scope.items() if key != "app"}
