"""Calls through each face beside one tool after the other, and prints what came of it.

`program RUNS` takes a JSON list of tools and times, and prints a line of JSON for each. It is a
program of its own, and each run in it a process, since what these tools patch is patched for good
or for all; what they do not patch is imported but once, before.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tests.neighbours.faces import FACES, load
from tests.neighbours.tools import TOOLS
from tests.neighbours.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.neighbours.faces import Face
    from tests.neighbours.tools import Tool

BEFORE = "before our import"
SHARED = (
    *("aiohttp", "certifi", "httpx", "httpx2", "anyio._backends._asyncio", "trio"),
    *("pybreaker", "pydantic_settings", "rich.table", "ssl", "structlog", "tenacity"),
)
"""What client and tools import; that is not the client itself."""
TRACING = ("baggage", "sentry-trace", "traceparent")
"""Headers by which tools tie what they saw to what a server saw; one of each in a request."""


@dataclass(frozen=True)
class Seen:
    """What came of one call."""

    status: int
    by_tool: Sequence[int]
    arrived: int
    doubled: Sequence[str]
    """Tracing headers that a request carried more than once."""


async def run(tool: Tool, when: str) -> dict[str, Seen]:
    """Patch at that time, call through all, and once more when the patch is gone."""
    with Upstream() as upstream:
        made: dict[str, Any] = {}
        assert ("client" in sys.modules) is (when != BEFORE)
        if when == "after the client was made":
            made = {str(face): await entered(face) for face in FACES}
        tool.start(upstream.url)
        seen = {str(face): await call(face, tool, upstream, made) for face in FACES}
        if tool.can_stop and when == BEFORE:
            tool.stop()
            for face in FACES:
                await call_again(face, tool, upstream)
    return seen


async def entered(face: Face) -> Any:
    """Make the client and what it makes at its first use."""
    client = face.make()
    if face.name == "facade":
        begun = client._ensure_initialized()  # part of the public interface
        if face.is_async:
            await begun
    return client


async def call(face: Face, tool: Tool, upstream: Upstream, made: dict[str, Any]) -> Seen:
    """Call a path that nobody else calls."""
    path = f"/{FACES.index(face)}"
    client = made.get(str(face)) or await entered(face)
    tool.adopt(client, face)
    with tool.call():
        status = await face.use(client, upstream.url + path)
    await face.close(client)
    arrived = upstream.arrived[path]
    assert all(headers["X-Kept"] == "yes" for headers in arrived)
    doubled = [name for headers in arrived for name in TRACING if is_doubled(headers, name)]
    return Seen(status, tool.seen(path), len(arrived), doubled)


def is_doubled(headers: Any, name: str) -> bool:
    """Whether a header came twice, or holds twice the same."""
    values = ",".join(headers.get_all(name, ())).split(",")
    return len(values) != len(set(values))


async def call_again(face: Face, tool: Tool, upstream: Upstream) -> None:
    """Without the tool: the server answers, and the tool sees nothing."""
    path = f"/{FACES.index(face)}/again"
    client = face.make()
    assert await face.use(client, upstream.url + path) == 200
    await face.close(client)
    assert tool.seen(path) == []
    assert len(upstream.arrived[path]) == 2


def report(tool: str, when: str) -> None:
    """Write what comes of one run, in a child of this process."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        results = asyncio.run(run(TOOLS[tool](), when))
        said: object = {name: vars(seen) for name, seen in results.items()}
    except BaseException:  # noqa: BLE001 - whatever it is, the test shows it
        said = traceback.format_exc()
    os.write(1, f"{json.dumps([tool, when, said])}\n".encode())
    os._exit(0)


def main(runs: Sequence[tuple[str, str]]) -> None:
    """Report all runs; first those that patch before the client is imported."""
    warnings.simplefilter("error", ResourceWarning)
    for name in SHARED:
        import_module(name)
    for tool, when in sorted(runs, key=lambda each: each[1] != BEFORE):
        if when != BEFORE:
            load()
        report(tool, when)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
