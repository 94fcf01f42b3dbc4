"""How functions and classes are written in the listing: alike on every Python.

Annotations are shown as they stand in the source, for what Python makes of them changes from
version to version. What httpx adds to a signature by its version is left out.
"""

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Container, Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from types import FunctionType
from typing import Any, Final, Generic, Protocol, is_typeddict

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from tests.api.values import shown

__all__ = ["OURS", "described", "returned"]

OURS: Final = ("client", "resilient_http_client", "server")
# What the language calls, where it is part of how a class is used.
SPOKEN: Final = frozenset(
    {
        "__aenter__",
        "__aexit__",
        "__aiter__",
        "__anext__",
        "__call__",
        "__contains__",
        "__enter__",
        "__exit__",
        "__getitem__",
        "__init__",
        "__iter__",
        "__len__",
        "__next__",
    }
)
PRIVATE_TYPE: Final = re.compile(r"\b_[A-Za-z]")
# They stand for a shape, and say nothing of their own.
SILENT_BASES: Final = (object, Generic, Protocol)


def described(name: str, value: object, public: Container[object] = ()) -> Iterator[str]:
    """The lines of one public name: the first says what it is, the rest what it has.

    Args:
        name: As users write it.
        value: What it stands for.
        public: Classes that have lines of their own, so that nothing of theirs is said again where
            it is inherited.
    """
    if isinstance(value, type):
        yield from _described_class(name, value, public)
    elif callable(value) and hasattr(value, "__name__"):
        yield f"{_kind(value)} {name}{_signature(value)}"
    elif isinstance(value, str):
        yield f"{name}: str"  # such as the version, which is no part of the promise
    else:
        yield f"{name} = {shown(value)}"


def _described_class(name: str, kind: type[Any], public: Container[object]) -> Iterator[str]:
    bases = ", ".join(dict.fromkeys(_bases(kind, public)))
    yield f"class {name}({bases})" if bases else f"class {name}"
    owners = list(_owners(kind, public))
    attributes = {name: line for owner in reversed(owners) for name, line in _attributes(owner)}
    methods = {name: line for owner in reversed(owners) for name, line in _methods(owner)}
    for _, line in sorted(methods.items(), key=lambda each: (_order_of(each[0]), each[0])):
        attributes.setdefault(line, line)
    yield from (f"    {line}" for line in attributes.values())


def _order_of(name: str) -> int:
    """First the constructor, last the other names that the language calls."""
    return 0 if name == "__init__" else 2 if name.startswith("__") else 1


def _is_ours(kind: type[Any]) -> bool:
    return kind.__module__.partition(".")[0] in OURS


def _bases(kind: type[Any], public: Container[object]) -> Iterator[str]:
    """Those that a user has a name for; in place of one that is ours and private, its own."""
    if is_typeddict(kind):  # a dict at run time, whatever it was made from
        tree = _source(kind)
        written = (
            [ast.unparse(each) for each in tree.bases] if isinstance(tree, ast.ClassDef) else []
        )
        yield from (each.partition("[")[0] for each in written if not each.startswith("Generic["))
        return
    for base in kind.__bases__:
        if base in public or base.__module__ == "builtins":
            yield from [base.__name__] if base is not object else []
        elif _is_ours(base):
            yield from _bases(base, public)
        elif base not in SILENT_BASES:
            yield f"{base.__module__.partition('.')[0]}.{base.__name__}"


def _owners(kind: type[Any], public: Container[object]) -> Iterator[type[Any]]:
    """The class, and those of ours that it inherits from and that nobody else shows."""
    others = {each for base in kind.__mro__[1:] if base in public for each in base.__mro__}
    yield from (each for each in kind.__mro__ if _is_ours(each) and each not in others)


def _methods(owner: type[Any]) -> Iterator[tuple[str, str]]:
    is_generated = is_dataclass(owner) or issubclass(owner, BaseModel | Enum | tuple)
    is_generated |= getattr(owner, "_is_protocol", False)
    for name, value in vars(owner).items():
        if name == "__init__" and is_generated:
            continue  # its arguments are the attributes
        if name.startswith("_") and name not in SPOKEN:
            continue
        if isinstance(value, property | functools.cached_property):
            reads = value.fget if isinstance(value, property) else value.func
            assert reads is not None
            yield name, f"property {name}: {returned(reads)}"
        elif isinstance(value, classmethod | staticmethod):
            kind = type(value).__name__
            yield name, f"{kind} {name}{_signature(value.__func__)}"
        elif isinstance(value, FunctionType):
            signature = _signature(value)
            if not PRIVATE_TYPE.search(signature):  # which only we ourselves can give
                yield name, f"{_kind(value)} {name}{signature}"
        elif isinstance(value, owner) and isinstance(value, Enum):
            yield name, f"{name} = {value.value!r}"


