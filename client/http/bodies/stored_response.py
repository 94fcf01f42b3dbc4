"""Responses made of what was kept of a server's answer: each caller has one of his own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..family import Family
    from ..shapes import Options, Request, Response

__all__ = ["stored_response"]


def stored_response(  # noqa: PLR0913 - what an answer is made of, each named by the caller
    family: Family,
    *,
    status: int,
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
    request: Request,
    extensions: Options,
) -> Response:
    """Return an answer that has yet to be read, as it would come from the wire.

    Args:
        family: Of the request.
        status: The status.
        headers: Names and values, in their order.
        body: As it came from the wire.
        request: That it answers.
        extensions: Such as the version of HTTP.
    """
    module = family.module
    made: Any = module.Response(
        status,
        headers=list(headers),
        stream=module.ByteStream(body),
        request=request,
        extensions=extensions,
    )
    made.elapsed = timedelta(0)
    response: Response = made
    return response
