"""What is sent to a StatsD server."""

import gc
import logging
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client import StatsD
from client.metrics.instruments import BULKHEAD_IN_USE, LISTENER_ERRORS, RETRY_WAIT, Instrument
from client.telemetry.sinks import Joined
from tests.unit.metrics.counting import TARGET, Counting


class Server:
    """Receives datagrams."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.0)
        self.port: int = self._socket.getsockname()[1]

    def datagrams(self) -> list[str]:
        """Those that came since the last time; over loopback they are there at once."""
        found = []
        while True:
            try:
                found.append(self._socket.recv(65536).decode())
            except BlockingIOError:
                return found

    def lines(self) -> list[str]:
        """Their lines, sorted."""
        return sorted(line for each in self.datagrams() for line in each.split("\n"))

    def close(self) -> None:
        """Receive no more."""
        self._socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server."""
    server = Server()
    yield server
    server.close()


class Slots:
    """A part of a client with a gauge, until that is taken away."""

    taken: float | None = 4

    def gauges(self, now: float) -> list[tuple[Instrument, tuple[str, ...], float]]:
        """Return it."""
        return [] if self.taken is None else [(BULKHEAD_IN_USE, (), self.taken)]


def test_what_has_grown_is_sent(server: Server) -> None:
    """And nothing where nothing has."""
    sink, counting = StatsD(port=server.port), Counting()
    counting.metrics.add(RETRY_WAIT, (TARGET,), 1.5)
    sink.export(counting.metrics.snapshot())
    assert server.lines() == [f"resilient_http.retry.wait:1.5|c|#client:orders,target:{TARGET}"]
    counting.metrics.add(RETRY_WAIT, (TARGET,), 0.1)
    counting.metrics.add(RETRY_WAIT, (TARGET,), 0.2)
    sink.export(counting.metrics.snapshot())
    assert server.lines() == [f"resilient_http.retry.wait:0.3|c|#client:orders,target:{TARGET}"]
    sink.export(counting.metrics.snapshot())
    assert server.datagrams() == []


def test_a_histogram_is_two_counters(server: Server) -> None:
    """How many values there were, and their sum."""
    sink, counting = StatsD(port=server.port), Counting()
    for _ in range(2):
        counting.operation(attempts=3)
    sink.export(counting.metrics.snapshot())
    tags = f"client:orders,target:{TARGET},method:GET,outcome:success"
    lines = server.lines()
    assert f"resilient_http.operation.duration.count:2|c|#{tags}" in lines
    assert f"resilient_http.operation.duration.sum:1|c|#{tags}" in lines
    assert f"resilient_http.attempt.duration.sum:0.08|c|#{tags},resend:again" in lines
    assert len({line.partition(":")[0] + line.partition("#")[2] for line in lines}) == len(lines)


def test_a_gauge_is_sent_as_it_stands(server: Server) -> None:
    """Each time; and as 0 once when there is none any more, for some servers keep it for ever."""
    sink, counting, slots = StatsD(port=server.port), Counting(), Slots()
    counting.standing.measured = (slots,)
    for taken, expected in ((4, "4"), (4, "4"), (0, "0"), (2.5, "2.5"), (None, "0")):
        slots.taken = taken
        sink.export(counting.metrics.snapshot())
        assert server.lines() == [f"resilient_http.bulkhead.in_use:{expected}|g|#client:orders"]
    sink.export(counting.metrics.snapshot())
    assert server.datagrams() == []


def test_without_tags_labels_are_in_the_name(server: Server) -> None:
    """With nothing in them that a server would take apart."""
    sink, counting = StatsD(port=server.port, prefix="", tags=False), Counting(client="a.b:c|d@e")
    counting.metrics.add(RETRY_WAIT, (TARGET,), 2)
    counting.metrics.add(LISTENER_ERRORS, ("",))
    sink.export(counting.metrics.snapshot())
    assert server.lines() == [
        "listener.errors.a_b_c_d_e._:1|c",
        "retry.wait.a_b_c_d_e.https_api_example:2|c",
    ]


def test_tags_cannot_be_made_up(server: Server) -> None:
    """Whatever a client's name holds."""
    sink = StatsD(port=server.port, prefix="app.http", constant_tags={"env": "a,b"})
    counting = Counting(client="x,y|z#\nevil:1|c" + "é" * 300)
    counting.metrics.add(LISTENER_ERRORS, ("log",))
    sink.export(counting.metrics.snapshot())
    [line] = server.lines()
    assert re.fullmatch(
        r"app\.http\.listener\.errors:1\|c\|#env:a_b,client:x_y_z_evil:1_cé{185},listener:log", line
    )


def test_datagrams_are_full_but_not_too_large(server: Server) -> None:
    """However many metrics there are."""
    sink, counting = StatsD(port=server.port), Counting()
    for number in range(100):
        counting.operation(target=f"https://host-{number}.example")
    sink.export(counting.metrics.snapshot())
    sizes = [len(each) for each in server.datagrams()]
    assert max(sizes) <= 1432
    assert min(sizes[:-1]) > 1200


