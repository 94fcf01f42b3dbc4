"""Two files for programs that read: llms.txt, a list of the pages, and llms-full.txt, all of them.

The first is as https://llmstxt.org has it. Their links are relative to where they stand, beside
index.html.
"""

import posixpath
import re
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

from page_texts import opening, title
from public_names import Public, public_names
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

__all__ = ["setup"]

SHORT = 160
DIRECTIVE = re.compile(r"^(```|:::)\{(?P<name>[\w-]+)\}.*\n(?P<body>(?:.*\n)*?)\1\n?", re.MULTILINE)
LINK = re.compile(
    r"!?\[(?P<text>(?:`[^`]*`|[^\]`])*)\]\((?P<path>[^)\s:#]*)(?P<anchor>#[^)\s]*)?\)"
)
FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write both beside the pages."""
    if exception is None and app.builder.name == "html":
        out, env = Path(app.outdir), app.env
        (out / "llms.txt").write_text("\n".join(_index(env)) + "\n", "utf-8")
        full = "\n\n".join(_page(env, page) for page in _in_order(env, env.config.root_doc))
        (out / "llms-full.txt").write_text(full, "utf-8")


def _index(env: BuildEnvironment) -> Iterator[str]:
    root = env.config.root_doc
    yield f"# {title(env, root)}"
    yield f"\n> {opening(env.get_doctree(root))}"
    yield f"\nAll pages in one file: [llms-full.txt](llms-full.txt)\n\n## {title(env, root)}\n"
    yield _line(env, root)
    for section in env.toctree_includes[root]:
        yield f"\n## {title(env, section)}\n"
        yield from (_line(env, page) for page in _in_order(env, section))


def _line(env: BuildEnvironment, page: str) -> str:
    return f"- [{title(env, page)}]({page}.html): {opening(env.get_doctree(page), SHORT)}"


def _in_order(env: BuildEnvironment, page: str) -> Iterator[str]:
    """A page and those below it, as a reader turns them."""
    yield page
    for below in env.toctree_includes.get(page, ()):
        yield from _in_order(env, below)


def _page(env: BuildEnvironment, page: str) -> str:
    """The Markdown of a page, with links that lead to the pages of the site."""
    text = Path(env.doc2path(page)).read_text("utf-8")
    folder = posixpath.dirname(page)

    def led(link: re.Match[str]) -> str:
        path = link["path"] or posixpath.basename(f"{page}.md")
        where = posixpath.normpath(posixpath.join(folder, path))
        if where.removesuffix(".md") not in env.all_docs:
            return link["text"]  # a file of the repository, or a picture
        return f"[{link['text']}]({where.removesuffix('.md')}.html{link['anchor'] or ''})"

    parts = FENCED.split(DIRECTIVE.sub(_plain, text))
    parts[::2] = [LINK.sub(led, prose) for prose in parts[::2]]
    return "".join(parts).strip() + "\n"


def _plain(directive: re.Match[str]) -> str:
    match directive["name"]:
        case "toctree":
            return ""
        case "public":
            lines = directive["body"].splitlines()
            names = [line for line in lines if line and not line.startswith(":")]
            return "\n".join(_names(public_names(), names, is_whole=names == lines))
        case _:
            return directive["body"]


def _names(public: Public, names: list[str], *, is_whole: bool) -> Iterator[str]:
    """Their lines of the reviewed listing, and what their docstrings say."""
    for name in names:
        lines = public.lines(name) if is_whole else public.lines(name)[:1]
        yield "\n".join(["```python", *lines, "```", ""])
        value = public.values[name]
        text = getattr(getattr(value, "__wrapped__", value), "__doc__", None)
        if text and not isinstance(value, str):
            yield f"{cleandoc(text)}\n"


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of it."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
