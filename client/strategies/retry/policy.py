"""Decides, with tenacity, whether a failed attempt is followed by another and when.

tenacity's retrying object is built for each operation that failed, never shared, and only asked:
its own loop, which would sleep and call, is not run. An operation that succeeds at once never
comes here. tenacity is imported when the first policy is made: `import client` does not wait for
it, nor does a service that is in trouble.
"""

from __future__ import annotations

import copy
import inspect
import math
import random
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from ...backoff import BY_NAME, Backoff
from ...engine.layer import Refusal
from ...exceptions import (
    APIConnectionError,
    CircuitOpenError,
    DeadlineExceededError,
    TLSVerificationError,
    UnexpectedStatusError,
)
from ...runtime.lazy_imports import require

if TYPE_CHECKING:
    from collections.abc import Callable

    import tenacity

    from ...config.models import RetryConfig
    from ...engine.layer import Failure
    from ...engine.operation import Call
    from .budget import RetryBudget

__all__ = ["NOT_RETRYABLE", "RetryPolicy", "RetryRules"]

require("tenacity")

_NEVER_RETRIED: Final = (CircuitOpenError, DeadlineExceededError, TLSVerificationError)
NOT_RETRYABLE: Final = Refusal("not_retryable", "it is nothing that is repeated")
_ATTEMPTS: Final = Refusal("attempts", "it was the last that is allowed")
_RETRY_AFTER_JITTER: Final = 0.1
"""How much later than `Retry-After` says a retry may come, as a share of it."""


class RetryRules(NamedTuple):
    """What a policy goes by, all of it checked; the fields of `RetryConfig` but the budget.

    A drop-in client gives them itself, and spares its users the import of pydantic.
    """

    max_attempts: int
    min_wait_seconds: float
    max_wait_seconds: float
    multiplier: float
    jitter: bool
    backoff: Any
    statuses: frozenset[int]
    methods: frozenset[str] | None
    retry_if: Callable[..., object] | None
    stop: Callable[..., Any] | None
    respect_retry_after: bool
    max_retry_after: float

    @classmethod
    def of(cls, config: RetryConfig) -> Self:
        """Return the rules of a configuration."""
        return cls(**{name: getattr(config, name) for name in cls._fields})


