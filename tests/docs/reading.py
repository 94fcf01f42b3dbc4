"""Reads the documents: their headings, tables and fenced blocks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "DOCUMENTS",
    "PAGES",
    "README",
    "ROOT",
    "USAGE",
    "Block",
    "Row",
    "blocks",
    "code_in",
    "headings",
    "page",
    "pages_text",
    "table",
]

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
USAGE = ROOT / "USAGE.md"
PAGES = sorted((ROOT / "docs").rglob("*.md"))
"""The pages of the site."""
DOCUMENTS = [README, USAGE, *PAGES]
"""All whose examples run."""

Row = Sequence[str]

_FENCED = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block and where it stands."""

    path: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"


def blocks(path: Path, language: str) -> Iterator[Block]:
    """The fenced blocks in a language, in order."""
    text = path.read_text("utf-8")
    for found in _FENCED.finditer(text):
        if found["language"] == language:
            line = text.count("\n", 0, found.start()) + 1
            yield Block(path, line, language, found["text"])


def headings(path: Path) -> list[str]:
    """The headings, in order and without their marks of code."""
    prose = _FENCED.sub("", path.read_text("utf-8"))
    return [found["title"].replace("`", "") for found in _HEADING.finditer(prose)]


def page(heading: str) -> Path:
    """The one page of the site that has such a heading; those made from docstrings have no say."""
    written = [path for path in PAGES if path.parent.name != "api"]
    [found] = [path for path in written if heading in headings(path)]
    return found


def pages_text() -> str:
    """All pages of the site, one behind the other."""
    return "\n".join(path.read_text("utf-8") for path in PAGES)


def table(heading: str, first_column: str) -> list[Row]:
    """The rows of the one table with such a first column that stands below such a heading."""
    places = [path for path in PAGES if heading in headings(path)]
    found = [rows for path in places if (rows := _table(_section(path, heading), first_column))]
    if len(found) != 1:
        pages = [path.name for path in places]
        raise LookupError(f"{len(found)} tables of {first_column!r} under {heading!r} of {pages}")
    return found[0]


def code_in(cell: str) -> list[str]:
    """What is set as code."""
    return _CODE.findall(cell)


def _section(path: Path, heading: str) -> str:
    text = path.read_text("utf-8")
    begin = re.search(rf"^#+ `?{re.escape(heading)}`?$", text, re.MULTILINE)
    if begin is None:
        raise LookupError(f"{path.name} has no heading {heading!r}")
    end = _HEADING.search(_FENCED.sub(_blank, text), begin.end())
    return text[begin.end() : end.start() if end else None]


def _table(section: str, first_column: str) -> list[Row]:
    lines = iter(section.splitlines())
    for line in lines:
        if line.startswith(f"| {first_column} |"):
            next(lines)  # the rule below the head
            return list(_rows(lines))
    return []


def _blank(block: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", block[0])


def _rows(lines: Iterator[str]) -> Iterator[Row]:
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split(" | ")]
