"""The figures of the rate limit, as far as they can be played on virtual time, in small."""

import pytest

from benchmarks.simulations import rate_limit
from benchmarks.simulations.rate_limit import OURS, simulate


@pytest.mark.parametrize("name", OURS)
def test_the_server_hardly_ever_says_no(name: str) -> None:
    """Whether it tells its rate or not; and nobody fails who has the patience."""
    run = simulate(name, seconds=6)
    assert run.failed == 0
    assert run.good > 200
    assert run.refused_a_second <= 2
    assert run.good / run.seconds > 10


def test_it_says_no_all_the_time_where_each_call_retries_by_itself() -> None:
    """That is what the rate limit is for."""
    assert simulate("each call retries by itself", seconds=6).refused_a_second > 20


def test_a_bucket_that_knows_the_rate_lets_a_burst_through() -> None:
    """At the beginning."""
    run = simulate("the same behind a leaky bucket", seconds=3)
    assert max(run.refused.values()) > 10


def test_the_program_says_whether_the_goals_are_met(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its exit status too."""
    monkeypatch.setattr(rate_limit, "simulate", lambda name: simulate(name, seconds=2))
    assert rate_limit.main() == 0
    assert capsys.readouterr().out.endswith("goals met\n")
    monkeypatch.setattr(rate_limit, "_MOST_REFUSED", -1.0)
    assert rate_limit.main() == 1
    assert capsys.readouterr().out.endswith("a goal was missed\n")
