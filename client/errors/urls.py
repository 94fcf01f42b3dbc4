"""URLs as texts: joined, shown without their secrets, told apart by origin."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

__all__ = [
    "flaw_of_address",
    "is_same_origin",
    "join",
    "mask_url",
    "name_of_endpoint",
    "origin_of",
]

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_AUTHORITY: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/]*@)?"
    r"(?P<host>\[[^\]/@]*\]|[^/:@\\]*)(?P<port>:[0-9]*)?(?=/|$)"
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUERY: Final = re.compile(r"[?#]")
_LONGEST_SCHEME: Final = len("https://")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HIGHEST_PORT: Final = 65_535
_LONGEST_LABEL: Final = 63
"""Characters between two dots of a name (RFC 1035, 2.3.4)."""
_LABELS: Final = re.compile(
    rf"[^.]{{1,{_LONGEST_LABEL}}}(?:\.[^.]{{1,{_LONGEST_LABEL}}})*\.?", re.DOTALL
)


def join(base_url: str, url: str) -> str:
    """Join a URL to the base as httpx does: the base's path stays in front."""
    if not base_url or _ABSOLUTE.match(url):
        return url
    return f"{base_url.rstrip('/')}/{url.lstrip('/')}"


def mask_url(url: str) -> str:
    """Return the URL without credentials, query and fragment.

    Nothing is shown of a malformed one with an "@": a password may reach up to there. Control
    characters are escaped, so that a text with a URL in it stays on its line.
    """
    bare = _CONTROL.sub(_escaped, _QUERY.split(url, maxsplit=1)[0])
    found = _AUTHORITY.match(bare)
    if found:
        scheme, host, port = found.group("scheme", "host", "port")
        return f"{scheme or ''}//{host}{port or ''}{bare[found.end() :]}"
    return "***" if "@" in url else bare


def _escaped(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]


def origin_of(url: str) -> str:
    """Return "scheme://host:port", in lower case and with the port always there."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        # Too broken to be sent; httpx refuses it later with a better text.
        return ""
    port = port or _DEFAULT_PORTS.get(parts.scheme, 0)
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}:{port}"


def name_of_endpoint(url: str) -> str:
    """Return what an endpoint is known by: its URL without credentials and without what is usual.

    That is the port which the scheme has anyway, and a last slash.
    """
    origin = origin_of(url)
    scheme, _, _ = origin.partition(":")
    origin = origin.removesuffix(f":{_DEFAULT_PORTS.get(scheme, '')}")
    return origin + urlsplit(url).path.rstrip("/")


def is_same_origin(url: str, other: str) -> bool:
    """Whether two URLs have one origin; at once where one is the beginning of the other."""
    has_whole_authority = other.find("/", _LONGEST_SCHEME) > 0
    if has_whole_authority and url.startswith(other):
        return True
    return origin_of(url) == origin_of(other)


@lru_cache(maxsize=256)  # asked before every request
def flaw_of_address(host: str, port: int | None) -> str | None:
    """Return why no server can be at an address, or None.

    The layers below notice late, each in its way, or connect elsewhere: to port 34463 for 99999.
    """
    if port is not None and not 0 < port <= _HIGHEST_PORT:
        return f"the port {port} is not from 1 to {_HIGHEST_PORT}"
    if not host or _LABELS.fullmatch(host):
        return None
    return f"a part of the host is empty or longer than {_LONGEST_LABEL} characters"
