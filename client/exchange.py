"""One operation on its way to httpx: sends attempts, and says what their outcomes mean."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from client.classify import error_for_status, status_phrase
from client.deadline import cut
from client.exceptions import MyAPIError, UnexpectedStatusError
from client.headers import to_httpx
from client.redirects import came_after_an_answer
from client.request_body import RequestBody
from client.response_body import BodyGuard, BodyLimit
from client.retry import Failure
from client.retry_after import parse_retry_after

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from client.call import Call
    from client.classify import Classifier, Verdict
    from client.engine import Engine
    from client.family import Family
    from client.ports import HttpPort

__all__ = ["HttpExchange", "StreamExchange"]

_PHASES: Final = ("connect", "read", "write", "pool")
_SEND_OPTIONS: Final = ("auth", "follow_redirects")
_SMALL: Final = 64 * 1024
"""A body up to this many bytes is drained, so that its connection can be used again."""
_DRAIN_SECONDS: Final = 1.0
_KEPT: Final = 1024 * 1024
"""The largest body that an error of `stream` carries, in bytes."""
_KEEP_SECONDS: Final = 5.0


class HttpExchange:
    """An operation whose answers are read whole.

    Args:
        call: The operation.
        engine: Makes errors with the operation's context.
        http: The httpx client.
        family: Of that client.
        classifier: Of that family.
        options: Keyword arguments for httpx, prepared for more than one attempt.
        needs_async: Whether the client is an async one.
    """

    def __init__(  # noqa: PLR0913 - what an exchange is made of, each named by the caller
        self,
        call: Call,
        *,
        engine: Engine,
        http: HttpPort,
        family: Family,
        classifier: Classifier,
        options: dict[str, Any],
        needs_async: bool,
    ) -> None:
        self._call = call
        self._engine = engine
        self._http = http
        self._family = family
        self._classifier = classifier
        self._options = options
        self._body = RequestBody(options, needs_async=needs_async)
        options["headers"] = to_httpx(options["headers"])

    async def send(self, left: float | None) -> Any:
        """Make one attempt."""
        options = self._options if left is None else self._cut_to(left)
        return await self._http.request(self._call.method, self._call.target, **options)

    async def discard(self, response: Any) -> None:
        """Do nothing: the answer has been read, and its connection is free."""

    async def abandon(self, response: Any) -> None:
        """Do nothing: the answer has been read."""

    async def keep(self, response: Any) -> None:
        """Do nothing: the answer has been read."""

    def can_replay(self) -> bool:
        """Tell whether the next attempt would send the same bytes."""
        return self._body.can_replay()

    def failure_of(self, call: Call, response: Any) -> Failure | None:
        """Return why an answer is a failure, or None for a good one."""
        kind = error_for_status(response.status_code)
        return None if kind is None else self._status_failure(call, response, kind)

    def _status_failure(self, call: Call, response: Any, kind: type[MyAPIError]) -> Failure:
        status = response.status_code
        asked = self._retry_after(response)
        error = self._engine.error(
            kind,
            call,
            status_phrase(status),
            status_code=status,
            response=response,
            retry_after=asked,
            request_sent=True,
        )
        honoured = call.retry is not None and call.retry.config.respect_retry_after
        return Failure(error, response, asked if honoured else None)

    def failure_from(self, call: Call, error: Exception) -> Failure | None:
        """Return what an exception means, or None where it is not about the exchange."""
        response = self._classifier.response_in(error)
        if response is not None:
            kind = error_for_status(response.status_code) or UnexpectedStatusError
            return self._status_failure(call, response, kind)
        verdict = self._classifier.verdict(error)
        return (
            None if verdict is None else Failure(self._explained(call, verdict, error), None, None)
        )

    def _explained(self, call: Call, verdict: Verdict, cause: Exception) -> MyAPIError:
        sent = came_after_an_answer(cause) or verdict.request_sent
        error = self._engine.error(verdict.kind, call, verdict.reason, request_sent=sent)
        error.__cause__ = cause
        return error

    def _retry_after(self, response: Any) -> float | None:
        # A test's stand-in may have nothing but a status.
        if not self._family.is_response(response):
            return None
        value = response.headers.get("retry-after")
        return None if value is None else parse_retry_after(value, self._engine.ports.wall_clock())

    def _cut_to(self, left: float) -> dict[str, Any]:
        """Return the options with the timeout of each phase cut to what is left."""
        module = self._family.module
        given = self._options.get("timeout", module.USE_CLIENT_DEFAULT)
        if given is module.USE_CLIENT_DEFAULT:
            given = self._http.client.timeout
        timeout = module.Timeout(given)
        phases = {phase: cut(getattr(timeout, phase), left) for phase in _PHASES}
        return {**self._options, "timeout": module.Timeout(**phases)}


class StreamExchange(HttpExchange):
    """An operation whose answer is handed over as soon as its head is there."""

    body_error: MyAPIError | None = None
    """What broke the body while the caller read it."""

    async def send(self, left: float | None) -> Any:
        """Make one attempt, up to the head of the answer."""
        options = dict(self._options if left is None else self._cut_to(left))
        sending = {name: options.pop(name) for name in _SEND_OPTIONS if name in options}
        request = self._http.client.build_request(self._call.method, self._call.target, **options)
        return await self._http.open(request, **sending)

    async def discard(self, response: Any) -> None:
        """Drain a small answer, so that its connection can be used again, or close it."""
        if response is None:
            return
        announced = _announced(response)
        if announced is not None and announced <= _SMALL:
            # What is small on the wire may be huge once decoded.
            BodyLimit(_SMALL).install(response)
            await self._try_to_read(response, _DRAIN_SECONDS)
        await self.abandon(response)

    async def abandon(self, response: Any) -> None:
        """Close the answer; what goes wrong with its connection now is nobody's concern."""
        if response is not None:
            with self._tolerance():
                await self._http.close_response(response)

    async def keep(self, response: Any) -> None:
        """Read the answer that an error will carry, unless it is large or slow."""
        if response is not None:
            BodyLimit(_KEPT).install(response)
            await self._try_to_read(response, _KEEP_SECONDS)

    async def _try_to_read(self, response: Any, seconds: float) -> None:
        deadline, ports = self._call.deadline, self._engine.ports
        left = seconds if deadline is None else min(seconds, deadline.left(ports.now()))
        with self._tolerance():
            await ports.within(left, lambda: self._http.read(response))

    @contextmanager
    def _tolerance(self) -> Generator[None]:
        try:
            yield
        except Exception as error:
            if self._classifier.verdict(error) is None:
                raise

    def guard(self, response: Any) -> None:
        """Bound and translate what happens while the caller reads the body."""
        BodyGuard(self._watched).install(response)

    async def _watched(self, fetch: Callable[[], Awaitable[bytes]]) -> bytes:
        call, ports = self._call, self._engine.ports
        try:
            if call.deadline is None:
                return await fetch()
            return await ports.within(call.deadline.left(ports.now()), fetch)
        except MyAPIError:
            raise
        except Exception as error:
            failure = self._engine.explain(call, self, error)
            if failure is None or not isinstance(failure.error, MyAPIError):
                raise
            self.body_error = failure.error
            try:
                raise failure.error from error
            finally:
                # This frame is in the error's traceback, and must not lead back to the error.
                failure = None


def _announced(response: Any) -> int | None:
    """Return the announced length of a body, or None where there is none to be believed."""
    length = response.headers.get("content-length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,10}", length) else None
