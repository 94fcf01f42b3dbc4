"""Every attempt sends identical bytes, or there is no further attempt."""

import io
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from typing import IO, Any

import httpx
import pytest

from client import APINetworkError, InvalidRequestError, ServiceUnavailableError
from tests.behaviour.twins import ONLY_ASYNCIO, ONLY_BLOCKING
from tests.behaviour.wire import Answer
from tests.behaviour.world import World

LARGE = os.urandom(200_000)
REDIRECT = Answer(307, headers={"Location": "/there"})


class Pipe:
    """What can only be read, and only once."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        return self._file.read(size)


class Unseekable(io.BytesIO):
    """Has the methods of a file and says that they do not work."""

    def seekable(self) -> bool:
        """Say so."""
        return False

    def seek(self, offset: int, whence: int = 0) -> int:
        """Refuse, as a pipe does."""
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        """Refuse, as a pipe does."""
        raise io.UnsupportedOperation("tell")


class AsyncPipe:
    """An async file: nothing but `aread`."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)

    async def aread(self, size: int = -1) -> bytes:
        """Read on."""
        return self._file.read(size)


def standing(file: IO[bytes], position: int) -> IO[bytes]:
    """A file that somebody has read from before."""
    file.seek(position)
    return file


def on_disk() -> IO[bytes]:
    """A real file."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the test
    file.write(LARGE)
    file.seek(0)
    return file


REPLAYED: dict[str, tuple[Callable[[], dict[str, Any]], bytes]] = {
    "bytes": (lambda: {"content": b"abc"}, b"abc"),
    "text": (lambda: {"content": "äbc"}, "äbc".encode()),
    "json": (lambda: {"json": {"a": [1, None]}}, b'{"a":[1,null]}'),
    "form": (lambda: {"data": {"a": "1", "b": "x y"}}, b"a=1&b=x+y"),
    "BytesIO": (lambda: {"content": io.BytesIO(LARGE)}, LARGE),
    "BytesIO in the middle": (lambda: {"content": standing(io.BytesIO(b"abcdef"), 4)}, b"ef"),
    "file": (lambda: {"content": on_disk()}, LARGE),
    "file in the middle": (lambda: {"content": standing(on_disk(), 150_000)}, LARGE[150_000:]),
    "file at its end": (lambda: {"content": standing(io.BytesIO(b"abc"), 3)}, b""),
    "file beyond its end": (lambda: {"content": standing(io.BytesIO(b"abc"), 9)}, b""),
    "nothing": (dict, b""),
    "none": (lambda: {"content": None, "files": None}, b""),
}


@pytest.mark.parametrize("kind", REPLAYED)
async def test_what_can_be_replayed_is_identical(world: World, kind: str) -> None:
    """Three attempts and a redirect, four times the same bytes under the same headers."""
    make, expected = REPLAYED[kind]
    client = world.client([503, httpx.ReadError, REDIRECT, 200])
    options = make()
    await client.post(**options)
    assert client.wire.bodies == [expected] * 4
    lengths = {arrival.request.headers.get("Content-Length") for arrival in client.wire.arrivals}
    assert lengths == {str(len(expected))}
    if hasattr(options.get("content"), "close"):
        options["content"].close()


@ONLY_BLOCKING
async def test_a_list_is_replayed(world: World) -> None:
    """As `httpx.Client` does it; an async client takes no plain iterables."""
    client = world.client([503, REDIRECT, 200])
    await client.post(content=[b"a", b"b"])
    assert client.wire.bodies == [b"ab"] * 3


async def test_a_file_is_left_to_its_owner(world: World) -> None:
    """Open, and announced with its length, which no chunks are mixed into."""
    client = world.client(200)
    file = io.BytesIO(b"abcdef")
    await client.post(content=file)
    assert not file.closed
    assert "Transfer-Encoding" not in client.wire.last.headers
    await client.post(content=standing(file, 1), headers={"content-length": "5"})
    assert client.wire.last.headers.get_list("Content-Length") == ["5"]


@pytest.mark.parametrize(
    "files",
    [
        {"part": b"abc"},
        {"part": ("name.txt", b"abc", "text/plain")},
        {"part": io.BytesIO(b"abc")},
        [("part", ("a", io.BytesIO(b"abc"))), ("part", b"def")],
    ],
    ids=["bytes", "tuple", "BytesIO", "pairs"],
)
async def test_a_multipart_body_is_identical(world: World, files: object) -> None:
    """Also its boundary, which httpx would draw anew for each attempt."""
    client = world.client([503, httpx.ReadError, REDIRECT, 200, 200])
    await client.post(files=files, data={"field": "1"})
    bodies = client.wire.bodies
    assert len(set(bodies)) == 1
    assert bodies[0] is not None
    assert b"abc" in bodies[0]
    types = {arrival.request.headers["Content-Type"] for arrival in client.wire.arrivals}
    (content_type,) = types
    boundary = re.fullmatch("multipart/form-data; boundary=([0-9a-f]{32})", content_type)
    assert boundary is not None
    assert bodies[0].startswith(f"--{boundary[1]}\r\n".encode())
    await client.post(files=files)
    assert client.wire.last.headers["Content-Type"] != content_type


async def test_the_callers_own_boundary_stands(world: World) -> None:
    """Where it was given as a header."""
    client = world.client([503, 200])
    headers = {"content-type": "multipart/form-data; boundary=mine"}
    await client.post(files={"part": b"abc"}, headers=headers)
    first, second = client.wire.bodies
    assert first == second
    assert first is not None
    assert first.startswith(b"--mine\r\n")


@pytest.mark.parametrize(
    "given",
    [
        "multipart/form-data",
        pytest.param(b"multipart/form-data", id="bytes"),
        "multipart/form-data;",
        "multipart/form-data; charset=utf-8",
        "Multipart/Form-Data",
        "Multipart/Form-Data; Boundary=mine",
    ],
)
async def test_a_type_without_a_boundary_is_given_one(world: World, given: Any) -> None:
    """Header and body agree, and every attempt sends the same."""
    client = world.client([503, httpx.ReadError, REDIRECT, 200])
    await client.post(files={"part": b"abc"}, headers={"content-type": given})
    assert len(set(client.wire.bodies)) == 1
    body = client.wire.bodies[0]
    assert body is not None
    (content_type,) = {each.request.headers["Content-Type"] for each in client.wire.arrivals}
    form = r"multipart/form-data;(?: charset=utf-8;)? [Bb]oundary=(\w+)"
    found = re.fullmatch(form, content_type)
    assert found is not None
    assert body.startswith(f"--{found[1]}\r\n".encode())


async def test_a_form_under_another_type_is_sent_once(world: World) -> None:
    """Its boundary is drawn anew each time, and written nowhere."""
    client = world.client([503, 200])
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.post(files={"part": b"abc"}, headers={"Content-Type": "multipart/mixed"})
    assert caught.value.attempts == 1
    assert client.wire.last.headers["Content-Type"] == "multipart/mixed"


def generated() -> Iterator[bytes]:
    """A body that is made while it is sent."""
    yield b"abc"
    yield LARGE


async def async_generated() -> AsyncIterator[bytes]:
    """The same for an async client."""
    yield b"abc"
    yield LARGE


WHOLE = b"abc" + LARGE


def read_once(world: World, kind: str) -> object:
    """A body that can be read only once."""
    if kind == "pipe":
        return Pipe(WHOLE)
    if kind == "unseekable":
        return Unseekable(WHOLE)
    return async_generated() if world.is_async else generated()


ONCE = pytest.mark.parametrize("kind", ["generator", "pipe", "unseekable"])


@ONLY_ASYNCIO
async def test_an_async_file_is_sent_once(world: World) -> None:
    """One that has `aread`, as those of `httpx.AsyncByteStream`'s kind do."""
    client = world.client([httpx.ConnectError, 503])
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.post(content=AsyncPipe(WHOLE))
    assert client.wire.bodies == [None, WHOLE]
    assert caught.value.attempts == 2


