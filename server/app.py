"""The application: the stores are made here, and the routes put together."""

import random
import time
from collections.abc import Callable

from fastapi import FastAPI

from server.faults import Dice, Faults
from server.health import installed_version
from server.ledger_store import LedgerStore
from server.limits import Limits
from server.routes import fail, health, ledger, msg
from server.routes.wiring import attach
from server.state import ServerState
from server.waiting import WaitingRoom


def create_app(
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
    dice: Callable[[int | None], Dice] = random.Random,
) -> FastAPI:
    """Build a failure-injection server, with stores of its own and every fault off.

    Args:
        limits: What it holds and reads at most; `Limits()` by default.
        clock: Monotonic seconds, for duration faults and the uptime.
        dice: Makes the source of chance of a rate fault from its seed.
    """
    limits = limits or Limits()
    # The pages that FastAPI would add for browsing the API load scripts from elsewhere.
    app = FastAPI(
        title="Failure-injection server",
        version=installed_version(),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    state = ServerState(
        ledger=LedgerStore(capacity=limits.request_ids),
        faults=Faults(clock=clock, dice=dice),
        waiting_room=WaitingRoom(limits.waiting),
        limits=limits,
        clock=clock,
        started_at=clock(),
    )
    attach(app, state)
    for module in (msg, fail, ledger, health):
        app.include_router(module.router)
    return app
