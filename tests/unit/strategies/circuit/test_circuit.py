"""The circuit, rule by rule; `test_model` mixes all that is tested here."""

import copy
import gc
import weakref
from itertools import pairwise
from types import SimpleNamespace

import httpx
import pytest

from client.config.models import CircuitBreakerConfig
from client.exceptions import APINetworkError, ServerError
from client.strategies.circuit.circuit import Circuit, CircuitState, Permit, Rejection, Transition
from tests.unit.strategies.circuit.circuits import (
    AFTER,
    START,
    admitted,
    circuit_of,
    fail,
    fail_times,
    ignore,
    is_admitted,
    opened,
    rejected,
    succeed,
)

CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN
LEASE = 60.0


def test_a_circuit_starts_closed() -> None:
    """And admits everybody."""
    circuit = circuit_of()
    assert circuit.state is CLOSED
    assert circuit.scope == "client"
    assert all(is_admitted(circuit) for _ in range(100))
    permit = admitted(circuit)
    assert (permit.is_probe, permit.half_opened) == (False, False)


def test_states_have_pybreaker_s_names() -> None:
    """They are texts, so that they can go into a log or JSON."""
    assert [str(state) for state in CircuitState] == ["closed", "open", "half-open", "isolated"]


def test_consecutive_failures_open_it() -> None:
    """At the threshold, and not before."""
    circuit = circuit_of(failure_threshold=3)
    assert [fail(circuit, admitted(circuit)) for _ in range(2)] == [None, None]
    assert circuit.state is CLOSED
    transition = fail(circuit, admitted(circuit))
    assert circuit.state is OPEN
    assert transition is not None
    assert (transition.state, transition.seconds, transition.failures) == (OPEN, 10.0, 3)


def test_the_configuration_s_defaults_hold() -> None:
    """Five failures, thirty seconds, one probe, one success."""
    circuit = Circuit(CircuitBreakerConfig())
    fail_times(circuit, 4)
    assert circuit.state is CLOSED
    fail_times(circuit, 1)
    assert rejected(circuit, START + 29.5).retry_after == 0.5
    probe = admitted(circuit, START + 30)
    assert is_admitted(circuit, START + 30) is False
    succeed(circuit, probe, START + 30)
    assert circuit.state is CLOSED


def test_a_success_in_between_starts_the_count_again() -> None:
    """Consecutive means consecutive."""
    circuit = circuit_of(failure_threshold=2)
    for _ in range(5):
        fail_times(circuit, 1)
        assert succeed(circuit, admitted(circuit)) is None
    assert circuit.state is CLOSED
    fail_times(circuit, 2)
    assert circuit.state is OPEN


def test_failures_of_operations_in_parallel_count_as_they_end() -> None:
    """They began together."""
    circuit = circuit_of(failure_threshold=2)
    permits = [admitted(circuit) for _ in range(3)]
    fail(circuit, permits[2])
    fail(circuit, permits[0])
    assert circuit.state is OPEN


def test_a_rejection_tells_how_long_and_why() -> None:
    """The seconds to recovery and the last failure."""
    circuit = circuit_of(failure_threshold=2)
    fail(circuit, admitted(circuit), error=ServerError("first"))
    fail(circuit, admitted(circuit), error=APINetworkError("second", request_id="id-2"))
    rejection = rejected(circuit, START + 4)
    assert rejection.retry_after == 6.0
    assert isinstance(rejection.last_error, APINetworkError)
    assert rejection.last_error.request_id == "id-2"


def test_the_break_ends_after_the_recovery_timeout() -> None:
    """To the moment."""
    circuit = opened()
    assert rejected(circuit, START + 9.75).retry_after == 0.25
    probe = admitted(circuit, AFTER)
    assert circuit.state is HALF_OPEN
    assert (probe.is_probe, probe.half_opened) == (True, True)


