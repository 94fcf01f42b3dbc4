"""Four servers, in a process of their own, that can be told how to be.

`python -m benchmarks.simulations.endpoint_servers` prints where they listen, and ends with its
standard input. Each has some workers and a queue before them, and takes some 20 ms for a request.
A line `{"server": 3, "be": "slow"}` makes one slow, failing, dead or well; `{}` asks how many
requests each had since it was last asked. Each line is answered by one.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from typing import Self

__all__ = ["COUNT", "MEAN", "SLOWER", "EndpointServers", "State"]

State = Literal["well", "slow", "failing", "dead"]

COUNT: Final = 4
MEAN: Final = 0.02
"""Seconds that a request takes, on average."""
SLOWER: Final = 10.0
_WORKERS: Final = 8
_STEPS: Final = 4
"""Of a request; each takes its time exponentially."""
_ROOT: Final = Path(__file__).parents[2]
_GRACE_SECONDS: Final = 5.0
_URLS: Final = TypeAdapter(list[str])
_COUNTS: Final = TypeAdapter(list[int])


class EndpointServers:
    """The servers, for as long as the block lasts.

    Attributes:
        urls: Where they listen.
    """

    urls: list[str]

    def __enter__(self) -> Self:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.simulations.endpoint_servers"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.urls = _URLS.validate_json(self._read())
        return self

    def __exit__(self, *_: object) -> None:
        # The end of its input tells the child to go.
        try:
            self._child.communicate(timeout=_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.communicate()

    def be(self, number: int, state: State) -> None:
        """Have one of them be so from now on."""
        self._ask({"server": number, "be": state})

    def take_counts(self) -> list[int]:
        """Return how many requests each had since the last time, and begin again at 0."""
        return _COUNTS.validate_json(self._ask({}))

    def _ask(self, what: object) -> str:
        assert self._child.stdin is not None  # noqa: S101 - it is a pipe
        self._child.stdin.write(f"{json.dumps(what)}\n")
        self._child.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._child.stdout is not None  # noqa: S101 - it is a pipe
        return self._child.stdout.readline()


class _Server:
    """One of them, in the child."""

    def __init__(self, chance: random.Random) -> None:
        self.state: State = "well"
        self.count: int = 0
        self.port: int = 0
        self._chance = chance
        self._workers = asyncio.Semaphore(_WORKERS)
        self._listening: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def be(self, state: State) -> None:
        """Be so: dead is not to listen, and to have cut all connections."""
        self.state = state
        if state != "dead":
            await self.listen()
            return
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for writer in self._writers:
            writer.transport.abort()

    async def listen(self) -> None:
        """Listen, where it does not: on the same port as before."""
        if self._listening is None:
            self._listening = await asyncio.start_server(
                self._serve, "127.0.0.1", self.port, backlog=512
            )
            self.port = self._listening.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                while await reader.readuntil(b"\r\n\r\n"):
                    self.count += 1
                    writer.write(await self._answer())
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self) -> bytes:
        if self.state == "failing":
            return b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
        async with self._workers:
            mean = MEAN * (SLOWER if self.state == "slow" else 1.0)
            await asyncio.sleep(self._chance.gammavariate(_STEPS, mean / _STEPS))
        return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def _serve() -> None:
    servers = [_Server(random.Random(number)) for number in range(COUNT)]  # noqa: S311 - no secret
    for server in servers:
        await server.listen()
    _say([f"http://127.0.0.1:{server.port}" for server in servers])
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        if asked:
            await servers[asked["server"]].be(asked["be"])
        _say([server.count for server in servers])
        if not asked:
            for server in servers:
                server.count = 0


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
