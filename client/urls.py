"""URLs as texts: joined, shown without their secrets, told apart by origin."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

__all__ = ["join", "mask_url", "origin_of"]

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CREDENTIALS: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/]*@")
_QUERY: Final = re.compile(r"[?#]")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def join(base_url: str, url: str) -> str:
    """Join a URL to the base as httpx does: the base's path stays in front."""
    if not base_url or _ABSOLUTE.match(url):
        return url
    return f"{base_url.rstrip('/')}/{url.lstrip('/')}"


def mask_url(url: str) -> str:
    """Return the URL without credentials, query and fragment."""
    bare = _QUERY.split(url, maxsplit=1)[0]
    return _CREDENTIALS.sub(r"\1//", bare)


def origin_of(url: str) -> str:
    """Return "scheme://host:port", in lower case and with the port always there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        # Too broken to be sent; httpx refuses it later with a better text.
        return ""
    port = port or _DEFAULT_PORTS.get(parts.scheme, 0)
    return f"{parts.scheme}://{host}:{port}"
