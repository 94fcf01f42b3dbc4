"""Writes what is public as reStructuredText: the listing's lines, with their docstrings below."""

import inspect
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Any, Literal, get_type_hints

from docstrings import attribute_doc, class_doc, data_doc, function_doc
from public_names import PLUGIN, Public
from pydantic import BaseModel
from sphinx.config import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.util.typing import stringify_annotation
from types_shown import signature_shown, type_shown

__all__ = ["rendered"]

ASYNC = re.compile("Async|ResilientClient|create_resilient_client")
What = Literal["attribute", "class", "data", "method"]
INDENT = "   "
HEAD = re.compile(r"class (?P<name>[\w.]+)(\((?P<bases>.*)\))?")
METHOD = re.compile(
    r"(?P<is_async>async )?(?P<kind>def|context|classmethod|staticmethod) (?P<name>[\w.]+)"
    r"(?P<signature>\(.*)"
)
PROPERTY = re.compile(r"property (?P<name>\w+): (?P<type>.*)")
ATTRIBUTE = re.compile(r"(?P<name>\w+)(: (?P<type>.*?))?( = (?P<default>.*))?")
OPTIONS = {"classmethod": ":classmethod:", "staticmethod": ":staticmethod:"}


def rendered(name: str, public: Public, config: Config, *, with_members: bool = True) -> str:
    """One public name, as the directive that describes it.

    Args:
        name: The full name under which it is shown.
        public: All of them.
        config: That of Sphinx, for napoleon.
        with_members: Whether the methods and attributes of a class are shown.
    """
    text = "\n".join(_Page(public, config).of(name, with_members=with_members))
    module, _, last = name.rpartition(".")
    transport = "httpx.AsyncBaseTransport" if ASYNC.match(last) else "httpx.BaseTransport"
    text = text.replace("httpx.BaseTransport | httpx.AsyncBaseTransport", transport)
    client = "httpx.AsyncClient" if ASYNC.match(last) else "httpx.Client"
    text = text.replace("httpx.Client | httpx.AsyncClient", client)
    if module == "client.httpx2":
        text = re.sub(r"\bhttpx\.", "httpx2.", text)
    if module in public.modules:
        return text
    # Where it is imported from is none of the reader's business.
    text = text.replace(f":: {name}", f":: {last}", 1)
    return f".. py:currentmodule:: {module}\n\n{text}\n\n.. py:currentmodule:: None\n"


