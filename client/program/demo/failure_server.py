"""What the demo needs of a failure server, where it gets one, and by which doors it is reached.

The only module of the demo that knows the `server` package, which is imported when it is used: by
its long name, for a project may have a `server` of its own.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal, Protocol
from urllib.parse import urlsplit

from ...errors.urls import mask_url
from .errors import MISUSED, CannotRunError, missing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Generator, Mapping

__all__ = ["Door", "FailureServer", "Ledger", "LedgerEntry", "open_doors", "open_server"]

_SERVER: Final = "resilient_http_client.server"
_START_SECONDS: Final = 120.0  # a fraction of one, but where the machine is slow and busy
_NEEDED_TO_SERVE: Final = ("fastapi", "uvicorn")
_CHUNK: Final = 65_536
_PORTS: Final = {"http": 80, "https": 443}


class LedgerEntry(Protocol):
    """What one request id did to the server."""

    @property
    def arrived(self) -> int:
        """How often it arrived."""
        ...

    @property
    def took_effect(self) -> int:
        """How often it changed something."""
        ...

    @property
    def bodies(self) -> tuple[str, ...]:
        """The digest of each distinct body it came with."""
        ...


class Ledger(Protocol):
    """What reached the server."""

    @property
    def requests(self) -> Mapping[str, LedgerEntry]:
        """The entries by request id."""
        ...

    @property
    def evicted(self) -> int:
        """Entries forgotten for want of room."""
        ...


class FailureServer(Protocol):
    """A failure server: its faults and its ledger."""

    @property
    def url(self) -> str:
        """Its base URL."""
        ...

    def fail_count(
        self, n: int, *, status: int = ..., when: Literal["before", "after"] = ...
    ) -> None:
        """Fail the next `n` calls, before or after they take effect."""
        ...

    def fail_duration(
        self, seconds: float, *, status: int = ..., retry_after: str | None = ...
    ) -> None:
        """Fail every call for so long."""
        ...

    def latency(self, ms: float) -> None:
        """Answer every call so much later."""
        ...

    def reset(self) -> None:
        """Switch every fault off."""
        ...

    def ledger(self) -> Ledger:
        """Return what has arrived and taken effect."""
        ...


@contextmanager
def open_server(url: str | None) -> Generator[FailureServer]:
    """Lend the failure server at `url`, faults off before and after, or a new one of our own.

    Raises:
        CannotRunError: There is none to be had, or it stops answering while it is lent.
    """
    try:
        errors = import_module(f"{_SERVER}.errors")
    except ImportError as error:
        raise missing(error.name or "server") from error
    try:
        with _new_server() if url is None else _running_server(url) as server:
            yield server
    except errors.FailureServerError as error:
        raise CannotRunError(str(error)) from error


@contextmanager
def _new_server() -> Generator[FailureServer]:
    for package in _NEEDED_TO_SERVE:
        if find_spec(package) is None:
            raise missing(package)
    testing = import_module(f"{_SERVER}.testing")
    with testing.FailureServer(subprocess=True, start_timeout=_START_SECONDS) as server:
        yield server


@contextmanager
def _running_server(url: str) -> Generator[FailureServer]:
    try:
        server: FailureServer = import_module(f"{_SERVER}.testing").RemoteServer(url)
    except ValueError as error:
        raise CannotRunError(f"--url: {error}", MISUSED) from error
    _recognise(server)
    try:
        yield server
    finally:
        server.reset()


def _recognise(server: FailureServer) -> None:
    """Read the ledger and switch the faults off, as only a failure server lets one do."""
    errors, shown = import_module(f"{_SERVER}.errors"), mask_url(server.url)
    try:
        server.ledger()
        server.reset()
    except errors.FailureServerError as error:
        raise CannotRunError(f"--url {shown} is of no use: {error}\n{_how_to_start()}") from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise CannotRunError(
            f"--url {shown} is of no use: it is not a failure server's ({error!r})\n"
            f"{_how_to_start()}"
        ) from error


def _how_to_start() -> str:
    name = import_module(_SERVER).__name__  # the short one, where it is ours
    return f"Start a failure server with: python -m {name}.main serve"


class Door:
    """A further address of a server, on this machine: what comes in there is passed on to it.

    Args:
        url: Of the server.

    Attributes:
        url: By which the server is reached through it, once it is open.
    """

    url: str

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self._passing: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Let in who comes."""
        self._listening = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        port = self._listening.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{self._to.path}"

    async def shut(self) -> None:
        """Cut who is in, and refuse who comes, as the death of a server does."""
        self._listening.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._pass_on(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._to.hostname, self._to.port or _PORTS[self._to.scheme]
        with _cut(writer), suppress(OSError):
            back, on = await asyncio.open_connection(host, port, ssl=self._to.scheme == "https")
            with _cut(on):
                await _first_to_end(_pump(reader, on), _pump(back, writer))


@contextmanager
def _cut(writer: asyncio.StreamWriter) -> Generator[None]:
    try:
        yield
    finally:
        writer.transport.abort()


async def _first_to_end(*works: Coroutine[object, object, None]) -> None:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)


@asynccontextmanager
async def open_doors(url: str, count: int) -> AsyncGenerator[list[Door]]:
    """Have so many doors to a server."""
    doors = [Door(url) for _ in range(count)]
    async with AsyncExitStack() as stack:
        for door in doors:
            await door.open()
            stack.push_async_callback(door.shut)
        yield doors
