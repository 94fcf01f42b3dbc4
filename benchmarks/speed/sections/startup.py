"""Start-up: what an import and the first call take of a new process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.speed.findings import Column, Row, Section, Table
from benchmarks.speed.spread import Spread, paired_ratios

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.findings import Cell
    from benchmarks.speed.plan import Plan
    from benchmarks.speed.target_process import Target

__all__ = ["FIGURES", "measure"]

_ROOT: Final = Path(__file__).parents[3]
_BARE: Final = "pass"
_BASELINE: Final = "import httpx, pydantic"
_OURS: Final = "import client"
_IMPORTS: Final = (
    _BASELINE,
    _OURS,
    "from client import ResilientClient, ClientConfig",
    "from client import AsyncClient",
)
FIGURES: Final = ("import", "import_facade", "import_drop-in")
"""The keys of the ratios of our imports."""
_WITHOUT_COMMAND_LINE: Final = "import sys; sys.modules.update(click=None, rich=None)\n"
"""With these two httpx imports its own command line, too: most applications do without them."""
_FIRST_CALLS: Final = {
    "httpx.Client().get": "import httpx\nwith httpx.Client() as c: c.get(URL)",
    "SyncResilientClient().get": (
        "from client import SyncResilientClient\nwith SyncResilientClient() as c: c.get(URL)"
    ),
    "Client().get": "from client import Client\nwith Client() as c: c.get(URL)",
}


@dataclass(slots=True)
class _Starts:
    """What each run of a program took, in seconds."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])

    def without(self, bare: _Starts) -> _Starts:
        """Return the same without the interpreter's own start, round by round."""
        return _Starts(_difference(self.wall, bare.wall), _difference(self.cpu, bare.cpu))


async def measure(plan: Plan, _lineup: Lineup, target: Target) -> Section:
    """Start each program again and again, in turns."""
    programs = {_BARE: _BARE, **{each: each for each in _IMPORTS}}
    programs |= {
        name: text.replace("URL", repr(target.url())) for name, text in _FIRST_CALLS.items()
    }
    starts = {name: _Starts() for name in programs}
    for number in range(plan.starts + 1):
        for name, text in programs.items():
            wall, cpu = _run(text)
            if number:  # the first time it may have to compile, or read from a cold disk
                starts[name].wall.append(wall)
                starts[name].cpu.append(cpu)
    bare = starts.pop(_BARE)
    net = {name: each.without(bare) for name, each in starts.items()}
    baseline, *_ = _FIRST_CALLS
    tables = (
        _table("imports, without the interpreter's own start", _IMPORTS, net, _BASELINE, bare),
        _table("import and first call, loopback, sync", tuple(_FIRST_CALLS), net, baseline),
    )
    figures: dict[str, Cell] = {
        key: paired_ratios(net[name].cpu, net[_BASELINE].cpu)
        for key, name in zip(FIGURES, _IMPORTS[1:], strict=True)
    }
    return Section(key="startup", title="Start-up", tables=tables, figures=figures)


def _run(program: str) -> tuple[float, float]:
    """Return the seconds a program took, on the clock and of the CPU, with all it started."""
    begun = time.perf_counter()
    program = _WITHOUT_COMMAND_LINE + program
    child = subprocess.Popen([sys.executable, "-c", program], cwd=_ROOT)  # noqa: S603 - ours
    _, status, usage = os.wait4(child.pid, 0)
    took = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"a program that should only start failed: {program}")
    return took, usage.ru_utime + usage.ru_stime


def _difference(values: Sequence[float], others: Sequence[float]) -> list[float]:
    return [value - other for value, other in zip(values, others, strict=True)]


def _table(
    title: str,
    names: Sequence[str],
    net: Mapping[str, _Starts],
    baseline: str,
    bare: _Starts | None = None,
) -> Table:
    columns = (
        Column(key="ms", label="on the clock", unit="ms"),
        Column(key="cpu", label="CPU", unit="ms"),
        Column(key="ratio", label=f"CPU over {baseline}", unit="ratio"),
    )
    rows = [
        Row(
            name=name,
            cells={
                **_times(net[name]),
                "ratio": paired_ratios(net[name].cpu, net[baseline].cpu),
            },
            is_ours="lient" in name and "httpx" not in name,
        )
        for name in names
    ]
    if bare is not None:
        rows.insert(0, Row(name="the interpreter alone", cells=_times(bare)))
    return Table(title=title, columns=columns, rows=tuple(rows), plot=("cpu",))


def _times(starts: _Starts) -> dict[str, Cell]:
    return {"ms": Spread.of(starts.wall).times(1e3), "cpu": Spread.of(starts.cpu).times(1e3)}