@ONCE
async def test_what_was_not_begun_can_be_sent_again(world: World, kind: str) -> None:
    """As long as nothing has been taken from it."""
    client = world.client([httpx.ConnectError, httpx.ConnectTimeout, 200])
    await client.post(content=read_once(world, kind))
    assert client.wire.bodies == [None, None, WHOLE]


@ONCE
@pytest.mark.parametrize("failure", [503, httpx.ReadError], ids=["status", "error"])
async def test_what_was_begun_is_not_sent_again(world: World, kind: str, failure: object) -> None:
    """The operation fails at once, with the error in hand."""
    client = world.client([failure])
    with pytest.raises((ServiceUnavailableError, APINetworkError)) as caught:
        await client.post(content=read_once(world, kind))
    assert caught.value.attempts == 1
    assert client.wire.bodies == [WHOLE]
    assert world.now() == 1000


@ONCE
async def test_a_redirect_does_not_send_it_empty(world: World, kind: str) -> None:
    """What would need it again is refused, saying why."""
    client = world.client([REDIRECT, 200])
    with pytest.raises(
        InvalidRequestError, match="can be read only once, and a redirect"
    ) as caught:
        await client.post(content=read_once(world, kind))
    assert client.wire.bodies == [WHOLE, None]
    assert caught.value.request_sent is True


