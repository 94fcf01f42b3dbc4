"""What the outcomes of an attempt mean: an answer's status, an exception of httpx."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from ..engine.layer import Failure
from ..engine.operation import Attempt
from ..engine.rejections import is_rejection
from ..errors.safe_texts import scrub
from ..exceptions import (
    APIConnectionError,
    DeadlineExceededError,
    MyAPIError,
    ResponseError,
    UnexpectedStatusError,
)
from ..http.bodies.made_response import handed_over
from ..http.bodies.response_body import BodyGuard
from ..http.family import request_of
from ..http.retry_after import parse_retry_after
from ..http.verdicts import OK, error_for_status, status_phrase

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..engine.operation import Call
    from ..engine.ports import HttpPort
    from ..http.family import Family
    from ..http.shapes import Request, Response
    from ..http.verdicts import Classifier, Verdict

__all__ = ["Failures"]

T = TypeVar("T")


class Failures:
    """Part of every exchange: turns what came back into failures of the tree.

    Attributes:
        attempt_kind: What an attempt's state is kept in.
    """

    attempt_kind: type[Attempt] = Attempt
    is_streamed: bool
    _shown: Callable[[Exception], Exception | None]
    """What is raised in place of an exception of an open body; None for itself."""
    _call: Call
    _family: Family
    _classifier: Classifier
    _http: HttpPort

    def failure_of(self, attempt: Any, response: Response) -> Failure | None:
        """Return why an answer is a failure, or None for a good one."""
        if response.status_code in OK:
            return None
        kind = self._call.error_for(response) or error_for_status(response.status_code)
        return self._status_failure(attempt, response, kind or UnexpectedStatusError)

    def failure_from(self, attempt: Any, error: Exception) -> Failure | None:
        """Return what an exception means, or None where it is not about the exchange."""
        response = self._classifier.response_in(error)
        if response is not None:
            kind = error_for_status(response.status_code) or UnexpectedStatusError
            return self._status_failure(attempt, response, kind, cause=error)
        verdict = self._classifier.verdict(error)
        if verdict is None:
            return None
        return Failure(self._explained(attempt, verdict, error), attempt=attempt)

    def fork(
        self,
        begin: Callable[[type[Attempt], Call], Attempt],
        *,
        is_first: bool,  # noqa: ARG002 - a drop-in client needs it
    ) -> Self:
        """Return one for an attempt that may have others beside it."""
        twin = copy(self)
        twin.attempt_kind = cast("type[Attempt]", partial(begin, self.attempt_kind))
        return twin

    def twin_for(self, call: Call, *, is_first: bool) -> Self:  # noqa: ARG002 - as above
        """Return one for an operation that goes out in place of the caller's, or after it."""
        twin = copy(self)
        twin._call = call  # noqa: SLF001 - of the same class
        return twin

    def likewise(self, failure: Failure, request: Request) -> Failure | None:
        """Return a failure like that of another operation, for one that has waited for it."""
        error, response = failure.error, failure.response
        if not (is_rejection(error) or isinstance(error, (APIConnectionError, ResponseError))):
            return None
        if response is not None and self.is_streamed:
            return None  # it was read, and this one's caller wants to read it
        errors = self._call.host.errors
        if isinstance(error, DeadlineExceededError):
            return Failure(errors.late(self._call))
        own = errors.again(error, self._call)
        if response is not None:
            response = handed_over(response, request, self._family, is_streamed=False)
            cast("Any", response).request = request
            own.response = response
        if request_of(own.__cause__) is not None:
            cast("Any", own.__cause__).request = request
        return replace(failure, error=own, response=response, attempt=None)

    def choose(self, attempt: Any) -> None:
        """Note which endpoint answered; an answer that was read says all else by itself."""
        self._call.endpoint = attempt.endpoint

    def look_again(self, response: Response) -> Failure:
        """Return a good answer as what somebody may want to retry all the same."""
        return Failure(None, response, self._retry_after(response))

    def _status_failure(
        self,
        attempt: Attempt,
        response: Response,
        kind: type[MyAPIError],
        cause: Exception | None = None,
    ) -> Failure:
        status = response.status_code
        asked = self._retry_after(response)
        error = self._call.host.errors.make(
            kind,
            self._call,
            status_phrase(status),
            attempt=attempt,
            status_code=status,
            response=response,
            retry_after=asked,
            request_sent=True,
        )
        self._put_cause(attempt, error, cause)
        return Failure(error, response, asked, attempt=attempt)

    def _explained(self, attempt: Attempt, verdict: Verdict, cause: Exception) -> MyAPIError:
        error = self._call.host.errors.make(
            verdict.kind,
            self._call,
            verdict.reason,
            attempt=attempt,
            request_sent=verdict.request_sent,
        )
        attempt.is_unsent = verdict.request_sent is False
        self._put_cause(attempt, error, cause)
        return error

    def _put_cause(
        self,
        attempt: Any,  # noqa: ARG002 - a drop-in client needs it
        error: MyAPIError,
        cause: Exception | None,
    ) -> None:
        """Keep what an error came from, with nothing in its texts that should not be shown."""
        error.__cause__ = cause
        scrub(error)

    def _retry_after(self, response: Response) -> float | None:
        # A test's stand-in may have nothing but a status.
        if not self._family.is_response(response):
            return None
        value = response.headers.get("retry-after")
        return (
            None if value is None else parse_retry_after(value, self._call.host.ports.wall_clock())
        )

    async def _in_time(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do some work on a body, which is part of the operation: as long as its time lasts."""
        deadline, ports = self._call.deadline, self._call.host.ports
        left = None if deadline is None else deadline.bound(ports.now())
        if left is None:
            return await work()
        if not left:  # what has come already would be read on
            raise TimeoutError
        return await ports.within(left, work)

    async def read(self, response: Response) -> None:
        """Read an answer that is streamed, where there is no caller to do that, and close it."""
        try:
            await self._in_time(lambda: self._http.read(response))
        finally:
            await self._http.close_response(response)

    def guard(self, response: Response) -> None:
        """Hold the body to the deadline, and translate its errors, while the caller reads it."""
        BodyGuard(self._watched).install(response)

    async def _watched(self, fetch: Callable[[], Awaitable[bytes]]) -> bytes:
        try:
            return await self._in_time(fetch)
        except Exception as error:
            shown = self._shown(error)
            try:
                if shown is not None:
                    raise shown from error
            finally:
                # This frame is in the error's traceback, and must not lead back to the error.
                del shown
            raise
