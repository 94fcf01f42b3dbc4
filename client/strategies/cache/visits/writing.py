"""What a write does to what is kept (RFC 9111, 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....engine.layer import Failure
from ....http.family import request_of
from ..fields import Fields
from ..rules.invalidating import SAFE_METHODS, invalidated_by
from ..rules.urls import normalised, same_origin

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
    changed = list(_changed_by_first(call, method, first))
    for each in others:
        asked = each.request
        changed += invalidated_by(asked.method, each.status_code, str(asked.url), _fields(each))
    return tuple(dict.fromkeys(changed))


def _changed_by_first(call: Call, method: str, response: Response) -> tuple[str, ...]:
    """Return them by the answer to the operation itself, which may have gone elsewhere.

    Of several endpoints the one that was asked answers with URLs of its own; what is kept is kept
    for the service.
    """
    url, sent = normalised(call.url), request_of(response)
    there = url if sent is None else normalised(str(sent.url))
    changed = invalidated_by(method, response.status_code, there, _fields(response))
    if same_origin(url, there):
        return changed
    path = url.split("/", 3)[3]
    of_service, of_endpoint = url.removesuffix(path), there.removesuffix(path)
    return tuple(
        of_service + each.removeprefix(of_endpoint)
        for each in changed
        if each.startswith(of_endpoint)
    )


def _fields(response: Response) -> Fields:
    return Fields(response.headers.raw)
