"""URLs as keys: two that say the same are one (RFC 3986, 6.2)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

__all__ = ["normalised", "same_origin"]

# A URL that is as it should be already, as most are: httpx has seen to it.
_NORMAL: Final = re.compile(
    r"https?://[a-z0-9.-]++/(?>[a-z0-9_~!$&'()*+,;=:@-]++|[A-Z]++|(?<!/)\.|/)*+"
    r"(?:\?[A-Za-z0-9_~.!$&'()*+,;=:@/?-]*+)?",
    re.ASCII,
)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_ESCAPE: Final = re.compile("%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def normalised(url: str) -> str:
    """Return an absolute URL in the form that all its equals have.

    Scheme and host in lower case, no default port, no empty path, no dot segments, no user, no
    fragment; escapes in capitals, and none where none is needed. The order in a query stays, for it
    may mean something.

    Raises:
        ValueError: It is none.
    """
    if _NORMAL.fullmatch(url):
        return url
    parts = urlsplit(url)
    path = _without_dots(_escapes(parts.path)) or "/"
    query = f"?{_escapes(parts.query)}" if "?" in url.partition("#")[0] else ""
    return f"{_origin(parts.scheme, parts.netloc)}{path}{query}"


def same_origin(url: str, other: str) -> bool:
    """Whether scheme, host and port are the same (RFC 9110, 4.3.1). Both are absolute URLs."""
    one, two = urlsplit(url), urlsplit(other)
    return _origin(one.scheme, one.netloc) == _origin(two.scheme, two.netloc)


def _origin(scheme: str, authority: str) -> str:
    scheme = scheme.lower()
    host, _, port = authority.rpartition("@")[2].lower().partition(":")
    if host.startswith("["):  # an IPv6 address has colons of its own
        address, _, port = authority.rpartition("@")[2].lower().partition("]")
        host, port = f"{address}]", port.removeprefix(":")
    port = port.lstrip("0") or port
    if port in {"", _DEFAULT_PORTS.get(scheme)}:
        return f"{scheme}://{_escapes(host)}"
    return f"{scheme}://{_escapes(host)}:{port}"


def _escapes(text: str) -> str:
    return _ESCAPE.sub(_escape, text) if "%" in text else text


def _escape(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()


def _without_dots(path: str) -> str:
    """Return a path without `.` and `..` (RFC 3986, 5.2.4)."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
