"""A user's own tenacity objects, plugged into `RetryConfig`."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import tenacity
from hypothesis import given
from hypothesis import strategies as st
from tenacity import (
    RetryCallState,
    retry_all,
    retry_any,
    retry_if_exception,
    retry_if_exception_message,
    retry_if_exception_type,
    retry_if_not_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    stop_before_delay,
    stop_never,
    wait_chain,
    wait_combine,
    wait_exponential,
    wait_exponential_jitter,
    wait_fixed,
    wait_incrementing,
    wait_random,
    wait_random_exponential,
)

from client import ResilientClient
from client.config.models import ClientConfig, RetryConfig
from client.engine.layer import Failure, Refusal
from client.exceptions import (
    APINetworkError,
    CircuitOpenError,
    MyAPIError,
    NotFoundError,
    RateLimitError,
    ServerError,
    UnexpectedStatusError,
)
from client.strategies.retry.policy import RetryPolicy, RetryRules
from tests.unit.calls import URL, call_of, failure_of, network_error, server_error

STARTED = 1_000.0


def policy_of(**settings: Any) -> RetryPolicy:
    """A policy of these settings that is not bounded by attempts and does not jitter."""
    config = RetryConfig(**{"max_attempts": 100, "jitter": False, **settings})
    return RetryPolicy(RetryRules.of(config), None)


def wait_after(
    policy: RetryPolicy,
    failure: Failure | None = None,
    *,
    attempts: int = 1,
    elapsed: float = 0.0,
    waits: tuple[float, ...] = (),
) -> float | None:
    """What the policy decides, some time after the operation began."""
    call = call_of(attempts=attempts, started=STARTED, waits=waits)
    wait = policy.wait_after(call, failure or failure_of(network_error()), STARTED + elapsed)
    return None if isinstance(wait, Refusal) else wait


# What a strategy sees.


def test_a_strategy_sees_the_operation_as_tenacity_s_own_loop_would_show_it() -> None:
    """Attempts, times on the injected clock, waits so far, and the outcome."""
    seen: list[RetryCallState] = []

    def look(state: RetryCallState) -> float:
        seen.append(state)
        return 5.0

    error = server_error()
    policy = policy_of(backoff=look)
    assert wait_after(policy, failure_of(error), attempts=3, elapsed=9.0, waits=(1.0, 2.5)) == 5.0
    [state] = seen
    assert (state.attempt_number, state.idle_for) == (3, 3.5 + 5.0)
    assert (state.start_time, state.outcome_timestamp) == (STARTED, STARTED + 9.0)
    assert state.seconds_since_start == 9.0
    assert state.outcome is not None
    assert (state.outcome.attempt_number, state.outcome.exception()) == (3, error)
    assert isinstance(state.retry_object, tenacity.Retrying)
    assert (state.fn, state.args, state.kwargs) == (None, (), {})


def test_a_success_is_shown_as_a_result() -> None:
    """With the answer as its value."""
    answer = httpx.Response(202)
    policy = policy_of(retry_if=retry_if_result(lambda response: response.status_code == 202))
    assert wait_after(policy, Failure(None, answer, None)) is not None
    assert wait_after(policy, Failure(None, httpx.Response(200), None)) is None


# Waits.


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        (wait_fixed(7), [7, 7, 7, 7]),
        (wait_exponential(multiplier=1.5), [1.5, 3, 6, 12]),
        (wait_incrementing(start=2, increment=3), [2, 5, 8, 11]),
        (wait_fixed(3) + wait_incrementing(start=0, increment=1), [3, 4, 5, 6]),
        (wait_combine(wait_fixed(3), wait_fixed(4)), [7, 7, 7, 7]),
        (wait_chain(wait_fixed(2), wait_fixed(4)), [2, 4, 4, 4]),
        (wait_fixed(0.25), [1, 1, 1, 1]),
        (wait_fixed(1000), [60, 60, 60, 60]),
        (lambda state: state.attempt_number * 2, [2, 4, 6, 8]),
    ],
    ids=[
        *("fixed", "exponential", "incrementing", "sum", "combine", "chain"),
        *("too-short", "too-long", "function"),
    ],
)
def test_their_waits_are_kept_within_the_bounds(
    wait: Callable[[RetryCallState], float], expected: list[float]
) -> None:
    """And are otherwise as they say."""
    policy = policy_of(backoff=wait)
    assert [wait_after(policy, attempts=number) for number in range(1, 5)] == expected


@pytest.mark.parametrize(
    "wait",
    [
        wait_random_exponential(multiplier=1, max=1000),
        wait_exponential_jitter(initial=1, max=1000),
        wait_random(0, 100),
    ],
    ids=["random_exponential", "exponential_jitter", "random"],
)
@given(attempts=st.integers(1, 99))
def test_their_chance_is_theirs(wait: tenacity.wait.wait_base, attempts: int) -> None:
    """Whatever they draw, it is kept within the bounds."""
    policy = policy_of(backoff=wait, min_wait_seconds=0.5, max_wait_seconds=30)
    found = wait_after(policy, attempts=attempts)
    assert found is not None
    assert 0.5 <= found <= 30


@pytest.mark.skipif(not hasattr(tenacity, "wait_exception"), reason="tenacity 9.0 has none")
def test_a_wait_by_exception_sees_the_one_behind_each_outcome() -> None:
    """The error of the tree, and one for an answer that is no error but retried all the same."""
    seen: list[BaseException] = []

    def seconds(error: BaseException) -> float:
        seen.append(error)
        return 7.0

    policy = policy_of(backoff=tenacity.wait_exception(seconds), retry_if=lambda *_outcome: True)
    error, answer = server_error(), httpx.Response(202)
    assert wait_after(policy, failure_of(error)) == 7.0
    assert wait_after(policy, Failure(None, answer)) == 7.0
    assert seen[0] is error
    assert isinstance(seen[1], UnexpectedStatusError)
    assert (seen[1].status_code, seen[1].response) == (202, answer)


def test_an_answer_stays_one_for_other_waits() -> None:
    """They may ask for it, and whether there was one."""
    seen: list[Any] = []

    def look(state: RetryCallState) -> float:
        assert state.outcome is not None
        seen.extend([state.outcome.failed, state.outcome.result()])
        return 5.0

    answer = httpx.Response(202)
    policy = policy_of(backoff=look, retry_if=lambda *_outcome: True)
    assert wait_after(policy, Failure(None, answer)) == 5.0
    assert seen == [False, answer]


def test_jitter_is_not_added_to_theirs() -> None:
    """A fixed wait is fixed."""
    policy = policy_of(backoff=wait_fixed(30), jitter=True)
    assert {wait_after(policy) for _ in range(20)} == {30.0}


def test_retry_after_goes_before_their_waits() -> None:
    """The server knows better."""
    policy = policy_of(backoff=wait_fixed(5))
    assert wait_after(policy, failure_of(server_error(503), retry_after=20.0)) == 20.0


# Stops.


@pytest.mark.parametrize(
    ("elapsed", "expected"), [(0.0, True), (9.9, True), (10.0, False), (1e6, False)]
)
def test_stop_after_delay_goes_by_the_injected_clock(elapsed: float, *, expected: bool) -> None:
    """From the start of the operation to the end of its last attempt."""
    policy = policy_of(stop=stop_after_delay(10))
    assert (wait_after(policy, elapsed=elapsed) is not None) is expected


@pytest.mark.parametrize(("elapsed", "expected"), [(6.9, True), (7.0, False)])
def test_stop_before_delay_knows_the_wait(elapsed: float, *, expected: bool) -> None:
    """Three seconds of it would end after the ten."""
    policy = policy_of(stop=stop_before_delay(10), backoff=wait_fixed(3))
    assert (wait_after(policy, elapsed=elapsed) is not None) is expected


@pytest.mark.parametrize(
    ("stop", "attempts", "elapsed", "expected"),
    [
        (stop_after_attempt(2), 1, 0, True),
        (stop_after_attempt(2), 2, 0, False),
        (stop_after_attempt(4) | stop_after_delay(10), 3, 5, True),
        (stop_after_attempt(4) | stop_after_delay(10), 3, 15, False),
        (stop_after_attempt(4) | stop_after_delay(10), 4, 5, False),
        (stop_after_attempt(4) & stop_after_delay(10), 4, 5, True),
        (stop_after_attempt(4) & stop_after_delay(10), 4, 15, False),
        (stop_never, 99, 1e9, True),
    ],
    ids=lambda value: "" if callable(value) else str(value),
)
def test_their_stops_compose(
    stop: tenacity.stop.stop_base, attempts: int, elapsed: float, *, expected: bool
) -> None:
    """With `|` and `&`."""
    found = wait_after(policy_of(stop=stop), attempts=attempts, elapsed=elapsed)
    assert (found is not None) is expected


def test_the_bound_on_attempts_holds_besides() -> None:
    """Whichever comes first."""
    policy = policy_of(stop=stop_after_attempt(5), max_attempts=2)
    assert wait_after(policy, attempts=1) is not None
    assert wait_after(policy, attempts=2) is None


# Predicates.


@pytest.mark.parametrize(
    ("predicate", "error", "expected"),
    [
        (retry_if_exception_type(RateLimitError), RateLimitError("x", status_code=429), True),
        (retry_if_exception_type(RateLimitError), ServerError("x", status_code=500), False),
        (retry_if_exception_type((ServerError, NotFoundError)), NotFoundError("x"), True),
        (retry_if_not_exception_type(NotFoundError), NotFoundError("x", status_code=404), False),
        (retry_if_not_exception_type(NotFoundError), ServerError("x", status_code=500), True),
        (retry_if_exception_message(match="slow.*"), APINetworkError("slow down"), True),
        (retry_if_exception(lambda error: "x" in str(error)), ServerError("y"), False),
        (
            retry_if_exception_type(RateLimitError) | retry_if_exception_type(NotFoundError),
            NotFoundError("x"),
            True,
        ),
        (
            retry_if_exception_type(ServerError) & retry_if_exception_message(match="again"),
            ServerError("never"),
            False,
        ),
        (retry_any(retry_if_exception_type(RateLimitError)), ServerError("x"), False),
        (retry_all(retry_if_exception_type(ServerError)), ServerError("x"), True),
    ],
    ids=[
        *("type", "other-type", "types", "not-type", "not-other-type", "message", "function"),
        *("or", "and", "any", "all"),
    ],
)
def test_their_predicates_decide(
    predicate: tenacity.retry_base, error: MyAPIError, *, expected: bool
) -> None:
    """On the error of our tree, in place of the statuses; with `|` and `&`."""
    found = wait_after(policy_of(retry_if=predicate), failure_of(error))
    assert (found is not None) is expected


def test_a_predicate_that_is_none_of_theirs_decides_nothing_for_a_rejection() -> None:
    """No attempt was made, so none is repeated."""
    policy = policy_of(retry_if=retry_if_not_exception_type(ValueError))
    assert wait_after(policy, failure_of(CircuitOpenError("open"))) is None


class _AsyncPredicate(tenacity.retry_base):
    async def __call__(self, retry_state: RetryCallState) -> bool:  # type: ignore[override] # what is refused
        raise AssertionError("nobody awaits it")


async def _later(error: BaseException) -> bool:
    raise AssertionError("nobody awaits it")


def _promise(error: BaseException) -> Any:
    return _later(error)


def test_their_async_predicates_are_refused() -> None:
    """With the configuration, where it can be seen there."""
    with pytest.raises(ValueError, match="give None or a plain function, not an async one"):
        RetryConfig(retry_if=_AsyncPredicate())


def test_a_predicate_that_returns_a_coroutine_is_refused() -> None:
    """Without Python's warning that it was never awaited."""
    policy = policy_of(retry_if=retry_if_exception(_promise))
    with pytest.raises(TypeError, match="retry_if returned something to await: give a plain"):
        wait_after(policy)


# In a client.


def test_a_predicate_of_the_not_type_family_does_not_retry_cancellation() -> None:
    """In tenacity's own loop it would: a cancellation is no ValueError either."""
    attempts: list[httpx.Request] = []

    async def cancel_in_flight() -> None:
        begun = asyncio.Event()

        async def answer(request: httpx.Request) -> httpx.Response:
            attempts.append(request)
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError("it never gets there")

        config = ClientConfig(retry=RetryConfig(retry_if=retry_if_not_exception_type(ValueError)))
        async with ResilientClient(config, transport=httpx.MockTransport(answer)) as client:
            call = asyncio.ensure_future(client.get(URL))
            await begun.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

    asyncio.run(cancel_in_flight())
    assert len(attempts) == 1
