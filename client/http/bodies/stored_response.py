"""Responses made of what was kept of a server's answer: each caller has one of his own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..family import Family
    from ..shapes import Request, Response

__all__ = ["likened", "stored_response"]


def likened(response: Any, request: Request, headers: object) -> Response:
    """Return a copy of a response that was read: a tenth of what it takes to make and read it.

    Args:
        response: The response.
        request: What it answers.
        headers: Its own.
    """
    kind: Any = response.__class__
    twin = kind.__new__(kind)
    twin.__dict__.update(response.__dict__)
    twin.headers, twin.request = headers, request
    twin.extensions = dict(response.extensions)
    twin.history = []
    made: Response = twin
    return made


def stored_response(  # noqa: PLR0913 - what an answer is made of, each named by the caller
    family: Family,
    *,
    status: int,
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
    request: Request,
    default_encoding: Any = "utf-8",
    redirect: Callable[[Request, Response], Request] | None = None,
) -> Response:
    """Return an answer that has yet to be read, as it would come from the wire.

    Args:
        family: Of the request.
        status: The status.
        headers: Names and values, in their order.
        body: As it came from the wire.
        request: That it answers.
        default_encoding: How a text is read that names no charset, as httpx has it.
        redirect: Makes the request that follows, where it is a redirect.
    """
    module = family.module
    made: Any = module.Response(
        status,
        headers=list(headers),
        stream=module.ByteStream(body),
        request=request,
        default_encoding=default_encoding,
    )
    made.elapsed = timedelta(0)
    if redirect is not None and made.has_redirect_location:
        made.next_request = redirect(request, made)
    response: Response = made
    return response
