"""`ClientConfig` and its parts: frozen, validated at once, never reading the environment.

Every number says its unit in its name or description; every error names the path of the field,
the value given and what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, cast

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from ..backoff import Backoff
from ..errors.urls import mask_url
from ..exceptions import APIConnectionError
from ..version import __version__
from .checks import (
    check_backoff,
    check_base_url,
    check_callable,
    check_exceptions,
    check_header_name,
    check_headers,
    check_levels,
    check_listeners,
    check_name,
    check_statuses,
    choice,
    count,
    number,
    refuse,
    seconds,
)
from .log_levels import LEVELS
from .parts.bulkhead import BulkheadConfig
from .parts.cache import CacheConfig
from .parts.chaos import ChaosConfig
from .parts.endpoints import BalancingConfig, Endpoints, check_endpoints
from .parts.hedge import HedgeConfig
from .parts.rate_limit import RateLimitConfig
from .parts.timeouts import TimeoutConfig
from .settings import (
    Count,
    Flag,
    Hook,
    Methods,
    Mode,
    PerSecond,
    PositiveShare,
    Scope,
    Seconds,
    Settings,
    Share,
    Status,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .parts.endpoints import Endpoint

__all__ = [
    "BulkheadConfig",
    "CircuitBreakerConfig",
    "ClientConfig",
    "LoggingConfig",
    "RetryBudgetConfig",
    "RetryConfig",
    "Settings",
    "TimeoutConfig",
]

BackoffName = Literal["exponential", "linear", "fibonacci", "constant"]
LevelName = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

DEFAULT_STATUSES: Final = frozenset({408, 429, *range(500, 600)})


class RetryBudgetConfig(Settings):
    """How many retries a client may afford, so that retries never become the outage.

    A retry that the budget refuses is not made: the caller gets the error of the attempt before.

    Source: the retry budget of Finagle (Twitter), with its ten-second window.

    Attributes:
        ratio: Retries for each operation of the last ten seconds, 0 to 10; default 0.2.
        minimum_per_second: Retries a second that are free, so that a quiet client may retry, too;
            0 to 1,000,000, default 10.0.
    """

    ratio: Annotated[float, BeforeValidator(number(float, low=0, high=10))] = 0.2
    minimum_per_second: PerSecond = 10.0


class RetryConfig(Settings):
    """When a failed attempt is followed by another, and how long the wait between them is.

    Attributes:
        max_attempts: Attempts in all, the first included; 1 to 100, default 3.
        min_wait_seconds: No backoff is shorter; default 1.0.
        max_wait_seconds: No backoff is longer; default 60.0.
        multiplier: The unit of the named backoffs, in seconds; default 2.0. After attempt n,
            "exponential" is `multiplier * 2 ** (n - 1)`, "linear" `multiplier * n`, "fibonacci"
            `multiplier * F(n)` and "constant" `multiplier`, each kept within the two bounds.
        jitter: Draw the wait evenly between `min_wait_seconds` and the backoff, so that clients
            that failed together do not come back together, not even at the upper bound. This is
            "full jitter" (Marc Brooker, AWS, 2015) with a floor. Default True.
        backoff: One of the four names, a `Backoff`, or a tenacity wait object.
        statuses: Statuses that are retried; by default 408, 429 and every 5xx.
        methods: HTTP methods that are retried; None, the default, means all.
        retry_if: `(response | None, exception | None) -> bool`, asked after every attempt, a
            success included, and deciding in place of `statuses`; or a tenacity retry object.
            A rejection, a deadline and a cancellation are never retried.
        stop: A tenacity stop object, asked besides `max_attempts`; default None.
        respect_retry_after: Honour the `Retry-After` header (RFC 9110, 10.2.3); default True.
        max_retry_after: A `Retry-After` above these seconds is ignored; default 60.0.
        budget: `RetryBudgetConfig`, or None for no budget.
    """

    max_attempts: Annotated[int, BeforeValidator(count(1, 100))] = 3
    min_wait_seconds: Seconds = 1.0
    max_wait_seconds: Seconds = 60.0
    multiplier: Seconds = 2.0
    jitter: Flag = True
    backoff: Annotated[
        BackoffName | Backoff | Callable[..., object], PlainValidator(check_backoff)
    ] = "exponential"
    statuses: Annotated[frozenset[Status], BeforeValidator(check_statuses)] = DEFAULT_STATUSES
    methods: Methods = None
    retry_if: Hook = None
    stop: Hook = None
    respect_retry_after: Flag = True
    max_retry_after: Seconds = 60.0
    budget: RetryBudgetConfig | None = RetryBudgetConfig()

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        if self.min_wait_seconds > self.max_wait_seconds:
            raise refuse(
                "order",
                "min_wait_seconds ({low}) must not be above max_wait_seconds ({high})",
                low=self.min_wait_seconds,
                high=self.max_wait_seconds,
            )
        return self


class CircuitBreakerConfig(Settings):
    """When the circuit opens, how long it stays open, and what lets it close again.

    Attributes:
        failure_threshold: Consecutive failed operations that open the circuit; default 5.
        recovery_timeout: Seconds the circuit stays open before it lets a probe through;
            default 30.0.
        success_threshold: Successful probes that close it; default 1.
        half_open_max_calls: Probes that may be out at once; default 1.
        failure_rate: Open when this share (above 0, up to 1) of the operations in the window
            failed. It decides in place of `failure_threshold`, unless that is given too: then
            either opens the circuit. Default None.
        window_seconds: The window of `failure_rate`, 0.001 or more; default 60.0 where that is
            set.
        minimum_calls: Operations the window must hold before `failure_rate` is looked at;
            default 20 where that is set.
        expected_exception: What counts as a failure: an exception class or a tuple of them;
            default `APIConnectionError`, everything worth retrying.
        scope: "client" for one circuit, "origin" for one per scheme, host and port.
        recovery_jitter: Lengthen each break by up to this share of itself, so that a fleet
            does not probe in step; 0 to 1, default 0.0.
        recovery_multiplier: Each break that follows a failed probe is this much longer than
            the one before; 1 to 10, default 1.0.
        max_recovery_timeout: The longest a break may grow to, in seconds, before its jitter;
            default 600.0, or `recovery_timeout` where that is longer.
        mode: "enforce"; or "observe", which tells `WouldReject` of each call that it would turn
            away, and admits it; or "off". Default "enforce".
        listeners: `pybreaker.CircuitBreakerListener` objects.
        storage: `(name) -> pybreaker.CircuitBreakerStorage`, called once per circuit with
            its scope ("client" or the origin); default None, in memory.
    """

    failure_threshold: Count = 5
    recovery_timeout: Seconds = 30.0
    success_threshold: Count = 1
    half_open_max_calls: Count = 1
    failure_rate: PositiveShare | None = None
    window_seconds: Annotated[float, BeforeValidator(seconds(low=0.001))] | None = None
    minimum_calls: Count | None = None
    expected_exception: Annotated[
        type[Exception] | tuple[type[Exception], ...], PlainValidator(check_exceptions)
    ] = APIConnectionError
    scope: Scope = "client"
    recovery_jitter: Share = 0.0
    recovery_multiplier: Annotated[float, BeforeValidator(number(float, low=1, high=10))] = 1.0
    max_recovery_timeout: Seconds = 600.0
    mode: Mode = "enforce"
    listeners: Annotated[tuple[Any, ...], BeforeValidator(check_listeners)] = ()
    storage: Annotated[Callable[[str], Any] | None, PlainValidator(check_callable)] = None

    @model_validator(mode="after")
    def _settings_belong_together(self) -> Self:
        if self.failure_rate is None:
            for name in ("window_seconds", "minimum_calls"):
                if getattr(self, name) is not None:
                    raise refuse(
                        "needs_rate",
                        "{name} ({given}) has no effect without failure_rate: give that too",
                        name=name,
                        given=getattr(self, name),
                    )
        is_given = "max_recovery_timeout" in self.model_fields_set
        if is_given and self.max_recovery_timeout < self.recovery_timeout:
            raise refuse(
                "order",
                "recovery_timeout ({low}) must not be above max_recovery_timeout ({high})",
                low=self.recovery_timeout,
                high=self.max_recovery_timeout,
            )
        return self


class LoggingConfig(Settings):
    """What is logged, and by which logger.

    Attributes:
        level: Nothing below it is logged; default "INFO".
        include_request_id: Whether each line carries the request id; default True.
        logger_name: The logger's name.
        levels: A level for an event by its name, such as `{"operation failed": "WARNING"}`, in
            place of the usual one; the documentation has their names under Logging.
    """

    level: Annotated[LevelName, PlainValidator(choice(*LEVELS, upper=True))] = "INFO"
    include_request_id: Flag = True
    logger_name: Text = "resilient_client"
    levels: Annotated[dict[str, str], PlainValidator(check_levels)] = Field(default_factory=dict)


class ClientConfig(Settings):
    """Everything a client can be told; `ClientConfig()` is ready for use.

    Attributes:
        name: Told in logs, events, errors and reprs, so that several clients can be told apart;
            1-128 letters, digits and `. _ -`, default "default".
        base_url: Joined with relative URLs; http or https, default "" for absolute URLs only.
        timeout: See `TimeoutConfig`.
        retry: See `RetryConfig`; None makes one attempt.
        circuit_breaker: See `CircuitBreakerConfig`; None never turns a call away.
        bulkhead: See `BulkheadConfig`; None bounds nothing.
        rate_limit: See `RateLimitConfig`; None, the default, sends as fast as calls come.
        hedge: See `HedgeConfig`; None, the default, sends no attempt beside another.
        chaos: See `ChaosConfig`; None, the default, injects nothing. It needs `allow_chaos=True`
            of the client.
        cache: See `CacheConfig`; None, the default, keeps no answer.
        endpoints: In place of `base_url`: a list of `Endpoint`, of URLs or of dicts, or a function,
            plain or async, that returns one; default None.
        balancing: How calls are spread over the endpoints; see `BalancingConfig`. Without
            endpoints it says nothing.
        logging: See `LoggingConfig`.
        headers: Sent with every request, but never to another origin after a redirect.
        follow_redirects: Follow redirects, but never from https to http, and with neither
            credentials nor a body to another origin; default True.
        verify_ssl: Verify certificates; default True. False warns loudly.
        user_agent: The `User-Agent` header.
        http2: Speak HTTP/2 where the server does; needs the extra `http2`. Default False.
        trust_env: Let httpx read proxies and certificate paths from the environment.
        max_body_bytes: Decoded size at which an answer is cut off with `ResponseError`;
            default None, unbounded.
        request_id_header: The header that carries the request id.
        backend: What speaks HTTP underneath: "httpx", or "aiohttp" in the async client, which is
            faster, speaks HTTP/1.1 only and needs the extra `fast`. Default "httpx".
    """

    name: Annotated[str, PlainValidator(check_name)] = "default"
    base_url: Annotated[str, BeforeValidator(check_base_url)] = ""
    timeout: TimeoutConfig = TimeoutConfig()
    retry: RetryConfig | None = RetryConfig()
    circuit_breaker: CircuitBreakerConfig | None = CircuitBreakerConfig()
    bulkhead: BulkheadConfig | None = BulkheadConfig()
    rate_limit: RateLimitConfig | None = None
    hedge: HedgeConfig | None = None
    chaos: ChaosConfig | None = None
    cache: CacheConfig | None = None
    endpoints: Annotated[Endpoints | None, PlainValidator(check_endpoints)] = None
    balancing: BalancingConfig = BalancingConfig()
    logging: LoggingConfig = LoggingConfig()
    headers: Annotated[dict[str, str], BeforeValidator(check_headers)] = Field(default_factory=dict)
    follow_redirects: Flag = True
    verify_ssl: Flag = True
    user_agent: Text = f"resilient-http-client/{__version__}"
    http2: Flag = False
    trust_env: Flag = True
    max_body_bytes: Annotated[int, BeforeValidator(count(1, 2**40))] | None = None
    request_id_header: Annotated[str, PlainValidator(check_header_name)] = "X-Request-ID"
    backend: Annotated[Literal["httpx", "aiohttp"], PlainValidator(choice("httpx", "aiohttp"))] = (
        "httpx"
    )

    @model_validator(mode="after")
    def _request_id_is_made_per_operation(self) -> Self:
        if self.request_id_header.lower() in {name.lower() for name in self.headers}:
            raise refuse(
                "request_id",
                "headers must not hold {name}: it is made for each operation; "
                "give request_id= per call for one of your own",
                name=self.request_id_header,
            )
        return self

    @model_validator(mode="after")
    def _backend_speaks_the_protocol(self) -> Self:
        if self.http2 and self.backend == "aiohttp":
            raise refuse(
                "backend",
                'http2=True needs backend="httpx": aiohttp speaks HTTP/1.1 only; leave one of '
                "the two out",
            )
        return self

    @model_validator(mode="after")
    def _endpoints_take_the_place_of_others(self) -> Self:
        if self.endpoints is None:
            return self
        if self.base_url:
            raise refuse("endpoints", "give base_url or endpoints, not both")
        circuit = self.circuit_breaker
        if circuit is not None and circuit.scope == "origin":
            raise refuse(
                "endpoints",
                'circuit_breaker.scope="origin" does not go with endpoints: one that does badly '
                "is left out by balancing.outliers, and the circuit is that of the whole service; "
                'give scope="client"',
            )
        given = () if callable(self.endpoints) else cast("tuple[Endpoint, ...]", self.endpoints)
        if any(self.request_id_header.lower() in map(str.lower, each.headers) for each in given):
            raise refuse(
                "request_id",
                "headers of an endpoint must not hold {name}: it is made for each operation",
                name=self.request_id_header,
            )
        return self

    @classmethod
    def from_env(
        cls,
        prefix: str = "RESILIENT_CLIENT_",
        env_file: str | Path | None = None,
        **overrides: object,
    ) -> Self:
        """Read the configuration: arguments over environment over `.env` file over defaults.

        Args:
            prefix: What the names of the variables begin with; nesting is written with two
                underscores, as in `RESILIENT_CLIENT_RETRY__MAX_ATTEMPTS=5`.
            env_file: A file of `NAME=value` lines; None reads none.
            **overrides: Settings that win over all others, as for `merged`.

        Raises:
            ValueError: A variable with the prefix names no setting (the nearest right name is
                offered), or a value is refused. All mistakes are told at once. What Kubernetes
                sets for a service of the prefix's name (`..._SERVICE_HOST`, `..._PORT`, ...) is
                none.
            FileNotFoundError: `env_file` is given and does not exist.
        """
        from .environment import read_environment  # noqa: PLC0415 - only when asked for

        return read_environment(cls, prefix, env_file).configure(cls, overrides)

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        for name, value in super().__repr_args__():
            if name == "headers":
                yield name, dict.fromkeys(self.headers, "***")
            elif name == "base_url":
                yield name, mask_url(self.base_url)
            else:
                yield name, value
