"""The documentation site as it is made: its pages, and what they lead to and load."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from tests.docs.reading import ROOT

__all__ = ["Page", "Site", "make_site"]

HOST = "http://site.invalid/"
"""Stands for the folder, so that links can be joined as a browser does."""
_IN_STYLE = re.compile(r"url\(\s*['\"]?(?P<url>[^)'\"]+)|@import\s+['\"](?P<imported>[^'\"]+)")
# What a tag loads, as opposed to where it leads.
_LOADS = {"audio", "embed", "iframe", "img", "link", "object", "script", "source", "video"}


@dataclass
class Page:
    """One page.

    Attributes:
        name: Its path in the site.
        title: The text of its head's title.
        description: That of its head's description.
        anchors: The ids that a link may lead to.
        links: Where it leads, as written.
        loaded: What it loads, as written.
    """

    name: str
    title: str = ""
    description: str = ""
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def joined(self, link: str) -> str:
        """Where a link leads to, in full."""
        return urljoin(f"{HOST}{self.name}", link)


@dataclass(frozen=True)
class Site:
    """All of it, in a folder."""

    root: Path

    @cached_property
    def pages(self) -> dict[str, Page]:
        """The pages, by their paths."""
        found = sorted(self.root.rglob("*.html"))
        return {page.name: page for page in map(self._read, found)}

    def styles(self) -> Iterator[tuple[str, str]]:
        """What style sheets load, as written, with the path of each sheet."""
        for path in sorted(self.root.rglob("*.css")):
            name = path.relative_to(self.root).as_posix()
            for found in _IN_STYLE.finditer(path.read_text("utf-8")):
                yield name, found["url"] or found["imported"]

    def loads_from_elsewhere(self) -> set[tuple[str, str]]:
        """What a page or a style sheet loads that is not here, with the path of who loads it."""
        loaded = {(page.name, url) for page in self.pages.values() for url in page.loaded}
        loaded |= {*self.styles()}
        return {
            (name, url)
            for name, url in loaded
            if not url.startswith("data:") and not self.holds(_file(urljoin(HOST + name, url)))
        }

    def names(self) -> set[str]:
        """What the inventory has of Python."""
        from sphinx.util.inventory import InventoryFile  # noqa: PLC0415 - may be absent

        inventory = InventoryFile.loads((self.root / "objects.inv").read_bytes(), uri="").data
        return {
            name for kind, names in inventory.items() if kind.startswith("py:") for name in names
        }

    def text(self, name: str) -> str:
        """What a file says."""
        return (self.root / name).read_text("utf-8")

    def holds(self, url: str) -> bool:
        """Whether a full URL leads to something here, its anchor included."""
        if not url.startswith(HOST):
            return False
        parts = urlsplit(url)
        name = unquote(parts.path.removeprefix("/")) or "index.html"
        if not (self.root / name).is_file():
            return False
        return not parts.fragment or unquote(parts.fragment) in self.pages[name].anchors

    def _read(self, path: Path) -> Page:
        reader = _Reader(Page(path.relative_to(self.root).as_posix()))
        reader.feed(path.read_text("utf-8"))
        return reader.page


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self._is_in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if anchor := values.get("id"):
            self.page.anchors.add(anchor)
        if tag == "meta" and values.get("name") == "description":
            self.page.description = values["content"]
        self._is_in_title = tag == "title" and not self.page.title
        for name in ("href", "src", "srcset", "data"):
            if name in values:
                kept = self.page.loaded if self._is_loaded(tag, values) else self.page.links
                kept.append(values[name])

    def handle_data(self, data: str) -> None:
        if self._is_in_title:
            self.page.title, self._is_in_title = data.strip(), False

    def _is_loaded(self, tag: str, values: dict[str, str]) -> bool:
        return tag in _LOADS and values.get("rel") not in {"next", "prev", "index", "search"}


def _file(url: str) -> str:
    """A URL without what only tells versions or places of a file apart."""
    return url.partition("#")[0].partition("?")[0]


def make_site(out: Path) -> Site:
    """Make it as `./dev docs` does, in another folder."""
    loader = SourceFileLoader("dev_script", str(ROOT / "dev"))
    spec = spec_from_loader("dev_script", loader)
    assert spec
    dev = module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # no file beside it
    try:
        loader.exec_module(dev)
    finally:
        sys.dont_write_bytecode = before
    _, *arguments = dev.site_command(out)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Site(out)
