"""A request never says twice how long its body is, whatever the caller gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

import client
import client.httpx2
from client import InvalidRequestError
from tests.wire.twins import outcome_of, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection
    from tests.wire.twins import Twin

FAMILIES: dict[str, tuple[Any, Any]] = {
    "httpx": (httpx, client),
    "httpx2": (httpx2, client.httpx2),
}
CHUNKS = ("Transfer-Encoding", "chunked")
# What the caller gives, and what leaves: the length, the coding.
CASES: list[tuple[list[tuple[str, str]], tuple[str | None, str | None]]] = [
    ([], ("3", None)),
    ([CHUNKS], (None, "chunked")),  # httpx adds the length
    ([CHUNKS, ("Content-Length", "3")], (None, "chunked")),
    ([("content-length", "3"), CHUNKS], (None, "chunked")),
    ([("CONTENT-LENGTH", "99"), ("TRANSFER-ENCODING", "chunked")], (None, "chunked")),
    ([("Content-Length", "3"), ("Content-Length", "3"), CHUNKS], (None, "chunked")),
    ([("Content-Length", "3"), ("Content-Length", "3")], ("3", None)),
]
REFUSED: list[list[tuple[str, str]]] = [
    [CHUNKS, CHUNKS],
    [("Transfer-Encoding", "gzip, chunked")],
    [("Transfer-Encoding", "identity"), ("Content-Length", "3")],
    [("Transfer-Encoding", ""), ("Content-Length", "3")],
    [("Content-Length", "3"), ("Content-Length", "4")],
]


def listens(connection: Connection) -> None:
    """Answer each request as it was understood by its length or by its chunks."""
    while True:
        connection.answer(body=connection.read_request().body)


def framed(server: Any) -> list[tuple[str | None, str | None]]:
    """How the requests that came were framed."""
    names = ("content-length", "transfer-encoding")
    return [tuple(each.headers.get(name) for name in names) for each in server.requests]


@pytest.mark.parametrize(("headers", "sent"), CASES, ids=range(len(CASES)))
async def test_bytes(
    twin: Twin, serve: Serve, headers: list[tuple[str, str]], sent: tuple[str | None, str | None]
) -> None:
    """Whoever asks for chunks gets chunks, and no length besides."""
    server = serve(listens)
    async with twin.client(settings(server.url)) as client:
        for method in ("POST", "GET"):  # the second over the same connection
            response = await client.request(method, "/", content=b"abc", headers=headers)
            assert response.content == b"abc"
    assert framed(server) == [sent, sent]


@pytest.mark.parametrize("length", ["6", "7"])
async def test_a_generator(twin: Twin, serve: Serve, length: str) -> None:
    """Its length is not known, so that a wrong one beside the chunks does no harm."""
    server = serve(listens)

    def pieces() -> Iterator[bytes]:
        yield from (b"abc", b"def")

    async def pieces_async() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    async with twin.client(settings(server.url)) as client:
        body = pieces_async() if twin.is_async else pieces()
        headers = {"Content-Length": length, "Transfer-Encoding": "chunked"}
        response = await client.request("POST", "/", content=body, headers=headers)
        assert response.content == b"abcdef"
    assert framed(server) == [(None, "chunked")]


@pytest.mark.parametrize("headers", REFUSED, ids=range(len(REFUSED)))
async def test_what_cannot_be_understood(
    twin: Twin, serve: Serve, headers: list[tuple[str, str]]
) -> None:
    """It is refused as httpx refuses it, and nothing is sent."""
    server = serve(listens)
    async with twin.client(settings(server.url)) as client:
        with pytest.raises(InvalidRequestError) as failed:
            await client.request("POST", "/", content=b"abc", headers=headers)
        assert (failed.value.attempts, failed.value.request_sent) == (1, False)
    assert server.requests == []


BLOCKING: dict[str, Callable[[Any, Any], Any]] = {
    "client": lambda _, ours: ours.Client(),
    "transport": lambda module, ours: module.Client(transport=ours.ResilientTransport()),
}
ASYNC: dict[str, Callable[[Any, Any], Any]] = {
    "client": lambda _, ours: ours.AsyncClient(),
    "transport": lambda module, ours: module.AsyncClient(transport=ours.AsyncResilientTransport()),
    "fast": lambda module, ours: module.AsyncClient(transport=ours.AiohttpTransport()),
}
BOTH = [CHUNKS, ("Content-Length", "3")]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("made", BLOCKING)
def test_in_place_of_httpx(serve: Serve, made: str, family: str) -> None:
    """Clients and transports of both families do the same, also for a built request."""
    module, ours = FAMILIES[family]
    server = serve(listens)
    with BLOCKING[made](module, ours) as http:
        assert http.post(server.url, content=b"abc", headers=BOTH).content == b"abc"
        request = http.build_request("POST", server.url, content=b"abc")
        request.headers["Transfer-Encoding"] = "chunked"
        assert http.send(request).content == b"abc"
        with pytest.raises(module.LocalProtocolError):
            http.post(server.url, content=b"abc", headers=REFUSED[0])
    assert framed(server) == [(None, "chunked")] * 2


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("made", ASYNC)
async def test_in_place_of_async_httpx(serve: Serve, made: str, family: str) -> None:
    """The same, async."""
    module, ours = FAMILIES[family]
    server = serve(listens)
    async with ASYNC[made](module, ours) as http:
        assert (await http.post(server.url, content=b"abc", headers=BOTH)).content == b"abc"
        request = http.build_request("POST", server.url, content=b"abc")
        request.headers["Transfer-Encoding"] = "chunked"
        assert (await http.send(request)).content == b"abc"
        error = await outcome_of(http.post(server.url, content=b"abc", headers=REFUSED[0]))
        assert isinstance(error, module.LocalProtocolError)
    assert framed(server) == [(None, "chunked")] * 2
