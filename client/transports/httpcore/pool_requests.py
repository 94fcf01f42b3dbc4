"""Makes requests fit for httpcore's pools, which take some things as the caller gave them.

Both protections stand on httpcore's public attributes of a request.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["make_fit"]

_NAME: Final = "sni_hostname"
_CODING: Final = b"transfer-encoding"
_LENGTH: Final = b"content-length"


class _NamedHost(bytes):
    """A host whose certificate is checked for another name, and equal only to one like it."""

    name: str | bytes

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and getattr(other, "name", None) == self.name

    __hash__ = bytes.__hash__


def make_fit(request: Any) -> None:
    """Keep a request to connections of its own, and from saying twice how long its body is.

    httpcore shares connections by origin alone, whatever other name the certificate was checked for
    (`sni_hostname`). And where the caller asks for chunks, a `Content-Length` of the caller's, or
    of httpx, stands beside that: a server that goes by the one would see another request than a
    proxy that goes by the other (RFC 9112, 6.2). The body is sent in chunks in either case.

    Args:
        request: Of httpcore.
    """
    if name := request.extensions.get(_NAME):
        host = _NamedHost(request.url.host)
        host.name = name
        request.url.host = host
    for header, _ in request.headers:  # for every call, so the length is compared first
        if len(header) == len(_CODING) and header.lower() == _CODING:
            request.headers = [pair for pair in request.headers if pair[0].lower() != _LENGTH]
            break
