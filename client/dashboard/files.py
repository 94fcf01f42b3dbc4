"""The files of the page: its HTML, and what that asks for by name."""

from __future__ import annotations

import re
from functools import cache
from html import escape
from http import HTTPStatus
from pathlib import Path
from typing import Final

from .answers import Answer

__all__ = ["index", "static"]

_FOLDER: Final = Path(__file__).with_name("static")
_PLACE: Final = re.compile(r"\{\{(?P<name>\w+)\}\}")
_KINDS: Final = {
    "app.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "style.css": "text/css; charset=utf-8",
}


def index(**values: str) -> Answer:
    """Return the page itself, with these values in the places that are marked for them."""
    template = _read("index.html").decode()
    text = _PLACE.sub(lambda found: escape(values[found["name"]]), template)
    return Answer(HTTPStatus.OK, text.encode(), "text/html; charset=utf-8")


def static(name: str) -> Answer | None:
    """Return a file that the page asks for, or None where there is none of that name."""
    kind = _KINDS.get(name)
    return None if kind is None else Answer(HTTPStatus.OK, _read(name), kind)


@cache
def _read(name: str) -> bytes:
    return (_FOLDER / name).read_bytes()
