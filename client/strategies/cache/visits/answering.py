"""Answers that the cache gives: a response of the caller's own, made of what is kept."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Final

from ....engine.attempts import explain
from ....http.bodies.stored_response import stored_response
from ..rules.deciding import age_header
from ..rules.directives import FOREVER
from ..rules.validating import is_not_modified, not_modified_headers

if TYPE_CHECKING:
    from ....engine.layer import Failure
    from ....http.shapes import Options, Response
    from ..entry import Entry, Headers
    from .visit import Visit

__all__ = ["answer_of", "not_cached"]

_NOT_MODIFIED: Final = 304
_NOT_CACHED: Final = 504


async def answer_of(visit: Visit, entry: Entry, age: float) -> Response | Failure | None:
    """Return what is kept as the answer to a request; None where its body cannot be unpacked.

    Args:
        visit: The operation.
        entry: What is kept.
        age: Of it, in seconds.
    """
    asked = visit.asked
    status, headers, body = entry.status, entry.headers, entry.body
    if asked.is_conditional and is_not_modified(entry, asked.fields):
        status, headers, body = _NOT_MODIFIED, not_modified_headers(entry), b""
    if asked.request.method == "HEAD":
        body = b""
    extensions: Options = {"http_version": entry.http_version}
    if entry.reason is not None and status == entry.status:
        extensions["reason_phrase"] = entry.reason
    others = (pair for pair in headers if pair[0].lower() != b"age")
    shown = age_header(age if isfinite(age) else FOREVER)
    response = _made(visit, status, (*others, (b"Age", shown)), body)
    response.extensions.update(extensions)
    try:
        return await _handed_over(visit, response)
    except Exception as error:
        call, exchange = visit.call, visit.exchange
        if explain(call, exchange, exchange.attempt_kind(call), error) is None:
            raise
        return None


async def not_cached(visit: Visit) -> Response | Failure:
    """Return the answer for who wants none of a server's, where nothing is kept (RFC 9111, 5.2)."""
    return await _handed_over(visit, _made(visit, _NOT_CACHED, (), b""))


def _made(visit: Visit, status: int, headers: Headers, body: bytes) -> Response:
    outlook = visit.asked.outlook
    return stored_response(
        visit.cache.family,
        status=status,
        headers=headers,
        body=body,
        request=visit.asked.request,
        default_encoding=outlook.default_encoding,
        redirect=outlook.redirect,
    )


async def _handed_over(visit: Visit, response: Response) -> Response | Failure:
    call, exchange = visit.call, visit.exchange
    await visit.cache.make_ready(response, is_streamed=exchange.is_streamed)
    failure = exchange.failure_of(exchange.attempt_kind(call), response)
    return response if failure is None else failure
