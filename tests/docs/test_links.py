"""The links between the documents lead somewhere."""

import re
from pathlib import Path

import pytest

from client import __version__
from tests.docs.reading import DOCUMENTS, ROOT, USAGE, headings

LINK = re.compile(r"\]\(([^)\s]+)\)")
OTHERS = ("CHANGELOG", "CONTRIBUTING", "SECURITY", "CODE_OF_CONDUCT")
LINKS = [
    pytest.param(path, link, id=f"{path.relative_to(ROOT)}: {link}")
    for path in [*DOCUMENTS, *(ROOT / f"{name}.md" for name in OTHERS)]
    for link in sorted(set(LINK.findall(path.read_text("utf-8"))))
]


def _anchor(heading: str) -> str:
    """A heading's name in a link, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize(("path", "link"), LINKS)
def test_a_link_leads_somewhere(path: Path, link: str) -> None:
    """To a file of the repository, and there to a heading; other sites are taken on trust."""
    if link.startswith("https://"):
        return
    name, _, anchor = link.partition("#")
    target = path.parent / name if name else path
    assert target.is_file()
    if anchor:
        assert anchor in map(_anchor, headings(target))


def test_every_section_can_be_found_from_the_top() -> None:
    """USAGE.md's list of contents is complete."""
    text = USAGE.read_text("utf-8")
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    contents = text[: text.index("\n## ")]
    assert [section for section in sections if f"(#{_anchor(section)})" not in contents] == []


def test_the_changelog_has_this_version() -> None:
    """Dated, and on top."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    [newest, *_] = re.findall(r"^## \[(.+)\] - \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert newest == __version__