class _Page:
    """What is written with the same settings."""

    def __init__(self, public: Public, config: Config) -> None:
        self._public = public
        self._config = config

    def of(self, name: str, *, with_members: bool) -> Iterator[str]:
        value = self._public.values[name]
        if name.startswith(f"{PLUGIN}."):
            yield from self._fixture(name, value)
        elif isinstance(value, type):
            yield from self._class(name, value, with_members=with_members)
        elif callable(value) and hasattr(value, "__name__"):
            [line] = self._public.lines(name)
            yield from self._function(name, line, value, "py:function")
        else:
            yield from self._data(name)

    def _fixture(self, name: str, value: Any) -> Iterator[str]:
        bare = value.__wrapped__
        returned = inspect.get_annotations(bare)["return"]
        short = name.rpartition(".")[2]
        given = re.sub(r"Generator\[(.*)\]", r"\1", returned)
        yield f".. py:data:: {short}"
        if given != "None":
            yield f"{INDENT}:type: {given}"
        yield from _below(self._prose(inspect.getdoc(bare) or "", "data"))

    def _data(self, name: str) -> Iterator[str]:
        [line] = self._public.lines(name)
        yield f".. py:data:: {name}"
        if "|" in line:
            yield f"{INDENT}:type: {line.partition(' = ')[2]}"
        elif ": " in line:
            yield f"{INDENT}:type: {line.partition(': ')[2]}"
        yield from _below(data_doc(name))

    def _class(self, name: str, kind: type[Any], *, with_members: bool) -> Iterator[str]:
        head, *lines = [line.strip() for line in self._public.lines(name)]
        members = {_name_of(line): line for line in lines}
        directive = "py:exception" if issubclass(kind, BaseException) else "py:class"
        yield f".. {directive}:: {name}{self._constructor(kind, members)}"
        home = f"{kind.__module__}.{kind.__qualname__}"
        if home != name:
            yield f"{INDENT}:canonical: {home}"
        yield ""
        found = HEAD.fullmatch(head)
        assert found is not None
        if bases := found["bases"]:
            yield from _below(f"Bases: {', '.join(f'`{each}`' for each in bases.split(', '))}")
        yield from _below(self._prose(class_doc(kind, members), "class"))
        if with_members:
            for line in lines:
                if not _name_of(line).startswith("__"):
                    yield from _indented(self._member(kind, line))

    def _constructor(self, kind: type[Any], members: dict[str, str]) -> str:
        if "__init__" in members:
            line = members["__init__"]
            found = METHOD.fullmatch(line)
            assert found is not None
            return signature_shown(found["signature"], _owner(kind, "__init__").__module__)[0]
        if issubclass(kind, BaseModel):
            defaults = {name: line.partition(" = ")[2] for name, line in members.items()}
            arguments = [
                f"{name}={defaults[name]}" if defaults[name] else name for name in kind.model_fields
            ]
            return f"(*, {', '.join(arguments)})"
        return ""

    def _member(self, kind: type[Any], line: str) -> Iterator[str]:
        name = _name_of(line)
        owner = _owner(kind, name)
        if found := METHOD.fullmatch(line):
            yield from self._function(name, line, inspect.getattr_static(kind, name), "py:method")
        elif found := PROPERTY.fullmatch(line):
            yield f".. py:property:: {name}"
            yield f"{INDENT}:no-contents-entry:"
            yield f"{INDENT}:type: {type_shown(found['type'], owner.__module__)}"
            yield from _below(self._prose(inspect.getdoc(getattr(kind, name)) or "", "attribute"))
        else:
            yield from self._attribute(kind, line)

    def _attribute(self, kind: type[Any], line: str) -> Iterator[str]:
        found = ATTRIBUTE.fullmatch(line)
        assert found is not None, line
        name = found["name"]
        yield f".. py:attribute:: {name}"
        yield f"{INDENT}:no-contents-entry:"
        if issubclass(kind, BaseModel):
            hint = _hints(kind)[name]
            yield f"{INDENT}:type: {stringify_annotation(hint, 'smart', short_literals=True)}"
        elif found["type"]:
            yield f"{INDENT}:type: {type_shown(found['type'], _owner(kind, name).__module__)}"
        if found["default"] and not issubclass(kind, tuple):
            yield f"{INDENT}:value: {found['default']}"
        yield from _below(self._prose(attribute_doc(kind, name), "attribute"))

    def _function(self, name: str, line: str, value: Any, directive: str) -> Iterator[str]:
        found = METHOD.fullmatch(line)
        assert found is not None, line
        bare = inspect.unwrap(getattr(value, "__func__", value))
        arguments, returned = signature_shown(found["signature"], bare.__module__)
        arrow = "" if returned == "None" else f" -> {returned}"
        yield f".. {directive}:: {name}{arguments}{arrow}"
        if directive == "py:method":
            yield f"{INDENT}:no-contents-entry:"
        if found["is_async"] and found["kind"] == "def":
            yield f"{INDENT}:async:"
        if option := OPTIONS.get(found["kind"]):
            yield f"{INDENT}{option}"
        yield from _below(self._prose(function_doc(value, bare), "method"))

    def _prose(self, text: str, what: What) -> str:
        """A docstring in Google's style as reStructuredText."""
        return str(GoogleDocstring(text, self._config, what=what))


def _below(text: str) -> Iterator[str]:
    yield ""
    yield from textwrap.indent(text, INDENT).splitlines()
    yield ""


def _indented(lines: Iterator[str]) -> Iterator[str]:
    yield from textwrap.indent("\n".join(lines), INDENT).splitlines()
    yield ""


def _name_of(line: str) -> str:
    for kind in (METHOD, PROPERTY, ATTRIBUTE):
        if found := kind.fullmatch(line):
            return found["name"]
    raise ValueError(line)


def _owner(kind: type[Any], name: str) -> type[Any]:
    """The class in whose module the names in the type of a member are to be read."""
    for each in kind.__mro__:
        if name in vars(each) or name in vars(each).get("__annotations__", {}):
            return each
    return kind


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)
