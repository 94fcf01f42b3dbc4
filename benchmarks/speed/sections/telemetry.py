"""What a call costs more where metrics or traces are wanted of it, in time of the processor.

That is the steadier number, and counts what is done in other threads.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import httpx

from benchmarks.speed.contenders.contract import Setup
from benchmarks.speed.contenders.facade import config_of
from benchmarks.speed.findings import Column, Row, Section, Table
from benchmarks.speed.interleave import Laps, calls_within, interleave
from benchmarks.speed.null_transport import NullTransport
from benchmarks.speed.spread import Spread
from client import SyncResilientClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.findings import Cell
    from benchmarks.speed.interleave import Batch
    from benchmarks.speed.plan import Plan
    from benchmarks.speed.target_process import Target

__all__ = ["measure"]

_ROOT: Final = Path(__file__).parents[3]
_URL: Final = "http://server.test/"
_PLAIN: Final = "httpx"
_NOTHING: Final = "facade, nothing wanted"
_DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
_CHILD: Final = "from benchmarks.speed.sections.telemetry import main; main()"


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to want to know."""

    figure: str
    name: str
    make: Callable[[], object]


def _prometheus() -> object:
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - may be absent

    from client.telemetry import PrometheusMetrics  # noqa: PLC0415 - likewise

    return PrometheusMetrics(CollectorRegistry())


def _statsd(port: int) -> object:
    from client.telemetry import StatsD  # noqa: PLC0415 - as the others

    return StatsD(port=port)


def _metrics() -> object:
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - may be absent

    from client.telemetry import OpenTelemetryMetrics  # noqa: PLC0415 - likewise

    return OpenTelemetryMetrics(MeterProvider([]))


def _traces(*, is_sampled: bool) -> object:
    from opentelemetry.sdk.trace import TracerProvider, sampling  # noqa: PLC0415 - may be absent

    from client.telemetry import OpenTelemetryTracing  # noqa: PLC0415 - likewise

    sampler = sampling.ALWAYS_ON if is_sampled else sampling.ALWAYS_OFF
    return OpenTelemetryTracing(TracerProvider(sampler=sampler))


_MULTIPROCESS: Final = _Way("multiprocess", "Prometheus, several processes", _prometheus)


def _ways(port: int) -> tuple[_Way, ...]:
    return (
        _Way("prometheus", "Prometheus", _prometheus),
        _Way("statsd", "StatsD", partial(_statsd, port)),
        _Way("metrics", "OpenTelemetry's metrics", _metrics),
        _Way("unsampled", "traces, not sampled", partial(_traces, is_sampled=False)),
        _Way("sampled", "traces, sampled", partial(_traces, is_sampled=True)),
    )


async def measure(plan: Plan, _lineup: Lineup, _target: Target) -> Section:
    """Measure one way beside the other, and in a process of its own what writes to files."""
    with ExitStack() as open_ones:
        server = open_ones.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        server.bind(("127.0.0.1", 0))  # nobody reads it: what is too much is dropped
        ways = _ways(server.getsockname()[1])
        laps = await _run(plan.many_rounds, plan.short_batch_seconds, ways, open_ones)
    more = {way.name: _more(laps[way.name], laps[_NOTHING]) for way in ways if way.name in laps}
    figures: dict[str, Cell] = {way.figure: more.get(way.name) for way in ways}
    elsewhere = _measured_elsewhere(plan)
    rows = [_row(name, each, more.get(name)) for name, each in laps.items()]
    if (there := elsewhere.get(_MULTIPROCESS.name)) is not None:
        more_there = _more(there, elsewhere[_NOTHING])
        figures[_MULTIPROCESS.figure] = more_there
        rows.append(_row(_MULTIPROCESS.name, there, more_there))
    columns = (
        Column(key="us", label="a call, CPU", unit="us"),
        Column(key="more", label="more than nothing wanted", unit="us"),
    )
    table = Table(title="null transport, sync", columns=columns, rows=tuple(rows), plot=("more",))
    return Section(key="telemetry", title="Telemetry", tables=(table,), figures=figures)


def main() -> None:
    """Measure Prometheus in a process that shares its numbers with others; print the laps."""
    rounds, seconds = int(sys.argv[1]), float(sys.argv[2])
    with ExitStack() as open_ones:
        laps = asyncio.run(_run(rounds, seconds, (_MULTIPROCESS,), open_ones))
    json.dump({name: each.cpu for name, each in laps.items()}, sys.stdout)


def _measured_elsewhere(plan: Plan) -> dict[str, Laps]:
    with TemporaryDirectory() as folder:
        arguments = [str(plan.many_rounds), str(plan.short_batch_seconds)]
        ended = subprocess.run(  # noqa: S603 - ours
            [sys.executable, "-c", _CHILD, *arguments],
            cwd=_ROOT,
            env={**os.environ, _DIRECTORY: folder},
            stdout=subprocess.PIPE,
            check=True,
        )
    return {name: Laps(cpu=cpu) for name, cpu in json.loads(ended.stdout).items()}


async def _run(
    rounds: int, seconds: float, ways: tuple[_Way, ...], open_ones: ExitStack
) -> Mapping[str, Laps]:
    transport = NullTransport()
    batches = {_PLAIN: _gets(open_ones.enter_context(httpx.Client(transport=transport)))}
    batches[_NOTHING] = _gets(_facade(open_ones, transport, ()))
    for way in ways:
        with suppress(ImportError):  # it is absent
            batches[way.name] = _gets(_facade(open_ones, transport, (way.make(),)))
    calls = await calls_within(batches[_NOTHING], seconds)
    return await interleave(batches, rounds=rounds, calls=calls)


def _facade(
    open_ones: ExitStack, transport: NullTransport, telemetry: tuple[object, ...]
) -> SyncResilientClient:
    config = config_of(Setup(slots=1, transport=transport))
    return open_ones.enter_context(
        SyncResilientClient(config, transport=transport, telemetry=telemetry)
    )


def _gets(client: httpx.Client | SyncResilientClient) -> Batch:
    def batch(calls: int) -> None:
        for _ in range(calls):
            client.get(_URL)

    return batch


def _more(laps: Laps, nothing: Laps) -> Spread:
    pairs = zip(laps.cpu, nothing.cpu, strict=True)
    return Spread.of(mine - other for mine, other in pairs).times(1e6)


def _row(name: str, laps: Laps, more: Spread | None) -> Row:
    cells: dict[str, Cell] = {"us": laps.cpu_microseconds, "more": more}
    return Row(name=name, cells=cells, is_ours=name != _PLAIN)
