"""Which calls fail, decided on a clock and with dice of the test's own."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.stores.fault_records import FaultAnswer, FaultKind, When
from server.stores.faults import Faults

ANSWER = FaultAnswer()


class Clock:
    """Time that passes when it is told to."""

    now = 1_000.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.now


class Loaded:
    """Dice that fall as they are told to."""

    def __init__(self, *numbers: float) -> None:
        self._numbers = list(numbers)

    def random(self) -> float:
        """Return the next number."""
        return self._numbers.pop(0)


def struck_by(faults: Faults, calls: int) -> list[FaultKind | None]:
    """What strikes each of the next `calls` calls."""
    return [fault.kind if fault else None for fault in (faults.strike() for _ in range(calls))]


def test_nothing_fails_unasked() -> None:
    """A new server is a healthy one."""
    faults = Faults()
    assert struck_by(faults, 3) == [None] * 3
    assert faults.in_force() == {"count": None, "duration": None, "rate": None, "latency_ms": 0}


@given(n=st.integers(0, 50), calls=st.integers(0, 60))
def test_a_count_fails_exactly_the_next_n_calls(n: int, calls: int) -> None:
    """No more, no fewer, and first of all."""
    faults = Faults()
    faults.fail_count(n, ANSWER)
    failures = min(n, calls)
    assert struck_by(faults, calls) == [FaultKind.COUNT] * failures + [None] * (calls - failures)


def test_a_count_is_out_of_force_with_its_last_call() -> None:
    """What `GET /fail` shows is what will still happen."""
    faults = Faults()
    faults.fail_count(2, ANSWER)
    faults.strike()
    assert faults.in_force()["count"] == {
        "remaining": 1,
        "status": 500,
        "retry_after": None,
        "when": "before",
    }
    faults.strike()
    assert faults.in_force()["count"] is None


def test_a_duration_ends_on_the_clock() -> None:
    """Up to its last moment every call fails, from then on none."""
    clock = Clock()
    faults = Faults(clock=clock)
    faults.fail_duration(10, ANSWER)
    clock.now += 9.75
    setting = faults.in_force()["duration"]
    assert setting is not None
    assert setting["seconds_left"] == 0.25
    assert struck_by(faults, 2) == [FaultKind.DURATION] * 2
    clock.now += 0.25
    assert struck_by(faults, 1) == [None]
    assert faults.in_force()["duration"] is None


def test_a_rate_fails_what_falls_below_it() -> None:
    """The dice fall in [0, 1): 25 percent are those below 0.25."""
    faults = Faults(dice=lambda _seed: Loaded(0.0, 0.2499, 0.25, 0.9999))
    faults.fail_rate(25, ANSWER)
    assert struck_by(faults, 4) == [FaultKind.RATE, FaultKind.RATE, None, None]


@given(seed=st.integers())
def test_one_seed_is_one_sequence(seed: int) -> None:
    """So that a failing run can be run again."""
    runs: list[list[FaultKind | None]] = []
    for _ in range(2):
        faults = Faults()
        faults.fail_rate(50, ANSWER, seed=seed)
        runs.append(struck_by(faults, 20))
    dice = random.Random(seed)  # noqa: S311 - the sequence that is expected
    assert runs[0] == runs[1]
    assert runs[0] == [FaultKind.RATE if dice.random() < 0.5 else None for _ in range(20)]


def test_the_whole_range_of_rates() -> None:
    """At 100 percent nothing gets through."""
    faults = Faults()
    faults.fail_rate(100, ANSWER)
    assert struck_by(faults, 100) == [FaultKind.RATE] * 100


def test_count_comes_before_duration_before_rate() -> None:
    """And each keeps its force until its turn: the rate's dice are not thrown before it."""
    clock = Clock()
    faults = Faults(clock=clock, dice=lambda _seed: Loaded(0.0, 0.9))
    faults.fail_rate(50, ANSWER)
    faults.fail_duration(1, ANSWER)
    faults.fail_count(1, ANSWER)
    assert struck_by(faults, 2) == [FaultKind.COUNT, FaultKind.DURATION]
    clock.now += 1
    assert struck_by(faults, 2) == [FaultKind.RATE, None]


def test_each_fault_has_its_own_answer() -> None:
    """The last setting of a fault counts, for that fault alone."""
    faults = Faults()
    late = FaultAnswer(status=503, retry_after="1", when=When.AFTER)
    faults.fail_count(5, ANSWER)
    faults.fail_count(1, late)
    faults.fail_rate(100, ANSWER)
    struck = [faults.strike(), faults.strike()]
    assert [fault and fault.answer for fault in struck] == [late, ANSWER]


@pytest.mark.parametrize("off", ["zero", "reset"])
def test_faults_are_switched_off(off: str) -> None:
    """By a value of nought, or all at once."""
    faults = Faults()
    faults.fail_count(5, ANSWER)
    faults.fail_duration(5, ANSWER)
    faults.fail_rate(5, ANSWER)
    faults.add_latency(5)
    if off == "reset":
        faults.reset()
    else:
        faults.fail_count(0, ANSWER)
        faults.fail_duration(0, ANSWER)
        faults.fail_rate(0, ANSWER)
        faults.add_latency(0)
    assert faults.in_force() == Faults().in_force()
    assert faults.strike() is None


def test_latency_fails_nothing() -> None:
    """It only delays."""
    faults = Faults()
    faults.add_latency(250)
    assert faults.latency_ms == 250
    assert faults.strike() is None
