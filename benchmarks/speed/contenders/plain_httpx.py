"""httpx alone: what is called "unprotected", and the baseline of the ratios."""

from __future__ import annotations

from typing import Any, Final

import httpx

from benchmarks.speed.contenders.contract import Contender, Setup
from benchmarks.speed.contenders.httpx_gets import as_it_is

__all__ = ["BASELINE", "CONTENDERS", "SIZED"]

BASELINE: Final = "httpx"
SIZED: Final = "httpx, sized pool"


def _sized(setup: Setup) -> dict[str, Any]:
    return {
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=setup.slots),
    }


_OPEN_ASYNC, _OPEN_BLOCKING = as_it_is(lambda _setup: {})
_OPEN_ASYNC_SIZED, _OPEN_BLOCKING_SIZED = as_it_is(_sized)

CONTENDERS: Final = (
    Contender(
        name=BASELINE,
        about="nothing: `httpx.AsyncClient()` or `httpx.Client()`, with its pool of 100"
        " connections, of which it keeps 20",
        distribution="httpx",
        open_async=_OPEN_ASYNC,
        open_blocking=_OPEN_BLOCKING,
    ),
    Contender(
        name=SIZED,
        about="nothing, but its pool keeps as many connections as there are callers",
        distribution="httpx",
        open_async=_OPEN_ASYNC_SIZED,
        open_blocking=_OPEN_BLOCKING_SIZED,
        is_null_capable=False,
    ),
)
