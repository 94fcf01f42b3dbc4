"""Says what the cache did for an operation: to its caller, to listeners and in metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....engine.layer import Failure
from ....events import CacheUsed
from ....metrics.strategy_instruments import CACHE_LOOKUPS

if TYPE_CHECKING:
    from ....engine.operation import Call
    from ....http.shapes import Response
    from .cache import Cache
    from .report import CacheReport

__all__ = ["told"]


def told(
    cache: Cache, call: Call, result: Response | Failure, report: CacheReport
) -> Response | Failure:
    """Leave in an answer what the cache did for it, and tell those who listen; return it.

    Args:
        cache: The cache.
        call: The operation.
        result: What it ends in.
        report: What the cache did.
    """
    answer = result.response if isinstance(result, Failure) else result
    if answer is not None and cache.family.is_response(answer):
        answer.extensions["cache"] = report
    call.cache_status = report.status
    call.host.metrics.add(CACHE_LOOKUPS, (call.counted_as, report.status))
    if (notify := call.notify[CacheUsed]) is not None:
        notify(CacheUsed(**report._asdict(), **call.about()))
    return result
