"""What a drop-in client retries: as much as is safe without the caller's word for it.

Rule 1  What was provably never sent is sent again, whatever the method. A transport is believed
        if it is httpx's own, unchanged, or says by an attribute `tells_unsent = True` so.
Rule 2  An idempotent request (RFC 9110, 9.2.2) is sent again after a failure of the network and
        after 429, 500, 502, 503 and 504; any other only after 429 and 503, which say that it
        was not acted upon.
Rule 3  A request that is not idempotent and whose fate is unknown is sent again only with a
        header that lets the server recognise it, or where the caller chose what to retry.
Rule 4  An answer tells the fate of the request it answers: after a redirect that turned a POST
        into a GET, that of the POST is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from client.classify import error_for_status
from client.exceptions import APIConnectionError
from client.retry import RetryPolicy, RetryRules
from client.seconds import MAX_SECONDS

if TYPE_CHECKING:
    from client.call import Call
    from client.drop_in_options import RetrySettings
    from client.retry import Failure

__all__ = ["IDEMPOTENCY_HEADERS", "DropInPolicy"]

IDEMPOTENCY_HEADERS: Final = ("Idempotency-Key", "X-Request-ID")
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"})
_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
_LONGEST_RETRY_AFTER: Final = 60.0
_STATUSES_NOT_ACTED_UPON: Final = frozenset({429, 503})


class DropInPolicy(RetryPolicy):
    """The rules above, and the arguments of a drop-in client that bend them."""

    def __init__(self, settings: RetrySettings) -> None:
        self._settings = settings
        statuses = settings.status_forcelist
        # An empty list retries nothing: it is no leave to repeat a write.
        self._caller_chose = bool(statuses or settings.retry_if or settings.retry_methods)
        super().__init__(_rules_of(settings), budget=None)
        # A status that is no error may be on the list too.
        self.looks_at_success |= any(error_for_status(each) is None for each in statuses or ())

    def is_retryable(self, call: Call, failure: Failure) -> bool:
        """Tell whether a failed attempt may be followed by another."""
        error, response = failure.error, failure.response
        if response is None:
            can_be_cured = isinstance(error, APIConnectionError)
            return can_be_cured and (failure.is_unsent or self._may_resend(call))
        if response.status_code not in self._statuses(call):
            return False
        return not failure.is_to_another or self._may_resend(call)

    def shown(self, failure: Failure) -> Exception | None:
        """Return the exception of httpx."""
        cause = failure.error.__cause__ if failure.error is not None else None
        return cause if isinstance(cause, Exception) else failure.error

    def told(self, failure: Failure) -> Exception | None:
        """Return the exception of httpx, or None for an answer, whatever its status."""
        return None if failure.response is not None else self.shown(failure)

    def spread(self, seconds: float) -> float:
        """Lengthen a wait by up to the jitter factor, within `max_wait_time`."""
        longer = seconds * (1 + self._settings.jitter_factor * self._draw())
        return min(longer, self.config.max_wait_seconds)

    def bounded(self, state: Any) -> float:
        """Return the backoff with its jitter."""
        return self.spread(super().bounded(state))

    def _statuses(self, call: Call) -> frozenset[int]:
        if self._settings.status_forcelist is not None:
            return self._settings.status_forcelist
        return _STATUSES if call.method.upper() in _IDEMPOTENT else _STATUSES_NOT_ACTED_UPON

    def _may_resend(self, call: Call) -> bool:
        """Tell whether a request whose fate is unknown may be sent again."""
        is_idempotent = call.method.upper() in _IDEMPOTENT
        return is_idempotent or call.is_recognisable or self._caller_chose


def _rules_of(settings: RetrySettings) -> RetryRules:
    longest = settings.max_wait_time
    longest_asked = _LONGEST_RETRY_AFTER if longest is None else longest
    return RetryRules(
        max_attempts=settings.max_retries + 1,
        backoff=settings.backoff,
        methods=settings.retry_methods,
        retry_if=settings.retry_if,
        max_wait_seconds=MAX_SECONDS if longest is None else longest,
        max_retry_after=longest_asked,
    )
