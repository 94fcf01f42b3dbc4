"""Header fields: which are kept, and which are of one connection."""

from __future__ import annotations

from tests.wire.cache.cases.case import cache, case, origin

__all__ = ["CASES"]

HOUR = "Cache-Control: max-age=3600"
_KEPT = (
    "Any: 1",
    "X-Any: 1",
    "Content-Any: 1",
    "X-Content-Any: 1",
    "Content-Encoding: unknown",
    "Content-Location: /elsewhere",
    "Content-MD5: N7UdGUp1E+RbVvZSTy1R8g==",
    "Content-Range: something",
    "Content-Security-Policy: default-src 'self'",
    "Content-Type: text/plain;charset=utf-8",
    "Clear-Site-Data: cookies",
    'ETag: "a"',
    "Expires: {+9000}",
    "Public-Key-Pins: something",
    "Set-Cookie2: a=c",
    "X-Frame-Options: sameorigin",
    "X-XSS-Protection: 1; mode=block",
)
_OF_THE_CONNECTION = (
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authentication-Info",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Upgrade",
)

CASES = (
    *(
        case(f"{line.partition(':')[0]} is kept", origin(HOUR, line), cache(has=(line,)))
        for line in _KEPT
    ),
    case("Cache-Control is kept", origin(HOUR), cache(has=(HOUR,))),
    case("a length is kept", origin(HOUR, text="0123456789"), cache(has=("Content-Length: 10",))),
    *(
        case(f"{name} is not kept", origin(HOUR, f"{name}: something"), cache(lacks=(name,)))
        for name in _OF_THE_CONNECTION
    ),
    case(
        "what the connection names is not kept",
        origin(HOUR, "Connection: x-a, X-B", "X-A: 1", "X-B: 2", "X-C: 3"),
        cache(has=("X-C: 3",), lacks=("X-A", "X-B")),
    ),
    case("several lines stay several", origin(HOUR, "X-A: 1", "X-A: 2"), cache(has=("X-A: 1, 2",))),
)