def test_a_break_of_no_length_lets_the_next_operation_probe() -> None:
    """Only the number of operations at once is held down."""
    circuit = opened(recovery_timeout=0)
    assert admitted(circuit).is_probe is True
    assert is_admitted(circuit) is False


def test_a_successful_probe_closes_it() -> None:
    """And tells how long it was open."""
    circuit = opened()
    probe = admitted(circuit, START + 12)
    assert succeed(circuit, probe, START + 15) == Transition(CLOSED, 15.0)
    assert circuit.state is CLOSED
    assert admitted(circuit, START + 15).is_probe is False


def test_after_closing_the_count_starts_again() -> None:
    """From nothing."""
    circuit = opened()
    succeed(circuit, admitted(circuit, AFTER), AFTER)
    fail_times(circuit, 1, AFTER)
    assert circuit.state is CLOSED
    fail_times(circuit, 1, AFTER)
    assert circuit.state is OPEN


def test_a_failed_probe_opens_it_again() -> None:
    """For a whole break, and with its own reason."""
    circuit = opened()
    error = APINetworkError("still down")
    transition = fail(circuit, admitted(circuit, START + 12), START + 13, error)
    assert transition is not None
    assert (transition.state, transition.seconds, transition.failures) == (OPEN, 10.0, 3)
    rejection = rejected(circuit, START + 14)
    assert rejection.retry_after == 9.0
    assert str(rejection.last_error) == "still down"


def test_the_time_open_counts_from_the_first_opening() -> None:
    """Failed probes in between do not shorten it; the next outage does not lengthen it."""
    circuit = opened()
    fail(circuit, admitted(circuit, START + 10), START + 11)
    assert succeed(circuit, admitted(circuit, START + 21), START + 22) == Transition(CLOSED, 22.0)
    fail_times(circuit, 2, START + 100)
    assert succeed(circuit, admitted(circuit, START + 110), START + 111) == Transition(CLOSED, 11.0)


def test_as_many_successes_as_configured_close_it() -> None:
    """One after the other, where one probe may be out."""
    circuit = opened(success_threshold=3)
    for _ in range(2):
        assert succeed(circuit, admitted(circuit, AFTER), AFTER) is None
        assert circuit.state is HALF_OPEN
    transition = succeed(circuit, admitted(circuit, AFTER), AFTER)
    assert transition is not None
    assert circuit.state is CLOSED


def test_successes_of_an_earlier_half_open_do_not_count() -> None:
    """A failure in between starts them again."""
    circuit = opened(success_threshold=2)
    succeed(circuit, admitted(circuit, AFTER), AFTER)
    fail(circuit, admitted(circuit, AFTER), AFTER)
    assert succeed(circuit, admitted(circuit, AFTER + 10), AFTER + 10) is None
    assert circuit.state is HALF_OPEN


# Rule 1.


def test_rule_1_an_outcome_of_an_older_generation_changes_nothing() -> None:
    """Not the state, not the counters, not the end of the break."""
    circuit = circuit_of(failure_threshold=2)
    late = [admitted(circuit) for _ in range(20)]
    fail_times(circuit, 2)
    for number, permit in enumerate(late[:10]):
        outcome = fail if number % 2 else succeed
        assert outcome(circuit, permit, START + 5) is None
    assert circuit.state is OPEN
    assert rejected(circuit, START + 9).retry_after == 1.0
    probe = admitted(circuit, AFTER)
    for permit in late[10:15]:
        assert fail(circuit, permit, AFTER) is None
        assert succeed(circuit, permit, AFTER) is None
    assert circuit.state is HALF_OPEN
    succeed(circuit, probe, AFTER)
    for permit in late[15:]:
        assert fail(circuit, permit, AFTER) is None
    assert circuit.state is CLOSED
    fail_times(circuit, 1, AFTER)
    assert circuit.state is CLOSED