def test_clients_of_one_name_do_not_disturb_each_other(server: Server) -> None:
    """What has grown is worked out for each."""
    sink, one, other = StatsD(port=server.port), Counting(), Counting()
    one.metrics.add(LISTENER_ERRORS, ("log",), 5)
    other.metrics.add(LISTENER_ERRORS, ("log",), 3)
    for counting, expected in ((one, "5"), (other, "3")):
        sink.export(counting.metrics.snapshot())
        [line] = server.lines()
        assert line.startswith(f"resilient_http.listener.errors:{expected}|c")


def test_the_rest_is_sent_when_a_client_is_closed(server: Server) -> None:
    """Before the closing returns; what is known of it is forgotten with it."""
    sink, counting = StatsD(port=server.port), Counting()
    joined = Joined([sink], counting.metrics, counting)
    counting.metrics.add(LISTENER_ERRORS, ("log",))
    joined.close(is_async=False)
    assert server.lines() == ["resilient_http.listener.errors:1|c|#client:orders,listener:log"]
    other = Counting()
    sink.attach(other.metrics)
    assert len(sink._known) == 2
    del other
    gc.collect()
    assert len(sink._known) == 1


def test_a_unix_socket_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has no room for, or came while nobody listened, is sent the next time."""
    monkeypatch.chdir(tmp_path)  # or the path would be longer than a socket's may be
    sink, counting = StatsD(socket_path="statsd"), Counting()
    counting.metrics.add(LISTENER_ERRORS, ("log",))
    sink.export(counting.metrics.snapshot())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("statsd")
        sink.export(counting.metrics.snapshot())
        expected = b"resilient_http.listener.errors:1|c|#client:orders,listener:log"
        assert receiver.recv(2000) == expected
        sent = 0
        while sink._server._complained_at is not None:  # until there is no room
            counting.metrics.add(LISTENER_ERRORS, ("log",))
            sink._server._complained_at = None
            sink.export(counting.metrics.snapshot())
            sent += 1
        assert sent


def test_a_server_that_is_not_there_harms_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once a minute."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    sink, counting = StatsD("no such host"), Counting()
    counting.operation()
    for step, complaints in ((0, 1), (59, 1), (1, 2), (59, 2), (1, 3)):
        now += step
        sink.export(counting.metrics.snapshot())
        assert len(caplog.records) == complaints
    assert caplog.records[0].levelno == logging.ERROR
    assert caplog.records[0].getMessage().startswith("metrics cannot be sent to StatsD")


def test_a_name_is_looked_up_once_a_minute(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may move."""
    now, asked = 1000.0, []

    def look_up(host: str, port: int, **options: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", ("127.0.0.1", server.port))]

    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    sink, counting = StatsD("statsd.internal"), Counting()
    for step, expected in ((0, 1), (60, 1), (1, 2)):
        now += step
        counting.operation()
        sink.export(counting.metrics.snapshot())
        assert len(asked) == expected
        assert server.datagrams()


def test_a_forked_child_sends_what_it_counts(server: Server) -> None:
    """From zero."""
    sink, counting = StatsD(port=server.port), Counting()
    for _ in range(2):
        counting.metrics.add(LISTENER_ERRORS, ("log",))
        sink.export(counting.metrics.snapshot())
        [line] = server.lines()
        assert line.startswith("resilient_http.listener.errors:1|c")
        counting.metrics.begin_anew()
        sink.begin_anew()


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"host": 3}, TypeError, "give a text and a number"),
        ({"port": "8125"}, TypeError, "give a text and a number"),
        ({"port": True}, TypeError, "give a text and a number"),
        ({"host": ""}, ValueError, "give a name"),
        ({"port": 0}, ValueError, "1 to 65535"),
        ({"port": 65536}, ValueError, "1 to 65535"),
        ({"host": "a\0b"}, ValueError, "give a name"),
        ({"socket_path": "a\0b"}, TypeError, "give the path of a socket"),
        ({"tags": ["env:test"]}, TypeError, "texts go into constant_tags"),
        ({"constant_tags": {"": "a"}}, ValueError, "names have no spaces"),
        ({"constant_tags": {"a|b": "c"}}, ValueError, "names have no spaces"),
        ({"constant_tags": {"a:b": "c"}}, ValueError, "names have no spaces"),
        ({"constant_tags": {"a\nb": "c"}}, ValueError, "names have no spaces"),
        ({"socket_path": ""}, TypeError, "give the path of a socket"),
        ({"socket_path": 3}, TypeError, "give the path of a socket"),
        ({"prefix": "a:b"}, ValueError, "give letters, digits"),
        ({"prefix": None}, ValueError, "give letters, digits"),
        ({"constant_tags": ["a"]}, TypeError, "give texts by their names"),
        ({"constant_tags": {"a": 1}}, TypeError, "give texts by their names"),
        ({"constant_tags": {"a": "b"}, "tags": False}, ValueError, "without tags use prefix"),
    ],
    ids=lambda each: repr(each) if isinstance(each, dict) else "",
)
def test_bad_arguments_are_refused(
    given: dict[str, Any], error: type[Exception], told: str
) -> None:
    """With what is allowed."""
    with pytest.raises(error, match=told):
        StatsD(**given)
