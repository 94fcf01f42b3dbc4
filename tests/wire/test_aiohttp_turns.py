"""What the fast transport does where two things happen in the same turn of the event loop.

Over sockets each of these needs luck; here it is brought about.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest

from client.transports.aiohttp import exchange as aiohttp_exchange
from client.transports.aiohttp.answer import AnswerReader
from client.transports.aiohttp.parts import read_head
from client.transports.aiohttp.pool import Bounds, WirePool
from client.transports.aiohttp.request import Head
from client.transports.aiohttp.wire import Wire, _give_up
from tests.wire.scripted_server import head

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEY, OTHER = "here", "there"


class Standing:
    """A connection, as far as a pool looks at it."""

    def __init__(self, key: str = KEY) -> None:
        self.key = key
        self.is_reusable = True
        self.is_pooled = False
        self.idle_since = 0.0
        self.age = 0.0
        self.dropped = 0
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def dial(self) -> Self:
        """Open it."""
        return self

    def is_fresh(self) -> bool:
        """Whether it can serve."""
        return not self.dropped

    def now(self) -> float:
        """Return the time."""
        return self.age

    def drop(self) -> None:
        """Close it."""
        self.dropped += 1
        if not self.lost.done():
            self.lost.set_result(None)


async def pool_of(*wires: Standing, **bounds: Any) -> Any:
    """A pool whose connections these are, in the running loop; as many as it may have."""
    given = {"open": max(1, len(wires)), "idle": None, "idle_seconds": None, **bounds}
    pool: Any = WirePool(Bounds(**given), httpx, read_head)
    pool.settle()
    for wire in wires:
        await pool.open(wire.key, wire.dial, None)
    return pool


async def queued(pool: Any, key: str = KEY, patience: float | None = None) -> asyncio.Task[Any]:
    """Somebody in the queue. Cancelled, he is in it until the next turn."""
    place = asyncio.create_task(pool.open(key, Standing(key).dial, patience))
    await asyncio.sleep(0)
    return place


async def next_turns() -> None:
    """Let whoever can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_free_place_goes_to_the_first_who_still_waits() -> None:
    """Whoever has given up is passed over, and costs no place."""
    wire = Standing()
    pool = await pool_of(wire)
    gone = [await queued(pool), await queued(pool)]
    waiting, behind = await queued(pool), await queued(pool)
    for each in gone:
        each.cancel()
    pool.forget(wire)
    assert (pool._opening, len(pool._queued)) == (1, 1)
    await next_turns()
    assert pool.connections == [waiting.result()]
    assert not behind.done()
    behind.cancel()


async def test_nobody_is_left_for_a_free_place() -> None:
    """All have given up."""
    wire = Standing()
    pool = await pool_of(wire)
    (await queued(pool)).cancel()
    pool.forget(wire)
    assert (pool._opening, len(pool._queued)) == (0, 0)


@pytest.mark.parametrize("key", [KEY, OTHER])
async def test_a_free_connection_goes_to_the_first_who_still_waits(key: str) -> None:
    """The same; where that one wants to go elsewhere it makes room."""
    wire = Standing()
    pool = await pool_of(wire)
    gone, waiting = await queued(pool), await queued(pool, key)
    gone.cancel()
    pool.give_back(wire)
    await next_turns()
    assert wire.dropped == (key == OTHER)
    assert waiting.done() is (key == KEY)
    assert not wire.is_pooled
    waiting.cancel()


async def test_a_free_connection_that_nobody_waits_for_any_more() -> None:
    """It is kept, though somebody stood in the queue."""
    wire = Standing()
    pool = await pool_of(wire)
    (await queued(pool)).cancel()
    pool.give_back(wire)
    assert (wire.is_pooled, wire.dropped) == (True, 0)
    assert pool.take(KEY) is wire


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_connection_that_cannot_serve_again(*, is_known: bool) -> None:
    """It is closed, and so is one from before the transport was closed."""
    wire = Standing()
    pool = await pool_of(*[wire] * is_known)
    wire.is_reusable = not is_known
    pool.give_back(wire)
    assert (wire.is_pooled, wire.dropped) == (False, 1)


async def test_who_gives_up_in_the_turn_in_which_he_is_handed_a_connection() -> None:
    """He gives it back: the next one has it."""
    wire = Standing()
    pool = await pool_of(wire)
    first, second = await queued(pool), await queued(pool, patience=5)
    pool.give_back(wire)
    first.cancel()
    await next_turns()
    assert second.result() is wire
    assert first.cancelled()


