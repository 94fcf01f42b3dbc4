"""What answers say to the rate limit: pauses, limits, and what they have cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, cast

from ...errors.complaints import complain
from ...events import RateLimitPaused
from ...http.family import request_of
from ...metrics.strategy_instruments import RATE_LIMIT_PAUSES
from ...metrics.targets import shown_origin
from .asking import tokens_in
from .learning import fields_about_limits, read_told

if TYPE_CHECKING:
    from ...config.parts.rate_limit import RateLimitConfig
    from ...engine.operation import Call
    from ...http.shapes import Response
    from .lane import Lane
    from .learning import Told
    from .ticket import Ticket

__all__ = ["Answers"]

_GOOD: Final = range(200, 400)


class Answers:
    """Reads them, and has a lane go by them.

    Args:
        config: Says what is made of them.
    """

    def __init__(self, config: RateLimitConfig) -> None:
        self.config = config

    def told(self, call: Call, key: str, response: Response) -> Told | None:
        """Return what an answer says of limits; None for nothing.

        That of another origin, to which a redirect led, says nothing of the limit of this one.
        """
        headers = getattr(response, "headers", None)
        if not isinstance(headers, Mapping):
            return None  # a test's stand-in may have nothing but a status
        fields = fields_about_limits(cast("Mapping[str, str]", headers))
        if not fields:
            return None
        told = read_told(response.status_code, fields, call.host.ports.wall_clock())
        if told.pause is None and not told.limits:
            return None
        request = request_of(response)
        is_elsewhere = request is not None and not call.owns(request.url)
        return None if is_elsewhere and key == call.origin else told

    def read(self, call: Call, lane: Lane, key: str, response: Response, now: float) -> None:
        """Learn from an answer, and pause where it asks for that."""
        if response.status_code in _GOOD:
            lane.note_good(now)
        told = self.told(call, key, response)
        if told is None:
            return
        if told.limits and self.config.learn:
            lane.learn(told.limits, now)
        if told.pause is not None and lane.pause(told.pause, now, told.rate):
            call.host.metrics.add(RATE_LIMIT_PAUSES, (call.counted_as, told.by))
            if (notify := call.notify[RateLimitPaused]) is not None:
                notify(
                    RateLimitPaused(
                        key=shown_origin(key),
                        seconds=told.pause,
                        by=told.by,
                        status_code=response.status_code,
                        **call.about(),
                    )
                )

    def settle(
        self, call: Call, lane: Lane, ticket: Ticket, response: Response, now: float
    ) -> None:
        """Have an attempt cost what the user's function says after its answer."""
        if self.config.settle is None:
            return
        try:
            cost = tokens_in(self.config.settle(call.request, response))
        except Exception:  # noqa: BLE001 - a user's; it is told
            complain("settle of the rate limit raised")
            return
        if cost is None:
            complain("settle of the rate limit returned something else than a number from 0 on")
            return
        lane.settle(ticket, cost, now)
