"""Makes a run: every section in an event loop of its own, against one target server."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from importlib import import_module
from typing import TYPE_CHECKING

from benchmarks.speed.contenders.lineup import gather
from benchmarks.speed.findings import Contestant, Findings
from benchmarks.speed.goals import judge
from benchmarks.speed.machine import describe_machine
from benchmarks.speed.target_process import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.findings import Section
    from benchmarks.speed.plan import Plan

__all__ = ["run"]


def run(plan: Plan, progress: Callable[[str], None]) -> Findings:
    """Measure what the plan asks for.

    Args:
        plan: What is measured, and how often.
        progress: Told what is measured next.

    Raises:
        TargetError: The target server does not start.
    """
    _clear_the_air()
    lineup = gather()
    begun = time.monotonic()
    sections: list[Section] = []
    with Target() as target:
        for name in plan.sections:
            progress(f"{name} ...")
            module = import_module(f"benchmarks.speed.sections.{name}")
            sections.append(asyncio.run(module.measure(plan, lineup, target)))
    return Findings(
        machine=describe_machine(),
        seconds=time.monotonic() - begun,
        rounds=plan.rounds,
        is_quick=plan.is_quick,
        versions=lineup.versions(),
        contestants=_contestants(lineup),
        absent=lineup.absent,
        sections=tuple(sections),
        goals=judge(sections),
    )


def _contestants(lineup: Lineup) -> tuple[Contestant, ...]:
    return tuple(
        Contestant(name=each.name, about=each.about, library=each.distribution)
        for each in lineup.contenders
    )


def _clear_the_air() -> None:
    """Keep out what would be measured besides: a proxy before the loopback, and warnings printed.

    Circuits that open say so in the log, which nobody reads here.
    """
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            del os.environ[name]
    logging.getLogger().addHandler(logging.NullHandler())
