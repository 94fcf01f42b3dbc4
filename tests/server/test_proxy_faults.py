"""Each fault of the wire proxy, as a client of raw sockets sees it."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from server.proxy import pump
from server.testing import WireProxy
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.server.proxy_peers import (
    ANSWER,
    BODY,
    HEAD,
    LINE,
    REQUEST,
    UPLOAD,
    Client,
    answering,
    get,
)
from tests.wire.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from server.proxy.wire.bells import Bell
    from tests.wire.scripted_server import Connection

MINUTE_MS = 60_000


@pytest.fixture
def upstream() -> Iterator[ScriptedServer]:
    """A service that answers every request."""
    with ScriptedServer(answering) as server:
        yield server


@pytest.fixture
def proxy(upstream: ScriptedServer) -> Iterator[WireProxy]:
    """A proxy in front of it."""
    with WireProxy(upstream.url) as proxy:
        yield proxy


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been waited for, in seconds, with nothing waited for."""
    asked: list[float] = []

    async def record(_: Sequence[Bell], seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr(pump, "wait_for_bell", record)
    return asked


def chance(**options: Any) -> bytes:
    """The bytes that a `garbage` fault with these options sends."""
    with ScriptedServer(answering) as server, WireProxy(server.url) as proxy:
        proxy.fault("garbage", **options)
        answer = get(proxy)
        assert isinstance(answer, tuple)
        return answer[0]


def test_without_a_fault_nothing_is_changed(proxy: WireProxy) -> None:
    """And the statistics say how much that was."""
    assert get(proxy) == (ANSWER, "fin")
    counted = proxy.statistics()
    assert (counted.accepted, counted.refused, counted.unreachable) == (1, 0, 0)
    assert (counted.bytes_up, counted.bytes_down) == (len(REQUEST), len(ANSWER))
    assert (counted.applied, counted.skipped) == ({}, {})


def test_refuse_closes_the_port(proxy: WireProxy) -> None:
    """Connecting is refused, on the same port; connections that are open stay."""
    with Client(proxy) as client:
        assert client.ask().read(len(ANSWER)) == ANSWER
        proxy.fault("refuse")
        assert get(proxy) == "refused"
        assert client.ask().read(len(ANSWER)) == ANSWER
    proxy.reset()
    assert get(proxy) == (ANSWER, "fin")
    assert proxy.statistics().applied == {"refuse": 1}


def test_a_closed_port_is_nobody_elses(proxy: WireProxy) -> None:
    """It stays taken."""
    proxy.fault("refuse")
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((proxy.host, proxy.port))


def test_refuse_by_count_resets_on_accepting(proxy: WireProxy, upstream: ScriptedServer) -> None:
    """Before anything reaches the service."""
    proxy.fault("refuse", count=2)
    answers = [get(proxy) for _ in range(3)]
    assert answers == [(b"", "rst"), (b"", "rst"), (ANSWER, "fin")]
    counted = proxy.statistics()
    assert (counted.accepted, counted.refused, counted.applied) == (3, 2, {"refuse": 2})
    assert upstream.accepted == 1


@pytest.mark.parametrize(
    ("options", "seen"),
    [
        ({}, b""),
        ({"at": "before_head"}, b""),
        ({"at": "in_head"}, LINE),
        ({"at": "in_head", "after_bytes": 4}, HEAD[:4]),
        ({"at": "in_head", "after_bytes": 9_999}, HEAD[:-1]),
        ({"at": "after_head"}, HEAD),
        ({"at": "in_body"}, HEAD + BODY[:1]),
        ({"at": "in_body", "after_bytes": 7}, HEAD + BODY[:7]),
        ({"after_bytes": 0}, b""),
        ({"after_bytes": 20}, ANSWER[:20]),
    ],
    ids=str,
)
def test_reset(proxy: WireProxy, options: dict[str, Any], seen: bytes) -> None:
    """Before, inside and after the head, in the body, or at any byte: by RST."""
    proxy.fault("reset", **options, count=1)
    assert get(proxy) == (seen, "rst")
    assert proxy.statistics().applied == {"reset": 1}
    assert get(proxy) == (ANSWER, "fin")


def test_a_first_line_in_two_pieces_is_one_line() -> None:
    """It is over where it ends, not where its first packet does."""
    may_go_on = threading.Event()

    def hesitate(connection: Connection) -> None:
        connection.read_request()
        connection.send(LINE[:5])
        assert may_go_on.wait(PATIENCE_SECONDS)
        connection.send(ANSWER[5:])

    with ScriptedServer(hesitate) as server, WireProxy(server.url) as proxy:
        proxy.fault("reset", at="in_head")
        with Client(proxy) as client:
            assert client.ask().read(5) == LINE[:5]
            may_go_on.set()
            assert client.read_all() == (LINE[5:], "rst")


def test_reset_of_an_upload(proxy: WireProxy, upstream: ScriptedServer) -> None:
    """In the middle of the request's body: the service does not get it whole."""
    proxy.fault("reset", stream="upstream", at="in_body", after_bytes=3)
    with Client(proxy) as client:
        assert client.ask(UPLOAD + BODY).read_all() == (b"", "rst")
    assert upstream.requests == []
    assert proxy.statistics().bytes_up == len(UPLOAD) + 3


@pytest.mark.parametrize("by", ["fin", "rst"])
def test_cut(proxy: WireProxy, by: str) -> None:
    """The body ends short of its length."""
    proxy.fault("cut", after_bytes=3, at="in_body", by=by)
    assert get(proxy) == (HEAD + BODY[:3], by)
    assert proxy.statistics().applied == {"cut": 1}


def test_cut_of_a_client_that_goes_on_talking(proxy: WireProxy) -> None:
    """It still gets a FIN: what it sends is read, and goes nowhere."""
    proxy.fault("cut", by="fin")
    with Client(proxy) as client:
        client.ask()
        assert client.read(len(HEAD) + 1) == HEAD + BODY[:1]
        client.ask()
        assert client.read_all() == (b"", "fin")


@pytest.mark.parametrize(
    ("at", "seen"),
    [("before_head", b""), ("in_head", LINE), ("after_head", HEAD), ("in_body", ANSWER[:-9])],
)
def test_stall(proxy: WireProxy, at: str, seen: bytes) -> None:
    """Nothing more comes, until the fault is removed; then all the rest does."""
    fault = proxy.fault("stall", at=at)
    with Client(proxy) as client:
        assert client.ask().read(len(seen)) == seen
        assert client.hears_nothing()
        assert proxy.statistics().applied == {"stall": 1}
        proxy.remove(fault)
        assert client.read(len(ANSWER) - len(seen)) == ANSWER[len(seen) :]


def test_stall_ends_by_itself(proxy: WireProxy, pauses: list[float]) -> None:
    """After its time."""
    proxy.fault("stall", seconds=7.5)
    assert get(proxy) == (ANSWER, "fin")
    assert pauses == [7.5]


def test_stall_ends_when_the_client_leaves(proxy: WireProxy) -> None:
    """A client that has given up holds nothing here."""
    proxy.fault("stall")
    with Client(proxy) as client:
        client.ask()
        eventually(lambda: proxy.statistics().applied == {"stall": 1})
    eventually(lambda: proxy.statistics().open == 0)


def test_what_is_lifted_while_another_fault_holds_on_does_not_strike(proxy: WireProxy) -> None:
    """Though both had met the connection, at the same place."""
    proxy.fault("stall")
    proxy.fault("reset")
    with Client(proxy) as client:
        client.ask()
        eventually(lambda: proxy.statistics().applied == {"stall": 1})
        proxy.reset()
        assert client.read(len(ANSWER)) == ANSWER
    assert proxy.statistics().applied == {"stall": 1}


def test_stall_of_requests(proxy: WireProxy, upstream: ScriptedServer) -> None:
    """The service hears no more than it was let to."""
    proxy.fault("stall", stream="upstream", at="in_body", after_bytes=3)
    with Client(proxy) as client:
        assert client.ask(UPLOAD + BODY).hears_nothing()
        assert upstream.requests == []
        proxy.reset()
        assert client.read(len(ANSWER)) == ANSWER
    assert upstream.requests[0].body == BODY


def test_drip(proxy: WireProxy, pauses: list[float]) -> None:
    """Each piece after its pause, the last one included."""
    proxy.fault("drip", at="after_head", size=4, interval_ms=250)
    assert get(proxy) == (ANSWER, "fin")
    assert pauses == [0.25, 0.25, 0.25]
    assert proxy.statistics().applied == {"drip": 1}


def test_drip_holds_back_what_comes_later(proxy: WireProxy) -> None:
    """A piece at a time; removing the fault lets the rest go at once."""
    proxy.fault("drip", at="after_head", interval_ms=MINUTE_MS)
    with Client(proxy) as client:
        assert client.ask().read(len(HEAD)) == HEAD
        assert client.hears_nothing()
        proxy.reset()
        assert client.read(len(BODY)) == BODY


def test_drip_ends_with_the_answer(proxy: WireProxy, pauses: list[float]) -> None:
    """The next one passes untouched up to its own place."""
    fault = proxy.fault("drip", at="in_body", after_bytes=9, count=1)
    with Client(proxy) as client:
        for turn in (1, 2):
            assert client.ask().read(len(ANSWER)) == ANSWER
            assert len(pauses) == turn
    assert fault["remaining"] == 1


def test_bandwidth(proxy: WireProxy, pauses: list[float]) -> None:
    """All pauses together last as long as the bytes do."""
    proxy.fault("bandwidth", bytes_per_second=100)
    assert get(proxy) == (ANSWER, "fin")
    assert sum(pauses) == pytest.approx(len(ANSWER) / 100)
    assert max(pauses) == pytest.approx(0.05)
    assert proxy.statistics().applied == {"bandwidth": 1}


def test_the_slowest_of_several_limits_rules(proxy: WireProxy, pauses: list[float]) -> None:
    """They do not add up."""
    proxy.fault("bandwidth", bytes_per_second=1)
    proxy.fault("bandwidth", bytes_per_second=1_000)
    get(proxy)
    assert pauses == [1.0] * len(ANSWER)


def test_latency(proxy: WireProxy, pauses: list[float]) -> None:
    """Each answer of a connection begins later."""
    proxy.fault("latency", ms=300)
    with Client(proxy) as client:
        for _ in range(2):
            assert client.ask().read(len(ANSWER)) == ANSWER
    assert pauses == [0.3, 0.3]
    assert proxy.statistics().applied == {"latency": 2}


def test_latency_with_jitter(proxy: WireProxy, pauses: list[float]) -> None:
    """By the seed, within bounds, and never below nothing."""
    for _ in range(2):
        proxy.fault("latency", ms=10, jitter_ms=30, seed=5)
        for _ in range(8):
            get(proxy)
        proxy.reset()
    assert pauses[:8] == pauses[8:]
    assert len(set(pauses)) > 2
    assert min(pauses) == 0.0
    assert max(pauses) <= 0.04


@pytest.mark.parametrize("by", ["fin", "rst"])
def test_garbage(proxy: WireProxy, by: str) -> None:
    """In place of the answer, and then the end."""
    proxy.fault("garbage", text="\0nonsense", by=by)
    assert get(proxy) == (b"\0nonsense", by)
    counted = proxy.statistics()
    assert (counted.applied, counted.bytes_down) == ({"garbage": 1}, 9)


def test_garbage_by_chance() -> None:
    """The seed decides the bytes."""
    assert len(chance()) == 64
    assert chance(size=1_000, seed=1) == chance(size=1_000, seed=1)
    assert chance(seed=1) != chance(seed=2)


def test_surplus_after_each_answer(proxy: WireProxy) -> None:
    """Once it is whole; the connection goes on."""
    proxy.fault("surplus", text="HTTP/1.1 418 \r\n\r\n")
    surplus = b"HTTP/1.1 418 \r\n\r\n"
    with Client(proxy) as client:
        for _ in range(2):
            assert client.ask().read(len(ANSWER + surplus)) == ANSWER + surplus
    assert proxy.statistics().applied == {"surplus": 2}


def test_surplus_in_the_middle(proxy: WireProxy) -> None:
    """Wherever it is wanted, once."""
    proxy.fault("surplus", text="!", after_bytes=len(HEAD) + 2)
    assert get(proxy) == (HEAD + BODY[:2] + b"!" + BODY[2:], "fin")


def test_surplus_after_an_answer_that_ends_with_its_connection() -> None:
    """Before the FIN."""

    def answer_and_close(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\nhello")

    with ScriptedServer(answer_and_close) as server, WireProxy(server.url) as proxy:
        proxy.fault("surplus", text="!")
        assert get(proxy) == (b"HTTP/1.1 200 OK\r\n\r\nhello!", "fin")


@pytest.mark.parametrize("by", ["fin", "rst"])
def test_close_idle(proxy: WireProxy, by: str) -> None:
    """After the silence that follows an answer, not before the first request."""
    proxy.fault("close_idle", by=by, after_ms=1)
    with Client(proxy) as client:
        assert client.hears_nothing()
        client.ask()
        assert client.read_all() == (ANSWER, by)
    assert proxy.statistics().applied == {"close_idle": 1}
    eventually(lambda: proxy.statistics().open == 0)


def test_close_idle_of_connections_that_are_idle_already(proxy: WireProxy) -> None:
    """They are not spared."""
    with Client(proxy) as client:
        assert client.ask().read(len(ANSWER)) == ANSWER
        proxy.fault("close_idle", after_ms=0)
        assert client.read_all() == (b"", "fin")


def test_close_idle_spares_an_answer_under_way(proxy: WireProxy) -> None:
    """However long it stalls."""
    stall = proxy.fault("stall", at="in_body")
    proxy.fault("close_idle", after_ms=0, by="rst")
    with Client(proxy) as client:
        assert client.ask().read(len(HEAD) + 1) == ANSWER[:-9]
        assert client.hears_nothing()
        proxy.remove(stall)
        assert client.read_all() == (ANSWER[-9:], "rst")


@pytest.mark.parametrize("by", ["fin", "rst"])
def test_close_on_reuse(proxy: WireProxy, upstream: ScriptedServer, by: str) -> None:
    """With the next request, of which the service hears nothing."""
    proxy.fault("close_idle", on="reuse", by=by)
    with Client(proxy) as client:
        assert client.ask().read(len(ANSWER)) == ANSWER
        assert client.ask().read_all() == (b"", by)
    assert len(upstream.requests) == 1
    assert proxy.statistics().applied == {"close_idle": 1}


def test_close_on_reuse_of_a_connection_that_was_open(proxy: WireProxy) -> None:
    """Its next request is not its first."""
    with Client(proxy) as client:
        assert client.ask().read(len(ANSWER)) == ANSWER
        proxy.fault("close_idle", on="reuse")
        assert client.ask().read_all() == (b"", "fin")


@pytest.mark.parametrize("by", ["fin", "rst"])
def test_all_idle_connections_die_at_once(proxy: WireProxy, by: Any) -> None:
    """Those with an answer under way are left, unless they are named too."""
    with Client(proxy) as first, Client(proxy) as second, Client(proxy) as busy:
        for client in (first, second):
            assert client.ask().read(len(ANSWER)) == ANSWER
        proxy.fault("stall")
        busy.ask()
        eventually(lambda: proxy.statistics().applied == {"stall": 1})
        assert proxy.close_connections(by=by) == 2
        assert first.read_all() == second.read_all() == (b"", by)
        assert proxy.close_connections(by=by, idle_only=False) == 1
        assert busy.read_all() == (b"", by)


@pytest.mark.parametrize("options", [{"at": "in_head"}, {"at": "after_head"}, {"at": "in_body"}])
def test_a_fault_that_needs_plaintext_says_so(options: dict[str, Any]) -> None:
    """Where something else passes it strikes nothing, and is counted as skipped."""

    def speak_another_language(connection: Connection) -> None:
        connection.read_request()  # whole: what is left unread would be answered by a reset
        connection.send(b"\x16\x03\x01 no HTTP \r\n\r\n no body")

    with ScriptedServer(speak_another_language) as server, WireProxy(server.url) as proxy:
        proxy.fault("reset", **options)
        assert get(proxy) == (b"\x16\x03\x01 no HTTP \r\n\r\n no body", "fin")
        counted = proxy.statistics()
        assert (counted.applied, counted.skipped) == ({}, {"reset": 1})


def test_a_service_that_is_gone_is_counted() -> None:
    """Its clients are reset."""
    with ScriptedServer(answering) as server, WireProxy(server.url) as proxy:
        server.__exit__(None, None, None)
        assert get(proxy) == (b"", "rst")
        eventually(lambda: proxy.statistics().unreachable == 1)


@pytest.mark.parametrize(
    ("send", "seen"),
    [
        (lambda one: one.reset(), (b"", "rst")),
        (lambda one: (one.send(b"a"), one.sock.close()), (b"a", "fin")),
    ],
    ids=["rst", "fin"],
)
def test_the_ends_of_the_service_are_passed_on(
    send: Callable[[Connection], object], seen: tuple[bytes, str]
) -> None:
    """As they are."""

    def end(connection: Connection) -> None:
        connection.read_request()
        send(connection)

    with ScriptedServer(end) as server, WireProxy(server.url) as proxy, Client(proxy) as client:
        assert client.ask().read_all() == seen
