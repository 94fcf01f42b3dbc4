"""The keyword arguments that the drop-in clients add to those of httpx."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypedDict, TypeVar, cast

from ...backoff import Backoff, ExponentialBackoff
from ...config.checks import (
    check_callable,
    check_header_names,
    check_methods,
    check_name,
    check_statuses,
    check_strategy,
    count,
    not_allowed,
    number,
    seconds,
    to_tuple,
)
from ...config.did_you_mean import did_you_mean
from ...strategies.circuit.circuit_breaker import CircuitBreaker
from ...telemetry.callbacks import Callbacks
from ..strategies import Wanted, check_allowed, check_part, laid_over

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ...config.parts.cache import CacheConfig
    from ...config.parts.chaos import ChaosConfig
    from ...config.parts.hedge import HedgeConfig
    from ...config.parts.rate_limit import RateLimitConfig
    from ...events import Listener
    from ...http.shapes import Options
    from ...telemetry.callbacks import OnFailure, OnRequest, OnRetry, OnSuccess

__all__ = [
    "IdentityOptions",
    "ResilienceOptions",
    "RetrySettings",
    "split_options",
    "take_identity",
    "take_settings",
]


T = TypeVar("T")


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
    idempotency_headers: The names of headers that say a request may be repeated, in place of
        `Idempotency-Key`: a POST or PATCH with one of them is retried as a PUT is; () for none.
    retry_if: `(response | None, exception | None) -> bool`, which decides alone; or a tenacity
        retry object.
    circuit_breaker: A `CircuitBreaker`, which several clients may share; default None.
    rate_limit: A `RateLimitConfig`, or a dict of its settings; a call may only switch it off, with
        None, which is the default.
    hedge: A `HedgeConfig`, or a dict of its settings; default None.
    chaos: A `ChaosConfig`, or a dict of its settings; as for `rate_limit`. It needs
        `allow_chaos=True` of the client.
    cache: A `CacheConfig`, or a dict of its settings; as for `rate_limit`.
    fallback: What answers in place of a call that failed: a response, a function
        `(error, request) -> response`, or a `Fallback`; default None.
    middleware: Goes around each call, the first outermost; default ().
    attempt_middleware: Goes around each attempt, inside the retries; default ().
    on_request, on_retry, on_success, on_failure: Callbacks, each given one frozen record.
    """

    max_retries: int
    backoff_factor: float
    backoff_strategy: Backoff | Callable[..., object] | None
    jitter_factor: float
    max_wait_time: float | None
    max_total_time: float | None
    status_forcelist: Collection[int] | None
    retry_methods: Collection[str] | None
    idempotency_headers: str | Collection[str]
    retry_if: Callable[..., object] | None
    circuit_breaker: CircuitBreaker | None
    rate_limit: RateLimitConfig | Mapping[str, object] | None
    hedge: HedgeConfig | Mapping[str, object] | None
    chaos: ChaosConfig | Mapping[str, object] | None
    cache: CacheConfig | Mapping[str, object] | None
    fallback: object
    middleware: Iterable[object]
    attempt_middleware: Iterable[object]
    on_request: OnRequest | None
    on_retry: OnRetry | None
    on_success: OnSuccess | None
    on_failure: OnFailure | None


class IdentityOptions(TypedDict, total=False):
    """What only constructors take.

    name: Told in logs, events, errors and the repr; 1-128 letters, digits and `. _ -`, default
        "default".
    listeners: Callables that are told what happens; see `client.events`.
    telemetry: Where metrics and traces go: `PrometheusMetrics()`, a `MetricSink` of your own, and
        their like; see `client.telemetry`.
    plugins: Objects that bring listeners, telemetry and middleware, and live as long as the
        client; default ().
    allow_chaos: Whether the faults of `chaos` are injected; default False.
    """

    name: str
    listeners: Iterable[Listener]
    telemetry: Iterable[Any]
    plugins: Iterable[object]
    allow_chaos: bool


def _check_status_forcelist(value: object) -> list[object] | None:
    return None if value is None else check_statuses(value)


