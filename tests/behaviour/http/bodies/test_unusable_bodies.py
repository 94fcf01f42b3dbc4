"""A body that cannot be sent is refused at the call, with the class that httpx raises."""

import io
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.behaviour.twins import ONLY_ASYNCIO, ONLY_BLOCKING
from tests.behaviour.world import World


class AwaitedFile:
    """An async file that can be read, and not iterated."""

    async def read(self, _size: int = -1) -> bytes:
        """Read nothing."""
        return b""


class IteratedFile(AwaitedFile):
    """One that can be iterated, too, as those of anyio and aiofiles."""

    def __init__(self) -> None:
        self._lines = iter([b"ab", b"c"])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for line in self._lines:
            yield line


class Both:
    """What can be iterated in either world."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"abc"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"abc"


class BothFiles(IteratedFile):
    """An async file that can be iterated in either world."""

    def __iter__(self) -> Iterator[bytes]:
        return self._lines


class ToAwait:
    """A file that has `aread` alone."""

    async def aread(self, _size: int = -1) -> bytes:
        """Read nothing."""
        return b""


NO_BODY: dict[str, Callable[[], Any]] = {
    "int": lambda: 5,
    "dict": lambda: {"a": "b"},
    "empty dict": dict,
    "mapping": lambda: MappingProxyType({"a": "b"}),
    "path": lambda: Path("report.csv"),
    "object": object,
    "awaited file": AwaitedFile,
    "text file": lambda: io.StringIO("abc"),
}
NO_BYTES: dict[str, Callable[[], Any]] = {
    "list of int": lambda: [1],
    "list of str": lambda: ["a"],
    "tuple of str": lambda: (b"a", "b"),
    "bytearray": lambda: bytearray(b"ab"),
    "memoryview": lambda: memoryview(b"ab"),
}


async def refused(world: World, kind: type[Exception], **options: Any) -> str:
    """Make a call; return why it was refused before anything was taken or sent."""
    client = world.client([503, 200], bulkhead={"max_concurrency": 1})
    with pytest.raises(kind) as caught:
        await client.post(**options)
    assert type(caught.value) is kind
    assert client.wire.arrivals == []
    stats = client.stats()
    assert (stats.operations, stats.attempts) == (0, 0)
    return str(caught.value)


@pytest.mark.parametrize("name", NO_BODY)
async def test_what_is_no_body(world: World, name: str) -> None:
    """Whatever can be neither read nor iterated, or yields no bytes."""
    text = await refused(world, TypeError, content=NO_BODY[name]())
    assert type(NO_BODY[name]()).__qualname__ in text
    assert "give bytes" in text


async def test_what_is_no_body_by_its_older_name(world: World) -> None:
    """In `data`, where a mapping is a form."""
    await refused(world, TypeError, data=5)
    client = world.client(200)
    await client.post(data=MappingProxyType({"a": "b"}))
    assert client.wire.bodies == [b"a=b"]


async def test_a_streamed_call_refuses_it_too(world: World) -> None:
    """Where the operation lasts until its answer was let go of."""
    client = world.client(200)
    with pytest.raises(TypeError, match="the body is a int"):
        await client.streamed("POST", content=5)
    assert client.wire.arrivals == []


@ONLY_BLOCKING
@pytest.mark.parametrize("name", NO_BYTES)
async def test_what_yields_no_bytes(world: World, name: str) -> None:
    """It would fail on the wire, and look like a failure of the network."""
    await refused(world, TypeError, content=NO_BYTES[name]())


@ONLY_BLOCKING
@pytest.mark.parametrize("kind", [IteratedFile, ToAwait, BothFiles])
async def test_what_must_be_awaited(world: World, kind: type[Any]) -> None:
    """By a blocking client."""
    text = await refused(world, RuntimeError, content=kind())
    assert "which a blocking client cannot read" in text


@ONLY_ASYNCIO
@pytest.mark.parametrize("name", ["list of int", "bytearray", "generator"])
async def test_what_is_iterated_without_awaiting(world: World, name: str) -> None:
    """By an async client, which reads plain files all the same."""
    make = NO_BYTES.get(name, lambda: iter([b"a"]))
    text = await refused(world, RuntimeError, content=make())
    assert "which an async client cannot read" in text


@ONLY_ASYNCIO
async def test_an_async_file_that_can_be_iterated_is_sent(world: World) -> None:
    """As httpx does it."""
    client = world.client(200)
    await client.post(content=IteratedFile())
    assert client.wire.bodies == [b"abc"]


async def test_what_suits_both_worlds_is_sent(world: World) -> None:
    """Each in its own way."""
    client = world.client(200)
    await client.post(content=Both())
    assert client.wire.bodies == [b"abc"]


async def test_a_part_that_must_be_awaited(world: World) -> None:
    """It would be read without an end."""
    for part in (AwaitedFile(), ("name", AwaitedFile())):
        text = await refused(world, TypeError, files={"part": part})
        assert "a part in files is a AwaitedFile" in text
