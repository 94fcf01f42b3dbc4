"""Plays an overload for several limits, and says what comes of them and which goals are met.

`python -m benchmarks.simulations.overload_report`; it takes some minutes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from benchmarks.simulations.overload import (
    ADAPTIVE,
    CAPACITY,
    Phase,
    Published,
    Span,
    WithoutRule,
    fixed,
    play,
)
from client.strategies.bulkhead.gate import Bulkhead

if TYPE_CHECKING:
    from benchmarks.simulations.overload import Make
    from client import BulkheadConfig

__all__ = ["main"]

_WARM_UP: Final = Phase(60, CAPACITY / 2)
_OVERLOAD: Final = CAPACITY * 1.5
_LEAST_GOODPUT: Final = 0.95
_MOST_P99: Final = 1.4
_FIXED: Final = (8, 10, 12, 16, 20, 30, 50, 200)


class _PublishedWithoutRule(WithoutRule, Published):
    """As it was published, in a queue as it was."""


def main() -> int:
    """Print the figures; return 0 where all goals are met."""
    print(
        "60 s at 50 %, then ten minutes at 150 % of 200 a second; calls have a second of patience"
    )
    print(f"{'':40} {'goodput':>8} {'p99 of attempts':>16} {'p99 of calls':>13} {'limit':>6}")
    best = min(
        [_last_minute(f"fixed {slots}", fixed(slots), 2) for slots in _FIXED],
        key=lambda span: span.attempt_p99 if _is_full(span) else float("inf"),
    )
    first = _last_minute("adaptive, minute 1", ADAPTIVE, 1)
    tenth = _last_minute("adaptive, minute 10", ADAPTIVE, 10)
    _last_minute("adaptive, queue rule off", ADAPTIVE, 2, WithoutRule)
    _last_minute("fixed 12, queue rule off", fixed(12), 2, WithoutRule)
    _last_minute("fixed 200, queue rule off", fixed(200), 2, WithoutRule)
    _last_minute("Gradient2 as published, minute 10", ADAPTIVE, 10, Published)
    _last_minute("Gradient2 and no queue rule, minute 10", ADAPTIVE, 10, _PublishedWithoutRule)
    goals = {
        f"goodput >= 95 % of capacity in minute {minute}": _is_full(span)
        for minute, span in ((1, first), (10, tenth))
    }
    for minute, span in ((1, first), (10, tenth)):
        is_short = span.attempt_p99 <= _MOST_P99 * best.attempt_p99
        goals[f"p99 of attempts <= 1.4 of the best fixed in minute {minute}"] = is_short
    for share in (0.5, 0.9, 1.5):
        goals[f"back within 30 s at {share:.0%}"] = _comes_back(share)
    for goal, is_met in goals.items():
        print(f"{'met   ' if is_met else 'MISSED'} {goal}")
    return 0 if all(goals.values()) else 1


def _last_minute(name: str, config: BulkheadConfig, minutes: int, make: Make = Bulkhead) -> Span:
    played = play(config, [_WARM_UP, Phase(60 * minutes, _OVERLOAD)], make=make)
    return _told(name, played.between(60 * minutes, 60 * minutes + 60))


def _told(name: str, span: Span) -> Span:
    print(
        f"{name:40} {span.goodput:6.1f}/s {span.attempt_p99 * 1000:13.0f} ms "
        f"{span.call_p99 * 1000:10.0f} ms {span.limit:6.1f}",
        flush=True,
    )
    return span


def _is_full(span: Span, offered: float = CAPACITY) -> bool:
    return span.goodput >= _LEAST_GOODPUT * min(CAPACITY, offered)


def _comes_back(share: float) -> bool:
    """Tell of a server that falls to a tenth for a minute; return whether all is well in 30 s."""
    offered = CAPACITY * share
    played = play(
        ADAPTIVE,
        [_WARM_UP, Phase(60, offered), Phase(60, offered, 0.1), Phase(90, offered)],
    )
    _told(f"{share:.0%} offered, before the fall", played.between(90, 120))
    _told(f"{share:.0%} offered, at a tenth", played.between(120, 180))
    _told(f"{share:.0%} offered, first 30 s after", played.between(180, 210))
    return _is_full(_told(f"{share:.0%} offered, then", played.between(210, 270)), offered)


if __name__ == "__main__":
    sys.exit(main())
