"""What a drop-in client retries: as much as is safe without the caller's word for it.

Rule 1  What was provably never sent is sent again, whatever the method. A transport is believed
        if it is httpx's own, unchanged, or says by an attribute `tells_unsent = True` so.
Rule 2  An idempotent request (RFC 9110, 9.2.2) is sent again after a failure of the network and
        after 429, 500, 502, 503 and 504; any other only after 429 and 503, which say that it
        was not acted upon.
Rule 3  A request that is not idempotent and whose fate is unknown is sent again only where the
        caller chose what to retry, or with a header that says it may be repeated:
        `Idempotency-Key`, or those of `idempotency_headers`. Such a one counts as idempotent.
Rule 4  An answer tells the fate of the request it answers: after a redirect that turned a POST
        into a GET, that of the POST is unknown.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

from ...exceptions import APIConnectionError
from ...http.family import family_of
from ...http.verdicts import error_for_status
from ...runtime.seconds import MAX_SECONDS
from ...strategies.retry.policy import RetryPolicy, RetryRules

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.layer import Failure
    from ...engine.operation import Call
    from .options import RetrySettings

__all__ = ["DropInPolicy"]

_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"})
_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
_LONGEST_RETRY_AFTER: Final = 60.0
_STATUSES_NOT_ACTED_UPON: Final = frozenset({429, 503})


class DropInPolicy(RetryPolicy):
    """The rules above, and the arguments of a drop-in client that bend them."""

    def __init__(self, settings: RetrySettings, draw: Callable[[], float] = random.random) -> None:
        self._settings = settings
        statuses = settings.status_forcelist
        # An empty list retries nothing: it is no leave to repeat a write.
        self._caller_chose = bool(statuses or settings.retry_if or settings.retry_methods)
        super().__init__(_rules_of(settings), None, draw)
        self.is_off: bool = settings.max_retries == 0
        # A status that is no error may be on the list too.
        lists_success = any(error_for_status(each) is None for each in statuses or ())
        self.looks_at_success: bool = self.looks_at_success or lists_success

    def is_retryable(self, call: Call, failure: Failure) -> bool:
        """Return whether a failed attempt may be followed by another."""
        error, response = failure.error, failure.response
        if response is None:
            can_be_cured = isinstance(error, APIConnectionError)
            return can_be_cured and (failure.is_unsent or self._may_resend(call))
        if failure.stands_for not in self._statuses(call):
            return False
        return not failure.is_to_another or self._may_resend(call)

    def shown(self, failure: Failure) -> Exception | None:
        """Return the exception of httpx."""
        cause = failure.error.__cause__ if failure.error is not None else None
        return cause if isinstance(cause, Exception) else failure.error

    def raised(self, call: Call, failure: Failure) -> Exception:
        """Return what `raise_for_status` would raise for an answer, whatever its status."""
        response = failure.answer
        kind = family_of(response).module.HTTPStatusError
        reason = f"{call.method} {call.shown_url} was answered {response.status_code}"
        error: Exception = kind(reason, request=call.target, response=response)
        return error

    def told(self, failure: Failure) -> Exception | None:
        """Return the exception of httpx, or None for an answer, whatever its status."""
        return None if failure.response is not None else self.shown(failure)

    def spread(self, seconds: float) -> float:
        """Lengthen a wait by up to the jitter factor, within `max_wait_time`."""
        longer = seconds * (1 + self._settings.jitter_factor * self._draw())
        return min(longer, self.rules.max_wait_seconds)

    def bounded(self, state: Any, call: Call, failure: Failure) -> float:
        """Return the backoff with its jitter."""
        return self.spread(super().bounded(state, call, failure))

    def _statuses(self, call: Call) -> frozenset[int]:
        if self._settings.status_forcelist is not None:
            return self._settings.status_forcelist
        return _STATUSES if _is_idempotent(call) else _STATUSES_NOT_ACTED_UPON

    def _may_resend(self, call: Call) -> bool:
        """Whether a request whose fate is unknown may be sent again."""
        return _is_idempotent(call) or self._caller_chose


def _is_idempotent(call: Call) -> bool:
    return call.method.upper() in _IDEMPOTENT or call.has_idempotency_key


def _rules_of(settings: RetrySettings) -> RetryRules:
    longest = settings.max_wait_time
    longest_asked = _LONGEST_RETRY_AFTER if longest is None else longest
    return RetryRules(
        max_attempts=settings.max_retries + 1,
        min_wait_seconds=0.0,
        max_wait_seconds=MAX_SECONDS if longest is None else longest,
        multiplier=settings.backoff_factor,
        jitter=False,  # `spread` has one of its own
        backoff=settings.backoff,
        statuses=frozenset(),  # `is_retryable` decides
        methods=settings.retry_methods,
        retry_if=settings.retry_if,
        stop=None,
        respect_retry_after=True,
        max_retry_after=longest_asked,
    )
