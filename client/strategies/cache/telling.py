"""Says what the cache did for an operation: to its caller, to listeners and in metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...engine.layer import Failure
from ...events import CacheUsed
from ...metrics.strategy_instruments import CACHE_LOOKUPS
from .report import CacheReport

if TYPE_CHECKING:
    from ...engine.operation import Call
    from ...http.shapes import Response
    from .keeping import Keeping
    from .report import CacheStatus

__all__ = ["told"]


def told(  # noqa: PLR0913 - what there is to tell, and of what
    keeping: Keeping,
    call: Call,
    result: Response | Failure,
    status: CacheStatus,
    why: str,
    age: float | None = None,
) -> Response | Failure:
    """Leave in an answer what the cache did for it, and tell those who listen; return it.

    Args:
        keeping: What all operations share.
        call: The operation.
        result: What it ends in.
        status: As in `CacheReport`.
        why: Likewise.
        age: Likewise.
    """
    answer = result.response if isinstance(result, Failure) else result
    if keeping.family.is_response(answer) and answer is not None:
        answer.extensions["cache"] = CacheReport(status, why, age)
    call.cache_status = status
    call.host.metrics.add(CACHE_LOOKUPS, (call.counted_as, status))
    if (notify := call.notify[CacheUsed]) is not None:
        notify(CacheUsed(status=status, why=why, age=age, **call.about()))
    return result
