"""The circuit breaker in the pipeline: asks for leave, reports how it ended, ends retries.

A probe makes one attempt, and a call whose circuit opens meanwhile makes no other.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final

from ...engine.layer import Gate, Refusal
from ...engine.telling import tell_would_reject
from ...events import CircuitRejected
from ...exceptions import (
    CircuitOpenError,
    ClientClosedError,
    MyAPIError,
    PoolTimeoutError,
    TLSVerificationError,
)
from ...metrics.instruments import REJECTIONS
from .state import CircuitOutcome, Rejection

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ...engine.operation import Call
    from ...runtime.coroutines import Waking
    from .audience import Member
    from .scopes import Breaker
    from .state import Guard, Permit

__all__ = ["CircuitGate", "circuit_gate"]

_PROBE: Final = Refusal("circuit", "a probe of the circuit is one attempt")
_SAYS_NOTHING: Final = (
    TLSVerificationError,
    ClientClosedError,
    CircuitOpenError,
    PoolTimeoutError,
)
"""Errors that say nothing about the health of the server, whatever was expected."""


class _Grant:
    """What one operation has of its circuit."""

    circuit: Guard
    permit: Permit | None = None
    has_left = False


class CircuitGate(Gate):
    """Lets in what the circuit gives leave to.

    Args:
        breaker: Finds the circuit of each operation.
        member: The client, to be told of what its operations do to a circuit.
        is_shared: Whether others go through the same circuits.
    """

    def __init__(self, breaker: Breaker, member: Member, *, is_shared: bool = False) -> None:
        self._circuit = breaker.single
        self._breaker = breaker
        self._member = member
        self._is_shared = is_shared
        self.is_early: bool = self._circuit is not None

    def peek(self, call: Call) -> Callable[[], MyAPIError] | None:
        """Return what makes the error while the circuit is open."""
        single = self._circuit
        if single is not None and single.is_closed:
            return None
        circuit = single or self._circuit_of(call)
        rejection = None if circuit is None else circuit.peek(call.host.ports.now())
        return None if rejection is None else partial(_turned_away, call, rejection)

    def enter(self, call: Call) -> MyAPIError | None:
        """Ask the circuit for leave."""
        circuit = self._circuit or self._circuit_of(call)
        if circuit is None:
            return None
        grant = _Grant()
        grant.circuit = circuit
        call.grants.append((self, grant))
        permit = circuit.admit(call.entered, grant, (call, self._member))
        if isinstance(permit, Rejection):
            stop = call.plan.stop  # it may have been isolated in this moment
            isolated = stop.refusal(call) if stop.is_on else None
            return self._turn_away(call, permit) if isolated is None else isolated()
        grant.permit = permit
        return None

    def _turn_away(self, call: Call, rejection: Rejection) -> MyAPIError | None:
        """Return the error of a call that the circuit gives no leave to."""
        return _turned_away(call, rejection)

    def leave(self, call: Call, grant: _Grant, error: BaseException | None) -> None:
        """Report to the circuit how the operation ended."""
        circuit, permit = grant.circuit, grant.permit
        if permit is None:
            return
        is_good = error is None and call.attempts > call.passed
        outcome = CircuitOutcome.SUCCESS if is_good else _outcome(call, circuit, error)
        if grant.has_left:
            outcome = CircuitOutcome.IGNORED
        grant.has_left = True
        if not circuit.is_unmoved_by(permit, outcome):
            by = (call, self._member)
            circuit.record(permit, outcome, call.host.ports.now(), error, by)

    def objection(self, call: Call, grant: _Grant) -> Refusal | None:
        """Object to another attempt of a probe, and to one after the circuit has opened."""
        circuit, permit = grant.circuit, grant.permit
        if permit is None:
            return None
        if permit.is_probe:
            return _PROBE
        if not circuit.has_opened_since(permit, call.host.ports.now()):
            return None
        return Refusal("circuit", "the circuit has opened", partial(_overtaken, circuit))

    def waking(self, grant: _Grant, wake: Callable[[], object]) -> AbstractContextManager[object]:
        """Wake who waits for another attempt when the circuit opens."""
        permit = grant.permit
        return nullcontext() if permit is None else grant.circuit.waking(permit, wake)

    def watch(self, call: Call) -> Waking | None:
        """Return what wakes a call where its circuit opens from now on."""
        circuit = self._circuit or self._circuit_of(call)
        return None if circuit is None else partial(circuit.waking, circuit.permit)

    def begin_anew(self) -> None:
        """Forget the probes that are out: they report to nobody."""
        if not self._is_shared:
            self._breaker.forget_probes()

    def _circuit_of(self, call: Call) -> Guard | None:
        return self._breaker.guard_for(call.origin)


class _Observing(CircuitGate):
    """Asks the circuit and lets everybody in; what it would have turned away says nothing to it."""

    def __init__(self, breaker: Breaker, member: Member, *, is_shared: bool = False) -> None:
        super().__init__(breaker, member, is_shared=is_shared)
        self.is_early = False

    def peek(self, call: Call) -> None:
        """Return None: it turns nobody away."""

    def objection(self, call: Call, grant: _Grant) -> None:
        """Return None: whoever is in makes as many attempts as without it."""

    def waking(self, grant: _Grant, wake: Callable[[], object]) -> AbstractContextManager[object]:  # noqa: ARG002 - a gate's signature
        """Wake nobody."""
        return nullcontext()

    def watch(self, call: Call) -> None:
        """Return None: likewise."""

    def _turn_away(self, call: Call, rejection: Rejection) -> None:  # noqa: ARG002 - as above
        tell_would_reject(call, "circuit")


def circuit_gate(
    breaker: Breaker | None, member: Member, *, is_shared: bool = False
) -> CircuitGate | None:
    """Return the gate of a client's circuits, by their mode; None where there is none.

    Args:
        breaker: Finds the circuit of each operation.
        member: The client.
        is_shared: Whether others go through the same circuits.
    """
    if breaker is None or breaker.config.mode == "off":
        return None
    kind = _Observing if breaker.config.mode == "observe" else CircuitGate
    return kind(breaker, member, is_shared=is_shared)


def _outcome(call: Call, circuit: Guard, error: BaseException | None) -> CircuitOutcome:
    if error is None or call.attempts == call.passed or isinstance(error, _SAYS_NOTHING):
        return CircuitOutcome.IGNORED  # the server was not asked, or had no part in it
    if isinstance(error, MyAPIError) and not call.is_own(error):
        return CircuitOutcome.IGNORED  # another client's, which says nothing about this server
    if circuit.expects(error):
        if call.is_excused(error):
            return CircuitOutcome.IGNORED
        return CircuitOutcome.FAILURE
    # An error status is an answer: the server is there.
    is_answer = isinstance(error, MyAPIError) and error.status_code is not None
    return CircuitOutcome.SUCCESS if is_answer else CircuitOutcome.IGNORED


def _turned_away(call: Call, rejection: Rejection) -> CircuitOpenError:
    call.host.metrics.add(REJECTIONS, (call.counted_as, "circuit"))
    if (notify := call.notify[CircuitRejected]) is not None:
        notify(CircuitRejected(retry_after=rejection.retry_after, **call.about()))
    return _error(call, rejection, request_sent=False)


def _overtaken(circuit: Guard, call: Call) -> CircuitOpenError:
    """Make the error for an operation whose answer was let go of before the circuit opened."""
    rejection = circuit.peek(call.host.ports.now()) or Rejection(0.0, None)
    return _error(call, rejection, request_sent=True)


def _error(call: Call, rejection: Rejection, *, request_sent: bool) -> CircuitOpenError:
    seconds, last, errors = rejection.retry_after, rejection.last_error, call.host.errors
    when = f"a probe may go in {seconds:.3g} s" if seconds > 0 else "a probe is out"
    why = f"; it opened on {type(last).__name__}" if last is not None else ""
    error = errors.make(
        CircuitOpenError,
        call,
        f"Circuit breaker is OPEN: {when}{why}",
        retry_after=seconds,
        request_sent=request_sent,
    )
    error.last_error = last
    return error
