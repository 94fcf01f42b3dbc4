"""The settings of the rate limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator, PlainValidator

from ..checks import check_callable, count, number, seconds
from ..settings import Flag, Mode, PositiveSeconds, Scope, Seconds, Settings

__all__ = ["RateLimitConfig"]


class RateLimitConfig(Settings):
    """How fast attempts are sent, and what is made of a server that says how fast they may be.

    Attributes:
        rate: Attempts in each `period`; above 0, up to 1,000,000. None, the default, knows no rate
            until a server tells one.
        period: The time that `rate` is for, in seconds; above 0, default 1.0.
        burst: Attempts that may be sent at once after a rest; 1 to 1,000,000, default 1.
        scope: "origin" for a limit of each scheme, host and port, "client" for one; default
            "origin". `key` decides in its place.
        acquisition_timeout: Seconds an operation waits for its turn at most before it is turned
            away with `RateLimitRejectedError`; 0 means not at all, default 30.0.
        learn: Whether headers of answers tighten the limit; default True.
        max_pause: Seconds that callers wait at most where a server asks everybody to; a longer
            pause is kept, and they fail at once. Default 60.0.
        mode: "enforce"; or "observe", which tells `WouldReject` of each call that it would turn
            away or let wait, and admits it; or "off". Default "enforce".
        key: `(request) -> str`, in place of `scope`; only in code. Default None.
        cost: `(request) -> float`, what an attempt counts, above 0; only in code. Default None: 1.
        settle: `(request, response) -> float`, what an attempt has counted after all; only in
            code. Default None.
    """

    rate: (
        Annotated[float, BeforeValidator(number(float, low=0, high=1_000_000, above=True))] | None
    ) = None
    period: PositiveSeconds = 1.0
    burst: Annotated[int, BeforeValidator(count())] = 1
    scope: Scope = "origin"
    acquisition_timeout: Seconds = 30.0
    learn: Flag = True
    max_pause: Annotated[float, BeforeValidator(seconds())] = 60.0
    mode: Mode = "enforce"
    key: Annotated[Callable[..., str] | None, PlainValidator(check_callable)] = None
    cost: Annotated[Callable[..., float] | None, PlainValidator(check_callable)] = None
    settle: Annotated[Callable[..., float] | None, PlainValidator(check_callable)] = None
