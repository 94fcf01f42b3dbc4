"""The retry budget, against a naive one that remembers every deposit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.config.models import RetryBudgetConfig
from client.strategies.retry.budget import RetryBudget
from tests.unit.threads import together

START = 1_000.0


def budget_of(ratio: float = 0.2, minimum_per_second: float = 10.0) -> RetryBudget:
    """A budget of these settings."""
    config = RetryBudgetConfig(ratio=ratio, minimum_per_second=minimum_per_second)
    return RetryBudget(config)


def withdraw_all(budget: RetryBudget, now: float, most: int = 10_000) -> int:
    """Take out what is there, and count it."""
    taken = 0
    while taken < most and budget.withdraw(now):
        taken += 1
    return taken


class NaiveBudget:
    """The same rules in the plainest words: fifths of a retry, one by one, with their second."""

    def __init__(self, ratio: int, rate: int) -> None:
        self.ratio, self.rate = ratio, rate
        self.deposits: list[int] = []
        self.most_free = max(rate, 1) if rate else 0
        self.free = float(self.most_free)
        self.last: float | None = None

    def expire(self, now: float) -> None:
        """Nothing is older than the nine seconds before this one."""
        self.deposits = [second for second in self.deposits if int(now) - second < 10]

    def deposit(self, now: float) -> None:
        """`ratio` tenths of a retry."""
        self.expire(now)
        self.deposits += [int(now)] * self.ratio

    def withdraw(self, now: float) -> bool:
        """From what is free, or else the ten oldest tenths."""
        self.expire(now)
        if self.last is not None:
            self.free = min(self.most_free, self.free + (now - self.last) * self.rate)
        self.last = now
        if self.free >= 1:
            self.free -= 1
            return True
        paid = len(self.deposits) >= 10
        if paid:
            self.deposits = sorted(self.deposits)[10:]
        return paid


def test_a_quiet_client_can_retry() -> None:
    """Nothing has been deposited, and a second's worth is in hand."""
    assert withdraw_all(budget_of(), START) == 10


def test_what_is_free_comes_back_at_its_rate() -> None:
    """A tenth of a second for each."""
    budget = budget_of()
    withdraw_all(budget, START)
    assert withdraw_all(budget, START + 0.25) == 2
    assert withdraw_all(budget, START + 0.55) == 3


def test_what_is_free_never_exceeds_a_second_s_worth() -> None:
    """A quiet hour does not save up for a storm."""
    budget = budget_of()
    withdraw_all(budget, START)
    assert withdraw_all(budget, START + 3600) == 10


def test_below_one_a_second_a_whole_retry_still_gathers() -> None:
    """Every two seconds, at this rate."""
    budget = budget_of(ratio=0, minimum_per_second=0.5)
    found = [budget.withdraw(START + seconds) for seconds in (0, 1, 2, 3, 4)]
    assert found == [True, False, True, False, True]


def test_without_a_minimum_nothing_is_free() -> None:
    """Only what operations paid in."""
    budget = budget_of(ratio=0.5, minimum_per_second=0)
    assert budget.withdraw(START) is False
    budget.deposit(START)
    assert budget.withdraw(START) is False
    budget.deposit(START)
    assert budget.withdraw(START) is True
    assert budget.withdraw(START) is False


def test_shares_add_up() -> None:
    """Ten times 0.1 is 0.9999999999999999 in floating point, and one retry here."""
    budget = budget_of(ratio=0.1, minimum_per_second=0)
    for _ in range(10):
        budget.deposit(START)
    assert withdraw_all(budget, START) == 1


@pytest.mark.parametrize(("age", "left"), [(0, 4), (9.9, 4), (10, 0), (11, 0), (3600, 0)])
def test_a_deposit_expires_after_ten_seconds(age: float, left: int) -> None:
    """It pays for retries of its own time."""
    budget = budget_of(minimum_per_second=0)
    for _ in range(20):
        budget.deposit(START)
    assert withdraw_all(budget, START + age) == left


def test_deposits_expire_second_by_second() -> None:
    """Those of a later second stay."""
    budget = budget_of(ratio=1, minimum_per_second=0)
    for second in range(10):
        budget.deposit(START + second)
    assert withdraw_all(budget, START + 13) == 6


def test_the_oldest_deposit_is_spent_first() -> None:
    """It would expire next."""
    budget = budget_of(ratio=1, minimum_per_second=0)
    budget.deposit(START)
    budget.deposit(START + 5)
    assert budget.withdraw(START + 6) is True
    assert withdraw_all(budget, START + 12) == 1


