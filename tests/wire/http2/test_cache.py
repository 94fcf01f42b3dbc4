"""The cache over HTTP/2: what is kept of a stream, and what becomes of one that ends in a 304."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.wire.http2.conftest import config_for
from tests.wire.twins import check_all_is_back

if TYPE_CHECKING:
    from tests.wire.http2.conftest import Speak
    from tests.wire.http2_server import Peer
    from tests.wire.twins import Twin

TAG = ("etag", '"one"')


def tagged(peer: Peer) -> None:
    """Answer with what is to be asked about each time, and with 304 to who asks."""
    index = 0
    while True:
        exchange = peer.request(index)
        if any(name == "if-none-match" for name, _ in exchange.headers):
            peer.head(exchange, "304", TAG, end=True)
        else:
            peer.head(exchange, "200", TAG, ("cache-control", "max-age=0"))
            peer.data(exchange, b"hello", end=True)
        index += 1


async def test_a_kept_answer_says_that_it_came_by_http2(speak: Speak, twin: Twin) -> None:
    """And the connection goes on after a 304, streamed or not."""
    server = speak(tagged)
    async with twin.client(config_for(server, cache={})) as client:
        for status in ("miss", "revalidated", "revalidated"):
            response = await client.get("/")
            assert (response.text, response.extensions["cache"].status) == ("hello", status)
            assert (response.http_version, response.status_code) == ("HTTP/2", 200)
            async with client.stream("GET", "/") as streamed:
                assert await twin.read(streamed) == b"hello"
        check_all_is_back(client)
        assert server.resets() == [None] * 6
        assert server.tcp.accepted == 1
