"""What goes out: what HTTP/1.1 refuses to send, HTTP/2 refuses with the same error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import InvalidRequestError
from tests.wire.http2.conftest import check_all_is_gone, check_all_went_back, config_for
from tests.wire.http2_server import Peer
from tests.wire.scripts import healthy
from tests.wire.twins import settings

if TYPE_CHECKING:
    from tests.wire.conftest import Serve
    from tests.wire.http2.conftest import Speak
    from tests.wire.twins import Twin

EVIL = "v\r\nx-evil: 1"
REFUSED: dict[str, dict[str, Any]] = {
    "CR LF in a value": {"headers": {"x-a": EVIL}},
    "LF in a value": {"headers": {"x-a": "v\nx"}},
    "CR in a value": {"headers": {"x-a": "v\rx"}},
    "NUL in a value": {"headers": {"x-a": "v\0x"}},
    "form feed in a value": {"headers": {"x-a": "v\fx"}},
    "space around a value": {"headers": {"x-a": " v"}},
    "CR LF in a name": {"headers": {"x-a\r\nx-evil": "1"}},
    "space in a name": {"headers": {"x a": "1"}},
    "colon before a name": {"headers": {":path": "/other"}},
    "no name": {"headers": {"": "1"}},
    "CR LF in Host": {"headers": {"Host": EVIL}},
    "two Hosts": {"headers": [("Host", "a"), ("Host", "b")]},
    "CR LF in a cookie": {"headers": {"Cookie": "a=" + EVIL}},
    "no length": {"headers": {"Content-Length": "x"}, "content": b"x"},
    "two lengths": {"headers": [("Content-Length", "1"), ("Content-Length", "2")], "content": b"x"},
    "unknown coding": {"headers": {"Transfer-Encoding": "gzip"}, "content": b"x"},
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused(twin: Twin, speak: Speak, serve: Serve, name: str) -> None:
    """By both, as never sent; of HTTP/2 the connection stands as if nothing had been."""
    server, old = speak(Peer.serve), serve(healthy)
    errors = []
    for config in (config_for(server), settings(old.url)):
        async with twin.client(config) as client:
            await client.get("/")
            with pytest.raises(InvalidRequestError) as failed:
                await client.request("POST", "/", **REFUSED[name])
            errors.append((failed.value.request_sent, failed.value.attempts))
            assert (await client.get("/")).text == "ok"
            assert client.stats().attempts == 3
    assert errors == [(False, 1)] * 2
    assert len(server.peers[0].exchanges) == len(old.requests) == 2
    assert server.tcp.accepted == 1
    await check_all_is_gone(twin, server)


async def test_what_is_left_out(twin: Twin, speak: Speak) -> None:
    """What speaks of a connection, as HTTP/1.1 clients do; the length of a body in chunks too."""
    server = speak(Peer.serve)
    async with twin.client(config_for(server)) as client:
        headers = {
            "Connection": "x, close",
            "Keep-Alive": "timeout=5",
            "Proxy-Connection": "keep-alive",
            "Upgrade": "h2c",
            "TE": "gzip",
            "Transfer-Encoding": "chunked",
            "Content-Length": "7",
            "X-Kept": "1",
        }
        answer = await client.request("POST", "/up", content=b"x", headers=headers)
        assert answer.content == b"/upx"
        await client.get("/", headers={"TE": "trailers"})
        sent = [dict(each.headers) for each in server.peers[0].exchanges.values()]
        names = {
            "connection",
            "keep-alive",
            "proxy-connection",
            "upgrade",
            "te",
            "transfer-encoding",
            "content-length",
        }
        assert names & sent[0].keys() == set()
        assert (sent[0]["x-kept"], sent[1]["te"]) == ("1", "trailers")
        authority = server.url.removeprefix("https://")
        assert (sent[0][":method"], sent[0][":path"]) == ("POST", "/up")
        assert (sent[0][":scheme"], sent[0][":authority"]) == ("https", authority)


@pytest.mark.parametrize("length", [3, 30])
async def test_a_body_of_another_length_than_its_header_says(
    twin: Twin, speak: Speak, length: int
) -> None:
    """Ends its stream, some of which was sent, and nothing else."""
    server = speak(Peer.serve)
    async with twin.client(config_for(server)) as client:
        await client.get("/")
        with pytest.raises(InvalidRequestError) as failed:
            await client.request(
                "POST", "/", content=b"x" * 10, headers={"Content-Length": str(length)}
            )
        assert failed.value.request_sent is True
        assert (await client.get("/")).text == "ok"
        assert server.resets() == [None, 8, None]
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)
