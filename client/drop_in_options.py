"""The keyword arguments that the drop-in clients add to those of httpx."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Any, Final, Self, TypedDict

from pydantic import BeforeValidator, PlainValidator

from client.backoff import Backoff, ExponentialBackoff
from client.callbacks import Callbacks
from client.circuit_breaker import CircuitBreaker
from client.config import Hook, Methods, PositiveSeconds, Seconds, Settings, Status
from client.validation import check_statuses, check_strategy, count, not_allowed, number

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from client.callbacks import FailureInfo, RequestInfo, ResponseInfo, RetryInfo

__all__ = ["ResilienceOptions", "RetrySettings", "split_options", "take_settings"]


class ResilienceOptions(TypedDict, total=False):
    """What the drop-in clients take besides httpx's arguments; a call overrides its client.

    max_retries: Attempts beyond the first, 0 to 99; default 3.
    backoff_factor: Seconds before the first retry, doubled for each further one; default 0.3.
    backoff_strategy: A `Backoff`, or a tenacity wait object, in place of `backoff_factor`.
    jitter_factor: Lengthen each wait by up to this share of it, 0 to 10; default 0.0.
    max_wait_time: No wait is longer than these seconds, and a `Retry-After` that asks for more
        is ignored; default None: no bound, but 60 seconds for `Retry-After`.
    max_total_time: Seconds for the whole call: attempts, waits and body, also while the caller
        reads a streamed one; default None.
    status_forcelist: Statuses that are retried, for every method; by default 429, 500, 502, 503
        and 504, of which only 429 and 503 where the request is not idempotent.
    retry_methods: The methods that are retried; by default all, as far as it is safe.
    retry_if: `(response | None, exception | None) -> bool`, which decides alone; or a tenacity
        retry object.
    circuit_breaker: A `CircuitBreaker`, which several clients may share; default None.
    on_request, on_retry, on_success, on_failure: Callbacks, each given one frozen record.
    """

    max_retries: int
    backoff_factor: float
    backoff_strategy: Backoff | Callable[..., Any] | None
    jitter_factor: float
    max_wait_time: float | None
    max_total_time: float | None
    status_forcelist: Collection[int] | None
    retry_methods: Collection[str] | None
    retry_if: Callable[..., Any] | None
    circuit_breaker: CircuitBreaker | None
    on_request: Callable[[RequestInfo], object] | None
    on_retry: Callable[[RetryInfo], object] | None
    on_success: Callable[[ResponseInfo], object] | None
    on_failure: Callable[[FailureInfo], object] | None


def _check_status_forcelist(value: object) -> object:
    return None if value is None else check_statuses(value)


def _check_breaker(value: object) -> object:
    if value is None or isinstance(value, CircuitBreaker):
        return value
    raise not_allowed(value, "a CircuitBreaker or None")


class RetrySettings(Settings):
    """The arguments above, checked; `merged` lays those of a call over those of its client."""

    max_retries: Annotated[int, count(0, 99)] = 3
    backoff_factor: Seconds = 0.3
    backoff_strategy: Annotated[Any, PlainValidator(check_strategy)] = None
    jitter_factor: Annotated[float, number(float, low=0, high=10)] = 0.0
    max_wait_time: Seconds | None = None
    max_total_time: PositiveSeconds | None = None
    status_forcelist: Annotated[
        frozenset[Status] | None, BeforeValidator(_check_status_forcelist)
    ] = None
    retry_methods: Methods = None
    retry_if: Hook = None
    circuit_breaker: Annotated[Any, PlainValidator(_check_breaker)] = None
    on_request: Hook = None
    on_retry: Hook = None
    on_success: Hook = None
    on_failure: Hook = None

    def merged(self, **overrides: Any) -> Self:
        """Return a copy with some settings replaced; a factor also replaces a strategy."""
        if "backoff_factor" in overrides:
            overrides.setdefault("backoff_strategy", None)
        return super().merged(**overrides)

    @property
    def backoff(self) -> Any:
        """The strategy in force."""
        if self.backoff_strategy is not None:
            return self.backoff_strategy
        return ExponentialBackoff(self.backoff_factor)

    def callbacks(self) -> Callbacks:
        """Return the listener for the callbacks that are set."""
        return Callbacks(
            max_retries=self.max_retries,
            on_request=self.on_request,
            on_retry=self.on_retry,
            on_success=self.on_success,
            on_failure=self.on_failure,
        )


_NAMES: Final = frozenset(RetrySettings.model_fields)


def take_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Take the arguments above out of `options`."""
    if _NAMES.isdisjoint(options):
        return {}
    return {name: options.pop(name) for name in _NAMES & options.keys()}


def split_options(options: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Take the arguments above out of `options`, and refuse what nobody knows.

    Raises:
        TypeError: An argument is neither one of these nor `known`; the nearest is offered.
    """
    ours = take_settings(options)
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, [*_NAMES, *known], n=1)
            offer = f"; did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"unexpected keyword argument {name!r}{offer}")
    return ours
