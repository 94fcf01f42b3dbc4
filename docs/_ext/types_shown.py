"""Types as a reader of the site sees them: without our validators, aliases and type variables."""

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Hashable, Iterator
from functools import cache
from importlib.util import resolve_name

from public_names import public_names

__all__ = ["signature_shown", "type_shown"]

# What a type variable of ours stands for in the clients over httpx.
VARIABLES = {
    "ClientT": "httpx.Client | httpx.AsyncClient",
    "ASGIApp": "Callable[..., Awaitable[None]]",
    "Dice": "random.Random",
    "DefaultT": "httpx.UseClientDefault",
    "EventT": "client.Event",
    "RequestT": "httpx.Request",
    "ResponseT": "httpx.Response",
    "TransportT": "httpx.BaseTransport | httpx.AsyncBaseTransport",
}
# They say how a type is checked or kept, which is of no concern to a reader.
WRAPPERS = frozenset({"Annotated", "ClassVar", "Final", "Unpack"})
# What httpx and httpx2 have in common, each under the name that it has there.
SHAPES = "client.http.shapes"
SENTINEL = re.compile(r"<\w+>")
DEEPEST = 8


def type_shown(text: str, module: str) -> str:
    """A type, with what its module calls by names of its own put in their places.

    Args:
        text: As it is written there.
        module: The name of the module that is written in.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError:
        return text
    return ast.unparse(_Plain(module).visit(tree))


def signature_shown(text: str, module: str) -> tuple[str, str]:
    """The arguments of a function, in parentheses, and the type of what it returns."""
    tree = ast.parse(f"def f{SENTINEL.sub('...', text)}: pass")
    [function] = tree.body
    assert isinstance(function, ast.FunctionDef)
    extra = function.args.kwarg
    if extra and extra.annotation and ast.unparse(extra.annotation) == "Never":
        function.args.kwarg = None  # there to refuse them with a word
    plain = _Plain(module).visit(function)
    returned = "" if plain.returns is None else ast.unparse(plain.returns)
    return f"({ast.unparse(plain.args)})", returned


class _Plain(ast.NodeTransformer):
    """Puts what a reader knows in the place of what only the source knows."""

    def __init__(self, module: str, depth: int = 0) -> None:
        self._module = module
        self._depth = depth

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        if name in WRAPPERS:
            inner = node.slice
            return self.plain(inner.elts[0] if isinstance(inner, ast.Tuple) else inner)
        if name.endswith("Options") or name == "Credentials":  # generic, which says nothing here
            return self.plain(node.value)
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        match node:
            case ast.Attribute(value=ast.Name(id="shapes"), attr=name):
                return ast.parse(f"httpx.{name}", mode="eval").body
            case ast.Attribute(value=ast.Name(id="events"), attr=name):
                return ast.Name(f"client.{name}" if name == "Event" else f"client.events.{name}")
            case _:
                return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        name = node.id
        if name in VARIABLES:
            return ast.parse(VARIABLES[name], mode="eval").body
        home = _home(self._module, name)
        if home == SHAPES:
            return ast.parse(f"httpx.{name}", mode="eval").body
        value = getattr(importlib.import_module(home), name, None)
        if isinstance(value, Hashable) and value in public_names().homes:
            return ast.Name(public_names().homes[value])
        own, _ = _names_in(home)
        if name not in own or self._depth > DEEPEST:
            return node
        return _Plain(home, self._depth + 1).plain(ast.parse(own[name], mode="eval").body)

    def plain(self, node: ast.AST) -> ast.AST:
        found: ast.AST = self.visit(node)
        return found

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return node


def _home(module: str, name: str) -> str:
    """The module of ours that gives a name to a type, for one that uses it."""
    own, imported = _names_in(module)
    return _home(imported[name], name) if name in imported and name not in own else module


@cache
def _names_in(module: str) -> tuple[dict[str, str], dict[str, str]]:
    """The types that a module names itself, and the modules of ours where others are from."""
    own: dict[str, str] = {}
    imported: dict[str, str] = {}
    package = importlib.import_module(module).__spec__
    for line in _lines(ast.parse(inspect.getsource(sys.modules[module])).body):
        match line:
            case ast.ImportFrom(module=source, names=names, level=level) if level and package:
                origin = resolve_name("." * level + (source or ""), package.parent)
                imported |= {each.name: origin for each in names}
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if _is_type(value):
                own[name] = ast.unparse(value)
            case ast.AnnAssign(
                target=ast.Name(id=name),
                annotation=ast.Name(id="TypeAlias"),
                value=ast.Constant(value=str(quoted)),
            ):
                own[name] = quoted
            case _:
                pass
    return own, imported


def _lines(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for line in body:
        yield line
        if isinstance(line, ast.If):
            yield from _lines(line.body)


def _is_type(value: ast.expr) -> bool:
    match value:
        case ast.BinOp(op=ast.BitOr()):
            return True
        case ast.Subscript(value=ast.Name(id=name)):
            return name[:1].isupper() or name in {"dict", "frozenset", "list", "set", "tuple"}
        case _:
            return False
