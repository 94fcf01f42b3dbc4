"""Sends metrics to a StatsD server, or to one that speaks DogStatsD, once a second.

Over the standard library's socket: nothing more is needed to put what has grown since the last time
into a few datagrams. Nobody waits for a server. What the system does not take is sent the next
time, what gets lost on the way is lost.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import finalize

from ..errors.complaints import complain
from ..metrics.histogram import HistogramPoint
from ..runtime.forking import fork_safe, tell_in_child

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..metrics.instruments import Instrument
    from ..metrics.snapshot import MetricsSnapshot
    from .sinks import MetricsSource

    Key = tuple[Instrument, tuple[str, ...], str]
    """A metric, the values of its labels, and what is appended to its name."""
    Line = tuple[Key, float, bytes]
    """What a line is about, what is known to the server once it is sent, and itself."""

__all__ = ["StatsD"]

_LARGEST: Final = 1432
"""Bytes of a datagram that Ethernet carries whole, with room for the headers of a tunnel."""
_LONGEST_LABEL: Final = 200
"""Characters: as many as Datadog keeps."""
_COMPLAINT_SECONDS: Final = 60.0
_LOOK_UP_SECONDS: Final = 60.0
_HIGHEST_PORT: Final = 65535
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_-]+")
_NOT_IN_TAGS: Final = re.compile(r"[\x00-\x20|,#\x7f]+")
_TAG_NAME: Final = re.compile(r"[^\x00-\x20:|,#\x7f]+")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_.-]*")


class StatsD:
    """Metrics for StatsD, given to clients as `telemetry=[StatsD()]`; one object may serve several.

    What has grown within the last second is sent in as few datagrams as it fits in: counters as
    `|c`, gauges as `|g`, and of a histogram two counters, `.count` and `.sum`, the latter in the
    unit of the metric. So a metric of a client is sent at most once a second, whatever the number
    of calls, and the rest when the client is closed. No call waits for a server or fails without
    it; the log tells of it once a minute at most.

    Args:
        host: The server's name, looked up once a minute, or its address.
        port: Its UDP port, 1 to 65535.
        socket_path: The server's Unix datagram socket, in the place of host and port.
        prefix: Before each name, a dot between them; "" for none. Letters, digits and `_.-`.
        tags: Whether labels are sent as tags, as DogStatsD has them. Without, their values are
            appended to the name, the client's first, with `_` for what is not allowed there.
        constant_tags: Tags that all metrics have, such as `{"env": "production"}`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that is not allowed.
    """

    def __init__(  # noqa: PLR0913 - where to and how, each named by the caller
        self,
        host: str = "127.0.0.1",
        port: int = 8125,
        *,
        socket_path: str | None = None,
        prefix: str = "resilient_http",
        tags: bool = True,
        constant_tags: Mapping[str, str] | None = None,
    ) -> None:
        _check_server(host, port, socket_path)
        _check_names(prefix, constant_tags, has_tags=tags)
        self._server = _Server(host, port, socket_path)
        self._prefix = f"{prefix}." if prefix else ""
        self._has_tags = tags
        self._constant_tags = [_tag(*each) for each in (constant_tags or {}).items()]
        self._lock = fork_safe(threading.RLock())
        self._known: dict[int, dict[Key, float]] = {}
        """What the server knows of each client; of a gauge what it was told last."""
        tell_in_child(self)

    def __repr__(self) -> str:
        return f"StatsD({self._server})"

    def begin_anew(self) -> None:
        """Forget in a forked child what the parent has sent: its clients count from zero."""
        self._known.clear()

    def attach(self, source: MetricsSource) -> None:
        """Remember what the server knows of one more client, for as long as that counts."""
        self._known[source.client_id] = {}
        finalize(source, self._known.pop, source.client_id, None).atexit = False

    def export(self, snapshot: MetricsSnapshot) -> None:
        """Send what has changed."""
        with self._lock:
            known = self._known.setdefault(snapshot.client_id, {})
            lines = list(self._lines(snapshot, known))
            for sent in self._server.send(lines):
                known.update((key, value) for key, value, _ in sent)

    def _lines(self, snapshot: MetricsSnapshot, known: Mapping[Key, float]) -> Iterator[Line]:
        values = dict(_values(snapshot))
        for key, value in values.items():
            if key[0].kind == "gauge":
                yield key, value, self._line(snapshot.client, key, value, "g")
            elif value != known.get(key, 0):
                grown = value - known.get(key, 0)
                yield key, value, self._line(snapshot.client, key, grown, "c")
        for key, value in known.items():
            # Some servers show a gauge for ever as they were told it last.
            if key[0].kind == "gauge" and value and key not in values:
                yield key, 0.0, self._line(snapshot.client, key, 0, "g")

    def _line(self, client: str, key: Key, value: float, kind: str) -> bytes:
        instrument, labels, ending = key
        name = f"{self._prefix}{instrument.name}{ending}"
        number = f"{round(value, 6):.15g}"
        if not self._has_tags:
            name = ".".join([name, *(_in_name(each) for each in (client, *labels))])
            return f"{name}:{number}|{kind}".encode()
        named = zip(("client", *instrument.labels), (client, *labels), strict=True)
        tags = [*self._constant_tags, *(_tag(*each) for each in named)]
        return f"{name}:{number}|{kind}|#{','.join(tags)}".encode()


class _Server:
    """Where datagrams go.

    Args:
        host: Its name or address.
        port: Its port.
        path: Its socket, in the place of both.
    """

    def __init__(self, host: str, port: int, path: str | None) -> None:
        self._host = host
        self._port = port
        self._path = path
        self._found: tuple[socket.AddressFamily, Any] | None = None
        self._looked_up_at = 0.0
        self._complained_at: float | None = None

    def __str__(self) -> str:
        return f"{self._host!r}, {self._port}" if self._path is None else repr(self._path)

    def send(self, lines: Iterable[Line]) -> Iterator[list[Line]]:
        """Send as many lines at a time as a datagram holds; return those that were sent."""
        try:
            family, address = self._look_up()
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                sender.settimeout(0)  # what there is no room for goes the next time
                for packed in _packed(lines):
                    sender.sendto(b"\n".join(line for _, _, line in packed), address)
                    yield packed
        except (OSError, UnicodeError):  # the latter is of a name that cannot be one
            self._found = None
            self._complain()

    def _look_up(self) -> tuple[socket.AddressFamily, Any]:
        if self._path is not None:
            return socket.AF_UNIX, self._path
        now = time.monotonic()
        if self._found is None or now - self._looked_up_at > _LOOK_UP_SECONDS:
            family, _, _, _, address = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_DGRAM
            )[0]
            self._found, self._looked_up_at = (family, address), now
        return self._found

    def _complain(self) -> None:
        now = time.monotonic()
        if self._complained_at is None or now - self._complained_at >= _COMPLAINT_SECONDS:
            self._complained_at = now
            complain("metrics cannot be sent to StatsD; the next line about it comes in a minute")


def _values(snapshot: MetricsSnapshot) -> Iterator[tuple[Key, float]]:
    for metric in snapshot.metrics:
        for labels, value in metric.points.items():
            if isinstance(value, HistogramPoint):
                yield (metric.instrument, labels, ".count"), value.count
                yield (metric.instrument, labels, ".sum"), value.sum
            else:
                yield (metric.instrument, labels, ""), value


def _packed(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Put lines together that fit into a datagram; one that is too long goes by itself."""
    packed: list[Line] = []
    size = 0
    for line in lines:
        if packed and size + len(line[2]) > _LARGEST:
            yield packed
            packed, size = [], 0
        packed.append(line)
        size += len(line[2]) + 1
    if packed:
        yield packed


