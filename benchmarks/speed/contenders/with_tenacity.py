"""httpx + tenacity, as in tenacity's documentation: a decorated function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_none

from benchmarks.speed.contenders.contract import ATTEMPTS, Contender, Setup
from benchmarks.speed.contenders.httpx_gets import decorated

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CONTENDERS"]


def _decorator(_setup: Setup) -> Callable[[Any], Any]:
    return retry(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_none(),
        retry=retry_if_exception_type(httpx.HTTPError),
        reraise=True,
    )


_OPEN_ASYNC, _OPEN_BLOCKING = decorated(_decorator)

CONTENDERS: Final = (
    Contender(
        name="httpx + tenacity",
        about=f"{ATTEMPTS} attempts",
        distribution="tenacity",
        open_async=_OPEN_ASYNC,
        open_blocking=_OPEN_BLOCKING,
    ),
)
