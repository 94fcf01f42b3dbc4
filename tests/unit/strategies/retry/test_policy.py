"""The retry policy: whether a failed attempt is followed by another, and when."""

import gc
import warnings
import weakref
from collections.abc import Generator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.backoff import Backoff, ConstantBackoff, LinearBackoff
from client.config.models import RetryBudgetConfig, RetryConfig
from client.engine.layer import Failure, Refusal
from client.exceptions import (
    APIConnectionError,
    APINetworkError,
    APITimeoutError,
    CircuitOpenError,
    DeadlineExceededError,
    InvalidRequestError,
    MyAPIError,
    NotFoundError,
    PoolTimeoutError,
    RateLimitError,
    ResponseError,
    ServerError,
    ServerTimeoutError,
    ServiceUnavailableError,
    TLSVerificationError,
    UnexpectedStatusError,
)
from client.strategies.retry.budget import RetryBudget
from client.strategies.retry.policy import RetryPolicy, RetryRules
from tests.unit.calls import call_of, failure_of, network_error, server_error

NOW = 1_000.0
BACKOFFS = ["exponential", "linear", "fibonacci", "constant"]
RETRY_AFTERS = st.floats(0, 200)
DRAWS = st.floats(0, 1)


def policy_of(draw: float | None = None, **settings: Any) -> RetryPolicy:
    """A policy of these settings, without a budget, with its chance fixed where it matters."""
    rules = RetryRules.of(RetryConfig(**settings))
    return RetryPolicy(rules, None) if draw is None else RetryPolicy(rules, None, lambda: draw)


def wait_after(
    policy: RetryPolicy,
    failure: Failure | None = None,
    *,
    attempts: int = 1,
    method: str = "GET",
) -> float | None:
    """What the policy decides after a failure, by default one that is retried."""
    call = call_of(attempts=attempts, method=method)
    wait = policy.wait_after(call, failure or failure_of(network_error()), NOW)
    return None if isinstance(wait, Refusal) else wait


def retried(policy: RetryPolicy, error: MyAPIError, method: str = "GET") -> bool:
    """Whether the policy would try again."""
    return wait_after(policy, failure_of(error), method=method) is not None


# Whether.


@pytest.mark.parametrize(
    "kind", [APIConnectionError, APITimeoutError, APINetworkError, ServerTimeoutError]
)
def test_what_is_under_the_connection_error_is_retried(kind: type[MyAPIError]) -> None:
    """It is worth it."""
    assert retried(policy_of(), kind("x")) is True


@pytest.mark.parametrize(
    "kind", [NotFoundError, InvalidRequestError, ResponseError, PoolTimeoutError, MyAPIError]
)
def test_nothing_else_is(kind: type[MyAPIError]) -> None:
    """Sending it again would not help."""
    assert retried(policy_of(), kind("x")) is False


@pytest.mark.parametrize("kind", [CircuitOpenError, DeadlineExceededError, TLSVerificationError])
def test_some_are_never_retried_although_they_are_under_it(kind: type[MyAPIError]) -> None:
    """Not even where a predicate says so: no attempt can change them."""
    assert retried(policy_of(), kind("x")) is False
    assert retried(policy_of(retry_if=lambda _response, _error: True), kind("x")) is False


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ServerTimeoutError("x", status_code=408), True),
        (RateLimitError("x", status_code=429), True),
        (ServerError("x", status_code=500), True),
        (ServiceUnavailableError("x", status_code=503), True),
        (ServerError("x", status_code=599), True),
        (NotFoundError("x", status_code=404), False),
        (UnexpectedStatusError("x", status_code=409), False),
        (UnexpectedStatusError("x", status_code=600), False),
    ],
    ids=lambda value: str(getattr(value, "status_code", value)),
)
def test_by_default_408_429_and_5xx_are_retried(error: MyAPIError, *, expected: bool) -> None:
    """By their status alone."""
    assert retried(policy_of(), error) is expected


def test_the_statuses_of_the_configuration_decide() -> None:
    """In place of the default ones; errors without a status are retried all the same."""
    policy = policy_of(statuses={404})
    assert retried(policy, NotFoundError("x", status_code=404)) is True
    assert retried(policy, ServerError("x", status_code=500)) is False
    assert retried(policy, network_error()) is True


