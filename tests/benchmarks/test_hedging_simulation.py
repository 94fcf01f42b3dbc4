"""The figures of hedging, as far as they can be played on virtual time, in small."""

import pytest

from benchmarks.simulations import hedging
from benchmarks.simulations.hedging import Measured, cancelled_at_random, measured, play


def test_late_answers_are_overtaken() -> None:
    """For little more than one hedge for each that is late."""
    plain = play({}, is_brownout=False, calls=3000)
    hedged = play(hedging.HEDGED, is_brownout=False, calls=3000)
    assert plain.extra == 0
    assert plain.p99 > 0.3
    assert hedged.p99 <= hedging.BEST_P99 * plain.p99
    assert hedged.extra <= hedging.MOST_EXTRA


@pytest.mark.parametrize("settings", [hedging.HEDGED, hedging.FIXED], ids=["measured", "fixed"])
def test_a_brownout_is_not_made_worse(settings: dict[str, object]) -> None:
    """Though every answer is late, and every hedge as well."""
    found = play(settings, is_brownout=True, calls=2000)
    assert found.extra <= hedging.MOST_IN_BROWNOUT * 0.1


def test_without_a_budget_it_would_be() -> None:
    """Twice the load, and for nothing."""
    found = play(hedging.UNBUDGETED, is_brownout=True, calls=500)
    assert found.extra == pytest.approx(1, abs=0.05)
    assert found.p50 > 0.3


def test_calls_are_summed_up() -> None:
    """By the middle one and the one that a hundredth is slower than."""
    assert measured([float(each) for each in range(100)], 150) == Measured(50.0, 99.0, 0.5)


def test_the_pool_is_whole_after_random_cancellations() -> None:
    """Over real connections; the program does it with five thousand."""
    cancelled, lost = cancelled_at_random(200)
    assert cancelled > 0
    assert lost == 0
