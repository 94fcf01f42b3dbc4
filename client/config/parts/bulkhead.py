"""The settings of the bulkhead, and of a limit that finds itself."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import BeforeValidator, model_validator

from ..checks import number, refuse
from ..settings import Count, Mode, PositiveShare, Seconds, Settings

__all__ = ["AdaptiveLimitConfig", "BulkheadConfig"]

_HIGHEST: Final = 200
"""How far an adaptive limit may rise where nothing is said."""


class AdaptiveLimitConfig(Settings):
    """How the bulkhead's limit follows what its server takes, in place of a fixed one.

    Once a window: where many attempts failed by overload, the limit is cut; else it follows the
    ratio of the usual latency to the present one (Gradient2 of Netflix's concurrency-limits).

    Attributes:
        min_limit: The limit never falls below it; 1 to 1,000,000, default 1.
        initial_limit: Where it begins; 1 to 1,000,000, default 20.
        window: Seconds after which the limit is looked at; 0.01 to 3600, default 1.0.
        minimum_samples: Attempts that a window must hold, or it lasts longer; default 10.
        tolerance: How many times the usual latency is still fine; 1 to 10, default 1.5.
        smoothing: The share of the way to a new limit that is gone at once; above 0, up to 1,
            default 0.2.
        drop_ratio: The share of attempts failed by overload from which the limit is cut; above 0,
            up to 1, default 0.1.
        backoff_ratio: What is left of the limit then; 0.1 to 0.99, default 0.9.
    """

    min_limit: Count = 1
    initial_limit: Count = 20
    window: Annotated[float, BeforeValidator(number(float, low=0.01, high=3600))] = 1.0
    minimum_samples: Count = 10
    tolerance: Annotated[float, BeforeValidator(number(float, low=1, high=10))] = 1.5
    smoothing: PositiveShare = 0.2
    drop_ratio: PositiveShare = 0.1
    backoff_ratio: Annotated[float, BeforeValidator(number(float, low=0.1, high=0.99))] = 0.9

    @model_validator(mode="after")
    def _begins_within_its_bounds(self) -> Self:
        if "initial_limit" in self.model_fields_set and self.initial_limit < self.min_limit:
            raise refuse(
                "order",
                "min_limit ({low}) must not be above initial_limit ({high})",
                low=self.min_limit,
                high=self.initial_limit,
            )
        return self


class BulkheadConfig(Settings):
    """How many operations run at once, and how long one more may wait for its turn.

    Attributes:
        max_concurrency: Slots; 1 to 1,000,000, default 50. With `adaptive` the most that there
            may be, then 200 where it is not given.
        acquisition_timeout: Seconds an operation waits for a slot before it is turned away
            with `PoolTimeoutError`; 0 means not at all, default 30.0.
        adaptive: See `AdaptiveLimitConfig`; None, the default, keeps `max_concurrency`.
        mode: "enforce"; or "observe", which tells `WouldReject` of each call that it would turn
            away or let wait, and admits it; or "off". Default "enforce".
    """

    max_concurrency: Count = 50
    acquisition_timeout: Seconds = 30.0
    adaptive: AdaptiveLimitConfig | None = None
    mode: Mode = "enforce"

    @model_validator(mode="after")
    def _limit_keeps_below_its_ceiling(self) -> Self:
        if self.adaptive is None:
            return self
        if "max_concurrency" not in self.model_fields_set:
            # Not as if it had been given: whoever merges `adaptive=None` into this has 50 again.
            vars(self)["max_concurrency"] = _HIGHEST
        for name in ("min_limit", "initial_limit"):
            if name in self.adaptive.model_fields_set:
                limit: int = getattr(self.adaptive, name)
                if limit > self.max_concurrency:
                    raise refuse(
                        "order",
                        "adaptive.{name} ({low}) must not be above max_concurrency ({high})",
                        name=name,
                        low=limit,
                        high=self.max_concurrency,
                    )
        return self
