"""Large bodies arrive as they were sent, in both directions, also when it takes a retry."""

from __future__ import annotations

import hashlib
import io
import random
from typing import TYPE_CHECKING, Any

import pytest

from client import ServerError
from tests.wire.scripted_server import Connection, head
from tests.wire.twins import check_all_is_back, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from server.testing import FailureServer
    from tests.wire.conftest import Serve
    from tests.wire.twins import Twin

CONTENT = random.Random(1).randbytes(900_000)  # noqa: S311 - the same in each run
SKIPPED = 1234


def as_bytes(path: Path, *, is_async: bool) -> dict[str, Any]:
    """All of it in memory."""
    return {"content": CONTENT}


def as_file(path: Path, *, is_async: bool) -> dict[str, Any]:
    """An open file that stands at its beginning."""
    return {"content": path.open("rb")}


def as_file_from_a_position(path: Path, *, is_async: bool) -> dict[str, Any]:
    """An open file of which some has been read before."""
    file = path.open("rb")
    file.seek(SKIPPED)
    return {"content": file}


def as_multipart(path: Path, *, is_async: bool) -> dict[str, Any]:
    """A form with a file in it."""
    return {"files": {"file": ("name", path.open("rb"))}, "data": {"field": "value"}}


def as_chunks(path: Path, *, is_async: bool) -> dict[str, Any]:
    """An iterable that can be read again, as its length tells."""
    return {"content": AsyncChunks() if is_async else Chunks()}


class Chunks:
    """The content bit by bit."""

    def __len__(self) -> int:
        """Count the bits."""
        return len(range(0, len(CONTENT), 50_000))

    def __iter__(self) -> Iterator[bytes]:
        """Begin anew."""
        for start in range(0, len(CONTENT), 50_000):
            yield CONTENT[start : start + 50_000]


class AsyncChunks:
    """The same for the async twin."""

    def __len__(self) -> int:
        """Count the bits."""
        return len(range(0, len(CONTENT), 50_000))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Begin anew."""
        for chunk in Chunks():
            yield chunk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that holds the content."""
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (as_bytes, CONTENT),
        (as_file, CONTENT),
        (as_file_from_a_position, CONTENT[SKIPPED:]),
        (as_chunks, CONTENT),
        (as_multipart, None),
    ],
)
async def test_an_upload_is_the_same_in_each_attempt(
    twin: Twin,
    failure_server: FailureServer,
    path: Path,
    body: Callable[..., dict[str, Any]],
    expected: bytes | None,
) -> None:
    """The server saw three attempts and one body."""
    failure_server.fail_count(2)
    options = body(path, is_async=twin.is_async)
    async with twin.client(settings(failure_server.url, timeout={"total": 10})) as client:
        response = await client.request("POST", "/msg", request_id="upload", **options)
        check_all_is_back(client)
    close_files(options)
    entry = failure_server.ledger().requests["upload"]
    assert (entry.arrived, entry.took_effect) == (3, 1)
    assert entry.bodies == (response.json()["body_sha256"],)
    if expected is not None:
        assert entry.bodies == (hashlib.sha256(expected).hexdigest(),)
        assert response.json()["body_bytes"] == len(expected)


def close_files(options: dict[str, Any]) -> None:
    """Close what a test has opened."""
    for value in (options.get("content"), *options.get("files", {}).values()):
        file = value[1] if isinstance(value, tuple) else value
        if isinstance(file, io.IOBase):
            file.close()


async def test_an_upload_cut_off_half_way_is_sent_again(twin: Twin, serve: Serve) -> None:
    """From its beginning, on another connection."""

    def hangs_up(connection: Connection) -> None:
        connection.sock.recv(1000)
        connection.reset()

    def takes(connection: Connection) -> None:
        connection.read_request()
        connection.answer(body=b"ok")

    server = serve(hangs_up, takes)
    async with twin.client(settings(server.url)) as client:
        response = await client.request("POST", "/", content=CONTENT * 5)
        assert response.extensions["resilience"].attempts == 2
        check_all_is_back(client)
    assert [request.body == CONTENT * 5 for request in server.requests] == [True]


async def test_what_can_be_read_once_is_sent_once(
    twin: Twin, failure_server: FailureServer
) -> None:
    """A retry that would need it again fails with the error in hand, never with an empty body."""
    failure_server.fail_count(1)

    async def once_async() -> AsyncIterator[bytes]:
        yield CONTENT

    once = once_async() if twin.is_async else iter([CONTENT])
    async with twin.client(settings(failure_server.url)) as client:
        with pytest.raises(ServerError) as failed:
            await client.request("POST", "/msg", request_id="once", content=once)
        assert failed.value.attempts == 1
        check_all_is_back(client)
    entry = failure_server.ledger().requests["once"]
    assert (entry.arrived, entry.bodies) == (1, (hashlib.sha256(CONTENT).hexdigest(),))


@pytest.mark.parametrize("deadline", [None, 10.0])
async def test_a_download_is_whole(twin: Twin, serve: Serve, deadline: float | None) -> None:
    """Also where the first attempt broke off in the middle of it, and where it is streamed."""
    content = CONTENT * 4

    def breaks_off(connection: Connection) -> None:
        connection.read_request()
        connection.send(head(content_length=str(len(content))) + content[:1_000_000])

    def sends_all(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.answer(body=content)

    server = serve(breaks_off, sends_all)
    async with twin.client(settings(server.url)) as client:
        response = await client.get("/", deadline=deadline)
        assert response.extensions["resilience"].attempts == 2
        assert response.content == content
        async with client.stream("GET", "/", deadline=deadline) as streamed:
            parts = [part async for part in twin.chunks(streamed)]
        assert b"".join(parts) == content
        assert len(parts) > 10
        check_all_is_back(client)
