"""The settings of several endpoints: which they are, and how calls are spread over them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, TypeAlias, cast

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from ...errors.urls import mask_url, name_of_endpoint
from ..checks import (
    check_base_url,
    check_callable,
    check_headers,
    choice,
    not_allowed,
    not_the_kind,
    number,
    refuse,
)
from ..settings import Count, Mode, PositiveSeconds, PositiveShare, Seconds, Settings, Share
from .bulkhead import BulkheadConfig
from .timeouts import TimeoutConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["BalancingConfig", "Endpoint", "Endpoints", "OutlierConfig", "check_endpoints"]

_PATH: Final = re.compile(r"/[!-~]*")


def _check_url(value: object) -> object:
    if value == "":
        raise not_allowed(value, "an http:// or https:// URL with a host")
    return check_base_url(value)


def _check_path(value: object) -> object:
    if value is None or (isinstance(value, str) and _PATH.fullmatch(value)):
        return value
    raise not_allowed(value, "a path that begins with /, or None")


class _ByUrl(Settings):
    """What takes its URL by position, too."""

    def __init__(self, *given: object, **settings: object) -> None:
        if len(given) > 1:
            raise TypeError(f"Endpoint takes its url by position, and all else by name: {given!r}")
        super().__init__(**({"url": given[0]} if given else {}), **settings)


class Endpoint(_ByUrl):
    """One address of a service.

    Attributes:
        url: Of the endpoint, by position or by name; http or https, and it may have a path.
        weight: Its share of the calls beside the others'; 0 to 1000, default 1.0. 0 drains it:
            nothing new goes there.
        headers: Sent to this endpoint alone.
        timeout: In place of the client's, for attempts at this endpoint; its `total` cannot be
            given, for that is the operation's. Default None.
        bulkhead: How many attempts may be at this endpoint at once; default None: no bound.
    """

    url: Annotated[str, BeforeValidator(_check_url)]
    weight: Annotated[float, BeforeValidator(number(float, low=0, high=1000))] = 1.0
    headers: Annotated[dict[str, str], BeforeValidator(check_headers)] = Field(default_factory=dict)
    timeout: TimeoutConfig | None = None
    bulkhead: BulkheadConfig | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            url: str,
            *,
            weight: float = ...,
            headers: Mapping[str, str] = ...,
            timeout: TimeoutConfig | Mapping[str, object] | None = ...,
            bulkhead: BulkheadConfig | Mapping[str, object] | None = ...,
        ) -> None: ...

    @model_validator(mode="after")
    def _has_only_what_is_an_attempts(self) -> Self:
        if self.timeout is not None and self.timeout.total is not None:
            raise refuse(
                "total",
                "timeout.total ({given}) is the whole operation's, which may ask several "
                "endpoints: give connect, read, write or pool, or total in the client's timeout",
                given=self.timeout.total,
            )
        if self.bulkhead is not None and self.bulkhead.adaptive is not None:
            raise refuse(
                "adaptive",
                "bulkhead.adaptive is for the client's bulkhead: give max_concurrency",
            )
        return self

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        """Return what was given, but for what may be a secret."""
        for name, value in super().__repr_args__():
            if name == "headers":
                yield name, dict.fromkeys(self.headers, "***")
            else:
                yield name, mask_url(self.url) if name == "url" else value


class OutlierConfig(Settings):
    """When an endpoint that does badly is left out for a while.

    Attributes:
        consecutive_failures: Failed attempts in a row that eject it; default 5.
        failure_ratio: The share of failed attempts that ejects it, above 0, up to 1, once
            `minimum_calls` were made of late; default None.
        minimum_calls: See `failure_ratio`; default 20.
        base_ejection: Seconds that a first ejection lasts; default 30.0. Repeated ones double.
        max_ejection: Seconds that no ejection exceeds, the first neither; default 300.0.
        max_ejection_share: The share of the endpoints that may be ejected at once; 0 to 1, default
            0.5.
        panic_share: With more than this share gone, ejections are ignored; 0 to 1, default 0.5.
        slow_start: Seconds in which an endpoint that comes back gets its share again; default 10.0.
        mode: "enforce"; or "observe", which tells `WouldReject` of what it would eject; or "off".
    """

    consecutive_failures: Count = 5
    failure_ratio: PositiveShare | None = None
    minimum_calls: Count = 20
    base_ejection: PositiveSeconds = 30.0
    max_ejection: PositiveSeconds = 300.0
    max_ejection_share: Share = 0.5
    panic_share: Share = 0.5
    slow_start: Seconds = 10.0
    mode: Mode = "enforce"

    @model_validator(mode="after")
    def _settings_belong_together(self) -> Self:
        if self.failure_ratio is None and "minimum_calls" in self.model_fields_set:
            raise refuse(
                "needs_ratio",
                "minimum_calls ({given}) has no effect without failure_ratio: give that too",
                given=self.minimum_calls,
            )
        is_given = "base_ejection" in self.model_fields_set
        if is_given and self.base_ejection > self.max_ejection:
            raise refuse(
                "order",
                "base_ejection ({low}) must not be above max_ejection ({high})",
                low=self.base_ejection,
                high=self.max_ejection,
            )
        return self


Policy = Literal["p2c", "round_robin", "least_outstanding", "ordered", "hash"]


class BalancingConfig(Settings):
    """How calls are spread over the endpoints.

    Attributes:
        policy: "p2c" (of two at random the one with less to do and lower latency),
            "round_robin", "least_outstanding", "ordered" (the first that is well) or "hash" (the
            same key to the same endpoint). Default "p2c".
        balancing_key: `(request) -> str`, which "hash" needs and others do not look at; default
            None.
        outliers: See `OutlierConfig`; None leaves nobody out.
        refresh: Seconds after which a callable list is read again; default 30.0.
        health_path: Asked of each endpoint, on connections of its own; default None: nothing is.
        health_interval: Seconds between two such checks; default 10.0.
        max_connection_age: Seconds after which a connection is closed, so that new addresses are
            found; default None.
    """

    policy: Annotated[
        Policy,
        PlainValidator(choice("p2c", "round_robin", "least_outstanding", "ordered", "hash")),
    ] = "p2c"
    balancing_key: Annotated[Callable[..., str] | None, PlainValidator(check_callable)] = None
    outliers: OutlierConfig | None = OutlierConfig()
    refresh: PositiveSeconds = 30.0
    health_path: Annotated[str | None, PlainValidator(_check_path)] = None
    health_interval: PositiveSeconds = 10.0
    max_connection_age: PositiveSeconds | None = None

    @model_validator(mode="after")
    def _the_hash_has_a_key(self) -> Self:
        if self.policy == "hash" and self.balancing_key is None:
            raise refuse("hash", 'policy="hash" needs balancing_key: give that too')
        return self


Endpoints: TypeAlias = tuple[Endpoint, ...] | Callable[[], Any]
"""A list, or what returns one each time it is asked."""


def check_endpoints(value: object) -> object:
    """Accept endpoints, at least one, each also as its URL or a dict; or what returns them."""
    if value is None or callable(value):
        return value
    if isinstance(value, str):  # from the environment
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list | tuple) or not value:
        raise not_the_kind(value, "a list of endpoints, one at least, or a function of one")
    endpoints = tuple(map(_check_endpoint, cast("Iterable[object]", value)))
    names = [name_of_endpoint(each.url) for each in endpoints]
    for name in names:
        if names.count(name) > 1:
            raise refuse("twice", "{name} is given more than once: leave one out", name=name)
    if not any(each.weight for each in endpoints):
        raise refuse("drained", "all endpoints have weight 0: nothing could be asked")
    return endpoints


def _check_endpoint(value: object) -> Endpoint:
    if isinstance(value, Endpoint):
        return value
    if isinstance(value, Mapping):
        return Endpoint.model_validate(value)
    if not isinstance(value, str):
        raise not_the_kind(value, "an Endpoint, its URL, or a dict of its settings")
    return Endpoint.model_validate({"url": value})