def test_rule_1_holds_for_probes_too() -> None:
    """One that outlives its half-open state is heard no more."""
    circuit = opened(half_open_max_calls=2)
    first, second = admitted(circuit, AFTER), admitted(circuit, AFTER)
    fail(circuit, first, AFTER)
    assert succeed(circuit, second, AFTER + 5) is None
    assert circuit.state is OPEN
    assert rejected(circuit, AFTER + 9).retry_after == 1.0


def test_rule_1_a_late_success_does_not_start_the_count_again() -> None:
    """It began before the outage that is being counted."""
    circuit = circuit_of(failure_threshold=2)
    late = admitted(circuit)
    fail_times(circuit, 2)
    succeed(circuit, admitted(circuit, AFTER), AFTER)
    fail_times(circuit, 1, AFTER)
    succeed(circuit, late, AFTER)
    fail_times(circuit, 1, AFTER)
    assert circuit.state is OPEN


# Rule 2.


def test_rule_2_an_ignored_outcome_counts_neither_way() -> None:
    """Not as a failure, and not as a success that starts the count again."""
    circuit = circuit_of(failure_threshold=2)
    for _ in range(10):
        assert ignore(circuit, admitted(circuit)) is None
    fail_times(circuit, 1)
    ignore(circuit, admitted(circuit))
    assert circuit.state is CLOSED
    fail_times(circuit, 1)
    assert circuit.state is OPEN


def test_rule_2_an_ignored_probe_gives_its_permit_back() -> None:
    """And leaves the circuit half open, for the next to find out."""
    circuit = opened()
    for _ in range(5):
        probe = admitted(circuit, AFTER)
        assert is_admitted(circuit, AFTER) is False
        assert ignore(circuit, probe, AFTER) is None
        assert circuit.state is HALF_OPEN
    succeed(circuit, admitted(circuit, AFTER), AFTER)
    assert circuit.state is CLOSED


# Rule 3.


@pytest.mark.parametrize("most", [1, 2, 5])
def test_rule_3_half_open_lets_exactly_so_many_probes_out(most: int) -> None:
    """However many ask."""
    circuit = opened(half_open_max_calls=most, success_threshold=100)
    decisions = [circuit.admit(AFTER) for _ in range(50)]
    probes = [decision for decision in decisions if isinstance(decision, Permit)]
    assert len(probes) == most
    assert [probe.half_opened for probe in probes] == [True] + [False] * (most - 1)
    rejections = [decision for decision in decisions if isinstance(decision, Rejection)]
    assert {rejection.retry_after for rejection in rejections} == {0.0}
    assert all(isinstance(rejection.last_error, ServerError) for rejection in rejections)


def test_rule_3_each_probe_that_comes_back_makes_room_for_one() -> None:
    """Whatever it brought, as long as the circuit stays half open."""
    circuit = opened(half_open_max_calls=2, success_threshold=100)
    probes = [admitted(circuit, AFTER), admitted(circuit, AFTER)]
    for outcome in (succeed, ignore, succeed):
        outcome(circuit, probes.pop(0), AFTER)
        probes.append(admitted(circuit, AFTER))
        assert is_admitted(circuit, AFTER) is False


def test_rule_3_a_probe_reports_once() -> None:
    """A second report neither closes the circuit nor makes room."""
    circuit = opened(half_open_max_calls=1, success_threshold=2)
    probe = admitted(circuit, AFTER)
    succeed(circuit, probe, AFTER)
    other = admitted(circuit, AFTER)
    assert succeed(circuit, probe, AFTER) is None
    assert fail(circuit, probe, AFTER) is None
    assert circuit.state is HALF_OPEN
    assert is_admitted(circuit, AFTER) is False
    succeed(circuit, other, AFTER)
    assert circuit.state is CLOSED


# Rule 4.


