"""An overload, played on virtual time: it comes out the same each time, to the last figure."""

from __future__ import annotations

import pytest

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

WARM_UP = Phase(20, CAPACITY / 2)
OVERLOAD = Phase(25, CAPACITY * 1.5)


def overloaded(span: Span) -> bool:
    """Tell whether the server gets less done, in time, than it can do."""
    return span.goodput < 0.95 * CAPACITY


def test_a_limit_that_finds_itself_keeps_a_server_at_its_best() -> None:
    """It answers as many as it can, and hardly later than with the best limit there is."""
    found = play(ADAPTIVE, [WARM_UP, OVERLOAD]).between(25, 45)
    best = play(fixed(10), [WARM_UP, OVERLOAD]).between(25, 45)
    assert not overloaded(found)
    assert found.attempt_p99 <= 1.4 * best.attempt_p99


def test_who_is_served_in_vain_is_not_served() -> None:
    """The same queue, without its rule, ends with answers for nobody."""
    phases = [WARM_UP, OVERLOAD]
    assert not overloaded(play(fixed(12), phases).between(25, 45))
    assert play(fixed(12), phases, make=WithoutRule).between(35, 45).goodput < 1


def test_a_server_that_comes_back_is_used_again() -> None:
    """Within half a minute, after one at a tenth of its capacity."""
    fall = [Phase(25, CAPACITY / 2, 0.1), Phase(40, CAPACITY / 2)]
    played = play(ADAPTIVE, [WARM_UP, *fall])
    assert played.between(20, 45).goodput < CAPACITY / 5
    assert played.between(75, 85).goodput > 0.9 * CAPACITY / 2


def test_a_long_overload_does_not_become_the_measure_of_health() -> None:
    """As it does with Gradient2 as it was published."""
    phases = [WARM_UP, Phase(60, CAPACITY * 1.5)]
    published = play(ADAPTIVE, phases, make=Published).between(60, 80)
    ours = play(ADAPTIVE, phases).between(60, 80)
    assert ours.limit == pytest.approx(19, abs=1)
    assert published.limit > ours.limit + 1


def test_with_the_same_chance_the_same_happens() -> None:
    """To the last call; with another it does not."""
    phases = [Phase(5, CAPACITY * 2)]
    first, again = play(ADAPTIVE, phases), play(ADAPTIVE, phases)
    assert first == again
    assert first.failures.keys() <= {"PoolTimeoutError", "DeadlineExceededError"}
    assert play(ADAPTIVE, phases, seed=2) != first
