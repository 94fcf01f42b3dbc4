"""Responses that somebody made, handed over as a server's are: each caller has one of his own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...errors.httpx_names import READ_BODY
from ..family import completed, request_of

if TYPE_CHECKING:
    from ..family import Family
    from ..shapes import Request, Response

__all__ = ["handed_over"]

_ABOUT_CODING: Final = ("Content-Encoding", "Content-Length")


def handed_over(
    response: Response, request: Request, family: Family, *, is_streamed: bool
) -> Response:
    """Return a response as it comes from a server that was sent a request.

    One whose body is there already is copied: the next caller may get the very same. For whoever
    reads a stream its body is put back on the wire. Any other is handed over as it is.

    Args:
        response: Made by the caller's code, or by ours.
        request: It gets this one, unless it has one already.
        family: Of all of them.
        is_streamed: Whether it is not read for its caller.
    """
    if hasattr(response, READ_BODY):
        response = _unread(response, family) if is_streamed else _copied(response)
    return completed(response, request)


def _copied(response: Any) -> Response:
    """Return a copy of a response that was read: its own headers and extensions, its body."""
    kind: Any = response.__class__
    twin = kind.__new__(kind)
    twin.__dict__.update(response.__dict__)
    twin.headers = type(response.headers)(response.headers)
    twin.extensions = dict(response.extensions)
    twin.history = list(response.history)
    copied: Response = twin
    return copied


def _unread(response: Any, family: Family) -> Response:
    """Return such a copy that is still to be read, in whatever way its caller likes."""
    module = family.module
    headers = module.Headers(response.headers)
    stream = response.stream
    if not isinstance(stream, module.ByteStream):  # of a server's, what was packed is gone
        stream = module.ByteStream(response.content)
        for name in _ABOUT_CODING:
            headers.pop(name, None)
    twin = module.Response(
        response.status_code,
        headers=headers,
        stream=stream,
        request=request_of(response),
        extensions=dict(response.extensions),
        history=list(response.history),
        default_encoding=response.default_encoding,
    )
    unread: Response = twin
    return unread