def test_what_is_free_is_spent_before_deposits() -> None:
    """It comes back soon; a deposit does not."""
    budget = budget_of(ratio=1, minimum_per_second=1)
    budget.deposit(START)
    assert withdraw_all(budget, START, most=1) == 1
    assert budget.withdraw(START + 0.1) is True
    assert budget.withdraw(START + 0.1) is False


def test_a_caller_with_a_slightly_older_time_harms_nothing() -> None:
    """Threads read the clock, and then wait for the lock."""
    budget = budget_of(ratio=1, minimum_per_second=0)
    budget.deposit(START)
    budget.deposit(START - 0.5)
    assert withdraw_all(budget, START - 0.5) == 2
    budget.deposit(START - 0.5)
    assert withdraw_all(budget, START + 9) == 1


@given(
    ratio=st.sampled_from([0, 1, 2, 5, 10, 13]),
    rate=st.sampled_from([0, 1, 3, 10]),
    steps=st.lists(
        st.tuples(st.sampled_from("dw"), st.sampled_from([0, 0, 0, 0.25, 1, 2.5, 9, 10, 30])),
        max_size=80,
    ),
)
def test_it_agrees_with_a_naive_one(ratio: int, rate: int, steps: list[tuple[str, float]]) -> None:
    """Whatever comes, and whenever."""
    budget, naive = budget_of(ratio / 10, rate), NaiveBudget(ratio, rate)
    now = START
    for what, pause in steps:
        now += pause
        if what == "d":
            budget.deposit(now)
            naive.deposit(now)
        else:
            assert budget.withdraw(now) == naive.withdraw(now)


@given(
    seconds=st.integers(1, 30),
    per_second=st.integers(1, 200),
    attempts=st.integers(2, 5),
)
def test_in_a_total_outage_retries_stay_within_the_budget(
    seconds: int, per_second: int, attempts: int
) -> None:
    """A fifth of the operations and ten a second, the second at the start included."""
    budget = budget_of()
    retries = 0
    for number in range(seconds * per_second):
        now = START + number / per_second
        budget.deposit(now)
        # Every attempt fails, so each asks for the next until one is refused.
        retries += withdraw_all(budget, now, most=attempts - 1)
    assert retries <= 0.2 * seconds * per_second + 10 * (seconds + 1)


def test_a_thousand_callers_in_a_total_outage_stay_within_the_budget() -> None:
    """All at one moment: a fifth of them and a second's worth are retried, and no more."""
    budget = budget_of()
    for _ in range(1000):
        budget.deposit(START)
    assert sum(withdraw_all(budget, START, most=2) for _ in range(1000)) == 210


def test_threads_neither_lose_nor_double_a_retry() -> None:
    """They pay in, then take out, at once."""
    budget = budget_of(ratio=1, minimum_per_second=0)

    def pay_in() -> None:
        for _ in range(200):
            budget.deposit(START)

    together(pay_in, threads=8)
    assert sum(together(lambda: withdraw_all(budget, START), threads=8)) == 1600


def config_of(ratio: float = 0.2, minimum_per_second: float = 10.0) -> RetryBudgetConfig:
    """Other settings."""
    return RetryBudgetConfig(ratio=ratio, minimum_per_second=minimum_per_second)


def test_another_minimum_holds_from_then_on() -> None:
    """What has gathered by then has gathered at the old rate."""
    budget = budget_of(minimum_per_second=4)
    assert withdraw_all(budget, START) == 4
    budget.reconfigure(config_of(minimum_per_second=100), START + 0.5)
    assert budget.available(START + 0.5) == 2
    assert budget.available(START + 1) == 52
    budget.reconfigure(config_of(minimum_per_second=3), START + 1)
    assert budget.available(START + 1) == 3
    budget.reconfigure(config_of(minimum_per_second=0), START + 1)
    assert budget.available(START + 9) == 0
    budget.reconfigure(config_of(minimum_per_second=0.5), START + 9)
    assert budget.available(START + 10) == 0.5
    assert budget.available(START + 99) == 1


def test_another_ratio_holds_for_what_is_paid_in_from_then_on() -> None:
    """What was paid in stays."""
    budget = budget_of(ratio=0.5, minimum_per_second=0)
    for _ in range(4):
        budget.deposit(START)
    budget.reconfigure(config_of(ratio=2, minimum_per_second=0), START)
    assert budget.available(START) == 2
    budget.deposit(START)
    assert budget.available(START) == 4
