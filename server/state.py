"""What one server knows, handed to its routes."""

from collections.abc import Callable
from dataclasses import dataclass

from server.faults import Faults
from server.ledger_store import LedgerStore
from server.limits import Limits
from server.waiting import WaitingRoom


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """The stores behind the routes of one server.

    Attributes:
        ledger: What arrived and what took effect.
        faults: What is to fail.
        waiting_room: The calls that are held back.
        limits: The bounds of the above.
        clock: Monotonic seconds.
        started_at: When the server began, by that clock.
    """

    ledger: LedgerStore
    faults: Faults
    waiting_room: WaitingRoom
    limits: Limits
    clock: Callable[[], float]
    started_at: float
