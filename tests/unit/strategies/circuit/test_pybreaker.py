"""A user's own pybreaker listeners and storage, plugged into the circuit."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pybreaker
import pytest

from client.exceptions import ServerError
from client.strategies.circuit.circuit import Circuit, CircuitState, Permit, Rejection
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


def test_the_states_have_pybreaker_s_names() -> None:
    """They are written out in a module that does without pybreaker."""
    names = (pybreaker.STATE_CLOSED, pybreaker.STATE_OPEN, pybreaker.STATE_HALF_OPEN)
    assert names == (CLOSED, OPEN, HALF_OPEN)


class Diary(pybreaker.CircuitBreakerListener):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.errors: list[BaseException] = []
        self.breakers: list[pybreaker.CircuitBreaker] = []

    def before_call(
        self,
        cb: pybreaker.CircuitBreaker,
        func: Callable[..., Any],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """An operation was admitted."""
        assert callable(func)
        self.breakers.append(cb)
        self.lines.append("before")

    def failure(self, cb: pybreaker.CircuitBreaker, exc: BaseException) -> None:
        """An operation failed."""
        self.errors.append(exc)
        self.lines.append("failure")

    def success(self, cb: pybreaker.CircuitBreaker) -> None:
        """An operation succeeded."""
        self.lines.append("success")

    def state_change(
        self,
        cb: pybreaker.CircuitBreaker,
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        """The circuit moved."""
        assert old_state is not None
        self.lines.append(f"{old_state.name} -> {new_state.name}")

    def read(self) -> list[str]:
        """Return what was written since the last time."""
        lines, self.lines = self.lines, []
        return lines


class Storage(pybreaker.CircuitBreakerStorage):
    """A storage of one's own, as it might stand before a database."""

    def __init__(self, name: str, state: str = "closed") -> None:
        super().__init__(name)
        self.kept: dict[str, Any] = {"state": state, "failures": 0, "successes": 0, "at": None}

    @property
    def state(self) -> str:
        """The state."""
        return str(self.kept["state"])

    @state.setter
    def state(self, state: str) -> None:
        self.kept["state"] = state

    def increment_counter(self) -> None:
        """One more failure."""
        self.kept["failures"] += 1

    def reset_counter(self) -> None:
        """No failures."""
        self.kept["failures"] = 0

    def increment_success_counter(self) -> None:
        """One more success."""
        self.kept["successes"] += 1

    def reset_success_counter(self) -> None:
        """No successes."""
        self.kept["successes"] = 0

    @property
    def counter(self) -> int:
        """The failures."""
        return int(self.kept["failures"])

    @property
    def success_counter(self) -> int:
        """The successes."""
        return int(self.kept["successes"])

    @property
    def opened_at(self) -> datetime | None:
        """The date it was opened."""
        found: datetime | None = self.kept["at"]
        return found

    @opened_at.setter
    def opened_at(self, datetime: datetime) -> None:
        self.kept["at"] = datetime


# Listeners.


def test_a_listener_is_told_the_whole_story() -> None:
    """In the order in which pybreaker itself would tell it."""
    diary = Diary()
    circuit = circuit_of(listeners=[diary])
    succeed(circuit, admitted(circuit))
    assert diary.read() == ["before", "success"]
    fail_times(circuit, 2)
    assert diary.read() == ["before", "failure", "before", "failure", "closed -> open"]
    rejected(circuit)
    assert diary.read() == []
    fail(circuit, admitted(circuit, AFTER), AFTER)
    assert diary.read() == ["open -> half-open", "before", "failure", "half-open -> open"]
    succeed(circuit, admitted(circuit, AFTER + 10), AFTER + 10)
    assert diary.read() == ["open -> half-open", "before", "half-open -> closed", "success"]


def test_an_ignored_outcome_is_told_to_nobody() -> None:
    """Pybreaker knows no such thing, and would call it a failure or a success."""
    diary = Diary()
    circuit = circuit_of(listeners=[diary])
    ignore(circuit, admitted(circuit))
    assert diary.read() == ["before"]


def test_a_listener_gets_the_breaker_and_the_error() -> None:
    """The breaker by its name and with its numbers, the error as it is."""
    diary = Diary()
    circuit = circuit_of(listeners=[diary], recovery_timeout=7.0, success_threshold=3)
    error = ServerError("it failed")
    fail(circuit, admitted(circuit), error=error)
    [breaker] = diary.breakers
    assert diary.errors == [error]
    assert (breaker.name, breaker.current_state) == ("client", "closed")
    assert (breaker.fail_max, breaker.reset_timeout) == (2, 7.0)
    assert (breaker.success_threshold, breaker.fail_counter) == (3, 1)


