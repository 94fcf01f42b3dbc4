"""Label values that others control, bounded: the origins that are called, and methods."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from ..errors.urls import join, origin_of
from ..runtime.forking import fork_safe

if TYPE_CHECKING:
    from ..http.shapes import URL

__all__ = ["METHODS", "MOST_TARGETS", "OTHER", "Targets", "shown_origin"]

OTHER: Final = "_OTHER"
"""What stands for all beyond a bound, as in OpenTelemetry's conventions."""
MOST_TARGETS: Final = 100
_MOST_KNOWN: Final = 1000
_LONGEST: Final = 280
"""Characters of an origin: a host has 253 at most (RFC 1035, 2.3.4)."""
METHODS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE", "QUERY"}
)
"""Those that are counted by name; others, which a caller may make up, as `_OTHER`."""
_SCHEMES: Final = ("http://", "https://")
_LONGEST_SCHEME: Final = len("https://")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def shown_origin(origin: str) -> str:
    """Return an origin without the port that its scheme has anyway."""
    scheme, _, _ = origin.partition(":")
    return origin.removesuffix(_DEFAULT_PORTS.get(scheme, "\0"))


def _can_be_one(origin: str) -> bool:
    """Return whether there may be such an origin: a surrogate would break off a whole scrape."""
    return origin.startswith(_SCHEMES) and len(origin) <= _LONGEST and origin.isprintable()


class Targets:
    """Finds the target of a call: the first hundred by name, all others as `_OTHER`.

    Which hundred is settled for the life of the client, so that a series never changes its meaning.
    Safe to share between threads.
    """

    def __init__(self) -> None:
        self._lock = fork_safe(threading.RLock())
        self._labels: dict[str, str] = {}
        """By origin."""
        self._known: dict[object, str] = {}
        """By what stands before the path, so that a URL is taken apart once for each origin."""

    def __call__(self, base_url: str, address: str | URL) -> str:
        """Return the target of a URL that may be relative to the base."""
        if not isinstance(address, str):
            if address.scheme:
                return self._of_parts(address)
            address = str(address)
        return self._of_text(base_url, address)

    def _of_text(self, base_url: str, url: str) -> str:
        if base_url and (url[:1] == "/" or "://" not in url):
            key = base_url
        else:  # what stands before the path holds the authority
            key = url[: url.find("/", _LONGEST_SCHEME) + 1] or url
        label = self._known.get(key)
        return label if label is not None else self._look_up(key, join(base_url, url))

    def _of_parts(self, url: URL) -> str:
        key = (url.scheme, url.host, url.port)
        label = self._known.get(key)
        return label if label is not None else self._look_up(key, str(url))

    def label_of(self, origin: str) -> str:
        """Return the label of an origin: itself without a default port, or `_OTHER`."""
        label = self._labels.get(origin)
        if label is not None:
            return label
        with self._lock:
            if len(self._labels) >= MOST_TARGETS or not _can_be_one(origin):
                return self._labels.get(origin, OTHER)
            return self._labels.setdefault(origin, shown_origin(origin))

    def label_of_endpoint(self, url: str) -> str:
        """Return the label of an endpoint: its URL, or `_OTHER`."""
        label = self._labels.get(url)
        if label is not None:
            return label
        with self._lock:
            if len(self._labels) >= MOST_TARGETS or not _can_be_one(url):
                return self._labels.get(url, OTHER)
            return self._labels.setdefault(url, url)

    def _look_up(self, key: object, url: str) -> str:
        label = self.label_of(origin_of(url))
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = label
        return label
