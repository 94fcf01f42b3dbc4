"""Every attempt sends the same body, or there is no further attempt."""

import io
import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.drop_in.kits import URL, Face, Kit

BODIES: dict[str, dict[str, Any]] = {
    "none": {},
    "bytes": {"content": b"abc"},
    "text": {"content": "äbc"},
    "json": {"json": {"a": [1, 2]}},
    "form": {"data": {"a": "b", "c": ["d", "e"]}},
    "multipart": {"files": {"f": ("n.txt", b"abc", "text/plain")}, "data": {"a": "b"}},
}


def bodies(client: Face) -> list[bytes]:
    """What was sent, attempt by attempt."""
    return [arrival.body for arrival in client._transport.arrivals]


class Once(io.RawIOBase):
    """A file that cannot be rewound."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some of it."""
        taken, self._content = self._content[: len(buffer)], self._content[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_in_memory_is_sent_again(kit: Kit, name: str) -> None:
    """Byte for byte, with the boundary of a multipart form."""
    client = kit.client(503, "ReadError", 200)
    assert (await client.put(URL, **BODIES[name])).status_code == 200
    first, *others = client._transport.arrivals
    for other in others:
        assert (other.body, other.headers) == (first.body, first.headers)
    assert bool(first.body) is (name != "none")


async def test_a_file_is_sent_again_from_where_it_stood(kit: Kit) -> None:
    """Not from its beginning, nor from its end. httpx's async client takes no plain files."""
    if kit.is_async:
        return
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
    with file:
        file.write(b"0123456789")
        file.seek(4)
        client = kit.client(503, 200)
        await client.put(URL, content=file, headers={"Content-Length": "6"})
        assert bodies(client) == [b"456789", b"456789"]


async def test_a_file_in_a_form_is_sent_again(kit: Kit) -> None:
    """From its beginning each time, as httpx itself does it."""
    file = io.BytesIO(b"abc")
    file.seek(1)
    client = kit.client(503, 200)
    await client.put(URL, files={"f": file})
    first, second = bodies(client)
    assert first == second
    assert b"abc" in first


async def test_a_form_under_a_type_without_boundary_is_sent_again(kit: Kit) -> None:
    """Byte for byte, under the type that was written, as httpx leaves it."""
    client = kit.client(503, "ReadError", 200)
    headers = {"Content-Type": "multipart/form-data"}
    await client.put(URL, files={"f": b"abc"}, headers=headers)
    assert len(set(bodies(client))) == 1
    types = {arrival.request.headers["Content-Type"] for arrival in client._transport.arrivals}
    assert types == {"multipart/form-data"}


async def test_a_form_with_a_file_that_cannot_be_rewound_is_sent_once(kit: Kit) -> None:
    """The second time httpx would send it empty."""
    client = kit.client(503, 200)
    response = await client.put(URL, files={"f": Once(b"abc")})
    assert response.status_code == 503
    assert [b"abc" in body for body in bodies(client)] == [True]


async def test_a_form_with_a_text_file_part_is_sent_again(kit: Kit) -> None:
    """A part may be a text, which httpx encodes."""
    client = kit.client(503, 200)
    await client.put(URL, files={"f": ("n", "text")})
    assert [b"text" in body for body in bodies(client)] == [True, True]


@pytest.mark.parametrize("failure", [503, "ReadTimeout", "ReadError"])
async def test_a_generator_is_sent_once(kit: Kit, failure: Any) -> None:
    """A second attempt would send nothing: the failure in hand is the outcome."""
    client = kit.client(failure, 200)
    outcome = await kit.outcome(client.put(URL, content=kit.body(b"ab", b"c")))
    expected = kit.error(failure) if isinstance(failure, str) else kit.module.Response
    assert type(outcome) is expected
    assert bodies(client) == [b"abc"]


async def test_a_generator_nobody_touched_is_still_good(kit: Kit) -> None:
    """As after any number of failures to connect."""
    taken: list[str] = []

    def refuse(_request: Any) -> str:
        taken.append("refused")
        return "ConnectError"

    client = kit.real_client(transport=Unread(kit, refuse, refuse, 200))
    assert (await client.post(URL, content=kit.body(b"ab", b"c"))).status_code == 200
    assert taken == ["refused"] * 2
    assert bodies(client) == [b"abc"]


async def test_a_generator_that_an_answer_came_before_is_still_good(kit: Kit) -> None:
    """A server may refuse a request for its head alone."""
    client = kit.real_client(transport=Unread(kit, 503, 200))
    assert (await client.put(URL, content=kit.body(b"abc"))).status_code == 200
    assert bodies(client) == [b"abc"]


async def test_a_generator_is_not_sent_again_because_a_good_answer_is_not_good_enough(
    kit: Kit,
) -> None:
    """A predicate that asks for another attempt cannot have one."""
    client = kit.client(200, 200, retry_if=lambda response, _error: bool(response))
    response = await client.put(URL, content=kit.body(b"abc"))
    assert response.status_code == 200
    assert bodies(client) == [b"abc"]


class Unread:
    """A transport that answers without reading the body, until the last answer is due."""

    def __new__(cls, kit: Kit, *answers: Any) -> Any:
        """Make a wire whose early answers leave the body alone."""
        wire = kit.wire(*answers[-1:])
        early = list(answers[:-1])
        read, read_async = wire.handle_request, wire.handle_async_request

        def answer(request: Any) -> Any:
            answer = early.pop(0)
            answer = answer(request) if callable(answer) else answer
            if isinstance(answer, str):
                raise kit.error(answer)("before the body")
            return kit.module.Response(answer)

        async def handle_async_request(request: Any) -> Any:
            return answer(request) if early else await read_async(request)

        wire.handle_request = lambda request: answer(request) if early else read(request)
        wire.handle_async_request = handle_async_request
        return wire


class Again:
    """A body of the user's, which says by its length that it can be read any number of times."""

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[bytes]:
        yield b"abc"


class AgainAsync:
    """Likewise, for async clients."""

    def __len__(self) -> int:
        return 1

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"abc"


async def test_what_has_a_length_is_sent_again(kit: Kit) -> None:
    """A list of chunks, or an object of the user's."""
    for content in [AgainAsync()] if kit.is_async else [Again(), [b"a", b"bc"]]:
        client = kit.client(503, 200)
        await client.put(URL, content=content)
        assert bodies(client) == [b"abc", b"abc"]


class Drained:
    """Hands out what is left."""

    def __init__(self) -> None:
        self.chunks = iter([b"abc"])


class DrainedDirectly(Drained):
    """The same iterator each time."""

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks


class DrainedByAnother(Drained):
    """Another generator each time."""

    def __iter__(self) -> Iterator[bytes]:
        yield from self.chunks


class DrainedAsync(Drained):
    """For async clients."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk


async def test_what_merely_can_be_iterated_is_sent_once(kit: Kit) -> None:
    """Never an empty body."""
    for kind in [DrainedAsync] if kit.is_async else [DrainedDirectly, DrainedByAnother]:
        client = kit.client(503, 503, 200)
        response = await client.put(URL, content=kind())
        assert response.status_code == 503
        assert bodies(client) == [b"abc"]


async def test_an_iterator_that_is_no_generator_is_sent_once(kit: Kit) -> None:
    """What is left of it is nothing."""

    class Pieces:
        def __init__(self) -> None:
            self.left = [b"abc"]

        def __iter__(self) -> Any:
            return self

        __aiter__ = __iter__

        def __next__(self) -> bytes:
            if not self.left:
                raise StopIteration
            return self.left.pop()

        async def __anext__(self) -> bytes:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

    class PiecesAsync:
        def __init__(self) -> None:
            self.pieces = Pieces()

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> bytes:
            return await self.pieces.__anext__()

    client = kit.client(503, 200)
    await client.put(URL, content=PiecesAsync() if kit.is_async else iter([b"abc"]))
    assert bodies(client) == [b"abc"]


async def test_an_async_file_is_sent_once(kit: Kit) -> None:
    """It has the methods of a file, but rewinding would have to be awaited."""
    if not kit.is_async:
        return

    class AsyncFile:
        def __init__(self) -> None:
            self.left = [b"abc"]

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> bytes:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop()

        async def read(self, _size: int = -1) -> bytes:
            raise AssertionError

        async def seek(self, _offset: int) -> int:
            raise AssertionError

        async def tell(self) -> int:
            raise AssertionError

        def seekable(self) -> bool:
            return True

    client = kit.client(503, 200)
    await client.put(URL, content=AsyncFile())
    assert bodies(client) == [b"abc"]


async def test_a_file_to_await_is_sent_once(kit: Kit) -> None:
    """What has `aread` is drained by httpx, bit by bit."""
    if not kit.is_async:
        return

    class Drained:
        def __init__(self) -> None:
            self.left = [b"", b"abc"]

        async def aread(self, _size: int = -1) -> bytes:
            return self.left.pop()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield await self.aread()

    client = kit.client(503, 200)
    await client.put(URL, content=Drained())
    assert bodies(client) == [b"abc"]


async def test_a_stream_of_another_make_is_sent_once(kit: Kit) -> None:
    """Nothing is known about it."""

    class Own(kit.module.SyncByteStream, kit.module.AsyncByteStream):  # type: ignore[name-defined,misc] # values
        def __iter__(self) -> Iterator[bytes]:
            yield b"abc"

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"abc"

    client = kit.client(503, 200)
    response = await client.send(kit.request("PUT", stream=Own()))
    assert response.status_code == 503
    assert bodies(client) == [b"abc"]


async def test_a_file_object_without_seekable_is_believed(kit: Kit) -> None:
    """An object with `read`, `seek` and `tell` is a file that can be rewound."""
    if kit.is_async:
        return

    class Small:
        def __init__(self) -> None:
            self.at = 0

        def read(self, _size: int = -1) -> bytes:
            taken, self.at = b"abc"[self.at :], 3
            return taken

        def seek(self, offset: int, whence: int = 0) -> int:
            self.at = offset + (3 if whence else 0)
            return self.at

        def tell(self) -> int:
            return self.at

        def __iter__(self) -> Iterator[bytes]:
            yield self.read()

    client = kit.client(503, 200)
    await client.put(URL, content=Small())
    assert bodies(client) == [b"abc", b"abc"]


async def test_a_file_that_says_it_cannot_seek_is_sent_once(kit: Kit) -> None:
    """A pipe, for one."""
    if kit.is_async:
        return
    client = kit.client(503, 200)
    await client.put(URL, content=Once(b"abc"), headers={"Content-Length": "3"})
    assert bodies(client) == [b"abc"]


async def test_the_file_is_rewound_once_per_attempt_from_a_late_position(kit: Kit) -> None:
    """Also after several failures, and when the request object is sent a second time."""
    if kit.is_async:
        return
    file = io.BytesIO(b"0123456789")
    file.seek(8)
    client = kit.client(503, "ReadError", 500, 200)
    request = client.build_request("PUT", URL, content=file, headers={"Content-Length": "2"})
    await client.send(request)
    assert bodies(client) == [b"89"] * 4
