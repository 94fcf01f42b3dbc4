"""The pages of public names: a directive that shows some, and where each name in a text leads."""

from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.parsers.rst.states import Inliner
from public_names import public_names
from rendered import rendered
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.domains.python import PythonDomain

__all__ = ["setup"]


class PublicDirective(SphinxDirective):
    """Shows public names, one a line, each with its signature and docstring."""

    has_content = True
    option_spec = {"no-members": directives.flag}  # noqa: RUF012 - as docutils has it

    def run(self) -> list[nodes.Node]:
        """Write them, and have them read."""
        names = [line.strip() for line in self.content if line.strip()]
        for name in names:
            if name not in public_names().values:
                raise self.error(f"{name} is no public name: docs/api.txt lists them")
        shown = [
            rendered(
                name,
                public_names(),
                self.env.app.config,
                with_members="no-members" not in self.options,
            )
            for name in names
        ]
        text = "\n".join(["```{eval-rst}", *shown, "```"])
        return self.parse_text_to_nodes(text)


def name_role(
    _name: str,
    rawtext: str,
    text: str,
    _line: int,
    inliner: Inliner,
    _options: Any = None,
    _content: Any = None,
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """Code, which leads to where it is described if it is a public name or one of its members."""
    code = nodes.literal(rawtext, text, classes=["xref", "py", "py-obj"])
    target = _target(text)
    if target is None:
        return [nodes.literal(rawtext, text)], []
    env: BuildEnvironment = inliner.document.settings.env
    reference = addnodes.pending_xref(
        rawtext, code, refdomain="py", reftype="obj", reftarget=target, refdoc=env.docname
    )
    return [reference], []


def _target(text: str) -> str | None:
    """The full name of what a text in a docstring names."""
    public = public_names()
    name = text.partition("(")[0]
    first, _, member = name.removeprefix("client.").partition(".")
    if name in public.values:
        return name
    if first not in public.full or first in {"options", "request", "dashboard", "Event"}:
        return None
    full = public.full[first]
    if not member:
        return full
    return f"{full}.{member}" if any(member in line for line in public.lines(full)) else None


def name_in_full(_app: Sphinx, doctree: nodes.document) -> None:
    """Give in full what a docstring names by its last part, so that it is one thing alone."""
    for node in doctree.findall(addnodes.pending_xref):
        target = node.get("reftarget", "")
        if node.get("refdomain") == "py" and target in public_names().full:
            node["reftarget"] = public_names().full[target]


def add_second_names(_app: Sphinx, env: BuildEnvironment) -> None:
    """Have every name lead somewhere under which one can import it."""
    python: PythonDomain = env.domains.python_domain
    for alias, full in public_names().aliases.items():
        found = python.objects.get(full)
        if found is not None:
            python.objects[alias] = found._replace(aliased=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx of them."""
    app.add_directive("public", PublicDirective)
    app.add_role("name", name_role)
    app.connect("doctree-read", name_in_full)
    app.connect("env-updated", add_second_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
