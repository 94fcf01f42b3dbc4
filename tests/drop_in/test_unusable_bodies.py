"""A body that cannot be sent: httpx's own classes, and no attempt, permit or callback."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import client
from client import CircuitBreaker
from tests.drop_in.kits import URL, Kit


class AwaitedFile:
    """An async file that can be read, and not iterated."""

    async def read(self, _size: int = -1) -> bytes:
        """Read nothing."""
        return b""


def later(kit: Kit) -> Any:
    """A body for the other world."""
    return Kit(kit.family, is_async=not kit.is_async).body(b"abc")


BODIES: dict[str, Callable[[Kit], Any]] = {
    "int": lambda _kit: 5,
    "dict": lambda _kit: {"a": "b"},
    "path": lambda _kit: Path("report.csv"),
    "awaited file": lambda _kit: AwaitedFile(),
    "other world": later,
    "text file": lambda _kit: io.StringIO("abc"),
    "list of str": lambda _kit: ["a"],
    "tuple of int": lambda _kit: (1,),
    "bytearray": lambda _kit: bytearray(b"ab"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_it_is_refused_as_httpx_does_it(kit: Kit, name: str) -> None:
    """With the same class, and before anything is done."""
    told: list[object] = []
    breaker = CircuitBreaker()
    face = kit.client(503, 200, on_request=told.append, circuit_breaker=breaker)
    outcome = await kit.outcome(face.put(URL, content=BODIES[name](kit)))
    plain = await kit.outcome(kit.plain(200).put(URL, content=BODIES[name](kit)))
    assert type(outcome) is type(plain)
    assert not hasattr(outcome, "__notes__")
    assert type(outcome) in {TypeError, RuntimeError}
    assert (face._transport.arrivals, told, breaker.state) == ([], [], "closed")
    assert face.stats().attempts == 0


@pytest.mark.parametrize("name", BODIES)
async def test_a_function_refuses_it(kit: Kit, name: str) -> None:
    """As the drop-in client does."""
    wire = kit.wire(503, 200)
    http = kit.theirs_of(transport=wire)
    call = kit.awaited(client.put_async if kit.is_async else client.put)
    outcome = await kit.outcome(call(URL, content=BODIES[name](kit), client=http))
    plain = await kit.outcome(kit.plain(200).put(URL, content=BODIES[name](kit)))
    assert type(outcome) is type(plain)
    assert wire.arrivals == []


async def test_nothing_is_a_body_too(kit: Kit) -> None:
    """None, as httpx takes it."""
    face = kit.client(200)
    await face.put(URL, content=None)
    assert face._transport.arrivals[0].body == b""


async def test_a_part_that_must_be_awaited_is_refused(kit: Kit) -> None:
    """It would be read without an end."""
    face = kit.client(200)
    outcome = await kit.outcome(face.put(URL, files={"f": AwaitedFile()}))
    assert type(outcome) is TypeError
    assert face._transport.arrivals == []
