"""Decides, with tenacity, whether a failed attempt is followed by another and when.

tenacity's retrying object is built for each operation that failed, never shared, and only asked:
its own loop, which would sleep and call, is not run. An operation that succeeds at once never
comes here. tenacity is imported when the first policy is made: `import client` does not wait for
it, nor does a service that is in trouble.
"""

from __future__ import annotations

import inspect
import math
import random
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from client.backoff import (
    Backoff,
    ConstantBackoff,
    ExponentialBackoff,
    FibonacciBackoff,
    LinearBackoff,
)
from client.exceptions import (
    APIConnectionError,
    CircuitOpenError,
    DeadlineExceededError,
    MyAPIError,
    TLSVerificationError,
)
from client.imported_later import require

if TYPE_CHECKING:
    from collections.abc import Callable

    import tenacity

    from client.budget import RetryBudget
    from client.call import Call
    from client.config import RetryConfig

__all__ = ["Failure", "RetryPolicy", "RetryRules"]

require("tenacity")

_BACKOFFS: Final[dict[str, Callable[[float], Backoff]]] = {
    "exponential": ExponentialBackoff,
    "linear": LinearBackoff,
    "fibonacci": FibonacciBackoff,
    "constant": ConstantBackoff,
}
_NEVER_RETRIED: Final = (CircuitOpenError, DeadlineExceededError, TLSVerificationError)
_RETRY_AFTER_JITTER: Final = 0.1
"""How much later than `Retry-After` says a retry may come, as a share of it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed, or that succeeded and is looked at by `retry_if`."""

    error: MyAPIError | None
    """Of the tree; None for an answer that is no error."""
    response: Any = None
    retry_after: float | None = None
    is_unsent: bool = False
    """Whether this attempt provably never left this machine, as a drop-in client found."""
    is_to_another: bool = False
    """Whether the answer is to a request that followed the caller's, as a drop-in client found."""


class RetryRules(NamedTuple):
    """What a policy reads of a `RetryConfig`, from settings that were checked elsewhere.

    It spares those who have no `RetryConfig` the import of pydantic.
    """

    max_attempts: int
    min_wait_seconds: float = 0.0
    max_wait_seconds: float = 60.0
    multiplier: float = 2.0
    jitter: bool = False
    backoff: Any = "exponential"
    statuses: frozenset[int] = frozenset()
    methods: frozenset[str] | None = None
    retry_if: Callable[..., Any] | None = None
    stop: Callable[..., Any] | None = None
    respect_retry_after: bool = True
    max_retry_after: float = 60.0