async def test_who_gives_up_in_the_turn_in_which_he_is_given_a_place() -> None:
    """He gives it back: the next one has it."""
    wire = Standing()
    pool = await pool_of(wire)
    first, second = await queued(pool), await queued(pool)
    pool.forget(wire)
    first.cancel()
    await next_turns()
    assert pool.connections == [second.result()]
    assert first.cancelled()
    assert (pool._opening, len(pool._queued)) == (0, 0)


@pytest.mark.parametrize("is_late", [True, False])
async def test_who_gives_up_or_is_turned_away_got_nothing(*, is_late: bool) -> None:
    """He leaves the queue, and that is all."""
    pool = await pool_of(Standing())
    waiting = await queued(pool, patience=0 if is_late else None)
    if not is_late:
        waiting.cancel()
    with pytest.raises(httpx.PoolTimeout if is_late else asyncio.CancelledError):
        await waiting
    assert (pool._opening, len(pool._queued)) == (0, 0)


async def test_who_waited_when_the_transport_was_closed_gives_nothing_back() -> None:
    """What he got belongs to the connections before."""
    pool = await pool_of(Standing())
    waiting, gone = await queued(pool), await queued(pool)
    gone.cancel()
    await pool.close()
    with pytest.raises(httpx.PoolTimeout):
        await waiting
    assert (pool._opening, len(pool._queued)) == (0, 0)


async def test_who_gives_up_a_place_when_the_transport_was_closed_gives_nothing_back() -> None:
    """It was one among the connections before."""
    wire = Standing()
    pool = await pool_of(wire)
    waiting = await queued(pool)
    pool.forget(wire)
    waiting.cancel()
    await pool.close()
    await next_turns()
    assert waiting.cancelled()
    assert (pool._opening, len(pool._queued)) == (0, 0)


async def test_a_connection_is_forgotten_once() -> None:
    """Idle or not, known or not: who closes it may be told of that again."""
    wire, stranger = Standing(), Standing()
    pool = await pool_of(wire)
    pool.give_back(wire)
    stranger.is_pooled = True
    for each in (stranger, wire, wire):
        pool.forget(each)
    assert (pool._idle, pool.connections) == ({}, [])


async def test_the_sweep_takes_what_is_too_old() -> None:
    """It goes on for what is not, ends where nothing is idle, and with its connections."""
    old, young = Standing(), Standing(OTHER)
    pool = await pool_of(old, young, open=None, idle_seconds=3600)
    old.drop = lambda: pool.forget(old)  # type: ignore[method-assign] # as a real one does
    young.drop = lambda: pool.forget(young)  # type: ignore[method-assign] # likewise
    pool.give_back(old)
    pool.give_back(young)
    first = pool._sweep
    old.age = 3601.0
    pool._sweep_now(object())
    assert (pool._sweep, pool.connections) == (first, [*pool._wires])
    pool._sweep_now(pool._era)
    assert pool.connections == [young]
    assert pool._sweep is not first
    second = pool._sweep
    young.age = 3601.0
    pool._sweep_now(pool._era)
    assert (pool._sweep, pool.connections) == (None, [])
    for timer in (first, second):
        timer.cancel()


class Socket:
    """A transport of asyncio's, as far as a connection looks at it."""

    def __init__(self) -> None:
        self.aborted = 0

    def abort(self) -> None:
        """Close it."""
        self.aborted += 1

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return bool(self.aborted)


def wire_in(loop: asyncio.AbstractEventLoop) -> Any:
    """A connection over such a socket."""
    wire: Any = Wire(loop, httpx, lambda _wire: None, read_head)
    wire.transport = Socket()
    return wire


async def test_a_clock_that_rings_when_nobody_waits() -> None:
    """An answer came sooner; the clock was left running."""
    wire = wire_in(asyncio.get_running_loop())
    wire._arm(3600)
    timer = wire._timer
    wire._ring()
    timer.cancel()
    assert (wire._timer, wire.transport.aborted) == (None, 0)


async def test_a_clock_that_rings_before_the_time_of_whoever_waits() -> None:
    """It is set again; without any new byte it ends the wait."""
    loop = asyncio.get_running_loop()
    wire = wire_in(loop)
    wire._arm(0)
    waiting = asyncio.create_task(wire.head(3600))
    await asyncio.sleep(0)
    wire._timer.cancel()
    wire._ring()
    again = wire._timer
    assert again.when() == wire._deadline
    again.cancel()
    wire._ring()
    with pytest.raises(httpx.ReadTimeout):
        await waiting
    assert wire.transport.aborted == 1


