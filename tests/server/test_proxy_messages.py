"""Following messages in what passes, however it is cut into pieces."""

from __future__ import annotations

from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.proxy.wire.messages import MAX_HEAD_BYTES, MessageReader, Part, Piece

SIMPLE = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nA: b\r\n\r\n"
EMPTY = b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n" + SIMPLE
TO_THE_END = b"HTTP/1.0 200 OK\r\n\r\nall the rest"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 is over"
GET = b"GET / HTTP/1.1\r\nA: b\r\n\r\n"
POST = b"POST /?q HTTP/1.1\r\ncontent-length:3\r\n\r\nabc"


def read(
    data: bytes, cuts: list[int] | None = None, *, methods: str = "", of_requests: bool = False
) -> list[Piece]:
    """The pieces of what arrives in pieces."""
    waiting = deque(word.encode() for word in methods.split())
    reader = MessageReader(waiting, of_requests=of_requests)
    edges = [0, *sorted(cut % len(data) for cut in cuts or []), len(data)]
    pieces = [piece for start, end in pairwise(edges) for piece in reader.feed(data[start:end])]
    assert b"".join(piece.data for piece in pieces) == data
    return pieces


def edges_of(pieces: list[Piece]) -> dict[str, list[int]]:
    """At which offsets messages and heads begin and end."""
    found: dict[str, list[int]] = {"begins": [], "line": [], "head": [], "ends": []}
    at = 0
    for piece in pieces:
        found["begins"] += [at] * piece.begins
        at += len(piece.data)
        found["line"] += [at] * piece.ends_line
        found["head"] += [at] * piece.ends_head
        found["ends"] += [at] * piece.ends
    return found


@pytest.mark.parametrize(
    ("data", "head", "ends"),
    [
        (SIMPLE, 38, [41]),
        (CHUNKED, 47, [70]),
        (EMPTY, 35, [35]),
        (NO_CONTENT, 46, [46]),
        (INTERIM, 97, [100]),
        (TO_THE_END, 19, []),
        (SWITCH, 36, []),
    ],
    ids=["length", "chunked", "empty", "no-content", "interim", "to-the-end", "switch"],
)
@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 200), max_size=8))
def test_an_answer_ends_where_it_does(
    data: bytes, head: int, ends: list[int], cuts: list[int]
) -> None:
    """Wherever the network has cut it."""
    found = edges_of(read(data, cuts))
    assert (found["begins"][0], found["head"], found["ends"]) == (0, [head], ends)


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 500), max_size=12))
def test_answers_follow_each_other(cuts: list[int]) -> None:
    """On one connection."""
    sizes = [len(answer) for answer in (SIMPLE, CHUNKED, EMPTY, NO_CONTENT, INTERIM, SIMPLE)]
    found = edges_of(read(SIMPLE + CHUNKED + EMPTY + NO_CONTENT + INTERIM + SIMPLE, cuts))
    assert found["ends"] == [sum(sizes[: n + 1]) for n in range(len(sizes))]
    assert found["begins"] == [0, *found["ends"][:-1]]


@settings(deadline=None)
@given(cuts=st.lists(st.integers(0, 200), max_size=8))
def test_requests_follow_each_other(cuts: list[int]) -> None:
    """One without a length has no body."""
    found = edges_of(read(GET + POST + GET, cuts, of_requests=True))
    assert found["ends"] == [len(GET), len(GET + POST), len(GET + POST + GET)]


def test_an_answer_to_head_has_no_body() -> None:
    """Whatever length it names; the next answer follows at once."""
    head = SIMPLE[:-3]
    assert edges_of(read(head + SIMPLE, methods="HEAD GET"))["ends"] == [38, 38 + 41]


def test_a_tunnel_is_opaque() -> None:
    """Once the proxy it leads through has agreed."""
    pieces = read(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 no", methods="CONNECT")
    assert pieces[-1].part is Part.OPAQUE


@pytest.mark.parametrize(
    ("data", "of_requests"),
    [
        (b"\x16\x03\x01 TLS", True),
        (b"\x16\x03\x03 TLS", False),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", True),
        (b"\0\0\x12\4\0 settings", False),
        (b"HTTP/2 200\r\n\r\n", False),
        (b"220 mail.example ESMTP\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n", False),
        (b"HTTP/1.1 " + b"a" * MAX_HEAD_BYTES, False),
    ],
    ids=["tls-hello", "tls", "preface", "http2", "http3", "smtp", "bad-chunk", "endless"],
)
def test_all_else_is_opaque(data: bytes, *, of_requests: bool) -> None:
    """It passes as it is."""
    assert read(data, of_requests=of_requests)[-1].part is Part.OPAQUE


def test_in_an_opaque_stream_messages_take_turns() -> None:
    """One begins where the other side has spoken since."""
    reader = MessageReader(deque(), of_requests=False)
    begins = [piece.begins for _ in range(2) for piece in reader.feed(b"\0\0")]
    reader.was_answered = True
    begins += [piece.begins for _ in range(2) for piece in reader.feed(b"\0\0")]
    assert begins == [True, False, True, False]
