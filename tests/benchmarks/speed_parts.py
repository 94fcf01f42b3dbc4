"""Makes the parts of a run that the tests of the report look at."""

from __future__ import annotations

from benchmarks.speed.findings import (
    Column,
    Contestant,
    Findings,
    Goal,
    Machine,
    Row,
    Section,
    Table,
)
from benchmarks.speed.spread import Spread

RATIO = Spread(1.5, 1.25, 1.75, 8)


def table() -> Table:
    """Return a table with every kind of cell."""
    columns = (
        Column(key="us", label="a call", unit="us"),
        Column(key="ratio", label="over httpx", unit="ratio"),
        Column(key="bytes", label="memory", unit="bytes"),
    )
    ours = Row(name="facade", is_ours=True, cells={"us": 1234.5, "ratio": RATIO, "bytes": 77.0})
    theirs = Row(name="a | b", cells={"us": Spread(0.0123, 0.01, 0.02, 8), "ratio": None})
    return Table(title="a table", columns=columns, rows=(ours, theirs), plot=("us", "ratio"))


def findings(**changes: object) -> Findings:
    """Return a run of one section, with a goal of each fate."""
    facts = {
        "machine": Machine(cores=2, python="CPython 3.11.7", system="Linux"),
        "seconds": 61.0,
        "rounds": 8,
        "is_quick": False,
        "versions": {"httpx": "0.28.1"},
        "contestants": (Contestant(name="facade", about="all layers", library=None),),
        "absent": {"httpx + stamina": "No module named 'stamina'"},
        "sections": (Section(key="outage", title="An outage", tables=(table(),)),),
        "goals": (
            goal("kept", 2.0, RATIO),
            goal("missed", 2.0, RATIO, is_least=True),
            goal("unmeasured", 2.0, None),
        ),
    }
    return Findings.model_validate({**facts, **changes})


def goal(title: str, bound: float, value: Spread | float | None, *, is_least: bool = False) -> Goal:
    """Return a goal."""
    return Goal(figure=title, title=title, bound=bound, is_least=is_least, value=value)