async def test_a_shorter_patience_sets_the_clock_anew() -> None:
    """A longer one leaves it."""
    wire = wire_in(asyncio.get_running_loop())
    wire._arm(3600)
    first = wire._timer
    wire._arm(7200)
    assert wire._timer is first
    wire._arm(60)
    assert first.cancelled()
    assert wire._timer is not first
    wire.connection_lost(None)
    assert wire._timer is None


@pytest.mark.parametrize("error", [None, OSError("reset")])
async def test_a_socket_that_closes_twice(error: Exception | None) -> None:
    """What ended it first is what is told, and whoever writes goes on."""
    wire = wire_in(asyncio.get_running_loop())
    wire.pause_writing()
    flushed = wire._flushed
    wire.eof_received()
    assert flushed.result() is True
    wire.pause_writing()
    _give_up(wire._flushed)
    wire.connection_lost(error)
    assert wire.lost.done()
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
        await wire.head(None)


async def test_bytes_that_come_in_the_turn_in_which_the_wait_ends() -> None:
    """Nobody is woken twice, and nobody is woken where nobody waits."""
    wire = wire_in(asyncio.get_running_loop())
    wire.data_received(b"HTTP/1.1 200")
    waiting = asyncio.create_task(wire.head(3600))
    await asyncio.sleep(0)
    before = wire._deadline
    wire.data_received(b" OK\r\nContent-Length: 4\r\n\r\n")
    wire.data_received(b"body")
    assert wire._deadline >= before
    assert (await waiting).code == 200
    assert wire.take_whole() == b"body"
    wire._timer.cancel()


def test_a_connection_that_is_dropped_when_its_loop_has_ended() -> None:
    """There is nothing to close it with."""
    loop = asyncio.new_event_loop()
    wire = wire_in(loop)
    loop.close()
    wire.drop()
    assert (wire.transport.aborted, wire.is_fresh()) == (0, False)


class Gone:
    """A connection that the server closes when it has read so many pieces."""

    def __init__(self, pieces: int) -> None:
        self.sent: list[bytes] = []
        self._left = pieces

    async def send(self, data: bytes, _patience: float | None) -> bool:
        """Send, or tell that it stands no longer."""
        self._left -= 1
        if self._left < 0:
            return False
        self.sent.append(data)
        return True


@pytest.mark.parametrize(("pieces", "sent"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 4)])
async def test_an_upload_ends_where_the_connection_does(pieces: int, sent: int) -> None:
    """No further piece of it is asked for: the server may have answered."""
    asked: list[bytes] = []

    async def body() -> AsyncIterator[bytes]:
        for piece in (b"a", b"b"):
            asked.append(piece)
            yield piece

    wire: Any = Gone(pieces)
    await aiohttp_exchange._send_stream(
        wire, body(), Head(b"head", None, is_last=False), httpx, None
    )
    assert len(wire.sent) == sent
    assert len(asked) == min(pieces, 2)


class Reader(AnswerReader):
    """A reader that remembers that something came which nobody had asked for."""

    is_spoilt = False

    def _spoil(self) -> None:
        self.is_spoilt = True


WHOLE = [
    (head(content_length="4") + b"body", True),
    (head(transfer_encoding="chunked") + b"2\r\nbo\r\n2;a=b\r\ndy\r\n0\r\na: b\r\n\r\n", True),
    (head(transfer_encoding="chunked") + b"4\r\nbody\r\n0\r\n\r\nX", False),
    (head(transfer_encoding="chunked") + b"4\r\nbody\r\n0\r\n\r\n\n", False),
    (head(content_length="4") + b"bodyX", False),
    (head() + b"body", False),
]


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("answer", range(len(WHOLE)))
async def test_an_answer_is_the_same_however_it_is_cut(answer: int, size: int) -> None:
    """Also where surplus comes along, or behind it."""
    data, is_reusable = WHOLE[answer]
    reader = Reader(asyncio.get_running_loop(), read_head)
    reader.expect("GET")
    for start in range(0, len(data), size):
        reader.take(data[start : start + size])
    reader.take_end()
    assert reader.take_whole() == b"body"
    assert (reader.is_reusable and not reader.is_spoilt) is is_reusable
