"""HTTP/2 through an httpx client that somebody else made, whose connections are httpcore's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

import client.httpx2
from client import APINetworkError, ClientConfig
from tests.wire.http2.test_servers import answers_unasked, pushes

if TYPE_CHECKING:
    from tests.wire.http2.conftest import Speak
    from tests.wire.http2_server import Peer, PeerScript

FAMILIES = pytest.mark.parametrize(
    ("ours", "theirs"), [(client, httpx), (client.httpx2, httpx2)], ids=["httpx", "httpx2"]
)


def has_no_status(peer: Peer) -> None:
    """Answer with a status that is no number."""
    peer.head(peer.request(0), "abc", end=True)
    peer.stall()


@FAMILIES
@pytest.mark.parametrize("script", [answers_unasked, pushes, has_no_status])
def test_what_the_server_does_wrong_is_not_called_unsent(
    speak: Speak, ours: Any, theirs: Any, script: PeerScript
) -> None:
    """Though httpx calls some of it a fault of the request's."""
    server = speak(script)
    plain = ClientConfig(base_url=server.url, retry=None)

    async def story() -> None:
        async with theirs.AsyncClient(http2=True) as made:
            facade = ours.ResilientClient(plain, http_client=made)
            with pytest.raises(APINetworkError) as failed:
                await facade.get(server.url)
            assert failed.value.request_sent is True
            await facade.close()

    asyncio.run(story())
    with theirs.Client(http2=True) as made:
        facade = ours.SyncResilientClient(plain, http_client=made)
        with pytest.raises(APINetworkError) as failed:
            facade.get(server.url)
        assert failed.value.request_sent is True
        facade.close()