@pytest.mark.parametrize(("recovery_timeout", "lease"), [(10.0, 60.0), (60.0, 60.0), (90.0, 90.0)])
def test_rule_4_a_probe_that_never_reports_is_reclaimed(
    recovery_timeout: float, lease: float
) -> None:
    """After a minute, or the length of a break where that is longer."""
    circuit = opened(recovery_timeout=recovery_timeout)
    begin = START + recovery_timeout
    admitted(circuit, begin)
    assert rejected(circuit, begin + lease - 0.5).retry_after == 0.0
    assert admitted(circuit, begin + lease).half_opened is False
    assert is_admitted(circuit, begin + lease) is False


def test_rule_4_only_those_are_reclaimed_whose_lease_is_over() -> None:
    """Each has its own."""
    circuit = opened(half_open_max_calls=2)
    admitted(circuit, AFTER)
    admitted(circuit, AFTER + 30)
    found = [is_admitted(circuit, AFTER + LEASE) for _ in range(2)]
    assert found == [True, False]


def test_rule_4_a_probe_that_reports_late_is_heard() -> None:
    """A download may take longer than the lease, and the circuit would never close."""
    circuit = opened()
    late = admitted(circuit, AFTER)
    admitted(circuit, AFTER + LEASE)
    transition = succeed(circuit, late, AFTER + LEASE + 1)
    assert transition is not None
    assert circuit.state is CLOSED


def test_rule_4_a_late_report_does_not_take_another_probe_s_place() -> None:
    """Its own was given away already."""
    circuit = opened(success_threshold=5)
    late = admitted(circuit, AFTER)
    admitted(circuit, AFTER + LEASE)
    ignore(circuit, late, AFTER + LEASE)
    assert is_admitted(circuit, AFTER + LEASE) is False


# Rule 5.


def test_rule_5_time_is_only_what_is_handed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """No clock is read, except for the date that pybreaker keeps for itself."""

    def no_clock() -> float:
        raise AssertionError("a clock was read")

    for clock in ("monotonic", "time", "perf_counter"):
        monkeypatch.setattr(f"time.{clock}", no_clock)
    circuit = opened(now=-5.0)
    assert rejected(circuit, 4.5).retry_after == 0.5
    succeed(circuit, admitted(circuit, 5.0), 5.0)
    assert circuit.state is CLOSED


def test_rule_5_a_caller_with_a_slightly_older_time_harms_nothing() -> None:
    """Threads read the clock, and then wait for the lock."""
    circuit = opened()
    assert rejected(circuit, START - 0.5).retry_after == 10.0
    probe = admitted(circuit, AFTER)
    assert is_admitted(circuit, AFTER - 0.5) is False
    succeed(circuit, probe, AFTER - 0.5)
    assert circuit.state is CLOSED


