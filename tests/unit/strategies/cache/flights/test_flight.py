"""One flight, where what it brought cannot be read after all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from client.engine.layer import Failure
from client.runtime.coroutines import run_to_end
from client.strategies.cache.flights.flight import Flight, Landing, Seat


class Gate:
    """Notes who leaves."""

    def __init__(self) -> None:
        self.left: list[object] = []

    def leave(self, call: object, grant: object, error: object) -> None:
        """Take note."""
        del call, grant
        self.left.append(error)


class Exchange:
    """A way to the wire, on which the answer that an error carries cannot be read.

    Args:
        broken: What reading it raises.
    """

    def __init__(self, broken: BaseException) -> None:
        self.abandoned: list[Failure] = []
        self._broken = broken

    def twin_for(self, call: object, *, is_first: bool) -> Exchange:
        """Return it."""
        del call
        assert is_first
        return self

    async def keep(self, failure: Failure) -> None:
        """Fail."""
        del failure
        raise self._broken

    async def abandon(self, failure: Failure) -> None:
        """Take note."""
        self.abandoned.append(failure)


class Call(SimpleNamespace):
    """An operation that holds something of a gate."""

    def twin(self) -> Call:
        """Return it."""
        return self

    def leave_gates(self, error: object) -> None:
        """Give back."""
        for gate, grant in self.grants:
            gate.leave(self, grant, error)


class Task:
    """Runs at once."""

    def start(self, work: Any, ended: Any, *, is_bounded: bool) -> None:
        """Do so."""
        assert not is_bounded
        run_to_end(work())
        ended()


@pytest.mark.parametrize("broken", [LookupError("a bug"), KeyboardInterrupt()], ids=["bug", "key"])
def test_an_answer_that_cannot_be_read_is_closed(broken: BaseException) -> None:
    """All is given back, and whoever asked first hears of it."""
    gate, exchange = Gate(), Exchange(broken)
    ports = SimpleNamespace(signal=lambda: None, task=Task)
    call: Any = Call(
        host=SimpleNamespace(ports=ports),
        deadline=None,
        grants=[(gate, 1)],
        uncounted=None,
        failure=None,
    )
    failure = Failure(None)

    async def fly(*_: object) -> Landing[None]:
        return Landing(failure, None, is_for_all=False)

    over: list[bool] = []
    flight: Flight[None] = Flight(("a", None), Seat(call), exchange)  # type: ignore[arg-type] # as far as it is needed
    flight.start(fly, lambda: over.append(True))
    assert exchange.abandoned == [failure]
    assert flight.error is broken
    assert flight.landing is None
    assert len(gate.left) == 1
    assert over == [True]