class RetryPolicy:
    """What the rules decide. Holds no state but the budget it may share.

    Attributes:
        is_off: Whether there are no retries, so that what is sent besides is bounded by itself.
    """

    is_off: bool = False

    def __init__(
        self,
        rules: RetryRules,
        budget: RetryBudget | None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        import_module("tenacity")  # as the module says
        self.rules = rules
        self.budget = budget
        self._draw = draw
        self.looks_at_success: bool = rules.retry_if is not None
        backoff = rules.backoff
        if isinstance(backoff, str):
            backoff = BY_NAME[backoff](rules.multiplier)
        self._backoff = backoff

    def wait_after(self, call: Call, failure: Failure, now: float) -> float | Refusal:
        """Return the seconds to wait before the next attempt, or why there is none.

        Raises:
            Exception: What a `retry_if`, stop or wait of the user's raised.
        """
        methods = self.rules.methods
        if methods is not None and call.method.upper() not in methods:
            return NOT_RETRYABLE
        if isinstance(failure.error, _NEVER_RETRIED):
            return NOT_RETRYABLE
        import tenacity  # noqa: PLC0415 - as the module says

        retrying = tenacity.Retrying(
            stop=self._stop,
            wait=lambda state: self._wait(state, call, failure),
            retry=lambda _state: True,
            retry_error_callback=lambda _state: None,
        )
        state = _state_of(retrying, call, failure.response, self.told(failure), now)
        if not self._wanted(state, call, failure):
            return NOT_RETRYABLE
        try:
            decision = retrying.iter(state)
        finally:
            # tenacity leaves a circle, the retrying object and its list of actions, that would
            # keep error and request alive until the garbage collector comes by.
            retrying.iter_state.reset()
        return float(decision) if isinstance(decision, tenacity.DoSleep) else _ATTEMPTS

    def is_retryable(self, _call: Call, failure: Failure) -> bool:
        """Return whether a failed attempt may be followed by another, without `retry_if`."""
        error = failure.error
        if error is not None and error.status_code is not None:
            return failure.stands_for in self.rules.statuses
        return isinstance(error, APIConnectionError)

    def shown(self, failure: Failure) -> Exception | None:
        """Return the exception that `retry_if` is asked about."""
        return failure.error

    def raised(self, call: Call, failure: Failure) -> Exception:
        """Return the exception that stands for an answer that is retried."""
        reason = f"{call.method} {call.shown_url}: retry_if asked for another attempt"
        status = failure.answer.status_code
        return UnexpectedStatusError(reason, status_code=status, response=failure.response)

    def told(self, failure: Failure) -> Exception | None:
        """Return the exception that tenacity's objects are asked about; None for an answer."""
        return failure.error

    def spread(self, seconds: float) -> float:
        """Lengthen the wait a `Retry-After` asks for, so that clients do not return in step."""
        return seconds * (1 + _RETRY_AFTER_JITTER * self._draw()) if self.rules.jitter else seconds

    def pay(self, now: float) -> bool:
        """Pay for a retry; False where the budget is used up."""
        return self.budget is None or self.budget.withdraw(now)

    def _stop(self, state: tenacity.RetryCallState) -> bool:
        rules = self.rules
        if state.attempt_number >= rules.max_attempts:
            return True
        return rules.stop is not None and bool(_plain("stop", rules.stop(state)))

    def _wanted(self, state: tenacity.RetryCallState, call: Call, failure: Failure) -> bool:
        predicate = self.rules.retry_if
        if predicate is None:
            return self.is_retryable(call, failure)
        import tenacity  # noqa: PLC0415 - as the module says

        if isinstance(predicate, tenacity.retry_base):
            return bool(_plain("retry_if", predicate(state)))
        # Either there is a response or there is an exception: an error that stands for an answer
        # is shown as that answer.
        error = None if failure.response is not None else self.shown(failure)
        return bool(_plain("retry_if", predicate(failure.response, error)))

    def _wait(self, state: tenacity.RetryCallState, call: Call, failure: Failure) -> float:
        asked = failure.retry_after if self.rules.respect_retry_after else None
        if asked is not None and asked <= self.rules.max_retry_after:
            return self.spread(asked)
        return self.bounded(state, call, failure)

    def bounded(self, state: tenacity.RetryCallState, call: Call, failure: Failure) -> float:
        """Return the backoff with its jitter, within the configured bounds."""
        rules = self.rules
        low, high = rules.min_wait_seconds, rules.max_wait_seconds
        if not isinstance(self._backoff, Backoff):
            if self.told(failure) is None:
                state = _with_exception(state, self.raised(call, failure))
            return _wait_within(low, high, self._backoff(state))
        nominal = _wait_within(low, high, self._backoff.delay(state.attempt_number))
        return min(low + (nominal - low) * self._draw(), nominal) if rules.jitter else nominal


def _state_of(
    retrying: tenacity.Retrying, call: Call, response: object, error: Exception | None, now: float
) -> tenacity.RetryCallState:
    """Put a finished attempt into the form in which tenacity's strategies look at it."""
    import tenacity  # noqa: PLC0415 - as the module says

    retrying.begin()
    state = tenacity.RetryCallState(retrying, None, (), {})
    number = call.attempts - call.passed
    outcome = tenacity.Future(number)
    if error is None:
        outcome.set_result(response)
    else:
        outcome.set_exception(error)
    state.attempt_number = number
    state.start_time = call.started
    state.outcome_timestamp = now
    state.idle_for = sum(call.waits)
    state.outcome = outcome
    return state


def _with_exception(state: tenacity.RetryCallState, error: Exception) -> tenacity.RetryCallState:
    """Show a wait the exception behind an answer too: `tenacity.wait_exception` needs one."""
    before: Any = state.outcome
    outcome = _answer_with_exception()(state.attempt_number)
    outcome.set_result(before.result())
    outcome.shown = error
    seen = copy.copy(state)
    seen.outcome = outcome
    return seen


@cache
def _answer_with_exception() -> type[Any]:
    import tenacity  # noqa: PLC0415 - as the module says

    class Answer(tenacity.Future):
        """An outcome that is an answer still, and tells which exception stands for it."""

        shown: Exception

        @property
        def failed(self) -> bool:
            return False

        def exception(self, timeout: float | None = None) -> Exception:  # noqa: ARG002 - the base's signature
            return self.shown

    return Answer


def _plain(setting: str, answer: object) -> Any:
    """Return what a function of the user's answered, or refuse what would have to be awaited."""
    if inspect.isawaitable(answer):
        if inspect.iscoroutine(answer):
            answer.close()  # or Python would warn that it was never awaited
        raise TypeError(f"{setting} returned something to await: give a plain function")
    return answer


def _wait_within(low: float, high: float, answer: object) -> float:
    """Return what a backoff answered, kept within the bounds."""
    given = _plain("backoff", answer)
    try:
        seconds = float(given)
    except (TypeError, ValueError):
        seconds = math.nan
    if math.isnan(seconds):
        raise ValueError(f"backoff returned {answer!r}: it must return a number of seconds")
    return min(max(seconds, low), high)