class RetryPolicy:
    """What a `RetryConfig` decides. Holds no state but the budget it may share."""

    def __init__(
        self,
        config: RetryConfig | RetryRules,
        budget: RetryBudget | None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        import_module("tenacity")  # as the module says
        self.config = config
        self.budget = budget
        self._draw = draw
        self.looks_at_success = config.retry_if is not None
        backoff = config.backoff
        if isinstance(backoff, str):
            backoff = _BACKOFFS[backoff](config.multiplier)
        self._backoff = backoff

    def wait_after(self, call: Call, failure: Failure, now: float) -> float | None:
        """Return the seconds to wait before the next attempt, or None to make none.

        Raises:
            Exception: What a `retry_if`, stop or wait of the user's raised.
        """
        methods = self.config.methods
        if methods is not None and call.method.upper() not in methods:
            return None
        if isinstance(failure.error, _NEVER_RETRIED):
            return None
        import tenacity  # noqa: PLC0415 - as the module says

        retrying = tenacity.Retrying(
            stop=self._stop,
            wait=lambda state: self._wait(state, failure),
            retry=lambda _state: True,
            retry_error_callback=lambda _state: None,
        )
        state = _state_of(retrying, call, failure.response, self.told(failure), now)
        if not self._wanted(state, call, failure):
            return None
        try:
            decision = retrying.iter(state)
        finally:
            # tenacity leaves a circle, the retrying object and its list of actions, that would
            # keep error and request alive until the garbage collector comes by.
            retrying.iter_state.reset()
        return float(decision) if isinstance(decision, tenacity.DoSleep) else None

    def is_retryable(self, _call: Call, failure: Failure) -> bool:
        """Tell whether a failed attempt may be followed by another, without `retry_if`."""
        error = failure.error
        if error is not None and error.status_code is not None:
            return error.status_code in self.config.statuses
        return isinstance(error, APIConnectionError)

    def shown(self, failure: Failure) -> Exception | None:
        """Return the exception that `retry_if` is asked about."""
        return failure.error

    def told(self, failure: Failure) -> Exception | None:
        """Return the exception that tenacity's objects are asked about; None for an answer."""
        return failure.error

    def spread(self, seconds: float) -> float:
        """Lengthen the wait a `Retry-After` asks for, so that clients do not return in step."""
        return seconds * (1 + _RETRY_AFTER_JITTER * self._draw()) if self.config.jitter else seconds

    def pay(self, now: float) -> bool:
        """Pay for a retry; False where the budget is used up."""
        return self.budget is None or self.budget.withdraw(now)

    def _stop(self, state: tenacity.RetryCallState) -> bool:
        config = self.config
        if state.attempt_number >= config.max_attempts:
            return True
        return config.stop is not None and bool(_plain("stop", config.stop(state)))

    def _wanted(self, state: tenacity.RetryCallState, call: Call, failure: Failure) -> bool:
        predicate = self.config.retry_if
        if predicate is None:
            return self.is_retryable(call, failure)
        import tenacity  # noqa: PLC0415 - as the module says

        if isinstance(predicate, tenacity.retry_base):
            return bool(_plain("retry_if", predicate(state)))
        # Either there is a response or there is an exception: an error that stands for an answer
        # is shown as that answer.
        error = None if failure.response is not None else self.shown(failure)
        return bool(_plain("retry_if", predicate(failure.response, error)))

    def _wait(self, state: tenacity.RetryCallState, failure: Failure) -> float:
        asked = failure.retry_after
        if asked is not None and asked <= self.config.max_retry_after:
            return self.spread(asked)
        return self.bounded(state)

    def bounded(self, state: tenacity.RetryCallState) -> float:
        """Return the backoff with its jitter, within the configured bounds."""
        config = self.config
        low, high = config.min_wait_seconds, config.max_wait_seconds
        if not isinstance(self._backoff, Backoff):
            return _wait_within(low, high, self._backoff(state))
        nominal = _wait_within(low, high, self._backoff.delay(state.attempt_number))
        return min(low + (nominal - low) * self._draw(), nominal) if config.jitter else nominal


def _state_of(
    retrying: tenacity.Retrying, call: Call, response: Any, error: Exception | None, now: float
) -> tenacity.RetryCallState:
    """Put a finished attempt into the form in which tenacity's strategies look at it."""
    import tenacity  # noqa: PLC0415 - as the module says

    retrying.begin()
    state = tenacity.RetryCallState(retrying, None, (), {})
    outcome = tenacity.Future(call.attempts)
    if error is None:
        outcome.set_result(response)
    else:
        outcome.set_exception(error)
    state.attempt_number = call.attempts
    state.start_time = call.started
    state.outcome_timestamp = now
    state.idle_for = sum(call.waits)
    state.outcome = outcome
    return state


def _plain(setting: str, answer: Any) -> Any:
    """Return what a function of the user's answered, or refuse what would have to be awaited."""
    if inspect.isawaitable(answer):
        if inspect.iscoroutine(answer):
            answer.close()  # or Python would warn that it was never awaited
        raise TypeError(f"{setting} returned something to await: give a plain function")
    return answer


def _wait_within(low: float, high: float, answer: Any) -> float:
    """Return what a backoff answered, kept within the bounds."""
    given = _plain("backoff", answer)
    try:
        seconds = float(given)
    except (TypeError, ValueError):
        seconds = math.nan
    if math.isnan(seconds):
        raise ValueError(f"backoff returned {answer!r}: it must return a number of seconds")
    return min(max(seconds, low), high)
