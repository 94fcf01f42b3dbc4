"""The figures of several endpoints, played on virtual time, in small."""

import math

import pytest

from benchmarks.simulations import endpoints
from benchmarks.simulations.endpoints import COUNT, Ours, PeakEwmaAlone, Played
from client import OutlierConfig

BAD = COUNT - 1
SECONDS = 20.0


def test_a_slow_one_is_left_alone() -> None:
    """So that one call in a hundred does not meet it; where only what is out counts, it does."""
    plain = endpoints.one_is_slow(Ours("least_outstanding"), seconds=SECONDS)
    ours = endpoints.one_is_slow(Ours(), seconds=SECONDS)
    assert ours.percentile(0.99) <= endpoints.BEST_P99 * plain.percentile(0.99)
    assert 0 < ours.share(BAD) < 0.01 < plain.share(BAD)


@pytest.mark.parametrize("offered", [20.0, 200.0])
def test_one_that_fails_at_once_gets_next_to_nothing(offered: float) -> None:
    """And no call fails; though it is the fastest of all."""
    ours = endpoints.one_fails(Ours(outliers=OutlierConfig()), offered=offered, seconds=SECONDS)
    assert ours.failed() == 0
    assert 0 < ours.share(BAD) <= endpoints.MOST_TO_FAILING


def test_latency_alone_is_drawn_to_it() -> None:
    """What the penalty is there for."""
    alone = endpoints.one_fails(PeakEwmaAlone(), offered=100.0, seconds=SECONDS)
    assert alone.share(BAD) > 0.3


@pytest.mark.parametrize("is_silent", [False, True], ids=["refusing", "silent"])
def test_one_that_dies_costs_no_call_and_has_its_share_again(*, is_silent: bool) -> None:
    """As soon as its slow start is over."""
    rules = OutlierConfig(base_ejection=10.0)
    balancer = Ours(outliers=rules)
    found = endpoints.one_dies(balancer, offered=200.0, is_silent=is_silent)
    assert found.failed() == 0
    full = endpoints.back_at(balancer) + rules.slow_start
    assert full < endpoints.ENDS - 10
    assert found.share(BAD, full) * COUNT >= endpoints.FULL


def test_calls_are_summed_up() -> None:
    """Those of some time; failed ones are the slowest."""
    played = Played(
        calls=[(float(at), at / 100) for at in range(100)] + [(200.0, math.inf)],
        attempts=[(0.0, endpoints.url_of(0)), (5.0, endpoints.url_of(1)), (9.0, "")],
    )
    assert played.failed() == 1
    assert played.percentile(0.5, 0.0, 100.0) == 0.5
    assert played.percentile(0.99, 150.0) == math.inf
    assert played.share(1) == pytest.approx(1 / 3)
    assert played.share(1, 5.0, 9.0) == 1


def test_a_goal_that_is_missed_is_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    """The program ends with it."""
    good, bad = endpoints.Report(), endpoints.Report()
    good.judge("one", 1.0, most=2.0)
    bad.judge("other", 1.0, least=2.0)
    assert (good.is_missed, bad.is_missed) == (False, True)
    assert "MISSED   other: 1.0000, at least 2" in capsys.readouterr().out
