"""Passing a call on to the app behind the server, with the faults and the ledger in between."""

import asyncio
import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..stores.fault_records import Fault, When
from ..stores.ledger_store import Arrival
from .body import read_body
from .fault_answers import failed, refused
from .refusal import CallerGoneError, RefusedError
from .request_ids import choose_request_id
from .state import ServerState
from .waiting import hold_back

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
FIRST_FAILURE = 400


async def pass_on(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, state: ServerState
) -> None:
    """Serve one call by the app, unless a fault is due.

    It takes effect when the app answers it with a status below 400, each time; a safe method
    (RFC 9110, 9.2.1) once, for it changes nothing.
    """
    headers = Request(scope).headers
    try:
        request_id = choose_request_id(headers.get("x-request-id"), headers.get("idempotency-key"))
    except RefusedError as refusal:
        await refused(refusal)(scope, receive, send)
        return
    arrival = state.ledger.arrive(request_id, scope["method"])
    try:
        passage = _Passage(
            app=app, scope=scope, receive=receive, send=send, state=state, arrival=arrival
        )
        await passage.go()
    except RefusedError as refusal:
        state.ledger.answer(arrival, refusal.status)
        await refused(refusal)(scope, receive, send)
    except CallerGoneError:
        state.ledger.abandon(arrival)


@dataclass(kw_only=True)
class _Passage:
    """One call on its way to the app and back."""

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    state: ServerState
    arrival: Arrival
    _size: int = 0
    _sha256: str | None = None
    """Of the body, once it has been read."""
    _started: bool = False
    _answered: bool = False
    _gone: bool = False
    _seat: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self._digest = hashlib.sha256()

    async def go(self) -> None:
        """Decide whether the call fails, and serve it."""
        seconds = self.state.faults.latency_ms / 1000
        with self._seat:
            if seconds:
                self._seat.enter_context(self.state.waiting_room.seat())
            fault = self.state.faults.strike()
            if fault is None:
                await self._call(self._relay(seconds))
            else:
                await self._fail(fault, seconds)
        if self._gone:
            raise CallerGoneError

    async def _fail(self, fault: Fault, seconds: float) -> None:
        if fault.answer.when is When.AFTER:
            await self._call(self._drop)
        else:
            body = await read_body(Request(self.scope, self.receive), self.state.limits)
            self._size, self._sha256 = body.size, body.sha256
            self.state.ledger.receive(self.arrival, body.sha256)
        await self._wait(seconds)
        self.state.ledger.answer(self.arrival, fault.answer.status)
        facts = {
            "request_id": self.arrival.request_id,
            "method": self.scope["method"],
            "arrival": self.arrival.ordinal,
            "body_bytes": self._size,
            "body_sha256": self._sha256,
        }
        response = failed(fault, facts)
        response.headers["X-Request-ID"] = self.arrival.request_id
        await response(self.scope, self.receive, self.send)

    async def _call(self, send: Send) -> None:
        try:
            await self.app(self.scope, self._read, send)
        except Exception:
            if not self._started:  # the framework around this one answers it
                self.state.ledger.answer(self.arrival, 500)
            raise

    def _relay(self, seconds: float) -> Send:
        """Return the way of the app's answer to the caller."""

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._settle(message["status"])
                try:
                    await self._wait(seconds)
                except CallerGoneError:
                    self._gone = True
                else:
                    self.state.ledger.answer(self.arrival, message["status"])
            elif message["type"] == "http.response.body":
                self._answered = not message.get("more_body", False)
            if not self._gone:
                await self.send(message)

        return send

    async def _drop(self, message: Message) -> None:
        """Let the app do what it does, and lose its answer."""
        if message["type"] == "http.response.start":
            self._settle(message["status"])
        elif message["type"] == "http.response.body":
            self._answered = not message.get("more_body", False)

    def _settle(self, status: int) -> None:
        self._started = True
        if status < FIRST_FAILURE:
            self.state.ledger.perform(self.arrival, dedupe=self.scope["method"] in SAFE)

    async def _read(self) -> Message:
        """Receive for the app; what it reads is digested."""
        message = await self.receive()
        if message["type"] == "http.disconnect":
            self._gone = self._gone or not self._answered
        elif self._sha256 is None:
            chunk: bytes = message.get("body", b"")
            self._size += len(chunk)
            self._digest.update(chunk)
            if not message.get("more_body", False):
                self._sha256 = self._digest.hexdigest()
                self.state.ledger.receive(self.arrival, self._sha256)
        return message

    async def _wait(self, seconds: float) -> None:
        """Hold the answer back; a body that is still to be read is left to the app."""
        if seconds:
            never = asyncio.get_running_loop().create_future
            await hold_back(self.receive if self._sha256 is not None else never, seconds)
        self._seat.close()
