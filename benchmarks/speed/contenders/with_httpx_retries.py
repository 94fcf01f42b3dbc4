"""httpx-retries, as in its README: a transport for httpx's own clients."""

from __future__ import annotations

from typing import Any, Final

from httpx_retries import Retry, RetryTransport

from benchmarks.speed.contenders.contract import ATTEMPTS, Contender, Setup
from benchmarks.speed.contenders.httpx_gets import as_it_is

__all__ = ["CONTENDERS"]


def _options(setup: Setup) -> dict[str, Any]:
    return {"transport": RetryTransport(setup.transport, Retry(total=ATTEMPTS - 1))}


_OPEN_ASYNC, _OPEN_BLOCKING = as_it_is(_options)

CONTENDERS: Final = (
    Contender(
        name="httpx-retries",
        about=f"{ATTEMPTS} attempts",
        distribution="httpx-retries",
        open_async=_OPEN_ASYNC,
        open_blocking=_OPEN_BLOCKING,
    ),
)
