"""What the outcomes of an attempt mean: an answer's status, an exception of httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from client.classify import OK, error_for_status, status_phrase
from client.exceptions import MyAPIError, UnexpectedStatusError
from client.redirects import came_after_an_answer
from client.retry import Failure
from client.retry_after import parse_retry_after

if TYPE_CHECKING:
    from client.call import Call
    from client.classify import Classifier, Verdict
    from client.engine import Engine
    from client.family import Family

__all__ = ["Outcomes"]


class Outcomes:
    """Part of every exchange: turns what came back into failures of the tree.

    Args:
        engine: Makes errors with the operation's context.
        family: Of the httpx client.
        classifier: Of that family.
    """

    def __init__(self, engine: Engine, family: Family, classifier: Classifier) -> None:
        self._engine = engine
        self._family = family
        self._classifier = classifier

    def failure_of(self, call: Call, response: Any) -> Failure | None:
        """Return why an answer is a failure, or None for a good one."""
        if response.status_code in OK:
            return None
        kind = error_for_status(response.status_code) or UnexpectedStatusError
        return self._status_failure(call, response, kind)

    def failure_from(self, call: Call, error: Exception) -> Failure | None:
        """Return what an exception means, or None where it is not about the exchange."""
        response = self._classifier.response_in(error)
        if response is not None:
            kind = error_for_status(response.status_code) or UnexpectedStatusError
            return self._status_failure(call, response, kind, cause=error)
        verdict = self._classifier.verdict(error)
        return None if verdict is None else Failure(self._explained(call, verdict, error))

    def look_again(self, call: Call, response: Any) -> Failure:
        """Return a good answer as what somebody may want to retry all the same."""
        return Failure(None, response, _honoured(call, self._retry_after(response)))

    def _status_failure(
        self,
        call: Call,
        response: Any,
        kind: type[MyAPIError],
        cause: Exception | None = None,
    ) -> Failure:
        status = response.status_code
        asked = self._retry_after(response)
        error = self._engine.errors.make(
            kind,
            call,
            status_phrase(status),
            status_code=status,
            response=response,
            retry_after=asked,
            request_sent=True,
        )
        error.__cause__ = cause
        return Failure(error, response, _honoured(call, asked))

    def _explained(self, call: Call, verdict: Verdict, cause: Exception) -> MyAPIError:
        sent = came_after_an_answer(cause) or verdict.request_sent
        error = self._engine.errors.make(verdict.kind, call, verdict.reason, request_sent=sent)
        error.__cause__ = cause
        return error

    def _retry_after(self, response: Any) -> float | None:
        # A test's stand-in may have nothing but a status.
        if not self._family.is_response(response):
            return None
        value = response.headers.get("retry-after")
        return None if value is None else parse_retry_after(value, self._engine.ports.wall_clock())


def _honoured(call: Call, asked: float | None) -> float | None:
    return asked if call.retry is not None and call.retry.config.respect_retry_after else None
