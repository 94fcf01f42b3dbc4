"""Time that never runs backwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.config.models import RetryBudgetConfig
from client.engine.deadline import Deadline
from client.runtime.steady import Steady
from client.strategies.circuit.circuit import Rejection
from client.strategies.retry.budget import RetryBudget
from tests.unit.strategies.circuit.circuits import START, is_admitted, opened

FAR = 1_900_000_000.0
"""What freezegun makes of the monotonic clock in 2030."""


@pytest.mark.parametrize("change", [-FAR, -2.0, 2.0, FAR])
def test_time_goes_on_from_where_it_stood(change: float) -> None:
    """However far the clock is set back; what is ahead is believed."""
    steady = Steady()
    assert steady.at(START) == START
    moved = START + max(change, 0.0)
    assert steady.at(START + change) == moved
    assert steady.at(START + change + 5) == moved + 5


def test_moments_that_come_out_of_step_do_not_speed_it_up() -> None:
    """Threads read the clock, and then wait for the lock."""
    steady = Steady()
    for tick in range(1_000):
        assert steady.at(START + tick) == START + tick
        assert steady.at(START + tick - 0.5) == START + tick
    assert steady.at(START + 1_000) == START + 1_000


@given(st.lists(st.floats(-FAR, FAR), min_size=2))
def test_it_never_runs_backwards(moments: list[float]) -> None:
    """Whatever comes."""
    steady = Steady()
    seen = [steady.at(moment) for moment in moments]
    assert seen == sorted(seen)


def budget(**settings: float) -> RetryBudget:
    """A budget of these settings."""
    return RetryBudget(RetryBudgetConfig(**settings))


def taken(budget: RetryBudget, now: float) -> int:
    """How many retries a budget allows."""
    count = 0
    while count < 1_000 and budget.withdraw(now):
        count += 1
    return count


def test_a_clock_that_is_set_back_neither_fills_nor_empties_the_free_retries() -> None:
    """And they come back at the same pace as before."""
    purse = budget(ratio=0, minimum_per_second=10)
    assert taken(purse, FAR) == 10
    assert taken(purse, START) == 0
    assert taken(purse, START + 0.5) == 5
    assert taken(purse, FAR) == 10


def test_nor_what_operations_paid_in() -> None:
    """It expires ten seconds later, on whatever clock."""
    purse = budget(ratio=0.5, minimum_per_second=0)
    for _ in range(8):
        purse.deposit(FAR)
    assert taken(purse, START) == 4
    for _ in range(8):
        purse.deposit(START)
    assert taken(purse, START + 10) == 0


def test_an_open_circuit_stays_open_no_longer_than_it_would() -> None:
    """Its break goes on where it stood."""
    circuit = opened(FAR)
    for is_peek in (True, False):
        found = circuit.peek(START) if is_peek else circuit.admit(START)
        assert isinstance(found, Rejection)
        assert found.retry_after == 10.0
    assert is_admitted(circuit, START + 9.9) is False
    assert circuit.peek(START + 10) is None
    assert is_admitted(circuit, START + 10)


def test_a_deadline_has_no_more_left_than_it_had() -> None:
    """Its operation may take as long as it was allowed, counted from now."""
    deadline = Deadline.after(5.0, FAR)
    assert deadline is not None
    assert deadline.left(START) == 5.0
    assert deadline.left(FAR + 2) == 3.0
