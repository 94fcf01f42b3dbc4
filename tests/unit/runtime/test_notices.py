"""Notices are handed out one after the other, in the order in which they were put in."""

import logging
import threading
from functools import partial
from types import SimpleNamespace
from typing import Any

import pybreaker
import pytest

from client.config.models import CircuitBreakerConfig
from client.engine.engine import Engine
from client.engine.notifiers import Notifiers
from client.errors.complaints import complain
from client.events import CircuitClosed, CircuitHalfOpened, CircuitOpened, RetryRefused
from client.events.notifying import notifier
from client.ports.blocking_ports import BLOCKING
from client.runtime.notices import Notices
from client.strategies.circuit.audience import Member
from client.strategies.circuit.circuit import Circuit, CircuitOutcome, Permit
from tests.eventually import PATIENCE_SECONDS
from tests.unit.strategies.circuit.circuits import START, admitted, fail


def test_they_come_in_order() -> None:
    """Each once."""
    told: list[int] = []
    notices = Notices()
    for number in range(3):
        notices.add(partial(told.append, number))
    notices.deliver()
    notices.deliver()
    assert told == [0, 1, 2]


def test_one_that_calls_back_in_waits_for_nothing() -> None:
    """What it puts in comes after it."""
    told: list[str] = []
    notices = Notices()

    def first() -> None:
        notices.add(lambda: told.append("second"))
        notices.deliver()
        told.append("first")

    notices.add(first)
    notices.deliver()
    assert told == ["first", "second"]


def test_another_thread_leaves_its_own_to_who_delivers() -> None:
    """It goes its way, and nothing is told out of turn."""
    told: list[str] = []
    notices, begun, done = Notices(), threading.Event(), threading.Event()

    def slow() -> None:
        begun.set()
        assert done.wait(PATIENCE_SECONDS)
        told.append("first")

    notices.add(slow)
    thread = threading.Thread(target=notices.deliver)
    thread.start()
    assert begun.wait(PATIENCE_SECONDS)
    notices.add(lambda: told.append("second"))
    notices.deliver()  # returns at once, though the first is not told yet
    assert told == []
    done.set()
    thread.join()
    assert told == ["first", "second"]


def test_one_that_is_put_in_as_the_delivery_ends_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the last look into the queue and the end of the delivery."""
    told: list[str] = []

    class Latecomer:
        """A lock in whose last moment somebody comes, finds it held and goes his way."""

        was_late = False

        def acquire(self, *, blocking: bool) -> bool:
            return not blocking

        def release(self) -> None:
            if not self.was_late:
                self.was_late = True
                notices.add(lambda: told.append("late"))

    monkeypatch.setattr("client.runtime.notices.threading", SimpleNamespace(Lock=Latecomer))
    notices = Notices()
    notices.add(lambda: told.append("first"))
    notices.deliver()
    assert told == ["first", "late"]


def test_an_interrupt_leaves_the_others_for_the_next_time() -> None:
    """It is meant for the whole program."""
    told: list[str] = []

    def interrupted() -> None:
        raise KeyboardInterrupt

    notices = Notices()
    notices.add(interrupted)
    notices.add(lambda: told.append("second"))
    with pytest.raises(KeyboardInterrupt):
        notices.deliver()
    notices.deliver()
    assert told == ["second"]


def test_everybody_hears_of_a_circuit_s_changes_in_order() -> None:
    """Pybreaker's listeners, `on_state_change` and what announces to ours, across threads."""
    told: list[str] = []
    is_paging, is_paged = threading.Event(), threading.Event()

    class Pager(pybreaker.CircuitBreakerListener):
        """Takes its time when the circuit opens."""

        def state_change(self, cb: object, old_state: object, new_state: object) -> None:
            name: str = getattr(new_state, "name", "")
            if name == "open":
                is_paging.set()
                assert is_paged.wait(PATIENCE_SECONDS)
            told.append(f"pager {name}")

    circuit = Circuit(
        CircuitBreakerConfig(failure_threshold=1, recovery_timeout=10, listeners=(Pager(),)),
        on_state_change=lambda _old, new: told.append(f"callback {new}"),
    )
    permit = admitted(circuit)
    names = {CircuitOpened: "open", CircuitHalfOpened: "half-open", CircuitClosed: "closed"}
    notify = Notifiers([lambda event: told.append(f"event {names[type(event)]}")])
    member = Member(notify, Engine(BLOCKING.make_ports()).metrics)
    circuit.audience.join(member)

    failing = threading.Thread(
        target=lambda: circuit.record(permit, CircuitOutcome.FAILURE, START, ZeroDivisionError())
    )
    failing.start()
    assert is_paging.wait(PATIENCE_SECONDS)
    probe = circuit.admit(START + 10)
    assert isinstance(probe, Permit)
    circuit.record(probe, CircuitOutcome.SUCCESS, START + 10)
    assert told == []
    is_paged.set()
    failing.join()
    assert told == [
        f"{who} {state}"
        for state in ("open", "half-open", "closed")
        for who in ("pager", "callback", "event")
    ]


def test_a_log_that_raises_harms_nobody() -> None:
    """The complaint is lost, and nothing else."""

    class Broken(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            raise ZeroDivisionError(record.getMessage())

    logger, handler = logging.getLogger("resilient_client"), Broken()
    logger.addHandler(handler)

    def raising(_event: object) -> None:
        raise ZeroDivisionError

    try:
        try:
            raising(None)
        except ZeroDivisionError:
            complain("%s raised", "it")
        notify = notifier(RetryRefused, [raising])
        assert notify is not None
        about: dict[str, Any] = {"request_id": None, "method": "GET", "url": "http://a.example/"}
        notify(
            RetryRefused(attempt=1, max_attempts=2, error=ValueError(), reason="budget", **about)
        )
        circuit = Circuit(
            CircuitBreakerConfig(failure_threshold=1),
            on_state_change=lambda *_states: raising(None),
        )
        assert fail(circuit, admitted(circuit)) is not None
    finally:
        logger.removeHandler(handler)
