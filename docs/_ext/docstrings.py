"""What docstrings say of classes, of their attributes, and of functions, before it is rendered."""

import ast
import inspect
import re
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any, is_typeddict

__all__ = ["attribute_doc", "class_doc", "data_doc", "function_doc"]

SECTION = re.compile(r"^(?P<title>Args|Attributes):\n(?P<text>(?: {4}.*\n|\n)*)", re.MULTILINE)
# The last paragraph of options, which `help()` shows among the arguments of each method.
WORDS = re.compile(r"\n\n(?P<text>\w+: .*(?:\n.+)*)\n?\Z")
ENTRY = re.compile(r"^ {4}\*{0,2}(?P<names>\w+(?:, \w+)*)(?: \(.*\))?: ", re.MULTILINE)


def class_doc(kind: type[Any], members: dict[str, str]) -> str:
    """A docstring without the sections that go to the attributes."""
    text = _doc_with_sections(kind)

    def kept(section: re.Match[str]) -> str:
        entries = ENTRY.finditer(section["text"])
        names = {name for each in entries for name in each["names"].split(", ")}
        return "" if names <= {*members} else section[0]

    return SECTION.sub(kept, text).strip()


def _doc_with_sections(kind: type[Any]) -> str:
    text = inspect.cleandoc(vars(kind).get("__doc__") or "") + "\n"
    if is_typeddict(kind) and (words := WORDS.search(text)):
        entries = textwrap.indent(words["text"], "    ")
        return f"{text[: words.start()]}\n\nAttributes:\n{entries}\n"
    return text


def attribute_doc(kind: type[Any], name: str) -> str:
    """What is said of an attribute: below it, or in the docstring of its class or of a base."""
    for owner in kind.__mro__:
        documented = {**_entries(owner, "Args"), **_entries(owner, "Attributes")}
        documented |= _literals(owner)
        if name in documented:
            return documented[name]
    return "As httpx takes it." if kind.__name__.endswith("Options") else ""


@cache
def _entries(kind: type[Any], title: str) -> dict[str, str]:
    """The texts of a section of a class, by name."""
    text = _doc_with_sections(kind)
    found: dict[str, str] = {}
    for section in SECTION.finditer(text):
        if section["title"] == title:
            parts = ENTRY.split(section["text"])
            for names, words in zip(parts[1::2], parts[2::2], strict=True):
                found |= dict.fromkeys(names.split(", "), inspect.cleandoc(words))
    return found


@cache
def _literals(kind: type[Any]) -> dict[str, str]:
    """The texts that stand below attributes, in the class or in its constructor."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except (OSError, TypeError):
        return {}
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for line, below in pairwise(body) if isinstance(body, list) else ():
            match line, below:
                case (
                    ast.AnnAssign(target=target) | ast.Assign(targets=[target]),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    name = str(getattr(target, "attr", None) or getattr(target, "id", ""))
                    found[name] = inspect.cleandoc(text)
                case _:
                    pass
    return found


def function_doc(value: Any, bare: Any) -> str:
    """As it stands in the source: what is put on it for `help()` stands once, with the options."""
    try:
        [tree] = ast.parse(textwrap.dedent(inspect.getsource(bare))).body
    except (OSError, TypeError):
        return inspect.getdoc(value) or ""
    assert isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef)
    return ast.get_docstring(tree) or inspect.getdoc(value) or ""


def data_doc(name: str) -> str:
    """What is said of a name that is neither class nor function, and so has no docstring."""
    return {
        "client.Event": "Any of the events. Type checkers know by it what a listener may be told.",
        "client.__version__": "The version of this distribution.",
    }.get(name, "")