def test_rule_6_operations_of_a_healthy_circuit_take_no_lock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nor do those that say nothing: there is nothing to write down, so nobody waits."""
    taken: list[object] = []

    class Lock:
        def __enter__(self) -> None:
            taken.append(self)

        def __exit__(self, *_error: object) -> None:
            """Say nothing."""

    monkeypatch.setattr("client.strategies.circuit.circuit.threading", SimpleNamespace(RLock=Lock))
    healthy, counting = circuit_of(), circuit_of()
    fail_times(counting, 1)
    taken.clear()
    for circuit in (healthy, counting):
        assert ignore(circuit, admitted(circuit)) is None
    assert succeed(healthy, admitted(healthy)) is None
    assert taken == []
    succeed(counting, admitted(counting))
    assert len(taken) == 1


# The rest of rule 6 is in `test_pybreaker` and `test_threads`: it is about
# listeners and locks.


# Rule 7.


def breaks_of(circuit: Circuit, times: int) -> list[float]:
    """The lengths of the breaks while probe after probe fails."""
    lengths, now = [], START
    for _ in range(times):
        length = rejected(circuit, now).retry_after
        lengths.append(length)
        now += length
        fail(circuit, admitted(circuit, now), now)
    return lengths


def test_rule_7_by_default_every_break_is_as_long_as_the_first() -> None:
    """No jitter, no growth."""
    assert breaks_of(opened(), 5) == [10.0] * 5


def test_rule_7_breaks_grow_with_repeated_failures() -> None:
    """Up to a bound."""
    circuit = opened(recovery_multiplier=2, max_recovery_timeout=65)
    assert breaks_of(circuit, 5) == [10.0, 20.0, 40.0, 65.0, 65.0]


def test_rule_7_growth_ends_with_the_outage() -> None:
    """The next one starts small."""
    circuit = opened(recovery_multiplier=2)
    fail(circuit, admitted(circuit, AFTER), AFTER)
    succeed(circuit, admitted(circuit, AFTER + 20), AFTER + 20)
    fail_times(circuit, 2, AFTER + 20)
    assert rejected(circuit, AFTER + 20).retry_after == 10.0


def test_rule_7_growth_never_overflows() -> None:
    """Ten to the power of a thousand would."""
    circuit = opened(recovery_multiplier=10)
    assert breaks_of(circuit, 1000)[-1] == 600.0


def test_rule_7_small_growth_reaches_the_bound_too() -> None:
    """After more failed probes, and by the same share each time."""
    lengths = breaks_of(opened(recovery_multiplier=1.0625), 80)
    growth = [later / earlier for earlier, later in pairwise(lengths[:68])]
    assert growth == pytest.approx([1.0625] * 67)
    assert lengths[68:] == pytest.approx([600.0] * 12)


def test_rule_7_a_break_is_never_shorter_than_the_first() -> None:
    """Where the recovery timeout alone is above the default bound."""
    assert breaks_of(opened(recovery_timeout=900, recovery_multiplier=2), 2) == [900.0, 900.0]


@pytest.mark.parametrize(("draw", "expected"), [(0.0, 10.0), (0.5, 11.25), (1.0, 12.5)])
def test_rule_7_a_break_is_jittered_upward(draw: float, expected: float) -> None:
    """By up to a share of itself, so that a fleet does not probe in step."""
    config = CircuitBreakerConfig(failure_threshold=1, recovery_timeout=10.0, recovery_jitter=0.25)
    circuit = Circuit(config, draw=lambda: draw)
    transition = fail(circuit, admitted(circuit))
    assert transition is not None
    assert transition.seconds == expected
    assert rejected(circuit).retry_after == expected


def test_rule_7_breaks_of_a_fleet_differ() -> None:
    """By chance, where none is handed in."""
    lengths = {rejected(opened(recovery_jitter=0.5)).retry_after for _ in range(50)}
    assert len(lengths) == 50
    assert all(10.0 <= length <= 15.0 for length in lengths)


# By rate. (Rule 8 is kept by the breaker, and tested there.)


def test_by_rate_the_share_of_failures_opens_it() -> None:
    """Successes in between do not help, once enough calls were seen."""
    circuit = Circuit(CircuitBreakerConfig(failure_rate=0.5, minimum_calls=6))
    for _ in range(2):
        fail_times(circuit, 1)
        succeed(circuit, admitted(circuit))
    succeed(circuit, admitted(circuit))
    transition = fail(circuit, admitted(circuit))
    assert transition is not None
    assert (transition.state, transition.failures) == (OPEN, 3)
    assert circuit.state is OPEN


def test_by_rate_ignored_calls_are_none() -> None:
    """They do not make up the number."""
    circuit = Circuit(CircuitBreakerConfig(failure_rate=0.5, minimum_calls=6))
    fail_times(circuit, 5)
    for _ in range(5):
        ignore(circuit, admitted(circuit))
    assert circuit.state is CLOSED


def test_by_rate_consecutive_failures_alone_do_not_open_it() -> None:
    """The rate decides in place of the default threshold."""
    circuit = Circuit(CircuitBreakerConfig(failure_rate=0.5, minimum_calls=100))
    fail_times(circuit, 99)
    assert circuit.state is CLOSED
    fail_times(circuit, 1)
    assert circuit.state is OPEN


def test_by_rate_and_by_threshold_either_opens_it() -> None:
    """Where both are given."""
    circuit = Circuit(
        CircuitBreakerConfig(failure_rate=0.5, minimum_calls=100, failure_threshold=3)
    )
    fail_times(circuit, 3)
    assert circuit.state is OPEN


def test_by_rate_old_calls_are_forgotten() -> None:
    """After a minute, by default."""
    circuit = Circuit(CircuitBreakerConfig(failure_rate=0.5, minimum_calls=4))
    fail_times(circuit, 3, START)
    fail_times(circuit, 1, START + 70)
    assert circuit.state is CLOSED


def test_by_rate_closing_forgets_all_calls() -> None:
    """What was before the probe says nothing about after."""
    circuit = Circuit(CircuitBreakerConfig(failure_rate=0.5, minimum_calls=4, recovery_timeout=1))
    fail_times(circuit, 4)
    succeed(circuit, admitted(circuit, START + 1), START + 1)
    fail_times(circuit, 3, START + 1)
    assert circuit.state is CLOSED
    fail_times(circuit, 1, START + 1)
    assert circuit.state is OPEN


# Looking without asking.


def test_peeking_tells_what_would_surely_be_turned_away() -> None:
    """With the same words, and without taking a permit or moving the circuit."""
    circuit = opened()
    assert circuit.peek(START + 4) == rejected(circuit, START + 4)
    assert circuit.peek(START + 9.5) == rejected(circuit, START + 9.5)
    assert circuit.peek(AFTER) is None
    assert circuit.state is OPEN


def test_peeking_says_nothing_where_nothing_is_sure() -> None:
    """While closed, and while half open: a probe may be back by then."""
    circuit = circuit_of()
    assert circuit.peek(START) is None
    fail_times(circuit, 2)
    admitted(circuit, AFTER)
    assert circuit.peek(AFTER) is None


# What is kept.


def test_the_last_error_is_kept_light() -> None:
    """Without response, cause and traceback; and the caller's own is not touched."""
    response = httpx.Response(503)
    cause = httpx.ReadError("x")
    with pytest.raises(ServerError) as caught:
        raise ServerError("it failed", response=response, status_code=503) from cause
    error = caught.value
    circuit = circuit_of(failure_threshold=1)
    transition = fail(circuit, admitted(circuit), error=error)
    kept = rejected(circuit).last_error
    assert isinstance(kept, ServerError)
    assert (str(kept), kept.status_code) == ("it failed", 503)
    assert (kept.response, kept.__cause__, kept.__traceback__) == (None, None, None)
    assert transition is not None
    assert transition.last_error is kept
    assert (error.response, error.__cause__) == (response, cause)


