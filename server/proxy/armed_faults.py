"""The faults in force: which connections each of them strikes, by count, by chance, or all."""

import random
from typing import Any, TypedDict

from ..errors import FailureServerError
from ..limits import MAX_PROXY_FAULTS
from .fault_models import AnyFault
from .wire.bells import Bell


class TooManyFaultsError(FailureServerError):
    """No more faults can be in force at one time."""


class NoSuchFaultError(FailureServerError):
    """No fault in force has this number."""


class FaultInForce(TypedDict):
    """A fault as the control API shows it.

    Attributes:
        id: Its number, by which it is removed.
        fault: Its kind and options.
        remaining: How many connections it will still strike; None if not set by count.
        connections: How many it has met.
    """

    id: int
    fault: dict[str, Any]
    remaining: int | None
    connections: int


class ArmedFault:
    """One fault in force; used from one event loop.

    Args:
        number: Its id.
        model: What was asked for.
        seed: Where its chance begins, if it was not told.
    """

    def __init__(self, number: int, model: AnyFault, seed: str) -> None:
        self.number = number
        self.model = model
        self.lifted: Bell = Bell()
        self._seed = seed if model.seed is None else str(model.seed)
        self._remaining = model.count
        self._drawn = 0
        self._met = 0

    @property
    def strikes_all(self) -> bool:
        """Whether it strikes every connection, those already open included."""
        return self.model.count is None and self.model.percent is None

    def chooses(self) -> bool:
        """Decide whether it strikes the connection that has just been made."""
        if self._remaining is not None:
            chosen = self._remaining > 0
            self._remaining -= chosen
            return chosen
        if self.model.percent is not None:
            self._drawn += 1
            return self._dice(f"connection {self._drawn}") * 100 < self.model.percent
        return True

    def meet(self) -> random.Random:
        """Return the chance of this fault on one connection, the same in every run."""
        self._met += 1
        return random.Random(f"{self._seed}/chance {self._met}")  # noqa: S311 - not for secrets

    def shown(self) -> FaultInForce:
        """Return it as the control API shows it."""
        return {
            "id": self.number,
            "fault": self.model.model_dump(exclude_none=True),
            "remaining": self._remaining,
            "connections": self._met,
        }

    def _dice(self, what: str) -> float:
        return random.Random(f"{self._seed}/{what}").random()  # noqa: S311 - likewise


class FaultBook:
    """All faults in force, in the order in which they were set.

    Args:
        seed: Of the proxy; the n-th fault since the last reset has the same chance in every run.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._last_number = 0
        self._since_reset = 0
        self._faults: dict[int, ArmedFault] = {}

    def add(self, model: AnyFault) -> ArmedFault:
        """Put a fault in force.

        Raises:
            TooManyFaultsError: If there are too many.
        """
        if len(self._faults) >= MAX_PROXY_FAULTS:
            raise TooManyFaultsError(
                f"{MAX_PROXY_FAULTS} faults are in force, and no more are allowed; "
                "remove one, or reset"
            )
        self._last_number += 1
        self._since_reset += 1
        fault = ArmedFault(self._last_number, model, f"{self._seed}/fault {self._since_reset}")
        self._faults[fault.number] = fault
        return fault

    def remove(self, number: int) -> None:
        """Lift one fault, also from the connections that it has struck.

        Raises:
            NoSuchFaultError: If it is not in force.
        """
        fault = self._faults.pop(number, None)
        if fault is None:
            known = ", ".join(map(str, self._faults)) or "none"
            raise NoSuchFaultError(f"no fault has id {number}; in force: {known}")
        fault.lifted.ring()

    def reset(self) -> None:
        """Lift all."""
        for fault in self._faults.values():
            fault.lifted.ring()
        self._faults.clear()
        self._since_reset = 0

    def in_force(self) -> list[ArmedFault]:
        """Return all, in the order in which they were set."""
        return list(self._faults.values())
