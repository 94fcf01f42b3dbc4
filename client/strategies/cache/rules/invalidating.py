"""Which answers are no longer good after a request that changed something (RFC 9111, 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from .urls import normalised, same_origin

if TYPE_CHECKING:
    from ..fields import Fields

__all__ = ["SAFE_METHODS", "invalidated_by"]

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Those that change nothing (RFC 9110, 9.2.1); a method that is not known may change anything."""
_FIRST_FINAL: Final = 200
_FIRST_ERROR: Final = 400


def invalidated_by(method: str, status: int, url: str, fields: Fields) -> tuple[str, ...]:
    """Return the URLs, normalised, whose answers are no longer good; none where nothing changed.

    Args:
        method: The method of the request, in capitals.
        status: The status of its answer: one of 2xx or 3xx means that it was done.
        url: The URL that it was for, absolute.
        fields: The header fields of the answer: `Location` and `Content-Location` count where they
            are of the same origin.
    """
    if method in SAFE_METHODS or not _FIRST_FINAL <= status < _FIRST_ERROR:
        return ()
    urls = [normalised(url)]
    for name in ("location", "content-location"):
        for line in fields.lines(name):
            try:
                named = urljoin(url, line)
                if same_origin(url, named):
                    urls.append(normalised(named))
            except ValueError:  # no URL at all
                continue
    return tuple(dict.fromkeys(urls))