def test_an_error_of_another_tree_is_kept_too() -> None:
    """`expected_exception` may name any."""
    circuit = circuit_of(failure_threshold=1)
    fail(circuit, admitted(circuit), error=ZeroDivisionError("x"))
    assert repr(rejected(circuit).last_error) == "ZeroDivisionError('x')"


def test_an_error_that_refuses_to_be_copied_is_not_kept() -> None:
    """The circuit opens all the same."""
    error = httpx.HTTPStatusError(
        "x", request=httpx.Request("GET", "https://a"), response=httpx.Response(500)
    )
    with pytest.raises(TypeError):
        copy.copy(error)
    circuit = circuit_of(failure_threshold=1)
    fail(circuit, admitted(circuit), error=error)
    assert rejected(circuit).last_error is None


def test_an_error_of_a_closed_circuit_is_not_kept() -> None:
    """Nobody will ask for it."""

    class Detail:
        """Something that hangs on an error."""

    error, detail = ServerError("x"), Detail()
    vars(error).update(detail=detail)
    alive = weakref.ref(detail)
    circuit = circuit_of(failure_threshold=1)
    fail(circuit, admitted(circuit), error=error)
    del error, detail
    gc.collect()
    assert alive() is not None
    succeed(circuit, admitted(circuit, AFTER), AFTER)
    gc.collect()
    assert alive() is None
