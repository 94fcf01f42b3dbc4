"""The way of one warm call: how many functions of ours it passes, and how often it changes files.

Run as `python -m benchmarks.way`. A call over a null transport is traced, by Python's own profiling
hook, after others have warmed the client; what httpx and the standard library do is left out. The
numbers say how much a reader has to hold in mind to follow a call to the wire.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx

import client
from client import Client, ResilientClient, SyncResilientClient

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import FrameType

__all__ = ["Way", "async_facade", "blocking_facade", "drop_in"]

_OURS: Final = Path(client.__file__).parent
_URL: Final = "http://target.example/item"


class Way(NamedTuple):
    """The functions of ours that a call passes, in order: (file within `client`, name)."""

    steps: tuple[tuple[str, str], ...]

    @property
    def changes_of_file(self) -> int:
        """How often the next function stands in another file than the one before."""
        files = [file for file, _ in self.steps]
        return sum(one != another for one, another in pairwise(files))


class _Trace:
    """Notes each function of ours at its call; a coroutine counts once, as often as it resumes."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, str]] = []
        self._seen: set[int] = set()
        self._frames: list[FrameType] = []

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event != "call" or id(frame) in self._seen or not path.is_relative_to(_OURS):
            return
        self._seen.add(id(frame))
        self._frames.append(frame)  # so that no other frame gets its place in memory
        self.steps.append((str(path.relative_to(_OURS)), frame.f_code.co_qualname))


def _null() -> httpx.MockTransport:
    return httpx.MockTransport(lambda _request: httpx.Response(200))


def _blocking(call: Callable[[], object]) -> Way:
    for _ in range(3):
        call()
    trace = _Trace()
    sys.setprofile(trace)
    try:
        call()
    finally:
        sys.setprofile(None)
    return Way(tuple(trace.steps))


def async_facade() -> Way:
    """Return the way of `await ResilientClient().get(...)`."""

    async def story() -> Way:
        async with ResilientClient(transport=_null()) as http:
            for _ in range(3):
                await http.get(_URL)
            trace = _Trace()
            sys.setprofile(trace)
            try:
                await http.get(_URL)
            finally:
                sys.setprofile(None)
            return Way(tuple(trace.steps))

    main: Coroutine[Any, Any, Way] = story()
    return asyncio.run(main)


def blocking_facade() -> Way:
    """Return the way of `SyncResilientClient().get(...)`."""
    with SyncResilientClient(transport=_null()) as http:
        return _blocking(lambda: http.get(_URL))


def drop_in() -> Way:
    """Return the way of `Client().get(...)`."""
    with Client(transport=_null()) as http:
        return _blocking(lambda: http.get(_URL))


def main() -> None:
    """Print the three ways, and what each counts."""
    for name, make in (
        ("async facade", async_facade),
        ("blocking facade", blocking_facade),
        ("drop-in", drop_in),
    ):
        way = make()
        print(f"\n{name}: {len(way.steps)} calls of ours, {way.changes_of_file} changes of file")
        for file, function in way.steps:
            print(f"  {file:<44} {function}")


if __name__ == "__main__":
    main()
