"""Packed answers to the drop-in: whole or a failure, as with the facade."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from tests.codings import ENCODERS, MEBIBYTE, bomb
from tests.drop_in.kits import URL
from tests.drop_in.test_transports import behind
from tests.drop_in.wire import Reply

if TYPE_CHECKING:
    from tests.drop_in.kits import Kit

TEXT = b"some text, twice: some text"


def packed(coding: str, body: bytes, status: int = 200) -> Any:
    """An answer in some coding."""
    return Reply(status, (body,), {"Content-Encoding": coding})


@pytest.mark.parametrize("name", sorted(ENCODERS))
async def test_each_coding_is_undone(kit: Kit, name: str) -> None:
    """Whole, every member of it."""
    coding, encode = ENCODERS[name]
    assert (await kit.client(packed(coding, encode(TEXT))).get(URL)).content == TEXT


async def test_a_packed_body_that_is_cut_short_is_tried_again(kit: Kit) -> None:
    """As one that is cut short on the wire; what outlives its retries is httpx's own error."""
    cut = packed("gzip", gzip.compress(TEXT)[:-1])
    client = kit.client(cut, packed("gzip", gzip.compress(TEXT)))
    assert (await client.get(URL)).content == TEXT
    client = kit.client(cut, max_retries=1)
    with pytest.raises(kit.module.RemoteProtocolError, match="ends before its end") as caught:
        await client.get(URL)
    assert caught.value.__notes__[0].startswith("2 attempts were made")
    assert caught.value.request.url == URL


async def test_what_is_broken_is_httpx_s_own_error(kit: Kit) -> None:
    """And is not tried again."""
    client = kit.client(packed("gzip", b"no such thing"))
    with pytest.raises(kit.module.DecodingError):
        await client.get(URL)
    assert len(client._transport.arrivals) == 1


async def test_a_large_answer_is_unpacked_as_with_httpx(kit: Kit) -> None:
    """Nobody has asked for a limit."""
    response = await kit.client(packed("gzip, gzip", bomb("gzip, gzip", 10))).get(URL)
    assert len(response.content) == 10 * MEBIBYTE


async def test_a_transport_undoes_them_too(kit: Kit) -> None:
    """For the client of httpx's that reads the answer."""
    members = ENCODERS["gzip in members"][1]
    client = behind(kit, packed("gzip", members(TEXT)))
    assert (await client.get(URL)).content == TEXT