async def test_a_redirect_that_needs_no_body_is_followed(world: World) -> None:
    """As after a 303."""
    client = world.client([Answer(303, headers={"Location": "/there"}), 200])
    await client.post(content=read_once(world, "generator"))
    assert client.wire.bodies == [WHOLE, b""]
    assert client.wire.last.method == "GET"


async def test_an_upload_by_data_is_watched_too(world: World) -> None:
    """The older name of `content`, with the warning that httpx gives."""
    client = world.client([503])
    with (
        pytest.warns(DeprecationWarning, match="content="),
        pytest.raises(ServiceUnavailableError) as caught,
    ):
        await client.post(data=read_once(world, "generator"))
    assert caught.value.attempts == 1
    assert client.wire.bodies == [WHOLE]


PARTS: dict[str, Callable[[], object]] = {
    "pipe": lambda: Pipe(b"abc"),
    "unseekable": lambda: Unseekable(b"abc"),
    "tuple": lambda: ("name", Pipe(b"abc"), "text/plain"),
}


@pytest.mark.parametrize("kind", PARTS)
async def test_a_part_that_can_be_read_once(world: World, kind: str) -> None:
    """It is retried while nothing was taken from it, and then never again."""
    client = world.client([httpx.ConnectError, 503])
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.post(files={"part": PARTS[kind]()})
    assert caught.value.attempts == 2
    first, second = client.wire.bodies
    assert first is None
    assert second is not None
    assert b"\r\n\r\nabc\r\n" in second


@pytest.mark.parametrize("kind", PARTS)
async def test_a_redirect_does_not_send_a_part_empty(world: World, kind: str) -> None:
    """It is refused."""
    client = world.client([REDIRECT, 200])
    with pytest.raises(InvalidRequestError, match="can be read only once"):
        await client.post(files={"other": b"x", "part": PARTS[kind]()})
    assert client.wire.bodies[1] is None


async def test_a_part_keeps_its_name(world: World) -> None:
    """The file's own, as httpx sends it."""
    part: Any = Pipe(b"abc")
    part.name = "/tmp/report.csv"  # noqa: S108 - no file
    client = world.client(200)
    await client.post(files={"part": part})
    body = client.wire.bodies[0]
    assert body is not None
    assert b'filename="report.csv"' in body
    assert b"Content-Type: text/csv" in body


async def test_a_body_whose_making_fails_is_the_callers_bug(world: World) -> None:
    """It passes untouched and is not retried."""

    def failing() -> Iterator[bytes]:
        yield b"abc"
        raise LookupError("bug")

    async def failing_async() -> AsyncIterator[bytes]:
        yield b"abc"
        raise LookupError("bug")

    client = world.client([200])
    with pytest.raises(LookupError, match="bug"):
        await client.post(content=failing_async() if world.is_async else failing())
    assert client.wire.bodies == [None]