def _in_name(label: str) -> str:
    return _NOT_IN_NAMES.sub("_", label[:_LONGEST_LABEL]) or "_"


def _tag(name: str, value: str) -> str:
    return f"{name}:{_NOT_IN_TAGS.sub('_', value[:_LONGEST_LABEL])}"


def _check_server(host: object, port: object, path: object) -> None:
    if not isinstance(host, str) or isinstance(port, bool) or not isinstance(port, int):
        raise TypeError(f"host is {host!r} and port {port!r}: give a text and a number")
    if not host or "\0" in host or not 1 <= port <= _HIGHEST_PORT:
        raise ValueError(f"host is {host!r} and port {port}: give a name, and 1 to {_HIGHEST_PORT}")
    if path is not None and (not isinstance(path, str) or not path or "\0" in path):
        raise TypeError(f"socket_path is {path!r}: give the path of a socket, or None")
    if path is not None and sys.platform == "win32":  # pragma: no cover - there are none there
        raise ValueError("socket_path: there are no Unix sockets on Windows; give host and port")


def _check_names(prefix: object, tags: object, *, has_tags: object) -> None:
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise ValueError(f"prefix is {prefix!r}: give letters, digits, '_', '.' and '-'")
    if not isinstance(has_tags, bool):
        raise TypeError(f"tags is {has_tags!r}: give True or False; texts go into constant_tags")
    if tags is None:
        return
    pairs = cast("Mapping[object, object]", tags if isinstance(tags, Mapping) else {None: None})
    if not all(isinstance(each, str) for pair in pairs.items() for each in pair):
        raise TypeError(f"constant_tags is {tags!r}: give texts by their names")
    if not all(_TAG_NAME.fullmatch(name) for name in cast("Mapping[str, str]", pairs)):
        raise ValueError(f"constant_tags is {tags!r}: names have no spaces and none of ':|,#'")
    if not has_tags:
        raise ValueError("constant_tags need tags=True; without tags use prefix")
