"""An outage: what it costs to say no, and what the server still sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.speed.bursts import load_table, measure_loads
from benchmarks.speed.findings import Section
from benchmarks.speed.rejections import (
    CIRCUIT,
    OURS,
    PYBREAKER,
    measure_rejections,
    rate_over,
    rejection_table,
)

if TYPE_CHECKING:
    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.findings import Cell
    from benchmarks.speed.plan import Plan
    from benchmarks.speed.target_process import Target

__all__ = ["measure"]


async def measure(plan: Plan, lineup: Lineup, target: Target) -> Section:
    """Measure rejections, then the load of many callers."""
    rejections = await measure_rejections(plan, lineup)
    loads = await measure_loads(plan, lineup, target)
    figures: dict[str, Cell] = {
        f"rejections_{name}": rate_over(laps, rejections[PYBREAKER])
        for name, laps in rejections.items()
        if name.startswith(OURS)
    }
    figures["rejections_circuit"] = rate_over(rejections[CIRCUIT], rejections[PYBREAKER])
    facade = loads["facade"]
    figures["extra_load_budget"] = facade.requests(has_circuit=False)
    figures["extra_load_all"] = facade.requests(has_circuit=True)
    tables = (rejection_table(rejections), load_table(plan, lineup, loads))
    return Section(key="outage", title="An outage", tables=tables, figures=figures)
