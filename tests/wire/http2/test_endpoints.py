"""Several endpoints that speak HTTP/2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.wire.http2.conftest import check_all_is_gone, check_all_went_back, config_for

if TYPE_CHECKING:
    from tests.wire.http2.conftest import Speak
    from tests.wire.http2_server import Peer
    from tests.wire.twins import Twin


def serves(peer: Peer) -> None:
    """Answer each request with its target."""
    peer.serve()


async def test_each_has_its_connection(twin: Twin, speak: Speak) -> None:
    """And streams on it count until they are closed."""
    one, other = speak(serves), speak(serves)
    config = config_for(one)
    config = config.merged(
        base_url="",
        endpoints=[config.base_url, config_for(other).base_url],
        balancing={"policy": "round_robin"},
    )
    async with twin.client(config) as client:
        for _ in range(4):
            assert (await client.get("/x")).text == "/x"
        assert (one.tcp.accepted, other.tcp.accepted) == (1, 1)
        async with client.stream("GET", "/x") as response:
            assert response.extensions["http_version"] == b"HTTP/2"
            out = [each.outstanding for each in client.stats().endpoints.values()]
            assert sorted(out) == [0, 1]
        assert {each.outstanding for each in client.stats().endpoints.values()} == {0}
        await check_all_went_back(twin, client, one)
    await check_all_is_gone(twin, one)
    await check_all_is_gone(twin, other)
