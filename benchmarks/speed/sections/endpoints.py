"""Several endpoints, of which one is slow, fails, or dies: simulated, and over real connections."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from benchmarks.simulations import endpoints as simulated
from benchmarks.simulations import endpoints_over_loopback as loopback
from benchmarks.speed.findings import Column, Row, Section, Table
from client import OutlierConfig

if TYPE_CHECKING:
    from benchmarks.simulations.endpoints import Played
    from benchmarks.simulations.endpoints_over_loopback import Found
    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.findings import Cell
    from benchmarks.speed.plan import Plan
    from benchmarks.speed.target_process import Target
    from client.strategies.endpoints.settings import PolicyName

__all__ = ["measure"]

_COLUMNS: Final = (
    Column(key="p50", label="p50", unit="ms"),
    Column(key="p99", label="p99", unit="ms"),
    Column(key="there", label="requests to the bad one", unit="percent"),
    Column(key="failed", label="calls failed", unit="count"),
    Column(key="share", label="of its share, when it is back", unit="percent"),
)
_BAD: Final = simulated.COUNT - 1
_QUICK: Final = loopback.Lengths(warming=0.3, measured=0.7, dead=0.3, back=3.0)
_QUICK_SECONDS: Final = 8.0
_POLICIES: Final[tuple[PolicyName, ...]] = ("least_outstanding", "p2c")


async def measure(plan: Plan, lineup: Lineup, target: Target) -> Section:  # noqa: ARG001 - a section's signature
    """Play all stories, then tell them to real servers."""
    figures: dict[str, Cell] = {}
    played = await asyncio.to_thread(_simulated, figures, is_quick=plan.is_quick)
    told = await _over_loopback(figures, is_quick=plan.is_quick)
    return Section(key="endpoints", title="Endpoints", tables=(played, told), figures=figures)


def _simulated(figures: dict[str, Cell], *, is_quick: bool) -> Table:
    seconds = _QUICK_SECONDS if is_quick else simulated.SECONDS
    slow = {
        policy: simulated.one_is_slow(simulated.Ours(policy), seconds=seconds)
        for policy in _POLICIES
    }
    rows = [_played(f"one 10 times slower, {policy}", found) for policy, found in slow.items()]
    figures["slow, simulated"] = slow["p2c"].percentile(0.99) / slow[
        "least_outstanding"
    ].percentile(0.99)
    alone = simulated.one_fails(simulated.PeakEwmaAlone(), seconds=seconds)
    rows.append(_played("one fails at once, peak EWMA alone", alone, is_ours=False))
    fails = simulated.one_fails(simulated.Ours(outliers=OutlierConfig()), seconds=seconds)
    rows.append(_played("one fails at once, p2c", fails))
    figures["failing, simulated"] = fails.share(_BAD)
    lost = fails.failed()
    if not is_quick:
        died, share = _dead_and_back()
        rows.append(_played("one dies and comes back, p2c", died, share=share))
        figures["back, simulated"] = share
        lost += died.failed()
    figures["lost, simulated"] = float(lost)
    title = "Four servers, one of them bad: 600 calls a second, simulated"
    return Table(title=title, columns=_COLUMNS, rows=tuple(rows))


def _dead_and_back() -> tuple[Played, float]:
    """Play that one dies; return the share of its share that it has once it is back."""
    rules = OutlierConfig(base_ejection=10.0)
    balancer = simulated.Ours(outliers=rules)
    found = simulated.one_dies(balancer)
    back = [at for at, each in balancer.told if each.kind == "returned"]
    full = max(back, default=simulated.IS_BACK) + rules.slow_start
    return found, found.share(_BAD, full, full + 10.0) * simulated.COUNT


def _played(name: str, found: Played, *, share: float | None = None, is_ours: bool = True) -> Row:
    cells: dict[str, Cell] = {
        "p50": 1000 * found.percentile(0.5),
        "p99": 1000 * found.percentile(0.99),
        "there": 100 * found.share(_BAD),
        "failed": float(found.failed()),
        "share": None if share is None else 100 * share,
    }
    return Row(name=name, cells=cells, is_ours=is_ours)


async def _over_loopback(figures: dict[str, Cell], *, is_quick: bool) -> Table:
    lengths = _QUICK if is_quick else loopback.Lengths()
    slow = {policy: await loopback.one_is_slow(policy, lengths) for policy in _POLICIES}
    fails = await loopback.one_fails(lengths)
    died = await loopback.one_dies(lengths)
    figures["slow, loopback"] = slow["p2c"].percentile(0.99) / slow["least_outstanding"].percentile(
        0.99
    )
    figures["failing, loopback"] = fails.to_the_bad_one
    figures["lost, loopback"] = float(fails.failed + died.all.failed)
    figures["back, loopback"] = died.share
    rows = [_told(f"one 10 times slower, {policy}", found) for policy, found in slow.items()]
    rows.append(_told("one fails at once, p2c", fails))
    rows.append(_told("one dies and comes back, p2c", died.all, share=died.share))
    title = "Four servers, one of them bad: 150 calls a second, over loopback"
    return Table(title=title, columns=_COLUMNS, rows=tuple(rows))


def _told(name: str, found: Found, *, share: float | None = None) -> Row:
    cells: dict[str, Cell] = {
        "p50": 1000 * found.percentile(0.5),
        "p99": 1000 * found.percentile(0.99),
        "there": 100 * found.to_the_bad_one if found.counts else None,
        "failed": float(found.failed),
        "share": None if share is None else 100 * share,
    }
    return Row(name=name, cells=cells, is_ours=True)