def _attributes(owner: type[Any]) -> Iterator[tuple[str, str]]:
    """What instances keep, with its type, and with its default where it is a setting."""
    defaults = dict(_defaults(owner))
    for name, annotation in _annotations(owner).items():
        if not name.startswith("_") and name != "model_config":
            default = f" = {defaults[name]}" if name in defaults else ""
            yield name, f"{name}: {annotation}{default}"
    for name, annotation in _set_in_constructor(owner):
        yield name, f"{name}: {annotation}"


def _annotations(owner: type[Any]) -> dict[str, str]:
    """As they are written in the source, between the other lines of the class."""
    tree = _source(owner)
    return {
        line.target.id: ast.unparse(line.annotation)
        for line in (tree.body if isinstance(tree, ast.ClassDef) else ())
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    }


def _set_in_constructor(owner: type[Any]) -> Iterator[tuple[str, str]]:
    """What `__init__` sets with a type beside it."""
    tree = _source(owner)
    for method in tree.body if isinstance(tree, ast.ClassDef) else ():
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            of_arguments = _types_of_arguments(method)
            for line in ast.walk(method):
                match line:
                    case ast.AnnAssign(
                        target=ast.Attribute(value=ast.Name(id="self"), attr=name),
                        annotation=annotation,
                    ) if not name.startswith("_"):
                        yield name, _annotation(annotation)
                    case ast.Assign(
                        targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)],
                        value=ast.Name(id=argument),
                    ) if not name.startswith("_"):
                        yield name, of_arguments.get(argument, "?")
                    case _:
                        pass


def _types_of_arguments(method: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, str]:
    arguments = [node for node in ast.walk(method.args) if isinstance(node, ast.arg)]
    return {each.arg: _annotation(each.annotation) for each in arguments if each.annotation}


def _defaults(owner: type[Any]) -> Iterator[tuple[str, str]]:
    if issubclass(owner, BaseModel):
        for name, field in owner.model_fields.items():
            if field.default_factory is not None:
                yield name, f"{shown(field.default_factory)}()"
            elif field.default is not PydanticUndefined:
                yield name, shown(field.default)
    elif is_dataclass(owner):
        for each in fields(owner):
            if each.default is not MISSING:
                yield each.name, shown(each.default)
            elif each.default_factory is not MISSING:
                yield each.name, f"{shown(each.default_factory)}()"
    elif hasattr(owner, "_field_defaults"):
        yield from ((name, shown(value)) for name, value in owner._field_defaults.items())


def _kind(function: Any) -> str:
    bare = inspect.unwrap(function)
    if inspect.iscoroutinefunction(bare):
        return "async def"
    if bare is not function and inspect.isasyncgenfunction(bare):
        return "async context"
    if bare is not function and inspect.isgeneratorfunction(bare):
        return "context"
    return "def"


def _source(found: Any) -> ast.AST | None:
    """The definition of a class or function, or None where it was made at run time."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(found)))).body[0]
    except (OSError, TypeError):
        return None


def returned(function: Any) -> str:
    """The type of what a function returns."""
    tree = _source(function)
    assert isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef)
    return _annotation(tree.returns)


def _annotation(tree: ast.expr | None) -> str:
    match tree:
        case None:
            return "?"
        case ast.Constant(value=str(quoted)):
            return quoted
        case _:
            return ast.unparse(tree)


def _signature(function: Any) -> str:
    found = inspect.unwrap(function)
    tree = _source(found)
    if not isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef):
        return "(...)"
    # As it is defined, without a signature that was put on it.
    bare = FunctionType(found.__code__, {}, found.__name__, found.__defaults__, found.__closure__)
    bare.__kwdefaults__ = found.__kwdefaults__
    types = _types_of_arguments(tree)
    parameters = [
        each.replace(
            annotation=_Text(types[each.name]) if each.name in types else each.empty,
            default=each.default if each.default is each.empty else _Text(shown(each.default)),
        )
        for each in inspect.signature(bare).parameters.values()
        if each.name not in ("self", "cls")
    ]
    return f"{inspect.Signature(parameters)} -> {returned(found)}"


class _Text:
    """A text that is shown as it is, where Python would put it in quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text
