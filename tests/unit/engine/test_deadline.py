"""The deadline: one moment that everything is cut to."""

import pytest

from client.engine.deadline import Deadline, cut_phases


def test_a_deadline_lies_its_total_ahead() -> None:
    """And remembers the total, for the error that names it."""
    assert Deadline.after(5.0, now=100.0) == Deadline(at=105.0, total=5.0)


def test_without_a_total_there_is_none() -> None:
    """Nothing bounds the operation."""
    assert Deadline.after(None, now=100.0) is None


@pytest.mark.parametrize(("now", "left"), [(100.0, 5.0), (104.0, 1.0), (105.0, 0.0), (200.0, 0.0)])
def test_what_is_left_never_falls_below_zero(now: float, left: float) -> None:
    """A negative timeout would be an error of its own."""
    assert Deadline(at=105.0, total=5.0).left(now) == left


@pytest.mark.parametrize(
    ("now", "passed"),
    [(100.0, False), (104.998, False), (105.0 - 0.001, True), (104.9995, True), (105.0, True)],
)
def test_it_has_passed_within_a_millisecond(now: float, *, passed: bool) -> None:
    """Timers ring a little early."""
    assert Deadline(at=105.0, total=5.0).passed(now) is passed


@pytest.mark.parametrize(
    ("wait", "allowed"), [(0.0, True), (4.9, True), (5.0, False), (9.0, False)]
)
def test_a_wait_must_leave_time_for_an_attempt(wait: float, *, allowed: bool) -> None:
    """One that ends at the deadline leaves none."""
    assert Deadline(at=105.0, total=5.0).allows(wait, now=100.0) is allowed


@pytest.mark.parametrize(
    ("timeout", "left", "expected"), [(15.0, 2.0, 2.0), (15.0, 20.0, 15.0), (None, 2.0, 2.0)]
)
def test_a_timeout_is_cut_to_what_is_left(
    timeout: float | None, left: float, expected: float
) -> None:
    """What was unbounded is bounded too."""
    given = {"connect": timeout, "read": timeout, "write": timeout, "pool": 0.5}
    cut = {"connect": expected, "read": expected, "write": expected, "pool": 0.5}
    assert cut_phases(given, left) == cut


def test_a_phase_without_a_timeout_is_cut_too() -> None:
    """Httpx leaves out what is unbounded."""
    assert cut_phases({}, 3.0) == dict.fromkeys(("connect", "read", "write", "pool"), 3.0)
