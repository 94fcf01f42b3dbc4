"""What a page says of itself: its title, and the sentences it opens with."""

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

__all__ = ["opening", "setup", "title"]

LONGEST = 300
"""Characters of a description; search engines show about half as many."""


def title(env: BuildEnvironment, page: str) -> str:
    """The title of a page, as text."""
    return str(env.titles[page].astext())


def opening(doctree: nodes.document, most: int = LONGEST) -> str:
    """The first paragraph, or as many of its sentences as fit."""
    text = " ".join(next((each.astext() for each in doctree.findall(_is_prose)), "").split())
    text = text.rstrip(":")
    while len(text) > most and ". " in text:
        text = text.rpartition(". ")[0] + "."
    return text


def _is_prose(node: nodes.Node) -> bool:
    return isinstance(node, nodes.paragraph) and isinstance(node.parent, nodes.section)


def describe(
    _app: Sphinx, page: str, _template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Put the description of a page into its head."""
    project = f"the documentation of {context['project']}"
    others = {"genindex": "Index", "search": "Search"}
    text = opening(doctree) if doctree else f"{others.get(page, page)} of {project}."
    text = re.sub(r"\s+", " ", text)
    context["metatags"] = (
        f'{context.get("metatags", "")}\n    <meta name="description" content="{escape(text)}">\n'
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of it."""
    app.connect("html-page-context", describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
