"""The settings of hedging."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, PlainValidator, model_validator

from ..checks import check_methods, choice, count, not_allowed, number, refuse
from ..settings import PositiveSeconds, Settings

__all__ = ["HedgeConfig"]


def _check_methods(value: object) -> frozenset[str]:
    methods = check_methods(value)
    if not methods:
        raise not_allowed(value, "HTTP methods, at least one")
    return methods


class HedgeConfig(Settings):
    """When a further attempt is sent beside one that has not been answered yet.

    Attributes:
        max_hedged_attempts: Attempts beside the first; 1 to 10, default 1.
        delay: Seconds after which the next is sent; above 0. None, the default, takes the
            `percentile` of what first attempts took of late.
        percentile: Which, above 0, up to 0.9999; default 0.97.
        minimum_samples: First attempts that must have been seen before `percentile` is used; 1 to
            1000, default 100.
        min_delay: No delay that was measured is shorter; in seconds, default 0.001.
        max_delay: No delay that was measured is longer; in seconds, default None: unbounded.
        max_extra_load: Hedges at most, as a share of recent calls; above 0, up to 1, default 0.1.
        methods: What may be sent twice; default GET, HEAD and OPTIONS.
        max_body_bytes: A request with a longer body is never hedged; default 65536.
        on_lose: "drain" reads the answer of an attempt that lost, for at most a second, so that
            its connection lives; "cancel" closes it. Default "drain".
    """

    max_hedged_attempts: Annotated[int, BeforeValidator(count(1, 10))] = 1
    delay: PositiveSeconds | None = None
    percentile: Annotated[float, BeforeValidator(number(float, low=0, high=0.9999, above=True))] = (
        0.97
    )
    minimum_samples: Annotated[int, BeforeValidator(count(1, 1000))] = 100
    min_delay: PositiveSeconds = 0.001
    max_delay: PositiveSeconds | None = None
    max_extra_load: Annotated[float, BeforeValidator(number(float, low=0, high=1, above=True))] = (
        0.1
    )
    methods: Annotated[frozenset[str], PlainValidator(_check_methods)] = frozenset(
        {"GET", "HEAD", "OPTIONS"}
    )
    max_body_bytes: Annotated[int, BeforeValidator(count(0, 2**40))] = 65536
    on_lose: Annotated[Literal["drain", "cancel"], PlainValidator(choice("drain", "cancel"))] = (
        "drain"
    )

    @model_validator(mode="after")
    def _delays_are_ordered(self) -> Self:
        if self.max_delay is not None and self.min_delay > self.max_delay:
            raise refuse(
                "order",
                "min_delay ({low}) must not be above max_delay ({high})",
                low=self.min_delay,
                high=self.max_delay,
            )
        return self
