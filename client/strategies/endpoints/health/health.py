"""Whether an endpoint is in, ejected or about to come back, and what it has failed at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .window import RecentFailures

if TYPE_CHECKING:
    from ....config.parts.endpoints import OutlierConfig
    from ..nodes import Ticket

__all__ = ["Health"]

_LEAST_SHARE: Final = 0.1
"""What an endpoint has of its weight when its slow start begins."""
_MOST_DOUBLINGS: Final = 32
"""A year is reached long before."""


class Health:
    """The health of one endpoint. `outliers` decides, under the pool's lock.

    Attributes:
        era: Counts its ejections and returns.
        is_out: Whether it is ejected, until a probe or a check has found it well.
        until: When an ejection is over, and a probe may go.
        seconds: For how long it was ejected.
        cause: What it was ejected for.
        failures: How many attempts failed since the last success.
        recent: What failed of late; None where no ratio is asked for.
        probe: The probe that is out.
        next_probe: When another may go, whatever came of that.
    """

    __slots__ = (
        "_doublings",
        "_ramp_from",
        "_ramp_seconds",
        "_returned",
        "cause",
        "era",
        "failures",
        "is_out",
        "next_probe",
        "probe",
        "recent",
        "seconds",
        "until",
    )

    def __init__(self) -> None:
        self.era: int = 0
        self.is_out: bool = False
        self.until: float = 0.0
        self.seconds: float = 0.0
        self.cause: str = ""
        self.failures: int = 0
        self.recent: RecentFailures | None = None
        self.probe: Ticket | None = None
        self.next_probe: float = 0.0
        self._doublings = 0
        self._returned = 0.0
        self._ramp_from: float | None = None
        self._ramp_seconds = 0.0

    def count(self, rules: OutlierConfig, now: float, *, failed: bool) -> str | None:
        """Count an attempt; return what its endpoint would be ejected for, or None."""
        self.failures = self.failures + 1 if failed else 0
        if rules.failure_ratio is not None:
            recent = self.recent = self.recent or RecentFailures()
            recent.add(now, failed=failed)
        if not failed:
            return None
        if self.failures >= rules.consecutive_failures:
            return "consecutive_failures"
        return "failure_ratio" if self._fails_often(rules, now) else None

    def _fails_often(self, rules: OutlierConfig, now: float) -> bool:
        ratio, recent = rules.failure_ratio, self.recent
        if ratio is None or recent is None:
            return False
        return recent.is_over(ratio, rules.minimum_calls, now)

    def eject(self, rules: OutlierConfig, cause: str, now: float) -> None:
        """Be out, for twice as long as last time; each ejection's time in health takes one off."""
        if not self.is_out and rules.base_ejection > 0:
            healthy = max(0.0, now - self._returned) / rules.base_ejection
            self._doublings = max(0, self._doublings - int(min(healthy, _MOST_DOUBLINGS)))
        self.seconds = min(rules.base_ejection * 2.0**self._doublings, rules.max_ejection)
        self._doublings = min(self._doublings + 1, _MOST_DOUBLINGS)
        self.until = now + self.seconds
        self.cause = cause
        self._begin(is_out=True)

    def come_back(self, slow_start: float, now: float) -> None:
        """Be in, with a share that grows for so many seconds."""
        self._returned = now
        self._begin(is_out=False)
        self._ramp_from, self._ramp_seconds = (now, slow_start) if slow_start > 0 else (None, 0.0)

    def _begin(self, *, is_out: bool) -> None:
        self.era += 1
        self.is_out = is_out
        self.failures = 0
        self.recent = None
        self.probe = None
        self.next_probe = 0.0
        self._ramp_from = None

    def ramp(self, now: float) -> float:
        """Return the share of its weight that it has in a slow start; 1 outside of one."""
        began = self._ramp_from
        if began is None:
            return 1.0
        share = (now - began) / self._ramp_seconds
        if share >= 1.0:
            self._ramp_from = None
            return 1.0
        return max(_LEAST_SHARE, share)

    def due(self) -> float:
        """Return when a probe may go."""
        return max(self.until, self.next_probe)