def _check_breaker(value: object) -> object:
    if value is None or isinstance(value, CircuitBreaker):
        return value
    raise not_allowed(value, "a CircuitBreaker or None")


def _check_optional(check: Callable[[object], float]) -> Callable[[object], float | None]:
    return lambda value: None if value is None else check(value)


def _as_it_is(value: object) -> object:
    return value


_check_status: Final = count(100, 599)


class Setting(Generic[T]):
    """One of the arguments above: its default, and what it must be.

    Reads as the value that was given, else as the default.
    """

    def __init__(self, default: T, check: Callable[[object], object]) -> None:
        self.default = default
        self.check = check

    def __set_name__(self, owner: type[object], name: str) -> None:
        self._name = name

    def __get__(self, settings: object, owner: type[object]) -> T:
        if settings is None:
            return self.default
        given: T = vars(settings).get(self._name, self.default)
        return given


class RetrySettings:
    """The arguments above, checked; `merged` lays those of a call over those of its client.

    No pydantic model, whose import alone takes as long as that of httpx; what is wrong is told in
    the same way.

    Raises:
        ValueError: pydantic's `ValidationError`, which tells all that is wrong.
    """

    # In the order in which they are shown.
    max_retries: Setting[int] = Setting(3, count(0, 99))
    backoff_factor: Setting[float] = Setting(0.3, seconds())
    backoff_strategy: Setting[Any] = Setting(None, check_strategy)
    jitter_factor: Setting[float] = Setting(0.0, number(float, low=0, high=10))
    max_wait_time: Setting[float | None] = Setting(None, _check_optional(seconds()))
    max_total_time: Setting[float | None] = Setting(None, _check_optional(seconds(above=True)))
    status_forcelist: Setting[frozenset[int] | None] = Setting(None, _check_status_forcelist)
    retry_methods: Setting[frozenset[str] | None] = Setting(None, check_methods)
    idempotency_headers: Setting[tuple[str, ...]] = Setting(
        ("Idempotency-Key",), check_header_names
    )
    retry_if: Setting[Callable[..., object] | None] = Setting(None, check_callable)
    circuit_breaker: Setting[CircuitBreaker | None] = Setting(None, _check_breaker)
    rate_limit: Setting[RateLimitConfig | None] = Setting(None, partial(check_part, "rate_limit"))
    hedge: Setting[HedgeConfig | None] = Setting(None, partial(check_part, "hedge"))
    chaos: Setting[ChaosConfig | None] = Setting(None, partial(check_part, "chaos"))
    cache: Setting[CacheConfig | None] = Setting(None, partial(check_part, "cache"))
    fallback: Setting[object] = Setting(None, _as_it_is)
    middleware: Setting[tuple[object, ...]] = Setting((), partial(to_tuple, "middleware"))
    attempt_middleware: Setting[tuple[object, ...]] = Setting(
        (), partial(to_tuple, "attempt_middleware")
    )
    on_request: Setting[OnRequest | None] = Setting(None, check_callable)
    on_retry: Setting[OnRetry | None] = Setting(None, check_callable)
    on_success: Setting[OnSuccess | None] = Setting(None, check_callable)
    on_failure: Setting[OnFailure | None] = Setting(None, check_callable)

    def __init__(self, **given: object) -> None:
        vars(self).update(_checked(given))

    @property
    def given(self) -> frozenset[str]:
        """The names of those that were given; the others have their defaults."""
        return frozenset(vars(self))

    @classmethod
    def defaults(cls) -> Options:
        """Return every name with its default, in the order in which they are shown."""
        return {name: setting.default for name, setting in _SETTINGS.items()}

    def merged(self, **overrides: object) -> Self:
        """Return a copy with some settings replaced; a factor also replaces a strategy."""
        if "backoff_factor" in overrides:
            overrides.setdefault("backoff_strategy", None)
        merged = type(self)(**overrides)
        vars(merged).update(vars(self) | vars(merged))
        return merged

    def changed(self, overrides: Mapping[str, Any]) -> Self:
        """Return such a copy; a dict of settings of a part is laid over those that it has."""
        given = dict(overrides)
        for name in _PARTS & given.keys():
            if isinstance(given[name], Mapping):
                given[name] = laid_over(name, getattr(self, name), given[name])
        return self.merged(**given)

    def differences(self, other: Self) -> Iterator[str]:
        """Return the names of the settings that another copy has otherwise."""
        for name in _SETTINGS:
            if getattr(self, name) != getattr(other, name):
                yield name

    @property
    def backoff(self) -> Any:
        """The strategy in force."""
        if self.backoff_strategy is not None:
            return self.backoff_strategy
        return ExponentialBackoff(self.backoff_factor)

    @property
    def wanted(self) -> Wanted:
        """What is around the core."""
        return Wanted(
            rate_limit=self.rate_limit,
            hedge=self.hedge,
            chaos=self.chaos,
            cache=self.cache,
            fallback=self.fallback,
            middleware=self.middleware,
            attempt_middleware=self.attempt_middleware,
        )

    def callbacks(self) -> Callbacks:
        """Return the listener for the callbacks that are set."""
        given = {name: value for name, value in vars(self).items() if name.startswith("on_")}
        return Callbacks(max_retries=self.max_retries, **given)