@pytest.mark.parametrize(
    ("method", "expected"), [("GET", True), ("get", True), ("POST", False), ("PUT", True)]
)
def test_the_methods_of_the_configuration_decide(method: str, *, expected: bool) -> None:
    """In any case."""
    assert retried(policy_of(methods=["get", "PUT"]), network_error(), method) is expected


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "BREW"])
def test_by_default_every_method_is_retried(method: str) -> None:
    """The drop-in clients are more careful."""
    assert retried(policy_of(), network_error(), method) is True


@pytest.mark.parametrize(
    ("attempts", "expected"), [(1, True), (2, True), (3, True), (4, False), (5, False)]
)
def test_attempts_are_bounded(attempts: int, *, expected: bool) -> None:
    """The first counts."""
    found = wait_after(policy_of(max_attempts=4), attempts=attempts)
    assert (found is not None) is expected


def test_a_single_attempt_is_never_followed() -> None:
    """Retries are off."""
    assert wait_after(policy_of(max_attempts=1)) is None


# A predicate of the user's.


class Asked:
    """A `retry_if` that remembers what it was asked."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.questions: list[tuple[object, object]] = []

    def __call__(self, response: object, error: object) -> object:
        """Answer as told."""
        self.questions.append((response, error))
        return self.answer


@pytest.mark.parametrize(("answer", "expected"), [(True, True), (False, False), (0, False)])
def test_a_predicate_decides_in_place_of_the_statuses(answer: object, *, expected: bool) -> None:
    """Both ways."""
    policy = policy_of(retry_if=Asked(answer))
    assert retried(policy, server_error(500)) is expected
    assert retried(policy, NotFoundError("x", status_code=404)) is expected


def test_a_predicate_is_given_a_response_or_an_exception() -> None:
    """Never both: an error that stands for an answer is shown as that answer."""
    asked = Asked(answer=True)
    policy = policy_of(retry_if=asked)
    answer, no_answer, success = server_error(), network_error(), httpx.Response(202)
    wait_after(policy, failure_of(answer))
    wait_after(policy, failure_of(no_answer))
    wait_after(policy, Failure(None, success, None))
    assert asked.questions == [(answer.response, None), (None, no_answer), (success, None)]


def test_only_with_a_predicate_is_a_success_looked_at() -> None:
    """Without one, an operation that succeeds at once never comes here."""
    assert policy_of().looks_at_success is False
    policy = policy_of(retry_if=lambda response, _error: response.status_code == 202)
    assert policy.looks_at_success is True
    assert wait_after(policy, Failure(None, httpx.Response(202), None)) is not None
    assert wait_after(policy, Failure(None, httpx.Response(200), None)) is None


def test_what_a_predicate_raises_reaches_the_caller() -> None:
    """It is a bug of his, and none of ours to hide."""

    def broken(response: object, error: object) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        wait_after(policy_of(retry_if=broken))


async def _later(*values: object) -> bool:
    raise AssertionError("nobody awaits it")


def _promise(*values: object) -> object:
    return _later(*values)


class _Awaitable:
    def __await__(self) -> Generator[None, None, bool]:
        yield
        return True


class _AsyncBackoff(Backoff):
    async def delay(self, attempt: int) -> float:  # type: ignore[override] # what is refused
        """Never get there."""
        raise AssertionError("nobody awaits it")


@pytest.mark.parametrize(
    ("setting", "settings"),
    [
        ("retry_if", {"retry_if": _promise}),
        ("retry_if", {"retry_if": lambda *_values: _Awaitable()}),
        ("stop", {"stop": _promise}),
        ("backoff", {"backoff": _promise}),
        ("backoff", {"backoff": _AsyncBackoff()}),
    ],
    ids=["retry_if", "awaitable", "stop", "wait", "backoff"],
)
def test_what_would_have_to_be_awaited_is_refused(setting: str, settings: dict[str, Any]) -> None:
    """A coroutine is true: every failure would be retried, and Python warn that it never ran."""
    policy = policy_of(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError) as caught:
            wait_after(policy)
        gc.collect()
    assert str(caught.value) == f"{setting} returned something to await: give a plain function"


# When.


@pytest.mark.parametrize(
    ("backoff", "expected"),
    [
        ("exponential", [2, 4, 8, 16, 32, 60, 60]),
        ("linear", [2, 4, 6, 8, 10, 12, 14]),
        ("fibonacci", [2, 2, 4, 6, 10, 16, 26]),
        ("constant", [2, 2, 2, 2, 2, 2, 2]),
    ],
)
def test_without_jitter_waits_are_the_backoff_s(backoff: str, expected: list[float]) -> None:
    """With the multiplier as their unit, kept within the bounds."""
    policy = policy_of(backoff=backoff, jitter=False, max_attempts=100)
    assert [wait_after(policy, attempts=number) for number in range(1, 8)] == expected


def test_the_default_waits_start_between_one_and_two_seconds() -> None:
    """And double."""
    low, high = policy_of(0.0), policy_of(1.0)
    assert [wait_after(low, attempts=number) for number in (1, 2)] == [1.0, 1.0]
    assert [wait_after(high, attempts=number) for number in (1, 2)] == [2.0, 4.0]


def test_a_wait_is_never_shorter_than_the_least() -> None:
    """Nor longer than the most, whatever the backoff says."""
    policy = policy_of(
        backoff=LinearBackoff(5), jitter=False, min_wait_seconds=8, max_wait_seconds=12
    )
    assert [wait_after(policy, attempts=number) for number in (1, 2)] == [8.0, 10.0]
    assert wait_after(policy_of(backoff=ConstantBackoff(99), jitter=False)) == 60.0


@pytest.mark.parametrize("draw", [0.0, 0.25, 0.5, 1.0])
def test_jitter_is_drawn_between_the_least_wait_and_the_backoff(draw: float) -> None:
    """Evenly: "full jitter" with a floor."""
    policy = policy_of(draw, backoff=ConstantBackoff(9), min_wait_seconds=1)
    assert wait_after(policy) == 1 + 8 * draw


@given(
    backoff=st.sampled_from(BACKOFFS),
    bounds=st.tuples(st.floats(0, 1000), st.floats(0, 1000)).map(sorted),
    multiplier=st.floats(0, 1000),
    jitter=st.booleans(),
    draw=DRAWS,
    attempts=st.integers(1, 99),
)
def test_every_wait_lies_within_the_bounds(  # noqa: PLR0913 - all that a wait depends on
    *,
    backoff: str,
    bounds: list[float],
    multiplier: float,
    jitter: bool,
    draw: float,
    attempts: int,
) -> None:
    """To the last digit."""
    policy = policy_of(
        draw,
        max_attempts=100,
        backoff=backoff,
        min_wait_seconds=bounds[0],
        max_wait_seconds=bounds[1],
        multiplier=multiplier,
        jitter=jitter,
    )
    wait = wait_after(policy, attempts=attempts)
    assert wait is not None
    assert bounds[0] <= wait <= bounds[1]


@pytest.mark.parametrize("backoff", BACKOFFS)
def test_clients_at_the_cap_still_spread(backoff: str) -> None:
    """They failed together, and must not come back together."""
    policy = policy_of(backoff=backoff, multiplier=1000, max_attempts=100)
    waits = sorted(wait_after(policy, attempts=50) or 0.0 for _ in range(500))
    assert len(set(waits)) == 500
    assert waits[0] < 10
    assert waits[-1] > 50
    assert max(later - earlier for earlier, later in pairwise(waits)) < 5


@pytest.mark.parametrize("seconds", [float("nan"), "soon", None])
def test_a_backoff_must_return_seconds(seconds: object) -> None:
    """Text that is no number, and what is called no number, are refused in words."""
    policy = policy_of(backoff=lambda _state: seconds)
    with pytest.raises(ValueError, match="backoff returned") as caught:
        wait_after(policy)
    assert str(caught.value) == f"backoff returned {seconds!r}: it must return a number of seconds"


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-5, 1.0), (float("inf"), 60.0), (float("-inf"), 1.0), ("7", 7.0)]
)
def test_a_backoff_out_of_bounds_is_brought_back(seconds: object, expected: float) -> None:
    """No harm is meant by it."""
    assert wait_after(policy_of(backoff=lambda _state: seconds)) == expected


# Retry-After.


@pytest.mark.parametrize("asked", [0.0, 0.5, 1.0, 30.0, 60.0])
@pytest.mark.parametrize("draw", [0.0, 0.5, 1.0])
def test_retry_after_is_honoured_with_jitter_upward(asked: float, draw: float) -> None:
    """Up to a tenth, whatever the backoff would have been."""
    policy = policy_of(draw, backoff=ConstantBackoff(7))
    found = wait_after(policy, failure_of(server_error(503), retry_after=asked))
    assert found == asked + asked * 0.1 * draw


def test_retry_after_without_jitter_is_exact() -> None:
    """Where the configuration wants none."""
    policy = policy_of(1.0, jitter=False)
    assert wait_after(policy, failure_of(server_error(503), retry_after=17.0)) == 17.0


def test_retry_after_above_the_most_is_ignored() -> None:
    """The backoff decides."""
    policy = policy_of(jitter=False, max_retry_after=10)
    assert wait_after(policy, failure_of(server_error(503), retry_after=10.001)) == 2.0
    assert wait_after(policy, failure_of(server_error(503), retry_after=10.0)) == 10.0


@given(asked=RETRY_AFTERS, most=RETRY_AFTERS, draw=DRAWS, jitter=st.booleans())
def test_a_retry_never_comes_earlier_than_was_asked(
    *, asked: float, most: float, draw: float, jitter: bool
) -> None:
    """Unless it was asked for too much."""
    policy = policy_of(draw, max_retry_after=most, jitter=jitter)
    found = wait_after(policy, failure_of(server_error(503), retry_after=asked))
    assert found is not None
    if asked <= most:
        assert asked <= found <= asked * 1.1 + 1e-9
    else:
        assert 1.0 <= found <= 2.0


# The budget.


def test_without_a_budget_every_retry_is_affordable() -> None:
    """It was switched off."""
    assert all(policy_of().pay(NOW) for _ in range(1000))


def test_retries_are_paid_from_the_budget() -> None:
    """Until it is used up."""
    config = RetryBudgetConfig(ratio=0, minimum_per_second=2)
    policy = RetryPolicy(RetryRules.of(RetryConfig()), RetryBudget(config))
    assert [policy.pay(NOW) for _ in range(3)] == [True, True, False]


def test_asking_costs_nothing() -> None:
    """Only what is really retried is paid for."""
    budget = RetryBudget(RetryBudgetConfig(ratio=0, minimum_per_second=1))
    policy = RetryPolicy(RetryRules.of(RetryConfig()), budget)
    for _ in range(5):
        assert wait_after(policy) is not None
    assert policy.pay(NOW) is True


# Memory.


@pytest.fixture
def no_collector() -> Generator[None]:
    """Switch the garbage collector off: what lives in circles lives on."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"max_attempts": 1},
        {"statuses": []},
        {"retry_if": lambda _response, _error: True},
        {"retry_if": lambda _response, _error: False},
        {"backoff": lambda _state: 1.0},
        {"stop": lambda _state: True},
    ],
    ids=["retried", "last", "refused", "wanted", "unwanted", "waited", "stopped"],
)
def test_a_decision_keeps_neither_error_nor_response_alive(settings: dict[str, Any]) -> None:
    """They are freed at once, as the engine lets go of them, and not when Python tidies up."""
    policy = policy_of(**settings)
    error = server_error()
    failure = failure_of(error)
    alive = [weakref.ref(error), weakref.ref(error.response)]
    wait_after(policy, failure)
    del error, failure
    assert [reference() for reference in alive] == [None, None]


@pytest.mark.usefixtures("no_collector")
def test_a_wait_that_raises_keeps_nothing_alive_either() -> None:
    """Once its exception is gone."""

    def broken(state: object) -> float:
        raise ZeroDivisionError

    policy = policy_of(backoff=broken)
    error = server_error()
    failure = failure_of(error)
    alive = [weakref.ref(error), weakref.ref(error.response)]
    with pytest.raises(ZeroDivisionError):
        wait_after(policy, failure)
    del error, failure
    assert [reference() for reference in alive] == [None, None]


@pytest.mark.parametrize("setting", ["backoff", "retry_if", "stop"])
def test_what_a_configuration_holds_is_used_as_it_is(setting: str) -> None:
    """Called once for each decision, and not copied."""
    calls: list[object] = []

    def own(*values: object) -> bool:
        calls.append(values)
        return setting == "retry_if"

    settings: dict[str, Any] = {setting: own}
    wait_after(policy_of(**settings))
    assert len(calls) == 1
