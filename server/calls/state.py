"""What one server knows, handed to its routes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..limits import Limits
from ..stores.faults import Faults
from ..stores.ledger_store import LedgerStore
from ..stores.route_table import RouteTable
from .waiting import WaitingRoom


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
        routes: The paths with answers of the test's own.
    """

    ledger: LedgerStore
    faults: Faults
    waiting_room: WaitingRoom
    limits: Limits
    clock: Callable[[], float]
    started_at: float
    routes: RouteTable = field(default_factory=RouteTable)