_PARTS: Final = frozenset({"rate_limit", "hedge", "chaos", "cache"})
_SETTINGS: Final = {
    name: cast("Setting[object]", setting)
    for name, setting in vars(RetrySettings).items()
    if isinstance(setting, Setting)
}


def _checked(given: Mapping[str, object]) -> Options:
    """Return the settings as they are kept, or raise one error that tells all that is wrong."""
    refusals = _Refusals()
    checked = {
        name: _checked_one(refusals, name, given[name]) for name in _SETTINGS if name in given
    }
    refusals.raise_any()
    return checked


def _checked_one(refusals: _Refusals, name: str, value: object) -> object:
    found = refusals.checked(_SETTINGS[name].check, value, name)
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


def _kind_of(error: ValueError) -> Options:
    from pydantic_core import PydanticCustomError  # noqa: PLC0415 - only a mistake needs it

    if isinstance(error, PydanticCustomError):
        return {"type": error}
    # Not of a check: a generator of the caller's raised it.
    return {"type": "value_error", "ctx": {"error": error}}


def take_identity(options: Options) -> IdentityOptions:
    """Remove the arguments that only constructors have from `options`, and return them checked.

    Raises:
        ValueError: The name is not allowed.
        TypeError: The listeners, or the telemetry, are no collection.
    """
    name: Any = options.pop("name", "default")
    listeners: Any = options.pop("listeners", ())
    telemetry: Any = options.pop("telemetry", ())
    plugins: Any = options.pop("plugins", ())
    allow_chaos: Any = options.pop("allow_chaos", False)
    refusals = _Refusals()
    refusals.checked(check_name, name, "name")
    refusals.raise_any()
    return {
        "name": name,
        "listeners": to_tuple("listeners", listeners),
        "telemetry": to_tuple("telemetry", telemetry),
        "plugins": to_tuple("plugins", plugins),
        "allow_chaos": check_allowed(allow_chaos),
    }


def take_settings(options: Options) -> Options:
    """Remove the arguments above from `options`, and return them."""
    if _SETTINGS.keys().isdisjoint(options):
        return {}
    return {name: options.pop(name) for name in _SETTINGS.keys() & options.keys()}


def split_options(options: Options, known: Collection[str]) -> Options:
    """Remove the arguments above from `options`, and refuse what nobody knows.

    Raises:
        TypeError: An argument is neither one of these nor `known`; the nearest is offered.
    """
    ours = take_settings(options)
    for name in options:
        if name in IdentityOptions.__annotations__:
            raise TypeError(f"{name} is given to a client or a transport, not to a single call")
        if name not in known:
            offer = did_you_mean(name, [*_SETTINGS, *IdentityOptions.__annotations__, *known])
            raise TypeError(f"unexpected keyword argument {name!r}{offer}")
    return ours
