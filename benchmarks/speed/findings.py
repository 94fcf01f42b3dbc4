"""What a run found, as tables and figures: what the terminal, the files and the plots are made of.

The same models are written to JSON and read back, so that everything can be made from the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from benchmarks.speed.plan import SECTIONS
from benchmarks.speed.spread import Spread

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Cell",
    "Column",
    "Contestant",
    "Findings",
    "Goal",
    "Machine",
    "Row",
    "Section",
    "Table",
    "Unit",
]

Unit = Literal["us", "ms", "s", "ratio", "per_second", "percent", "count", "bytes"]
Cell = Annotated[Spread | float | None, Field(union_mode="left_to_right")]
"""What was measured, counted, or left out."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Model):
    """A column of a table.

    Attributes:
        key: Its name in the rows.
        label: Its heading.
        unit: Of its numbers.
    """

    key: str
    label: str
    unit: Unit


class Row(_Model):
    """What was measured of one contender."""

    name: str
    cells: dict[str, Cell]
    is_ours: bool = False


class Table(_Model):
    """Contenders side by side.

    Attributes:
        title: Its heading.
        columns: What was measured.
        rows: Who was.
        plot: The columns that are drawn, in one picture.
        plot_label: What stands below it, where that is not their headings.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    plot: tuple[str, ...] = ()
    plot_label: str = ""


class Section(_Model):
    """One part of the report.

    Attributes:
        key: As it is asked for on the command line.
        title: Its heading.
        tables: Its tables.
        figures: The single numbers that goals are set for.
    """

    key: str
    title: str
    tables: tuple[Table, ...]
    figures: dict[str, Cell] = {}


class Goal(_Model):
    """A number, and what it should be.

    Attributes:
        figure: Its name in the section's figures.
        title: What it says.
        bound: What it should be at most, or at least.
        is_least: Whether `bound` is the least.
        value: What was measured; None where it was not.
    """

    figure: str
    title: str
    bound: float
    is_least: bool
    value: Cell

    @property
    def median(self) -> float | None:
        """What is compared with the bound."""
        return self.value.median if isinstance(self.value, Spread) else self.value

    @property
    def is_reached(self) -> bool | None:
        """Whether it is; None where it was not measured."""
        if self.median is None:
            return None
        return self.median >= self.bound if self.is_least else self.median <= self.bound


class Machine(_Model):
    """As much of the machine as the numbers need. Neither its name nor its paths."""

    cores: int
    python: str
    system: str


class Contestant(_Model):
    """Who took part, and with what switched on."""

    name: str
    about: str
    library: str | None


class Findings(_Model):
    """All of a run."""

    machine: Machine
    seconds: float
    rounds: int
    is_quick: bool
    versions: dict[str, str]
    contestants: tuple[Contestant, ...]
    absent: dict[str, str]
    sections: tuple[Section, ...]
    goals: tuple[Goal, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out and nothing cut short."""
        return not self.is_quick and [each.key for each in self.sections] == list(SECTIONS)

    def write(self, path: Path) -> None:
        """Write the file that `read` reads."""
        path.write_bytes(_FINDINGS.dump_json(self, indent=1) + b"\n")

    @classmethod
    def read(cls, path: Path) -> Findings:
        """Read a file that `write` wrote.

        Raises:
            ValueError: It is another.
        """
        return _FINDINGS.validate_json(path.read_bytes())


_FINDINGS: Final = TypeAdapter(Findings)
