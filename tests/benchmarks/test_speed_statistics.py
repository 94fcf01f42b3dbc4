"""The arithmetic of the benchmarks, and the turns they take: no time is measured here."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from benchmarks.speed import interleave as module
from benchmarks.speed.formats import bound, cell, number, verdict
from benchmarks.speed.interleave import Laps, calls_within, interleave
from benchmarks.speed.queueing import served_out_of_turn
from benchmarks.speed.spread import Spread, paired_ratios
from tests.benchmarks.speed_parts import RATIO, goal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def test_a_spread_is_the_median_and_the_quartiles() -> None:
    """In whatever order the measurements came."""
    assert Spread.of([5, 1, 4, 2, 3]) == Spread(3, 2, 4, 5)
    assert Spread.of([4, 1, 2, 3]) == Spread(2.5, 1.75, 3.25, 4)


def test_of_few_measurements_the_spread_is_from_the_least_to_the_most() -> None:
    """Three have no quartiles worth the name."""
    assert Spread.of([3, 1, 2]) == Spread(2, 1, 3, 3)
    assert Spread.of([7]) == Spread(7, 7, 7, 1)
    with pytest.raises(ValueError, match="at least one"):
        Spread.of([])


def test_a_spread_in_another_unit_is_the_same_spread() -> None:
    """All of it is multiplied but the number of rounds."""
    assert Spread(2, 1, 3, 5).times(10) == Spread(20, 10, 30, 5)


def test_ratios_are_taken_round_by_round() -> None:
    """A slow second round strikes both; the ratio of the medians would be 20."""
    assert paired_ratios([2, 20, 2000], [1, 10, 1000]).median == 2
    assert paired_ratios([2, 40, 2], [1, 10, 2]) == Spread(2, 1, 4, 3)
    with pytest.raises(ValueError, match="shorter"):
        paired_ratios([1, 2], [1])


def test_laps_speak_of_calls() -> None:
    """In microseconds, in calls a second, and over a baseline."""
    mine, baseline = Laps([2e-6, 2e-6], [4e-6, 4e-6]), Laps([1e-6, 1e-6], [1e-6, 1e-6])
    assert mine.microseconds.median == pytest.approx(2)
    assert mine.cpu_microseconds.median == pytest.approx(4)
    assert mine.rate.median == pytest.approx(500_000)
    assert mine.over(baseline).median == pytest.approx(2)
    assert mine.cpu_over(baseline).median == pytest.approx(4)


def test_everybody_has_one_turn_in_each_round_and_in_another_order() -> None:
    """After a round that is not counted; the collector rests meanwhile."""
    turns: list[str] = []
    collecting: list[bool] = []

    def blocking(calls: int) -> None:
        assert calls == 6
        collecting.append(gc.isenabled())
        turns.append("blocking")

    def batch_of(name: str) -> Callable[[int], Awaitable[None]]:
        async def batch(calls: int) -> None:
            assert calls == 6
            await asyncio.sleep(0)
            turns.append(name)

        return batch

    batches = {"blocking": blocking, "a": batch_of("a"), "b": batch_of("b")}
    laps = asyncio.run(interleave(batches, rounds=12, calls=6))
    rounds = [turns[begin : begin + 3] for begin in range(0, len(turns), 3)]
    assert len(rounds) == 13
    assert all(sorted(each) == ["a", "b", "blocking"] for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1
    assert {name: (len(each.wall), len(each.cpu)) for name, each in laps.items()} == (
        dict.fromkeys(batches, (12, 12))
    )
    assert collecting == [False] * 13
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_the_baseline_may_be_measured_beside_each_of_the_others() -> None:
    """In every other round before it; the ratio is to that, and its own is 1."""
    turns: list[str] = []
    batches = {name: lambda _calls, name=name: turns.append(name) for name in ("base", "a", "b")}
    laps = asyncio.run(interleave(batches, rounds=4, calls=1, baseline="base"))
    rounds = [" ".join(turns[begin : begin + 5]) for begin in range(3, len(turns), 5)]
    pairs = [{"base a", "base b"}, {"a base", "b base"}] * 2
    assert len(rounds) == 4
    for made, expected in zip(rounds, pairs, strict=True):
        assert all(pair in made for pair in expected)
    assert [len(laps[name].wall) for name in batches] == [4, 4, 4]
    laps["a"] = Laps([6.0], [9.0], beside=Laps([3.0], [3.0]))
    assert laps["a"].over(laps["base"]).median == pytest.approx(2)
    assert laps["a"].cpu_over(laps["base"]).median == pytest.approx(3)
    assert laps["base"].over(laps["base"]).median == pytest.approx(1)


def test_a_lap_is_the_time_of_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of four that takes eight seconds: two for each."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)

    def batch(_calls: int) -> None:
        clock.now += 8.0

    laps = asyncio.run(interleave({"it": batch}, rounds=3, calls=4))
    assert laps["it"].wall == [2.0] * 3
    assert laps["it"].cpu == [1.0] * 3


@pytest.mark.parametrize(("each", "expected"), [(0.001, 100), (0.5, 5), (0.00001, 10_000)])
def test_a_batch_is_made_as_long_as_was_asked(
    each: float, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a factor of two, and in whole shares for the callers; the first call is no measure."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    made: list[int] = []

    def batch(calls: int) -> None:
        clock.now += calls * each if made else 1.0  # it imports what the others need
        made.append(calls)

    calls = asyncio.run(calls_within(batch, 0.1, multiple_of=5))
    assert expected <= calls <= 2 * expected
    assert calls % 5 == 0


class Clock:
    """Time that passes when it is told to; the CPU works half of it."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        """Return the time."""
        return self.now

    def process_time(self) -> float:
        """Return the CPU's."""
        return self.now / 2


def test_the_overtaken_are_counted() -> None:
    """Who is served after somebody who came later; in turn there is nobody."""
    assert served_out_of_turn([0, 1, 2, 3]) == 0
    assert served_out_of_turn([3, 0, 1, 2]) == 3
    assert served_out_of_turn([1, 0, 3, 2]) == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [(12_345.6, "12,346"), (123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.0123, "0.012")],
)
def test_numbers_have_the_digits_that_count(value: float, expected: str) -> None:
    """Three of them, or two where they are small."""
    assert number(value) == expected


def test_ratios_are_shown_with_their_spread() -> None:
    """Other numbers are not, and nothing is a dash."""
    assert cell(RATIO, "ratio") == "1.50 (1.25-1.75)"
    assert cell(RATIO, "us") == "1.50"
    assert cell(1234.0, "bytes") == "1,234"
    assert cell(None, "us") == "-"


def test_a_goal_is_judged_by_its_median() -> None:
    """At most or at least; what was not measured is neither reached nor missed."""
    assert verdict(goal("at most", 1.5, RATIO)) == "reached"
    assert verdict(goal("at most", 1.4, RATIO)) == "missed"
    assert verdict(goal("at least", 1.5, RATIO, is_least=True)) == "reached"
    assert verdict(goal("at least", 1.6, 1.5, is_least=True)) == "missed"
    assert verdict(goal("none", 1.0, None)) == "not measured"
    assert bound(goal("at least", 4.0, 1.0, is_least=True)) == "4 or more"
    assert bound(goal("at most", 1.02, 1.0)) == "1.02 or less"
