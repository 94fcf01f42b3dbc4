"""The heads of HTTP/2 messages: the same is refused as h11 refuses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.transports.http2.headers import Malformed, read_answer_head, read_request_head

BITS = st.lists(
    st.sampled_from([b"a", b"Z", b"-", b" ", b"\t", b"\r", b"\n", b"\0", b"\x7f", b"\xe9", b":"]),
    max_size=4,
).map(b"".join)


def request(method: bytes, target: bytes, *headers: tuple[bytes, bytes]) -> Any:
    """What httpcore would hand over."""
    url = SimpleNamespace(target=target, scheme=b"https")
    return SimpleNamespace(method=method, url=url, headers=[(b"Host", b"x"), *headers])


@given(method=BITS, target=BITS, name=BITS, value=BITS)
def test_what_h11_refuses_is_refused(
    method: bytes, target: bytes, name: bytes, value: bytes
) -> None:
    """And nothing else is."""
    headers = [(name, value)]
    try:
        h11.Request(method=method, target=target, headers=[(b"Host", b"x"), *headers])
    except h11.LocalProtocolError:
        with pytest.raises(Malformed):
            read_request_head(request(method, target, *headers))
    else:
        read = read_request_head(request(method, target, *headers))
        assert (name.lower(), value) in read.headers


@pytest.mark.parametrize(
    ("value", "length"), [(b"5", 5), (b"5, 5", 5), (b"0", 0), (b"9" * 20, int("9" * 20))]
)
def test_lengths_that_agree(value: bytes, length: int) -> None:
    """Go out as one."""
    read = read_request_head(
        request(b"POST", b"/", (b"Content-Length", value), (b"content-length", value))
    )
    assert read.headers[-1] == (b"content-length", b"%d" % length)
    assert (read.has_body, read.length) == (True, length)


@pytest.mark.parametrize("value", [b"", b"x", b"-1", b"+1", b"1_0", b"9" * 21, b"1, 2"])
def test_lengths_that_are_none(value: bytes) -> None:
    """Neither way."""
    field = (b"content-length", value)
    with pytest.raises(Malformed):
        read_request_head(request(b"POST", b"/", field))
    with pytest.raises(Malformed):
        read_answer_head([(b":status", b"200"), field], is_to_head=False)


@pytest.mark.parametrize("hosts", [[], [b"a", b"b"]])
def test_there_is_one_host(hosts: list[bytes]) -> None:
    """As in HTTP/1.1."""
    given = request(b"GET", b"/")
    given.headers = [(b"Host", host) for host in hosts]
    with pytest.raises(Malformed, match="exactly one Host"):
        read_request_head(given)


@pytest.mark.parametrize("codings", [[b"gzip"], [b"chunked", b"chunked"]])
def test_codings_that_nobody_reads(codings: list[bytes]) -> None:
    """As in HTTP/1.1."""
    fields = [(b"transfer-encoding", coding) for coding in codings]
    with pytest.raises(Malformed, match="chunked is supported"):
        read_request_head(request(b"POST", b"/", *fields))


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [(b":status", b"2000")],
        [(b":status", b"099")],
        [(b":status", b"101")],
        [(b":status", b"200"), (b":status", b"200")],
        [(b"a", b"b"), (b":status", b"200")],
        [(b":status", b"200"), (b"A", b"b")],
        [(b":status", b"200"), (b"a b", b"b")],
        [(b":status", b"200"), (b"a", b"b\r\n")],
    ],
)
def test_heads_of_answers_that_are_none(fields: list[tuple[bytes, bytes]]) -> None:
    """No part of them is shown."""
    with pytest.raises(Malformed):
        read_answer_head(fields, is_to_head=False)


def test_a_good_head_of_an_answer() -> None:
    """Without what speaks of a connection."""
    fields = [
        (b":status", b"200"),
        (b"connection", b"close"),
        (b"a", b" b "),
        (b"content-length", b"5"),
    ]
    head = read_answer_head(fields, is_to_head=False)
    assert head == (200, [(b"a", b"b"), (b"content-length", b"5")], 5)
    assert read_answer_head(fields, is_to_head=True).length is None
