"""The numbers that are promised, and what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.simulations.rate_limit import OURS
from benchmarks.speed.findings import Goal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.speed.findings import Cell, Section

__all__ = ["judge"]


class _Promise(NamedTuple):
    section: str
    figure: str
    title: str
    bound: float
    is_least: bool = False


def _protected_get() -> list[_Promise]:
    bounds = (
        ("loopback", "async", 1.02),
        ("loopback", "sync", 1.03),
        ("null", "async", 1.05),
        ("null", "sync", 1.05),
    )
    wires = {"loopback": "over loopback", "null": "on a null transport"}
    return [
        _Promise(
            "protection",
            f"{wire}_{world}_{face}",
            f"protected get {wires[wire]}, 1 caller, {world}, {face}, over plain httpx",
            bound,
        )
        for wire, world, bound in bounds
        for face in ("facade", "drop-in")
    ]


def _throughput() -> list[_Promise]:
    return [
        _Promise(
            "protection",
            f"throughput_{face}, aiohttp",
            f"throughput of 50 callers, {face} on aiohttp, all layers on, over plain httpx",
            4.0,
            is_least=True,
        )
        for face in ("facade", "drop-in")
    ]


def _rejections() -> list[_Promise]:
    return [
        _Promise(
            "outage",
            f"rejections_{face}, {world}",
            f"rejections a second, circuit open, {face} {world}, over a pybreaker call's",
            1.0,
            is_least=True,
        )
        for face in ("facade", "drop-in")
        for world in ("async", "sync")
    ]


def _strategies() -> list[_Promise]:
    ways = (*OURS, "loopback")
    return [
        *(
            _Promise("strategies", f"refused: {way}", f"answers of 429 a second, {way}", 2)
            for way in ways
        ),
        _Promise(
            "strategies",
            "goodput",
            "goodput at 150 %, adaptive, over capacity",
            0.95,
            is_least=True,
        ),
        _Promise(
            "strategies",
            "p99 of attempts",
            "p99 of attempts at 150 %, adaptive, over the best fixed limit's",
            1.4,
        ),
        _Promise("strategies", "hedged p99", "p99 with hedges over that without, simulated", 0.2),
        _Promise("strategies", "hedged extra", "extra load by that, as a share", 0.05),
        _Promise("strategies", "brownout extra", "extra load in a brownout, as a share", 0.12),
        *(
            _Promise(
                "strategies",
                f"hedged p99, {world}",
                f"p99 with hedges over that without, loopback, {world}",
                0.2,
            )
            for world in ("async", "sync")
        ),
    ]


def _endpoints() -> list[_Promise]:
    return [
        promise
        for how in ("simulated", "loopback")
        for promise in (
            _Promise(
                "endpoints",
                f"slow, {how}",
                f"p99 with one endpoint of four slow, p2c, over least outstanding's, {how}",
                0.4,
            ),
            _Promise(
                "endpoints",
                f"failing, {how}",
                f"requests to an endpoint that fails at once, as a share, {how}",
                0.02,
            ),
            _Promise("endpoints", f"lost, {how}", f"calls that fail of all those, {how}", 0.0),
            _Promise(
                "endpoints",
                f"back, {how}",
                f"share of an endpoint that is back, after its slow start, over all of it, {how}",
                0.9,
                is_least=True,
            ),
        )
    ]


def _cache() -> list[_Promise]:
    return [
        *(
            _Promise(
                "cache",
                f"hit_{face}_{world}",
                f"a hit in memory, {face}, {world}, over plain httpx's get on a null transport",
                bound,
            )
            for face, bound in (("facade", 0.4), ("drop-in", 0.65))
            for world in ("async", "sync")
        ),
        *(
            _Promise(
                "cache",
                f"misses_{face}_{world}",
                f"requests for 100 equal misses at once, {face}, {world}",
                1,
            )
            for face in ("facade", "drop-in")
            for world in ("async", "sync")
        ),
        *(
            _Promise(
                "cache",
                f"outage_{face}",
                f"reads answered in an outage with a warm cache, {face}, percent",
                100,
                is_least=True,
            )
            for face in ("facade", "drop-in")
        ),
    ]


_PROMISES: Final = (
    _Promise(
        "engine",
        "engine_over_tenacity",
        "engine over a no-op, all layers on, over one tenacity.AsyncRetrying for all calls",
        0.2,
    ),
    _Promise(
        "engine",
        "engine_over_decorator",
        "engine over a no-op, all layers on, over @tenacity.retry, which makes one a call",
        0.2,
    ),
    *_protected_get(),
    *_throughput(),
    *(
        _Promise("telemetry", key, f"{what}: microseconds a call", bound)
        for key, what, bound in (
            ("prometheus", "Prometheus", 1),
            ("multiprocess", "Prometheus, several processes", 4),
            ("statsd", "StatsD", 0.5),
            ("unsampled", "traces, not sampled", 10),
            ("sampled", "traces, sampled", 35),
        )
    ),
    *_rejections(),
    _Promise(
        "outage",
        "extra_load_budget",
        "requests a call in a total outage, 1,000 callers, facade by its budget alone",
        1.25,
    ),
    _Promise(
        "outage",
        "extra_load_all",
        "requests a call in a total outage, 1,000 callers, facade with all layers",
        1.25,
    ),
    _Promise("scale", "origins", "cost of a call at 100,000 origins over one origin", 1.1),
    *(
        _Promise("startup", key, f"{statement} over import httpx, pydantic, CPU", 1.3)
        for key, statement in (
            ("import", "import client"),
            ("import_facade", "from client import ResilientClient, ClientConfig"),
            ("import_drop-in", "from client import AsyncClient"),
        )
    ),
    *_strategies(),
    *_endpoints(),
    *_cache(),
)


def judge(sections: Iterable[Section]) -> tuple[Goal, ...]:
    """Return every promise whose section was measured, and whether it is kept."""
    figures: dict[str, dict[str, Cell]] = {each.key: each.figures for each in sections}
    return tuple(
        Goal(
            figure=each.figure,
            title=each.title,
            bound=each.bound,
            is_least=each.is_least,
            value=figures[each.section].get(each.figure),
        )
        for each in _PROMISES
        if each.section in figures
    )
