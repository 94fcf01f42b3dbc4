"""What a hostile server can make the fast transport hold or do: little, and linear in its bytes."""

from __future__ import annotations

import asyncio
from itertools import repeat
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

import client.httpx2
from client import AiohttpTransport
from client.transports.aiohttp import answer as aiohttp_answer
from client.transports.aiohttp.answer import MOST_HEAD_BYTES, AnswerReader
from client.transports.aiohttp.parts import read_head
from tests.wire.scripted_server import head

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script

FAMILIES = [(httpx, AiohttpTransport), (httpx2, client.httpx2.AiohttpTransport)]
CHUNKED = head(transfer_encoding="chunked")


class Reader(AnswerReader):
    """A reader that remembers what became of its connection."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop(), read_head)
        self.broken: list[str] = []
        self.is_paused = False
        self.resumed = 0
        self.expect("GET")

    def _break(self, text: str, cause: BaseException | None = None) -> None:
        del cause
        self.broken.append(text)

    def _hold(self) -> None:
        self.is_paused = True

    def _let_go_on(self) -> None:
        self.resumed += 1


def taken(reader: Reader, pieces: Iterable[bytes]) -> int:
    """Hand a reader pieces until it has enough; return how many bytes it took."""
    size = 0
    for piece in pieces:
        reader.take(piece)
        size += len(piece)
        if reader.broken:
            break
        assert size < 100 * MOST_HEAD_BYTES, "it takes everything"
    return size


async def test_a_head_that_comes_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    """No byte of it is copied or searched again and again."""
    searched: list[int] = []
    buffers: list[object] = []
    find = aiohttp_answer._head_end

    def counts(data: bytes | bytearray, start: int) -> int:
        searched.append(len(data) - start)
        if data not in buffers[-1:]:
            buffers.append(data)
        return find(data, start)

    monkeypatch.setattr(aiohttp_answer, "_head_end", counts)
    reader = Reader()
    whole = head(content_length="2", x="a" * 5000) + b"ok"
    for position in range(len(whole)):
        reader.take(whole[position : position + 1])
    message: Any = reader.message
    assert (reader.broken, message.code, reader.take_whole()) == ([], 200, b"ok")
    assert max(searched) == 3
    assert len(buffers) == 2  # the first byte, and the one that all others are put behind


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n"])
@pytest.mark.parametrize("size", range(1, 6))
async def test_a_head_that_comes_in_pieces(end: bytes, size: int) -> None:
    """Its end is found wherever it is cut, and so is the one behind it."""
    heads = b"HTTP/1.1 103 Early Hints" + end + b"HTTP/1.1 200 OK\r\nContent-Length: 2" + end
    reader = Reader()
    for start in range(0, len(heads), size):
        reader.take(heads[start : start + size])
    reader.take(b"ok")
    message: Any = reader.message
    assert (message.code, reader.take_whole(), reader.is_reusable) == (200, b"ok", True)


ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "a head": (b"HTTP/1.1 200 OK\r\nX: ", b"a"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
    "informational answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a status line": (b"HTTP/1.1 200 ", b"O"),
    "a size": (CHUNKED, b"0"),
    "an extension": (CHUNKED + b"1;", b"a"),
    "a trailer": (CHUNKED + b"0\r\na: ", b"a"),
    "trailers": (CHUNKED + b"0\r\n", b"a: b\r\n"),
}


@pytest.mark.parametrize(
    ("size", "most"),
    [(1, 2000), (7, 2000), (50_000, MOST_HEAD_BYTES)],
    ids=["pieces of 1", "pieces of 7", "pieces of 50000"],
)
@pytest.mark.parametrize("kind", ENDLESS)
async def test_what_does_not_end(
    kind: str, size: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is given up when a little more than the limit has come."""
    monkeypatch.setattr(aiohttp_answer, "MOST_HEAD_BYTES", most)
    begin, more = ENDLESS[kind]
    stream = begin + more * (3 * most // len(more))
    reader = Reader()
    pieces = (stream[start : start + size] for start in range(0, len(stream), size))
    assert most < taken(reader, pieces) <= most + 2 * max(size, 100)
    assert len(reader.broken) == 1


async def test_a_head_that_comes_at_once_has_the_same_limit() -> None:
    """Even where it is whole."""
    reader = Reader()
    reader.take(head(x="a" * MOST_HEAD_BYTES))
    assert reader.broken == ["the head of the answer is too long"]


async def test_informational_answers_are_counted_for_each_answer() -> None:
    """A connection may carry any number in the course of time."""
    reader = Reader()
    few = b"HTTP/1.1 100 Continue\r\n\r\n" * 3000
    for _ in range(3):
        reader.expect("GET")
        reader.take(few + head(content_length="0"))
        assert (reader.broken, reader.is_idle()) == ([], True)


async def test_a_body_may_frame_every_byte() -> None:
    """The limit is for what stands between two bytes, or behind the last."""
    reader = Reader()
    reader.take(CHUNKED)
    chunk = b"1;" + b"e" * (MOST_HEAD_BYTES // 2) + b"\r\nx\r\n"
    for _ in range(5):
        reader.take(chunk)
    reader.take(b"0\r\n\r\n")
    assert (reader.broken, reader.take_whole(), reader.is_reusable) == ([], b"xxxxx", True)


async def test_single_bytes_that_nobody_reads() -> None:
    """They cost many times their size: after a thousand the server has to wait."""
    reader = Reader()
    reader.take(CHUNKED)
    pieces = 0
    while not reader.is_paused:
        reader.take(b"1\r\nx\r\n")
        pieces += 1
        assert pieces <= 1024
    reader.take_piece()
    assert reader.resumed == 1
    reader.take(b"1\r\nx\r\n0\r\n\r\n")
    assert reader.take_whole() == b"x" * pieces


def pours(begin: bytes, more: bytes) -> Script:
    """Answer without end."""

    def script(connection: Connection) -> None:
        connection.read_request()
        connection.send(begin)
        for piece in repeat(more * (20_000 // len(more)), 500):
            connection.send(piece)
        connection.stall()

    return script


@pytest.mark.parametrize(("family", "fast"), FAMILIES, ids=["httpx", "httpx2"])
@pytest.mark.parametrize("kind", ENDLESS)
async def test_a_server_that_does_not_end(serve: Serve, family: Any, fast: Any, kind: str) -> None:
    """It breaks the protocol, and its connection is closed."""
    server = serve(pours(*ENDLESS[kind]))
    async with family.AsyncClient(transport=fast(), timeout=5) as http:
        with pytest.raises(family.RemoteProtocolError):
            await http.get(server.url)


@pytest.mark.parametrize(("family", "fast"), FAMILIES, ids=["httpx", "httpx2"])
async def test_a_proxy_that_does_not_end(serve: Serve, family: Any, fast: Any) -> None:
    """The answer to CONNECT has the same limits; the body of a refusal is not waited for."""
    proxy = serve(
        pours(*ENDLESS["informational answers"]),
        pours(*ENDLESS["headers"]),
        pours(head(502, transfer_encoding="chunked"), b"1\r\nx\r\n"),
    )
    async with family.AsyncClient(transport=fast(proxy=proxy.url), timeout=5) as http:
        for kind in (family.RemoteProtocolError, family.RemoteProtocolError, family.ProxyError):
            with pytest.raises(kind):
                await http.get("https://a.test/")
