"""The engine behind httpx's own interface: shared by drop-in clients, transports and functions.

What differs from the facade is little: the settings, and one translation of the engine's
outcomes back into what callers of httpx know.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from client.call import Call
from client.classify import Classifier
from client.drop_in_policy import IDEMPOTENCY_HEADERS, DropInPolicy
from client.engine import Engine
from client.event_log import EventLog
from client.exceptions import MyAPIError
from client.notifiers import Notifiers
from client.once import once
from client.rejections import rejections_for
from client.send_exchange import SendExchange
from client.sent_request import ReplayableRequest
from client.urls import mask_url

if TYPE_CHECKING:
    from client.drop_in_options import RetrySettings
    from client.family import Family
    from client.ports import World
    from client.send_exchange import Send

__all__ = ["DropIn"]

_REQUEST_ID: Final = "X-Request-ID"
_IDS: Final = frozenset(name.lower().encode() for name in (*IDEMPOTENCY_HEADERS, _REQUEST_ID))
_LENGTHS: Final = frozenset(map(len, _IDS))
_NOTE: Final = re.compile(r"\d+ attempts? (was|were) made in \S+ s")


class DropIn:
    """Protects the `send` of one httpx client, or of one transport.

    Args:
        family: httpx or httpx2.
        world: The async or the blocking one.
        settings: Those of the client; a call may override them.
    """

    def __init__(self, family: Family, world: World, settings: RetrySettings) -> None:
        self._family = family
        self.settings = settings
        self._classifier = Classifier(family)
        self._log = EventLog()
        if settings.circuit_breaker is not None:
            self._log.load()
        self._world = world
        self._engine = self._new_engine()
        self._http = world.make_http(None)
        self._plan = Plan(settings, self._log)
        self._streaming_plan = Plan(_once_unless_told(settings), self._log)

    async def send(
        self,
        request: Any,
        send: Send,
        overrides: dict[str, Any] | None = None,
        *,
        through: Any,
        is_streamed: bool = False,
    ) -> Any:
        """Send a request through the layers; return or raise what httpx would.

        Args:
            request: The built request.
            send: Makes one attempt.
            overrides: Settings for this call alone.
            through: The httpx client, or the transport, that makes the attempts.
            is_streamed: Whether answers come with their body still on the wire.

        Raises:
            ValueError: An override is not allowed.
            Exception: Of httpx: what the last attempt raised, or a rejection.
        """
        call, exchange = self._begin(request, send, overrides, through, is_streamed=is_streamed)
        try:
            outcome = await self._engine.run(call, exchange)
        except MyAPIError as error:
            outcome = self._translated(call, error)
        if isinstance(outcome, Exception):
            try:
                raise outcome
            finally:
                # Its traceback leads back to this frame: the two would keep each other alive.
                del outcome
        if is_streamed and call.deadline is not None:
            exchange.guard(outcome)
        return self._reported(call, outcome)

    async def send_or_raise(
        self, request: Any, send: Send, overrides: dict[str, Any] | None = None, *, through: Any
    ) -> Any:
        """Send a request as `send` does, but raise an error of the tree for every failure.

        Raises:
            ValueError: An override is not allowed.
            MyAPIError: The call failed, or its last answer has an error status.
        """
        call, exchange = self._begin(request, send, overrides, through, is_streamed=False)
        return self._reported(call, await self._engine.run(call, exchange))

    def build_or_raise(self, client: Any, method: str, url: Any, options: dict[str, Any]) -> Any:
        """Let a client build a request, or raise an error of the tree where it cannot be built.

        Raises:
            MyAPIError: httpx refuses the URL or a header.
        """
        try:
            return client.build_request(method, url, **options)
        except Exception as error:
            verdict = self._classifier.verdict(error)
            if verdict is None:
                raise
            shown = mask_url(str(url))
            text = f"{method} {shown} failed: {verdict.reason}"
            raise verdict.kind(text, method=method, url=shown, request_sent=False) from error

    def end_waits(self) -> None:
        """Let no call wait any longer for its next attempt: what it goes through was closed.

        A transport may be used again after that, and so may this.
        """
        engine, self._engine = self._engine, self._new_engine()
        engine.is_closed = True
        engine.ports.wake_sleepers()

    def wake_sleepers(self) -> None:
        """Let no call wait any longer: httpx will say that the client is closed."""
        self._engine.ports.wake_sleepers()

    def _new_engine(self) -> Engine:
        return Engine(
            self._world.make_ports(),
            bulkhead=None,
            breaker=None,
            rejections=rejections_for(self._family),
        )

    def _begin(
        self,
        request: Any,
        send: Send,
        overrides: dict[str, Any] | None,
        through: Any,
        *,
        is_streamed: bool,
    ) -> tuple[Call, SendExchange]:
        call = self._plan_for(overrides, is_streamed=is_streamed).call_for(request)
        exchange = SendExchange(
            self._engine,
            self._family,
            self._classifier,
            call=call,
            sent=ReplayableRequest(request, self._family),
            send=send,
            through=through,
            # What is not streamed has been read when it comes here.
            http=self._http if is_streamed else None,
        )
        return call, exchange

    def _reported(self, call: Call, response: Any) -> Any:
        if self._family.is_response(response):
            response.extensions["resilience"] = self._engine.report(call)
        return response

    def _translated(self, call: Call, error: MyAPIError) -> Any:
        """Return the answer, or the exception of httpx, that stands behind an error."""
        if isinstance(error, self._engine.errors.rejections.classes):
            return error
        cause = error.__cause__
        if not isinstance(cause, Exception):
            return error if error.response is None else error.response
        _put_note(cause, call.attempts, error.elapsed)
        return cause

    def _plan_for(self, overrides: dict[str, Any] | None, *, is_streamed: bool) -> Plan:
        if not overrides:
            return self._streaming_plan if is_streamed else self._plan
        settings = self.settings.merged(**overrides)
        return Plan(_once_unless_told(settings) if is_streamed else settings, self._log)


def _once_unless_told(settings: RetrySettings) -> RetrySettings:
    """Make one attempt of a streamed call, unless somebody asked for more."""
    if "max_retries" in settings.given:
        return settings
    return settings.merged(max_retries=0)


def _put_note(error: Exception, attempts: int, elapsed: float) -> None:
    """Say how often it was tried, in place of what a call before has said on the same object."""
    made = f"{attempts} attempt was" if attempts == 1 else f"{attempts} attempts were"
    notes: list[str] = getattr(error, "__notes__", [])
    notes[:] = [note for note in notes if not _NOTE.fullmatch(note)]
    error.add_note(f"{made} made in {elapsed:.3g} s")


class _SentCall(Call):
    """The operation that sends a request which is built already."""

    @once
    def url(self) -> str:
        """The whole URL, with what must not be shown."""
        return str(self.target.url)

    def look_at_headers(self, headers: Any) -> None:
        """Remember what the caller put in; hooks and auth flows may add more to each attempt."""
        for name, _ in headers.raw:  # for every call, and httpx's own way takes longer
            if len(name) in _LENGTHS and name.lower() in _IDS:
                self.request_id = headers.get(_REQUEST_ID)
                # An empty one tells the server nothing.
                self.is_recognisable = any(headers.get(each) for each in IDEMPOTENCY_HEADERS)
                return


class Plan:
    """Settings made ready for use: the policy, the circuit and the notifiers they ask for."""

    def __init__(self, settings: RetrySettings, log: EventLog) -> None:
        self._settings = settings
        self._policy = DropInPolicy(settings)
        self._notify = Notifiers((log, settings.callbacks()))
        breaker = settings.circuit_breaker
        self._circuit = breaker.circuit if breaker is not None else None

    def call_for(self, request: Any) -> Call:
        """Return the operation that sends a request."""
        call = _SentCall(
            method=request.method,
            target=request,
            notify=self._notify,
            retry=self._policy,
            total=self._settings.max_total_time,
            circuit=self._circuit,
        )
        call.look_at_headers(request.headers)
        return call
