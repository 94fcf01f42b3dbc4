"""Content codings undone: the same bytes however cut, every end seen, every step bounded."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from itertools import pairwise
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from client.http.bodies.codings.decoder import PIECE, BrokenError, CutShortError, Decoder
from client.http.bodies.codings.layers import decoder_of
from tests.codings import ENCODERS, MEBIBYTE, bomb

FAMILIES = ("httpx", "httpx2")
datas = st.binary(min_size=1, max_size=2000) | st.binary(min_size=1, max_size=20).map(
    lambda data: data * 20_000
)
BEHIND = {
    "a zero": b"\0",
    "zeros": b"\0" * 500,
    "half a header and more": b"\x1f\0\x1f\x8b",
    "text": b"no member",
    "a member behind text": b"no member" + gzip.compress(b"x"),
}
names = st.lists(st.sampled_from(sorted(ENCODERS)), min_size=1, max_size=3)


def a_decoder(codings: list[str], family: str = "httpx") -> Decoder:
    """What undoes some codings."""
    found = decoder_of(codings, family)
    assert found is not None
    return found


def decoded(decoder: Decoder, *pieces: bytes) -> bytes:
    """All that some data stands for."""
    made = b"".join(made for piece in pieces for made in decoder.decode(piece))
    decoder.finish()
    return made


def encoded(data: bytes, chosen: list[str]) -> tuple[bytes, list[str]]:
    """Data in some codings, and their names."""
    for name in chosen:
        data = ENCODERS[name][1](data)
    return data, [ENCODERS[name][0] for name in chosen]


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None, max_examples=60)
@given(data=datas, chosen=names, cuts=st.lists(st.integers(0, 5000), max_size=5))
def test_the_same_bytes_come_out_however_they_are_cut(
    family: str, data: bytes, chosen: list[str], cuts: list[int]
) -> None:
    """Of every coding, and of several on top of one another."""
    body, codings = encoded(data, chosen)
    places = [0, *sorted(cuts), len(body)]
    pieces = [body[start:end] for start, end in pairwise(sorted(places))]
    assert decoded(a_decoder(codings, family), *pieces, body[max(places) :]) == data


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_one_byte_at_a_time(name: str, family: str) -> None:
    """Headers in pieces, too."""
    body, codings = encoded(b"some text, twice: some text", [name])
    pieces = [body[at : at + 1] for at in range(len(body))]
    expected = b"some text, twice: some text"
    assert decoded(a_decoder(codings, family), *pieces) == expected


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", sorted(set(ENCODERS) - {"gzip in members", "zstd in frames"}))
def test_every_cut_is_seen(name: str, family: str) -> None:
    """After each byte; without any there is nothing to cut."""
    body, codings = encoded(b"some text, twice: some text", [name])
    for end in range(1, len(body)):
        with pytest.raises(CutShortError):
            decoded(a_decoder(codings, family), body[:end])
    assert decoded(a_decoder(codings, family)) == b""
    assert decoded(a_decoder(codings, family), b"") == b""


@pytest.mark.parametrize(
    ("codings", "body"),
    [
        (["gzip"], gzip.compress(b"one") + gzip.compress(b"two")[:-5]),
        (["zstd"], zstandard.compress(b"one") + zstandard.compress(b"two" * 9)[:-5]),
        (["gzip", "gzip"], gzip.compress(gzip.compress(b"x" * 99)[:-3])),
        (["gzip", "br"], brotli.compress(gzip.compress(b"x" * 99))[:-3]),
    ],
    ids=["a second member", "a second frame", "an inner layer", "an outer layer"],
)
def test_a_cut_is_seen_wherever_it_is(codings: list[str], body: bytes) -> None:
    """Not only in the first and only stream."""
    with pytest.raises(CutShortError):
        decoded(a_decoder(codings), body)


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
@pytest.mark.parametrize("name", sorted(BEHIND))
def test_what_stands_behind_the_last_member_is_ignored(name: str, step: int) -> None:
    """Padding, and rubbish: as gzip, browsers and urllib3 do."""
    body = gzip.compress(b"one") + gzip.compress(b"two") + BEHIND[name]
    pieces = [body[at : at + step] for at in range(0, len(body), step)]
    assert decoded(a_decoder(["gzip"]), *pieces) == b"onetwo"


@pytest.mark.parametrize("step", [1, 2, 3, 10_000])
@pytest.mark.parametrize("zeros", [1, 5_000])
def test_a_member_behind_padding_is_read(zeros: int, step: int) -> None:
    """As Python's own reader does: what is left out would be a shorter answer."""
    body = gzip.compress(b"one") + bytes(zeros) + gzip.compress(b"two")
    pieces = [body[at : at + step] for at in range(0, len(body), step)]
    assert decoded(a_decoder(["gzip"]), *pieces) == b"onetwo"


