"""Callbacks of the drop-in clients: a listener that hands each one frozen record.

A callback runs in the middle of a call, so it must be quick and must not block; what it raises
is logged and never harms the call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .. import events
from ..engine.rejections import is_rejection
from ..exceptions import MyAPIError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Callbacks", "FailureInfo", "RequestInfo", "ResponseInfo", "RetryInfo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestInfo:
    """An attempt is about to be made.

    Attributes:
        url: Without credentials, query and fragment.
        method: The HTTP method.
        attempt: The number of the attempt, from 1.
        max_retries: Attempts that may follow the first.
    """

    url: str
    method: str
    attempt: int
    max_retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryInfo(RequestInfo):
    """Attempt number `attempt` failed, and another follows after `wait_time` seconds.

    Attributes:
        wait_time: Seconds until the next attempt.
        response: The answer that is retried, or None.
        status_code: Its status, or None.
        error: The httpx exception that is retried, or None.
    """

    wait_time: float
    response: Any
    status_code: int | None
    error: BaseException | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseInfo(RequestInfo):
    """The call brought a 2xx or a 3xx.

    Attributes:
        response: The answer.
        status_code: Its status.
        attempts: Attempts made, the same as `attempt`.
        total_time: Seconds the call took.
    """

    response: Any
    status_code: int
    attempts: int
    total_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureInfo(RequestInfo):
    """The call ended in an error status, an exception or a rejection.

    Attributes:
        error: The httpx exception or the rejection that ended it, or None for an error status.
        response: The answer with an error status, or None.
        status_code: Its status, or None.
        attempts: Attempts made, the same as `attempt`; 0 after a rejection.
        total_time: Seconds the call took.
    """

    error: BaseException | None
    response: Any
    status_code: int | None
    attempts: int
    total_time: float


OnRequest: TypeAlias = "Callable[[RequestInfo], object]"
OnRetry: TypeAlias = "Callable[[RetryInfo], object]"
OnSuccess: TypeAlias = "Callable[[ResponseInfo], object]"
OnFailure: TypeAlias = "Callable[[FailureInfo], object]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """The listener that turns events into records for the callbacks that are set."""

    max_retries: int
    on_request: OnRequest | None = None
    on_retry: OnRetry | None = None
    on_success: OnSuccess | None = None
    on_failure: OnFailure | None = None

    @property
    def listens_to(self) -> frozenset[type[events.Event]]:
        """The events that some callback waits for."""
        wanted: dict[type[events.Event], object] = {
            events.AttemptStarted: self.on_request,
            events.RetryScheduled: self.on_retry,
            events.OperationSucceeded: self.on_success,
            events.OperationFailed: self.on_failure,
        }
        return frozenset(kind for kind, callback in wanted.items() if callback is not None)

    def __call__(self, event: events.Event) -> None:
        """Hand one record to the callback that waits for this event."""
        match event:
            case events.AttemptStarted() if self.on_request:
                self.on_request(RequestInfo(**self._about(event, event.attempt)))
            case events.RetryScheduled() if self.on_retry:
                about = self._about(event, event.attempt) | _outcome(event.error, event.response)
                self.on_retry(RetryInfo(wait_time=event.wait, **about))
            case events.OperationSucceeded() if self.on_success:
                about = self._about(event, event.attempts)
                about |= {"response": event.response, "status_code": event.status_code}
                self.on_success(
                    ResponseInfo(attempts=event.attempts, total_time=event.elapsed, **about)
                )
            # A cancellation is the caller's own doing.
            case events.OperationFailed(error=Exception()) if self.on_failure:
                about = self._about(event, event.attempts) | _ending(event)
                self.on_failure(
                    FailureInfo(attempts=event.attempts, total_time=event.elapsed, **about)
                )
            case _:
                pass

    def _about(self, event: Any, attempt: int) -> dict[str, Any]:
        return {
            "url": event.url,
            "method": event.method,
            "attempt": attempt,
            "max_retries": self.max_retries,
        }


def _outcome(error: BaseException, response: Any) -> dict[str, Any]:
    """Describe an outcome as httpx would: by an answer with its status, or by an exception."""
    status = None if response is None else response.status_code
    return {"response": response, "status_code": status, "error": _seen(error, response)}


def _ending(event: events.OperationFailed) -> dict[str, Any]:
    """Describe how a call failed; the error of another client is no answer to this one."""
    error = event.error
    if isinstance(error, MyAPIError) and not event.is_own:
        return {"response": None, "status_code": None, "error": error}
    return _outcome(error, error.response if isinstance(error, MyAPIError) else None)


def _seen(error: BaseException, response: Any) -> BaseException | None:
    """Return the exception that a caller of httpx sees, or None where he sees the answer."""
    stands_for_another = isinstance(error, MyAPIError) and not is_rejection(error)
    if stands_for_another and error.__cause__ is not None:
        return error.__cause__
    return error if response is None else None
