"""What the cache saves: hits beside a call that is made, equal misses at once, and an outage."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from benchmarks.speed.contenders.contract import Setup
from benchmarks.speed.contenders.drop_in import options_of
from benchmarks.speed.contenders.facade import config_of
from benchmarks.speed.findings import Column, Row, Section, Table
from benchmarks.speed.interleave import calls_within, interleave
from benchmarks.speed.null_transport import NullTransport
from benchmarks.speed.workers import by_tasks, by_threads
from client import AsyncClient, CacheConfig, Client, ResilientClient, SyncResilientClient
from client.cache import SQLiteStorage

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.speed.contenders.contract import AsyncGet
    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.findings import Cell
    from benchmarks.speed.interleave import Batch, Laps
    from benchmarks.speed.plan import Plan
    from benchmarks.speed.target_process import Target

__all__ = ["measure"]

_URL: Final = "http://server.test/item"
_PLAIN: Final = "httpx, nothing kept"
_IN_FILE: Final = "facade, in a file"
_HISHEL: Final = "hishel, in memory"
_AT_ONCE: Final = 100
_RESOURCES: Final = 20
_HIT_COLUMNS: Final = (
    Column(key="us", label="a get", unit="us"),
    Column(key="over", label="over httpx", unit="ratio"),
)
_OUTAGE_COLUMNS: Final = (
    Column(key="reads", label="reads", unit="count"),
    Column(key="answered", label="answered", unit="percent"),
    Column(key="sent", label="requests sent", unit="count"),
)


@dataclass
class _Server(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers with what may be kept, after a while, and counts; or is down."""

    keep: str = "max-age=3600"
    seconds: float = 0.0
    is_down: bool = False
    sent: int = 0
    _null: NullTransport = field(default_factory=NullTransport)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self._count(request)
        time.sleep(self.seconds)
        return self._kept(self._null.handle_request(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self._count(request)
        if self.seconds:
            await asyncio.sleep(self.seconds)
        return self._kept(await self._null.handle_async_request(request))

    def _count(self, request: httpx.Request) -> None:
        self.sent += 1
        if self.is_down:
            raise httpx.ConnectError("nobody is there", request=request)

    def _kept(self, response: httpx.Response) -> httpx.Response:
        response.headers["cache-control"] = self.keep
        response.headers["etag"] = '"1"'
        return response


async def measure(plan: Plan, lineup: Lineup, target: Target) -> Section:  # noqa: ARG001 - a section's signature
    """Measure hits in both worlds, then misses at once, then an outage."""
    figures: dict[str, Cell] = {}
    tables = [await _hits(plan, figures, is_async=is_async) for is_async in (True, False)]
    tables.append(await _misses(figures))
    tables.append(await _outage(figures, 0.2 if plan.is_quick else 5.0))
    return Section(key="cache", title="The cache", tables=tuple(tables), figures=figures)


async def _hits(plan: Plan, figures: dict[str, Cell], *, is_async: bool) -> Table:
    world = "async" if is_async else "sync"
    async with AsyncExitStack() as open_ones:
        folder = open_ones.enter_context(tempfile.TemporaryDirectory())
        clients = await _clients(open_ones, _Server(), SQLiteStorage(Path(folder) / "cache.db"))
        plain = NullTransport()
        clients[_PLAIN] = httpx.AsyncClient(transport=plain), httpx.Client(transport=plain)
        batch_of = open_ones.enter_context(by_threads(1))
        batches: dict[str, Batch] = {
            name: by_tasks(pair[0].get, _URL, 1) if is_async else batch_of(pair[1].get, _URL)
            for name, pair in clients.items()
        }
        calls = await calls_within(batches[_PLAIN], plan.short_batch_seconds)
        laps = await interleave(batches, rounds=plan.many_rounds, calls=calls, baseline=_PLAIN)
    for face in ("facade", "drop-in"):
        figures[f"hit_{face}_{world}"] = laps[face].over(laps[_PLAIN])
    rows = [_hit_row(name, each, laps[_PLAIN]) for name, each in laps.items()]
    title = f"A hit, beside a get on a null transport, {world}"
    return Table(title=title, columns=_HIT_COLUMNS, rows=tuple(rows), plot=("over",))


def _hit_row(name: str, laps: Laps, plain: Laps) -> Row:
    cells: dict[str, Cell] = {
        "us": laps.microseconds,
        "over": None if name == _PLAIN else laps.over(plain),
    }
    return Row(name=name, cells=cells, is_ours=name not in {_PLAIN, _HISHEL})


async def _clients(
    open_ones: AsyncExitStack, server: _Server, storage: object = None, **settings: object
) -> dict[str, tuple[Any, Any]]:
    """Open clients that have a cache, each for both worlds."""
    setup = Setup()
    cache = {"stale_if_error": 3600.0, **settings}
    config = config_of(setup, cache=CacheConfig.model_validate(cache))
    clients: dict[str, tuple[Any, Any]] = {
        "facade": (
            await open_ones.enter_async_context(ResilientClient(config, transport=server)),
            open_ones.enter_context(SyncResilientClient(config, transport=server)),
        ),
        "drop-in": (
            await open_ones.enter_async_context(
                AsyncClient(transport=server, cache=cache, **options_of(setup))
            ),
            open_ones.enter_context(Client(transport=server, cache=cache, **options_of(setup))),
        ),
    }
    if storage is not None:
        in_file = config_of(setup, cache=CacheConfig(storage=storage, storage_timeout=5.0))
        clients[_IN_FILE] = (
            await open_ones.enter_async_context(ResilientClient(in_file, transport=server)),
            open_ones.enter_context(SyncResilientClient(in_file, transport=server)),
        )
    with suppress(ImportError):  # it is absent
        clients[_HISHEL] = await _hishel(open_ones, server)
    return clients


async def _hishel(open_ones: AsyncExitStack, server: _Server) -> tuple[Any, Any]:
    import anysqlite  # noqa: PLC0415 - may be absent
    import hishel  # noqa: PLC0415 - likewise
    from hishel.httpx import AsyncCacheTransport, CacheTransport  # noqa: PLC0415 - likewise

    memory = ":memory:"
    shared = await anysqlite.connect(memory, check_same_thread=False)
    own = sqlite3.connect(memory, check_same_thread=False)
    kept = hishel.AsyncSqliteStorage(connection=shared), hishel.SqliteStorage(connection=own)
    transports = (
        AsyncCacheTransport(server, storage=kept[0], rfc=True),
        CacheTransport(server, storage=kept[1], rfc=True),
    )
    return (
        await open_ones.enter_async_context(httpx.AsyncClient(transport=transports[0])),
        open_ones.enter_context(httpx.Client(transport=transports[1])),
    )


async def _misses(figures: dict[str, Cell]) -> Table:
    """Ask for the same thing by many callers at once, when nothing is kept."""
    rows: list[Row] = []
    server = _Server(seconds=0.05)
    async with AsyncExitStack() as open_ones:
        clients = await _clients(open_ones, server)
        clients[_PLAIN] = httpx.AsyncClient(transport=server), httpx.Client(transport=server)
        for name, (client, blocking) in clients.items():
            cells: dict[str, Cell] = {}
            server.sent = 0
            await asyncio.gather(*(client.get(_URL) for _ in range(_AT_ONCE)))
            cells["async"], server.sent = float(server.sent), 0
            url = f"{_URL}?threads"  # the two worlds of ours share one storage
            await asyncio.to_thread(_by_threads, partial(blocking.get, url))
            cells["sync"] = float(server.sent)
            rows.append(Row(name=name, cells=cells, is_ours=name not in {_PLAIN, _HISHEL}))
            if rows[-1].is_ours:
                figures |= {f"misses_{name}_{world}": cells[world] for world in cells}
    columns = tuple(
        Column(key=key, label=f"requests, {key}", unit="count") for key in ("async", "sync")
    )
    return Table(title=f"{_AT_ONCE} equal misses at once", columns=columns, rows=tuple(rows))


def _by_threads(get: Callable[[], object]) -> None:
    barrier = threading.Barrier(_AT_ONCE)

    def call() -> None:
        barrier.wait()
        get()

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for each in [threads.submit(call) for _ in range(_AT_ONCE)]:
            each.result()


async def _outage(figures: dict[str, Cell], seconds: float) -> Table:
    """Read what is kept and no longer fresh, while nobody answers."""
    rows: list[Row] = []
    urls = [f"{_URL}/{number}" for number in range(_RESOURCES)]
    for name in ("facade", "drop-in", _PLAIN, _HISHEL):
        server = _Server(keep="max-age=0")
        async with AsyncExitStack() as open_ones:
            clients = await _clients(open_ones, server)
            clients[_PLAIN] = httpx.AsyncClient(transport=server), None
            if name not in clients:
                continue
            client = clients[name][0]
            for url in urls:
                await client.get(url)
            server.is_down, server.sent = True, 0
            reads, answered = await _read(client.get, urls, seconds)
        share = 100.0 * answered / reads
        cells: dict[str, Cell] = {
            "reads": float(reads),
            "answered": share,
            "sent": float(server.sent),
        }
        is_ours = name not in {_PLAIN, _HISHEL}
        rows.append(Row(name=name, cells=cells, is_ours=is_ours))
        if is_ours:
            figures[f"outage_{name}"] = share
    title = f"An outage of {seconds:g} s with a warm cache, whose answers are stale"
    return Table(title=title, columns=_OUTAGE_COLUMNS, rows=tuple(rows))


async def _read(get: AsyncGet, urls: list[str], seconds: float) -> tuple[int, int]:
    reads = answered = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for url in urls:
            reads += 1
            with suppress(Exception):
                answered += (await get(url)).status_code == httpx.codes.OK
            await asyncio.sleep(0)
    return reads, answered
