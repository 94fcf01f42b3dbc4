"""What the settings say of a call: its key, what it costs, and the rate."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, cast

from .limits import Rate

if TYPE_CHECKING:
    from ...config.parts.rate_limit import RateLimitConfig
    from ...engine.operation import Call

__all__ = ["cost_of", "key_of", "rate_of", "tokens_in"]


def rate_of(config: RateLimitConfig) -> Rate | None:
    """Return the rate that is configured, or None."""
    rate = config.rate
    return None if rate is None else Rate(rate / config.period, float(config.burst))


def key_of(config: RateLimitConfig, call: Call) -> str:
    """Return the key whose limit a call goes by.

    Raises:
        TypeError: The function of the user's returned something else.
    """
    if config.key is None:
        return "client" if config.scope == "client" else call.origin
    key = cast("object", config.key(call.request))
    if isinstance(key, str):
        return key
    raise TypeError(f"key of the rate limit returned {key!r}: it must return a str")


def cost_of(config: RateLimitConfig, call: Call) -> float:
    """Return what an attempt of a call costs.

    Raises:
        ValueError: The function of the user's returned something else than a number above 0.
    """
    if config.cost is None:
        return 1.0
    given = config.cost(call.request)
    cost = tokens_in(given)
    if cost is None or not cost:
        raise ValueError(
            f"cost of the rate limit returned {given!r}: it must return a number above 0"
        )
    return cost


def tokens_in(value: object) -> float | None:
    """Return a number of tokens, 0 or more, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) and value >= 0 else None
