"""What a write does to what is kept (RFC 9111, 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....engine.layer import Failure
from ..fields import Fields
from ..rules.invalidating import SAFE_METHODS, invalidated_by
from ..rules.urls import normalised

if TYPE_CHECKING:
    from ....engine.operation import Call
    from ....http.shapes import Response
    from .cache import Cache

__all__ = ["invalidate"]


async def invalidate(cache: Cache, call: Call, method: str, result: Response | Failure) -> None:
    """Forget what is no longer good after a request that may have changed something.

    Where nobody can say whether it has, it may have: then what is kept is asked for once more.

    Args:
        cache: Where it is kept.
        call: The operation.
        method: In capitals.
        result: What it ends in.
    """
    if method in SAFE_METHODS:
        return
    answer = result.response if isinstance(result, Failure) else result
    if cache.family.is_response(answer) and answer is not None:
        urls = _changed_by(call, method, answer)
    elif isinstance(result, Failure) and not result.may_have_been_sent:
        urls = ()
    else:
        urls = (normalised(call.url),)
    for url in urls:
        await cache.forget(url)


def _changed_by(call: Call, method: str, response: Response) -> tuple[str, ...]:
    """Return the URLs that an answer, and the redirects before it, tell to be changed."""
    first, *others = *response.history, response
    changed = list(invalidated_by(method, first.status_code, call.url, _fields(first)))
    for each in others:
        asked = each.request
        changed += invalidated_by(asked.method, each.status_code, str(asked.url), _fields(each))
    return tuple(dict.fromkeys(changed))


def _fields(response: Response) -> Fields:
    return Fields(response.headers.raw)
