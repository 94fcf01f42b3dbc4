"""httpx + stamina, as in stamina's README: a decorated function."""

from __future__ import annotations

from typing import Any, Final

import httpx
import stamina

from benchmarks.speed.contenders.contract import ATTEMPTS, Contender
from benchmarks.speed.contenders.httpx_gets import decorated

__all__ = ["CONTENDERS"]

_OPTIONS: Final[dict[str, Any]] = {
    "on": httpx.HTTPError,
    "attempts": ATTEMPTS,
    "wait_initial": 0,
    "wait_max": 0,
    "wait_jitter": 0,
}

# By itself it logs each retry through structlog, which nobody here reads.
stamina.instrumentation.set_on_retry_hooks([])


_OPEN_ASYNC, _OPEN_BLOCKING = decorated(lambda _setup: stamina.retry(**_OPTIONS))

CONTENDERS: Final = (
    Contender(
        name="httpx + stamina",
        about=f"{ATTEMPTS} attempts within 45 s, without its logging",
        distribution="stamina",
        open_async=_OPEN_ASYNC,
        open_blocking=_OPEN_BLOCKING,
    ),
)
