"""The application: the stores are made here, and the routes put together."""

import random
import time
from collections.abc import Callable, Iterable

from fastapi import FastAPI
from starlette.types import ASGIApp

from .addresses.browsers import BrowserGuard, app_without_pages
from .calls.stand_in import StandIn
from .calls.state import ServerState
from .calls.waiting import WaitingRoom
from .limits import Limits
from .routes import canned, fail, health, ledger, msg
from .routes.wiring import attach
from .stores.faults import Dice, Faults
from .stores.ledger_store import LedgerStore


def create_app(
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
    dice: Callable[[int | None], Dice] = random.Random,
    allow_hosts: Iterable[str] = (),
    app: ASGIApp | None = None,
) -> FastAPI:
    """Build a failure-injection server, with stores of its own and every fault off.

    Args:
        limits: What it holds and reads at most; `Limits()` by default.
        clock: Monotonic seconds, for duration faults and the uptime.
        dice: Makes the source of chance of a rate fault from its seed.
        allow_hosts: Names by which it may be called besides `localhost` and its addresses.
        app: An ASGI application to stand in front of.

    Raises:
        ValueError: One of them is no host's name.
    """
    limits = limits or Limits()
    own = app_without_pages("Failure-injection server")
    state = ServerState(
        ledger=LedgerStore(capacity=limits.request_ids),
        faults=Faults(clock=clock, dice=dice),
        waiting_room=WaitingRoom(limits.waiting),
        limits=limits,
        clock=clock,
        started_at=clock(),
    )
    attach(own, state)
    for module in (msg, fail, canned, ledger, health):
        own.include_router(module.router)
    own.add_middleware(StandIn, state=state, app=app)
    own.add_middleware(BrowserGuard, allow_hosts=frozenset(allow_hosts))  # the outer one
    return own