def test_every_listener_is_told_even_after_one_that_raises(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is logged, and neither harms the operation nor the circuit."""

    class Broken(pybreaker.CircuitBreakerListener):
        def before_call(self, cb: object, func: object, *args: object, **kwargs: object) -> None:
            raise ZeroDivisionError("in before_call")

        def failure(self, cb: object, exc: object) -> None:
            raise ZeroDivisionError("in failure")

        def success(self, cb: object) -> None:
            raise ZeroDivisionError("in success")

        def state_change(self, cb: object, old_state: object, new_state: object) -> None:
            raise ZeroDivisionError("in state_change")

    diary = Diary()
    circuit = circuit_of(listeners=[Broken(), diary])
    fail_times(circuit, 2)
    succeed(circuit, admitted(circuit, AFTER), AFTER)
    assert circuit.state is CLOSED
    story = ["before", "failure", "before", "failure", "closed -> open"]
    assert diary.read() == [
        *story,
        *("open -> half-open", "before", "half-open -> closed", "success"),
    ]
    assert {record.name for record in caplog.records} == {"resilient_client"}
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
    for method in ("before_call", "failure", "success", "state_change"):
        assert f"a pybreaker listener raised in {method}" in caplog.messages
        assert f"ZeroDivisionError: in {method}" in caplog.text


def test_an_interrupt_in_a_listener_passes_through() -> None:
    """It is meant for the whole program."""

    class Interrupted(pybreaker.CircuitBreakerListener):
        def before_call(self, cb: object, func: object, *args: object, **kwargs: object) -> None:
            raise KeyboardInterrupt

    circuit = circuit_of(listeners=[Interrupted()])
    with pytest.raises(KeyboardInterrupt):
        circuit.admit(START)


def test_rule_6_a_listener_may_call_back_into_the_circuit() -> None:
    """It is called without the lock, so that it does not wait for itself."""

    class Curious(Diary):
        circuit: Circuit

        def state_change(self, cb: object, old_state: object, new_state: object) -> None:
            self.lines.append(f"{self.circuit.state}, {is_admitted(self.circuit, AFTER)}")

        def failure(self, cb: object, exc: object) -> None:
            self.lines.append(f"failure, {self.circuit.state}")

    listener = Curious()
    circuit = listener.circuit = circuit_of(listeners=[listener], half_open_max_calls=2)
    fail_times(circuit, 2)
    # Told that it opened, the listener asks for leave as if the break were over. It has its answer
    # before it is told that the circuit half opened, and asks again: nothing is told out of turn.
    assert listener.read() == [
        *("before", "failure, closed", "before", "failure, open"),
        *("open, True", "half-open, True", "before", "before"),
    ]


def test_a_listener_may_move_the_circuit() -> None:
    """By pybreaker's own methods: the circuit follows at the next operation."""

    class Switch(pybreaker.CircuitBreakerListener):
        def failure(self, cb: pybreaker.CircuitBreaker, exc: BaseException) -> None:
            answers.append(cb.open())

    answers: list[bool] = []
    circuit = circuit_of(listeners=[Switch()], failure_threshold=100)
    fail_times(circuit, 1)
    # Whether pybreaker's own `call` would put an error of its own in place of the real one.
    assert answers == [False]
    assert circuit.state is OPEN
    assert rejected(circuit).retry_after == 10.0


# Storage.


def test_a_storage_is_made_once_by_the_scope_s_name() -> None:
    """For each circuit its own."""
    made: list[Storage] = []

    def make(name: str) -> Storage:
        made.append(Storage(name))
        return made[-1]

    circuit = circuit_of(storage=make)
    fail_times(circuit, 2)
    succeed(circuit, admitted(circuit, AFTER), AFTER)
    assert [storage.name for storage in made] == ["client"]


def test_a_storage_keeps_state_and_counters() -> None:
    """All that pybreaker would keep there."""
    storage = Storage("client")
    circuit = circuit_of(storage=lambda _name: storage, failure_threshold=3, success_threshold=2)
    fail_times(circuit, 2)
    assert (storage.state, storage.counter, storage.opened_at) == ("closed", 2, None)
    succeed(circuit, admitted(circuit))
    assert storage.counter == 0
    fail_times(circuit, 3)
    assert (storage.state, storage.counter) == ("open", 3)
    assert storage.opened_at is not None
    succeed(circuit, admitted(circuit, AFTER), AFTER)
    assert (storage.state, storage.success_counter) == ("half-open", 1)
    succeed(circuit, admitted(circuit, AFTER), AFTER)
    found = (storage.state, storage.counter, storage.success_counter)
    assert found == ("closed", 0, 0)


def test_a_state_that_was_stored_is_found_again() -> None:
    """By the next process: an open circuit stays so for a whole break."""
    storage = Storage("client", "open")
    circuit = circuit_of(storage=lambda _name: storage)
    assert circuit.state is OPEN
    rejection = rejected(circuit)
    assert (rejection.retry_after, rejection.last_error) == (10.0, None)
    succeed(circuit, admitted(circuit, AFTER), AFTER)
    assert storage.state == "closed"


def test_failures_that_were_stored_are_found_again() -> None:
    """The next process counts on."""
    storage = Storage("client")
    fail_times(circuit_of(storage=lambda _name: storage, failure_threshold=3), 2)
    circuit = circuit_of(storage=lambda _name: storage, failure_threshold=3)
    fail_times(circuit, 1)
    assert circuit.state is OPEN


def test_a_circuit_that_another_process_opened_is_open() -> None:
    """For a whole break from when it was noticed, and nobody knows why."""
    storage, diary = Storage("client"), Diary()
    circuit = circuit_of(storage=lambda _name: storage, listeners=[diary])
    permit = admitted(circuit)
    storage.state = "open"
    rejection = rejected(circuit, START + 5)
    assert (rejection.retry_after, rejection.last_error) == (10.0, None)
    assert circuit.peek(START + 6) is not None
    assert diary.read() == ["before", "closed -> open"]
    assert fail(circuit, permit, START + 6) is None
    assert rejected(circuit, START + 14).retry_after == 1.0
    transition = succeed(circuit, admitted(circuit, START + 15), START + 16)
    assert transition is not None
    assert transition.seconds == 11.0


def test_a_circuit_that_another_process_closed_is_closed() -> None:
    """And starts to count from nothing, with breaks of the first length."""
    storage, diary = Storage("client"), Diary()
    circuit = opened(storage=lambda _name: storage, listeners=[diary], recovery_multiplier=2)
    fail(circuit, admitted(circuit, AFTER), AFTER)
    storage.state = "closed"
    assert admitted(circuit, AFTER).is_probe is False
    assert diary.read()[-2:] == ["open -> closed", "before"]
    fail_times(circuit, 1, AFTER)
    assert circuit.state is CLOSED
    fail_times(circuit, 1, AFTER)
    assert rejected(circuit, AFTER).retry_after == 10.0


def test_a_circuit_that_another_process_closed_forgets_its_calls() -> None:
    """By rate, too."""
    storage = Storage("client")
    circuit = opened(storage=lambda _name: storage, failure_rate=0.5, minimum_calls=2)
    storage.state = "closed"
    fail_times(circuit, 1)
    assert circuit.state is CLOSED


def test_a_circuit_that_another_process_half_opened_lets_probes_through() -> None:
    """No more than its own share; the time open counts from when it was noticed."""
    storage = Storage("client")
    circuit = circuit_of(storage=lambda _name: storage)
    storage.state = "half-open"
    probe = admitted(circuit, START + 5)
    assert (probe.is_probe, probe.half_opened) == (True, False)
    assert rejected(circuit, START + 5) == Rejection(0.0, None)
    transition = succeed(circuit, probe, START + 7)
    assert transition is not None
    assert transition.seconds == 2.0


def test_a_circuit_that_another_process_half_opened_has_no_error_to_tell() -> None:
    """That of an outage that is over says nothing about the present one."""
    storage = Storage("client")
    circuit = opened(storage=lambda _name: storage)
    succeed(circuit, admitted(circuit, AFTER), AFTER)
    storage.state = "half-open"
    admitted(circuit, AFTER)
    assert rejected(circuit, AFTER) == Rejection(0.0, None)


def test_a_probe_that_was_overtaken_by_another_process_is_heard_no_more() -> None:
    """Its half-open state is over."""
    storage = Storage("client")
    circuit = opened(storage=lambda _name: storage)
    probe = admitted(circuit, AFTER)
    storage.state = "open"
    assert succeed(circuit, probe, AFTER + 1) is None
    assert circuit.state is OPEN
    assert rejected(circuit, AFTER + 2).retry_after == 9.0


def test_peeking_does_not_go_by_what_has_changed_elsewhere() -> None:
    """The next operation notices."""
    storage = Storage("client")
    circuit = opened(storage=lambda _name: storage)
    storage.state = "closed"
    assert circuit.peek(START) is None


def test_a_permit_given_while_the_circuit_opens_is_out_of_date() -> None:
    """Admission looks at the state without the lock: what opens it in between wins."""

    class Slow(Storage):
        meanwhile: Callable[[], None] | None = None

        @property
        def state(self) -> str:
            """The state; between looking and answering something else happens."""
            found, act = super().state, self.meanwhile
            self.meanwhile = None
            if act is not None:
                act()
            return found

        @state.setter
        def state(self, state: str) -> None:
            self.kept["state"] = state

    storage = Slow("client")
    circuit = circuit_of(storage=lambda _name: storage)
    storage.meanwhile = lambda: fail_times(circuit, 2)
    permit = circuit.admit(START)
    assert circuit.state is OPEN
    assert isinstance(permit, Permit)
    assert succeed(circuit, permit) is None
    assert fail(circuit, permit, START + 5) is None
    assert circuit.state is OPEN
    assert rejected(circuit, START + 9).retry_after == 1.0


def test_pybreaker_s_memory_storage_can_be_shared() -> None:
    """Two circuits on one storage are one circuit to those who use them."""
    storage = pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
    first = circuit_of(storage=lambda _name: storage)
    second = circuit_of(storage=lambda _name: storage)
    fail_times(first, 1)
    fail_times(second, 1)
    assert first.state is second.state is OPEN
    assert is_admitted(first) is False
    succeed(second, admitted(second, AFTER), AFTER)
    assert admitted(first, AFTER).is_probe is False
    assert HALF_OPEN not in {first.state, second.state}