@pytest.mark.parametrize("size", [1, 2, 5, 17])
def test_half_a_member_behind_another_is_cut_short(size: int) -> None:
    """From its first byte on."""
    body = gzip.compress(b"one") + gzip.compress(b"two")[:size]
    with pytest.raises(CutShortError):
        decoded(a_decoder(["gzip"]), body)


@pytest.mark.parametrize("inner", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("between", [[], ["br"]])
def test_nothing_within_something_is_cut_short(inner: str, between: list[str]) -> None:
    """An empty body that is packed twice is packed the first time, too."""
    body, codings = encoded(b"", [*between, "gzip"])
    with pytest.raises(CutShortError):
        decoded(a_decoder([inner, *codings]), body)
    assert decoded(a_decoder([inner, *codings])) == b""


def test_many_steps_that_make_nothing_are_told() -> None:
    """One after the other, for a deadline may pass between them; and each of them is short."""
    body = gzip.compress(gzip.compress(b"", mtime=0) * 5_000)
    steps = list(a_decoder(["gzip", "gzip"]).decode(body))
    assert len(steps) > 5_000
    assert not any(steps)


def test_zlib_copies_little_of_what_stands_behind_a_member(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be thousands of them in what came at once."""
    copied: list[int] = []
    decompressobj = zlib.decompressobj

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._inner = decompressobj(wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            made: bytes = self._inner.decompress(data, most)
            copied.append(len(self._inner.unused_data))
            return made

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    body = gzip.compress(b"", mtime=0) * 2_000
    assert decoded(a_decoder(["gzip"]), body) == b""
    assert sum(copied) < 100 * len(body)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_what_is_not_encoded_so_is_broken(coding: str, family: str) -> None:
    """From its first bytes on, or later."""
    body = b"\x1f\x8b\x08\0broken from here on" if coding == "gzip" else b"\xff" * 50
    with pytest.raises(BrokenError):
        decoded(a_decoder([coding], family), body, b"\xff" * 50)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "coding",
    ["gzip", "deflate", "br", "zstd", "gzip, gzip", "br, gzip", "zstd, br", "gzip, gzip, gzip"],
)
def test_a_bomb_is_unpacked_in_small_steps(coding: str, family: str) -> None:
    """No piece is large, and little more than a piece a layer is in memory at once."""
    body = bomb(coding, 20)
    decoder = a_decoder(coding.split(", "), family)
    list(decoder.decode(b""))  # what the libraries allocate once
    size = largest = 0
    tracemalloc.start()
    for piece in decoder.decode(body):
        size, largest = size + len(piece), max(largest, len(piece))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    decoder.finish()
    assert (size, largest) == (20 * MEBIBYTE, PIECE)
    assert peak < 2 * MEBIBYTE


def test_no_more_than_five_layers() -> None:
    """Each costs memory before it has made anything."""
    body, codings = encoded(b"x", ["gzip"] * 5)
    assert decoded(a_decoder(codings), body) == b"x"
    with pytest.raises(BrokenError, match="more than 5 content codings on top of one another"):
        decoder_of(["gzip"] * 6, "httpx")
    assert decoder_of([], "httpx") is None


def test_zstd_may_ask_for_no_large_window() -> None:
    """8 MiB is what RFC 9659 allows; a frame of some bytes could have 128 MiB set aside."""
    parameters = zstandard.ZstdCompressionParameters(window_log=25)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = compressor.compress(b"x" * 100) + compressor.flush()
    for family in FAMILIES:
        with pytest.raises(BrokenError):
            decoded(a_decoder(["zstd"], family), body)


def test_an_old_brotli_is_given_single_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before 1.2 it could not be asked for a bounded number."""
    given: list[int] = []
    new = brotli.Decompressor

    class Old:
        def __init__(self) -> None:
            self._new = new()

        def process(self, data: bytes) -> bytes:
            given.append(len(data))
            made: bytes = self._new.process(data)
            return made

        def is_finished(self) -> Any:
            return self._new.is_finished()

    monkeypatch.setattr(brotli, "Decompressor", Old)
    assert decoded(a_decoder(["br"]), brotli.compress(b"some text")) == b"some text"
    assert max(given) == 1
