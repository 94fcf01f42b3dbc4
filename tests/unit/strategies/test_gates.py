"""Gates by themselves: what is inherited, and what has nothing to take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client import (
    AdaptiveLimitConfig,
    BulkheadConfig,
    CircuitBreakerConfig,
    CircuitOpenError,
    ClientClosedError,
    ClientConfig,
    MyAPIError,
    PoolTimeoutError,
    ServerError,
    TLSVerificationError,
    config,
)
from client.engine.deadline import Deadline
from client.engine.engine import Engine
from client.engine.layer import NO_STOP, WAIT, Either, Gate, Stop
from client.engine.notifiers import Notifiers
from client.ports.blocking_ports import BLOCKING
from client.runtime.coroutines import run_to_end
from client.strategies.bulkhead.gate import Bulkhead
from client.strategies.circuit.audience import Member
from client.strategies.circuit.control import CircuitControl
from client.strategies.circuit.gate import CircuitGate
from client.strategies.circuit.scopes import Breaker
from tests.unit.calls import call_of
from tests.unit.strategies.circuit.circuits import admitted, circuit_of, fail, opened

if TYPE_CHECKING:
    from client.engine.operation import Call
    from client.strategies.circuit.circuit import Circuit


def member() -> Member:
    """A client that goes through circuits."""
    return Member(Notifiers(()), Engine(BLOCKING.make_ports()).metrics)


def gate_of(circuit: Circuit) -> CircuitGate:
    """The gate of a client that shares a circuit with others."""
    return CircuitGate(Breaker(circuit.config, single=circuit), member(), is_shared=True)


def test_a_gate_without_a_word_of_its_own_lets_everybody_in() -> None:
    """And has nothing to object to, to wake for, or to give back."""
    gate, call = Gate(), call_of()
    assert gate.peek(call) is None
    assert gate.enter(call) is None
    assert run_to_end(gate.wait(call)) is None
    assert gate.objection(call, None) is None
    with gate.waking(None, BLOCKING.make_ports):
        gate.leave(call, None, None)
    gate.begin_anew()
    gate.close()


def test_a_stop_without_a_word_of_its_own_turns_nobody_away() -> None:
    """And wakes nobody."""
    stop, call = Stop(), call_of()
    assert (stop.is_on, stop.refusal(call), stop.objection(call)) == (False, None, None)
    with stop.waking(call, BLOCKING.make_ports):
        assert NO_STOP.is_on is False


def test_two_stops_are_one() -> None:
    """On where one of them is, and woken by either."""
    controls = [CircuitControl(None, BLOCKING.make_ports()) for _ in range(2)]
    both, call, woken = Either(*(each.isolations for each in controls)), call_of(), list[str]()
    assert not both.is_on
    seen: list[bool] = []
    with both.waking(call, lambda: woken.append("x")):
        for control in controls:
            control.isolate("maintenance")
            seen.append(both.is_on)
            assert both.refusal(call) is not None
            assert both.objection(call) is not None
            control.release()
            assert (both.refusal(call), both.objection(call)) == (None, None)
    assert (seen, woken) == ([True, True], ["x", "x"])


def test_who_gets_a_slot_of_a_client_that_was_closed_meanwhile_is_told_so() -> None:
    """Whether it was free, or somebody gave it back."""
    bulkhead, call = Bulkhead(BulkheadConfig(max_concurrency=1), BLOCKING.make_ports()), call_of()
    call.host.is_closed = True
    error = bulkhead.enter(call)
    assert isinstance(error, ClientClosedError)
    assert error.request_id == call.request_id
    bulkhead.leave(call, bulkhead.slots, error)
    assert bulkhead.slots.in_use == 0


def test_a_slot_that_is_handed_over_when_the_patience_ends_is_taken() -> None:
    """In that very moment: it belongs to the call, and would be lost."""
    config = BulkheadConfig(max_concurrency=1, acquisition_timeout=0)
    bulkhead, call = Bulkhead(config, BLOCKING.make_ports()), call_of()
    slots = bulkhead.slots
    assert slots.take("busy")
    assert bulkhead.enter(call) is WAIT
    withdraw = slots.withdraw

    def handed_over(holder: object) -> bool:
        slots.release("busy")
        return withdraw(holder)

    vars(slots)["withdraw"] = handed_over
    assert run_to_end(bulkhead.wait(call)) is None
    assert slots.holds(call)
    bulkhead.leave(call, slots, None)
    assert slots.in_use == 0


def test_a_slot_goes_past_a_call_whose_time_is_over() -> None:
    """Its own timer may be late, on a machine that has too much to do."""
    bulkhead = Bulkhead(BulkheadConfig(max_concurrency=1), BLOCKING.make_ports())
    late, patient, slots = call_of(), call_of(), bulkhead.slots
    assert slots.take("busy")
    place = slots.join(late, 5)
    slots.join(patient, 5)
    late.deadline = Deadline(at=late.host.ports.now(), total=1.0)
    slots.release("busy")
    assert (place.refusal, slots.holds(late)) == ("deadline", False)
    assert slots.holds(patient)


def test_who_gets_no_slot_at_once_is_noted_by_a_limit_that_finds_itself() -> None:
    """The slots may all be with calls that wait for a retry, and nobody have the patience."""
    config = BulkheadConfig(max_concurrency=1, adaptive=AdaptiveLimitConfig())
    bulkhead = Bulkhead(config, BLOCKING.make_ports())
    assert bulkhead.adaptive is not None
    assert bulkhead.enter(call_of()) is None
    assert not bulkhead.adaptive._was_full
    assert bulkhead.enter(call_of()) is WAIT
    assert bulkhead.adaptive._was_full


def test_a_bulkhead_begins_anew_with_all_slots_free() -> None:
    """As many as before: who held them is in a loop that has ended."""
    bulkhead, call = Bulkhead(BulkheadConfig(max_concurrency=1), BLOCKING.make_ports()), call_of()
    assert bulkhead.enter(call) is None
    bulkhead.begin_anew()
    assert (bulkhead.slots.in_use, bulkhead.slots.limit) == (0, 1)


def test_a_gate_of_a_shared_circuit_forgets_no_probe_of_others() -> None:
    """It has one circuit, which other clients go through as well."""
    circuit = opened(0.0, failure_threshold=1, recovery_timeout=0.0)
    call = call_of()
    gate = gate_of(circuit)
    assert gate.enter(call) is None
    gate.begin_anew()
    assert gate.enter(call_of()) is not None


def test_an_interrupt_at_the_end_of_a_call_is_no_success() -> None:
    """Though its gates have not heard yet how it ended; a probe comes back."""
    circuit = opened(0.0, failure_threshold=1, recovery_timeout=0.0)
    call = call_of()
    assert gate_of(circuit).enter(call) is None
    Engine(BLOCKING.make_ports()).give_back(call)
    assert circuit.state == "half-open"
    assert gate_of(circuit).enter(call_of()) is None


def test_an_operation_that_leaves_twice_is_counted_once() -> None:
    """An interrupt may come in between, so that nobody knows whether the first was heard."""
    circuit, call = circuit_of(failure_threshold=2), call_of()
    gate = gate_of(circuit)
    assert gate.enter(call) is None
    [(_, grant)] = call.grants
    for _ in range(2):
        gate.leave(call, grant, own_error(call))
    assert (circuit.failures, circuit.state) == (1, "closed")


def own_error(call: Call) -> ServerError:
    """An error of that call."""
    return call.host.errors.make(ServerError, call, "it failed")


@pytest.mark.parametrize(
    "kind", [TLSVerificationError, ClientClosedError, CircuitOpenError, PoolTimeoutError]
)
def test_some_errors_say_nothing_about_the_server(kind: type[MyAPIError]) -> None:
    """Whatever counts as a failure: certificate, close, circuit and pool are on our side."""
    circuit, call = circuit_of(failure_threshold=1, expected_exception=Exception), call_of()
    gate = gate_of(circuit)
    assert gate.enter(call) is None
    [(_, grant)] = call.grants
    gate.leave(call, grant, call.host.errors.make(kind, call, "on our side"))
    assert (circuit.failures, circuit.state) == (0, "closed")


def test_an_operation_without_an_attempt_says_nothing_about_the_server() -> None:
    """Whatever counts as a failure: it has not been asked."""
    circuit = circuit_of(failure_threshold=1, expected_exception=Exception)
    gate, call = gate_of(circuit), call_of(attempts=0)
    assert gate.enter(call) is None
    [(_, grant)] = call.grants
    gate.leave(call, grant, own_error(call))
    assert circuit.state == "closed"


def test_an_operation_that_the_circuit_overtook_may_have_been_sent() -> None:
    """Its own answer is gone, and with it what that said."""
    circuit, call = circuit_of(failure_threshold=1), call_of()
    gate = gate_of(circuit)
    assert gate.enter(call) is None
    [(_, grant)] = call.grants
    fail(circuit, admitted(circuit, 0.0), 0.0)
    refusal = gate.objection(call, grant)
    assert refusal is not None
    assert refusal.ending is not None
    assert refusal.ending(call).request_sent is True


def test_who_was_turned_away_has_nothing_to_be_woken_for() -> None:
    """A layer outside may have come twice at once, and been let in the other time."""
    circuit = opened(0.0, recovery_timeout=30.0)
    gate, call = gate_of(circuit), call_of()
    assert gate.enter(call) is not None
    ((_, grant),) = call.grants
    assert gate.objection(call, grant) is None
    with gate.waking(grant, BLOCKING.make_ports):
        gate.leave(call, grant, None)


def test_a_gate_of_a_client_s_own_circuit_forgets_its_probes() -> None:
    """They are of a loop, or a process, that has ended."""
    breaker = Breaker(CircuitBreakerConfig(failure_threshold=1, recovery_timeout=0.01), 1)
    assert breaker.single is not None
    fail(breaker.single, admitted(breaker.single, 0.0), 0.0)
    gate, late = CircuitGate(breaker, member()), [call_of() for _ in range(3)]
    for call in late:
        call.entered = 1.0
    assert gate.enter(late[0]) is None
    assert gate.enter(late[1]) is not None
    gate.begin_anew()
    assert gate.enter(late[2]) is None


def test_where_the_table_is_full_a_call_goes_without_a_circuit() -> None:
    """It takes nothing, and gives nothing back."""
    breaker = Breaker(CircuitBreakerConfig(scope="origin", failure_rate=0.5), 0)
    gate, call = CircuitGate(breaker, member()), call_of()
    assert gate.peek(call) is None
    assert gate.enter(call) is None
    assert call.grants == []


def test_the_configuration_s_models_are_found_at_their_package() -> None:
    """At their first use; what is none is said to be none."""
    assert config.ClientConfig is ClientConfig
    with pytest.raises(AttributeError, match="has no attribute 'ClientConfg'"):
        _ = config.ClientConfg  # type: ignore[attr-defined] # that is the point
