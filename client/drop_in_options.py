"""The keyword arguments that the drop-in clients add to those of httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, TypedDict, cast

from client.backoff import Backoff, ExponentialBackoff
from client.callbacks import Callbacks
from client.circuit_breaker import CircuitBreaker
from client.spelling import nearest
from client.validation import (
    check_callable,
    check_methods,
    check_statuses,
    check_strategy,
    count,
    not_allowed,
    number,
    seconds,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

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


def _check_status_forcelist(value: object) -> list[object] | None:
    return None if value is None else check_statuses(value)


def _check_breaker(value: object) -> object:
    if value is None or isinstance(value, CircuitBreaker):
        return value
    raise not_allowed(value, "a CircuitBreaker or None")


def _check_optional(check: Callable[[object], float]) -> Callable[[object], float | None]:
    return lambda value: None if value is None else check(value)


_CHECKS: Final[Mapping[str, Callable[[object], object]]] = {
    "max_retries": count(0, 99),
    "backoff_factor": seconds(),
    "backoff_strategy": check_strategy,
    "jitter_factor": number(float, low=0, high=10),
    "max_wait_time": _check_optional(seconds()),
    "max_total_time": _check_optional(seconds(above=True)),
    "status_forcelist": _check_status_forcelist,
    "retry_methods": check_methods,
    "retry_if": check_callable,
    "circuit_breaker": _check_breaker,
    "on_request": check_callable,
    "on_retry": check_callable,
    "on_success": check_callable,
    "on_failure": check_callable,
}
"""What each must be, in the order in which they are shown."""
_check_status: Final = count(100, 599)


class RetrySettings:
    """The arguments above, checked; `merged` lays those of a call over those of its client.

    No pydantic model, whose import alone takes as long as that of httpx; what is wrong is told in
    the same way.

    Raises:
        ValueError: pydantic's `ValidationError`, which tells all that is wrong.
    """

    max_retries: int = 3
    backoff_factor: float = 0.3
    backoff_strategy: Any = None
    jitter_factor: float = 0.0
    max_wait_time: float | None = None
    max_total_time: float | None = None
    status_forcelist: frozenset[int] | None = None
    retry_methods: frozenset[str] | None = None
    retry_if: Callable[..., Any] | None = None
    circuit_breaker: CircuitBreaker | None = None
    on_request: Callable[[RequestInfo], object] | None = None
    on_retry: Callable[[RetryInfo], object] | None = None
    on_success: Callable[[ResponseInfo], object] | None = None
    on_failure: Callable[[FailureInfo], object] | None = None

    def __init__(self, **given: Any) -> None:
        vars(self).update(_checked(given))

    @property
    def given(self) -> frozenset[str]:
        """The names of those that were given; the others have their defaults."""
        return frozenset(vars(self))

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return every name with its default, in the order in which they are shown."""
        return {name: getattr(cls, name) for name in _CHECKS}

    def merged(self, **overrides: Any) -> Self:
        """Return a copy with some settings replaced; a factor also replaces a strategy."""
        if "backoff_factor" in overrides:
            overrides.setdefault("backoff_strategy", None)
        merged = type(self)(**overrides)
        vars(merged).update(vars(self) | vars(merged))
        return merged

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


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as they are kept, or raise one error that tells all that is wrong."""
    refusals = _Refusals()
    checked = {name: _checked_one(refusals, name, given[name]) for name in _CHECKS if name in given}
    refusals.raise_any()
    return checked


def _checked_one(refusals: _Refusals, name: str, value: object) -> object:
    found = refusals.checked(_CHECKS[name], value, name)
    if name != "status_forcelist" or not isinstance(found, list):
        return found
    statuses = enumerate(cast("list[object]", found))
    return frozenset(refusals.checked(_check_status, each, name, at) for at, each in statuses)


class _Refusals:
    """What the checks refused, for one error in the form of pydantic's."""

    def __init__(self) -> None:
        self._lines: list[Any] = []

    def checked(self, check: Callable[[object], object], value: object, *path: str | int) -> object:
        """Return what a check makes of a value; where it refuses, None."""
        try:
            return check(value)
        except ValueError as error:
            self._lines.append({**_kind_of(error), "loc": path, "input": value})
            return None

    def raise_any(self) -> None:
        """Raise the error, if anything was refused."""
        if not self._lines:
            return
        from pydantic_core import ValidationError  # noqa: PLC0415 - only a mistake needs it

        # Values are left out: the texts show them, except where they may be a secret.
        raise ValidationError.from_exception_data("RetrySettings", self._lines, hide_input=True)


def _kind_of(error: ValueError) -> dict[str, Any]:
    from pydantic_core import PydanticCustomError  # noqa: PLC0415 - only a mistake needs it

    if isinstance(error, PydanticCustomError):
        return {"type": error}
    # Not of a check: a generator of the caller's raised it.
    return {"type": "value_error", "ctx": {"error": error}}


def take_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Take the arguments above out of `options`."""
    if _CHECKS.keys().isdisjoint(options):
        return {}
    return {name: options.pop(name) for name in _CHECKS.keys() & options.keys()}


def split_options(options: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Take the arguments above out of `options`, and refuse what nobody knows.

    Raises:
        TypeError: An argument is neither one of these nor `known`; the nearest is offered.
    """
    ours = take_settings(options)
    for name in options:
        if name not in known:
            near = nearest(name, [*_CHECKS, *known])
            offer = f"; did you mean {near!r}?" if near else ""
            raise TypeError(f"unexpected keyword argument {name!r}{offer}")
    return ours
