"""Long unpacking lets others run, and can be ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client.http.bodies.response_decoding import Decoding, _is_there
from client.http.family import family_named
from tests.codings import bomb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in one piece, for either world."""

    def __iter__(self) -> Iterator[bytes]:
        yield bomb("gzip")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield bomb("gzip")


class Pauses:
    """Counts the pauses, and raises at the tenth."""

    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        """Pause."""
        self.count += 1
        if self.count == 10:
            raise TimeoutError


def installed(pauses: Any) -> httpx.Response:
    """A packed answer that will be unpacked here."""
    response = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Body())
    assert Decoding(family_named("httpx"), pauses).install(response)
    return response


def test_it_pauses_after_each_mebibyte() -> None:
    """And what the pause raises ends it: at the tenth mebibyte of a hundred."""
    for_blocking, for_async = Pauses(), Pauses()
    received: list[int] = []
    with pytest.raises(TimeoutError):
        received.extend(map(len, installed(for_blocking).iter_bytes()))
    assert for_blocking.count == 10
    assert 9 * 2**20 <= sum(received) <= 10 * 2**20
    with pytest.raises(TimeoutError):
        asyncio.run(installed(for_async).aread())
    assert for_async.count == 10


def test_what_is_not_packed_or_read_is_left_alone() -> None:
    """It costs nothing."""
    decoding = Decoding(family_named("httpx"), Pauses())
    plain = httpx.Response(200, content=b"x")
    assert not decoding.install(plain)
    read = httpx.Response(200, headers={"Content-Encoding": "identity"}, content=b"x")
    assert decoding.install(read)
    assert "iter_bytes" not in vars(plain) | vars(read)
    stand_in: Any = object()
    assert not decoding.install(stand_in)


def test_a_package_is_looked_for_before_its_coding_is_undone() -> None:
    """Also where the package around it is not there; httpx leaves such bodies as they are."""
    found = [_is_there(name) for name in ("zlib", "no_such", "no_such.zstd", "email.no_such")]
    assert found == [True, False, False, False]
