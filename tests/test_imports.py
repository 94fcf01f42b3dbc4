"""The architecture, read from the import statements: who may know whom.

Every import counts, wherever it stands: in a function, under `TYPE_CHECKING`, or by
`import_module("a literal")`, for who knows a type knows its module. Only between neighbours in one
layer are types free.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CLIENT = Path(__file__).parent.parent / "client"

# From the bottom to the top. A module may import from lower layers, never from a higher one.
LAYERS = {
    "ground": (
        "backoff",
        "events",
        "exceptions",
        "family",
        "forking",
        "headers",
        "imported_later",
        "notifiers",
        "once",
        "ports",
        "request_id",
        "seconds",
        "spelling",
        "urls",
        "version",
    ),
    "configuration": ("config", "environment", "validation"),
    "policies": (
        "breaker",
        "budget",
        "call",
        "circuit",
        "circuit_state",
        "classify",
        "deadline",
        "failure_window",
        "retry",
        "retry_after",
    ),
    "errors and statistics": ("announcements", "call_errors", "rejections", "stats"),
    "engine": ("engine",),
    "messages": (
        "redirects",
        "request_body",
        "response_body",
        "sent_request",
        "sources",
        "witness",
    ),
    "outcomes": ("disposal", "outcomes"),
    "exchanges": ("exchange", "send_exchange"),
    "port implementations": (
        "abandonable",
        "aiohttp_exchange",
        "aiohttp_parts",
        "aiohttp_pool",
        "aiohttp_request",
        "aiohttp_routes",
        "aiohttp_transport",
        "aiohttp_answer",
        "aiohttp_wire",
        "asyncio_home",
        "asyncio_limit",
        "asyncio_pool",
        "asyncio_ports",
        "asyncio_streams",
        "blocking_deadline",
        "blocking_pool",
        "blocking_ports",
        "pools",
        "surplus",
        "trio_ports",
    ),
    "listeners": ("callbacks", "event_log"),
    "settings of the drop-in": (
        "circuit_breaker",
        "drop_in_arguments",
        "drop_in_options",
        "drop_in_policy",
    ),
    "drop-in": ("drop_in",),
    "faces": (
        "call_options",
        "cookies",
        "drop_in_clients",
        "facade",
        "functions",
        "http_client",
        "httpx2",
        "httpx_clients",
        "session",
        "signatures",
        "stream",
        "transports",
    ),
    "package": ("__init__",),
    "demo": ("demo.__init__", "demo.errors", "demo.failure_server", "demo.pace", "demo.record"),
    "demo's proof and calls": ("demo.caller", "demo.proof"),
    "demo's chapters": ("demo.chapters",),
    "demo's report": ("demo.report",),
    "demo's views": ("demo.live", "demo.plain"),
    "programs": ("__main__", "cli", "demo.program"),
}
# Within a layer running code imports only these: (who imports, whom).
NEIGHBOURS = {
    ("config", "environment"),
    ("config", "validation"),
    ("environment", "config"),
    ("asyncio_ports", "trio_ports"),
    ("backoff", "seconds"),
    ("drop_in_clients", "cookies"),
    ("drop_in_clients", "signatures"),
    ("drop_in_arguments", "drop_in_options"),
    ("drop_in_options", "circuit_breaker"),
    ("httpx2", "drop_in_clients"),
    ("httpx2", "facade"),
    ("httpx2", "transports"),
    ("httpx_clients", "drop_in_clients"),
    ("httpx_clients", "transports"),
    ("notifiers", "events"),
    ("session", "call_options"),
    ("session", "stream"),
    ("breaker", "circuit"),
    ("breaker", "circuit_state"),
    ("circuit", "circuit_state"),
    ("circuit", "failure_window"),
    ("aiohttp_exchange", "aiohttp_answer"),
    ("aiohttp_exchange", "aiohttp_request"),
    ("aiohttp_parts", "aiohttp_answer"),
    ("aiohttp_wire", "aiohttp_answer"),
    ("aiohttp_pool", "aiohttp_wire"),
    ("aiohttp_pool", "asyncio_home"),
    ("aiohttp_routes", "aiohttp_exchange"),
    ("aiohttp_transport", "aiohttp_exchange"),
    ("aiohttp_transport", "aiohttp_parts"),
    ("aiohttp_transport", "aiohttp_pool"),
    ("aiohttp_transport", "aiohttp_request"),
    ("aiohttp_transport", "aiohttp_routes"),
    ("asyncio_pool", "asyncio_home"),
    ("asyncio_pool", "asyncio_streams"),
    ("asyncio_pool", "pools"),
    ("asyncio_pool", "trio_ports"),
    ("aiohttp_routes", "asyncio_limit"),
    ("asyncio_ports", "asyncio_home"),
    ("asyncio_ports", "asyncio_limit"),
    ("asyncio_pool", "surplus"),
    ("asyncio_ports", "asyncio_pool"),
    ("asyncio_ports", "pools"),
    ("blocking_deadline", "abandonable"),
    ("blocking_deadline", "pools"),
    ("blocking_pool", "pools"),
    ("blocking_pool", "surplus"),
    ("blocking_ports", "blocking_deadline"),
    ("blocking_ports", "blocking_pool"),
    ("blocking_ports", "pools"),
    ("facade", "http_client"),
    ("facade", "session"),
    ("request_body", "sources"),
    ("sent_request", "sources"),
    ("session", "http_client"),
    ("http_client", "cookies"),
    ("demo.failure_server", "demo.errors"),
    ("demo.live", "demo.plain"),
    ("__main__", "cli"),
    ("cli", "demo.program"),
}

# Each is imported in exactly one module, so that one module would change if it were replaced.
HELD_BY_ONE = ("tenacity", "pybreaker", "structlog")
# Extras, and what else `import client` must do without. At most one module imports each.
OPTIONAL = (
    "aiohttp",
    "fastapi",
    "h2",
    "httpx2",
    "opentelemetry",
    "prometheus_client",
    "redis",
    "rich",
    "server",
    "starlette",
    "uvicorn",
)
# The engine knows the order of things: no clock, no I/O, no chance, and no library's name.
ENGINE_MAY_IMPORT = {
    "__future__",
    "client",
    "collections",
    "contextlib",
    "dataclasses",
    "enum",
    "functools",
    "types",
    "typing",
}


def imported_names(source: str, package: str, *, types: bool = True) -> Iterator[str]:
    """The absolute dotted name of everything that a module of `package` imports."""
    tree = ast.parse(source)
    for node in ast.walk(tree if types else WithoutTypes().visit(tree)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                parts = package.split(".")
                base = parts[: len(parts) - level + 1] if level else []
                base += [module] if module else []
                yield from (".".join([*base, alias.name]) for alias in names)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name


class WithoutTypes(ast.NodeTransformer):
    """Takes out what stands under `if TYPE_CHECKING`."""

    def visit_If(self, node: ast.If) -> ast.If | list[ast.stmt]:
        """Leaves of such a statement its `else`."""
        self.generic_visit(node)
        return node.orelse if ast.unparse(node.test).endswith("TYPE_CHECKING") else node


def read_client(*, types: bool) -> dict[str, set[str]]:
    """What each module of `client` imports; a module is named without the leading `client.`."""
    modules = {}
    for path in sorted(CLIENT.rglob("*.py")):
        parts = path.relative_to(CLIENT.parent).with_suffix("").parts
        names = imported_names(path.read_text("utf-8"), ".".join(parts[:-1]), types=types)
        modules[".".join(parts[1:])] = set(names)
    return modules


MODULES = read_client(types=True)
LAYER_OF = {module: layer for layer, modules in LAYERS.items() for module in modules}


def rank(module: str) -> int:
    """The height of a module's layer; a module without one is above all others."""
    names = list(LAYERS)
    return names.index(LAYER_OF[module]) if module in LAYER_OF else len(names)


def client_module(name: str) -> str:
    """The module of `client` in which an imported dotted name is found."""
    parts = name.split(".")[1:]
    for end in range(len(parts), 0, -1):
        for module in (".".join(parts[:end]), ".".join([*parts[:end], "__init__"])):
            if module in MODULES:
                return module
    return "__init__"


def importers_of(distribution: str) -> list[str]:
    """The modules of `client` that import this top-level package."""
    return [
        module
        for module, names in MODULES.items()
        if distribution in {name.partition(".")[0] for name in names}
    ]


def arrows(*, types: bool) -> set[tuple[str, str]]:
    """Every import inside `client`, as (who imports, whom)."""
    return {
        (module, target)
        for module, names in read_client(types=types).items()
        for target in {client_module(name) for name in names if name.split(".")[0] == "client"}
        if target != module
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a.b, c", {"a.b", "c"}),
        ("from a import b, c as d", {"a.b", "a.c"}),
        ("from . import a", {"client.part.a"}),
        ("from .a import b", {"client.part.a.b"}),
        ("from ..a import b", {"client.a.b"}),
        ("def f():\n    import a", {"a"}),
        ("if TYPE_CHECKING:\n    import a", {"a"}),
        ("import_module('a')\nimportlib.import_module('b', x)", {"a", "b"}),
    ],
)
def test_the_reader_sees_every_kind_of_import(source: str, expected: set[str]) -> None:
    """The other tests here are worth what it finds."""
    assert set(imported_names(source, "client.part")) == expected


def test_the_reader_can_leave_types_out() -> None:
    """What stands in the `else` does run."""
    source = "if TYPE_CHECKING:\n    import a\nelse:\n    import b\nimport c"
    assert set(imported_names(source, "client", types=False)) == {"b", "c"}


def test_every_module_has_its_layer() -> None:
    """A new module is placed before it is used; a removed one leaves the table."""
    unplaced = sorted(MODULES.keys() - LAYER_OF.keys())
    missing = sorted(LAYER_OF.keys() - MODULES.keys())
    assert not unplaced, f"name these in LAYERS, at the lowest layer that fits: {unplaced}"
    assert not missing, f"these are in LAYERS but not in client/: {missing}"


def test_imports_never_go_up_the_layers() -> None:
    """Arrows go one way."""
    wrong = [
        f"client/{module} ({LAYER_OF.get(module)}) imports client/{target} ({LAYER_OF.get(target)})"
        for module, target in sorted(arrows(types=True))
        if rank(target) > rank(module)
    ]
    assert not wrong, "\n".join(["imports that go up:", *wrong])


def test_imports_within_a_layer_are_listed() -> None:
    """Each is argued for, and one that is gone leaves the list: it would come back unseen."""
    inside = {arrow for arrow in arrows(types=False) if rank(arrow[0]) == rank(arrow[1])}
    unlisted, unused = sorted(inside - NEIGHBOURS), sorted(NEIGHBOURS - inside)
    assert not unlisted, f"name these in NEIGHBOURS, or move one of them to a layer: {unlisted}"
    assert not unused, f"these are in NEIGHBOURS but not in client/: {unused}"


@pytest.mark.parametrize("library", HELD_BY_ONE)
def test_a_library_is_held_by_one_module(library: str) -> None:
    """What the library does behind its interface stays one module's concern."""
    importers = importers_of(library)
    assert len(importers) == 1, f"{library} is imported in {importers or 'no module'}"


@pytest.mark.parametrize("library", OPTIONAL)
def test_an_optional_library_is_imported_in_one_place(library: str) -> None:
    """So that one place answers for its absence."""
    importers = importers_of(library)
    assert len(importers) <= 1, f"{library} is imported in {importers}"


def test_the_engine_has_no_clock_and_no_io() -> None:
    """What it may import is listed, so that anything new has to be argued for."""
    names = {name.partition(".")[0] for name in MODULES.get("engine", ())}
    assert names <= ENGINE_MAY_IMPORT, f"not for the engine: {sorted(names - ENGINE_MAY_IMPORT)}"


# The core dependencies try some of the optional ones themselves (httpx tries rich, pybreaker tries
# redis), so those are loaded first, with the optional ones out of reach.
LOAD_WITHOUT_EXTRAS = """
import importlib, json, sys
optional, target, reachable = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(optional))
import httpx, pybreaker, pydantic, pydantic_settings, structlog, tenacity
if reachable:
    for name in optional:
        del sys.modules[name]
importlib.import_module(target)
print(json.dumps([name for name in optional if sys.modules.get(name)]))
"""


@pytest.mark.parametrize("reachable", [True, False], ids=["extras", "no-extras"])
@pytest.mark.parametrize("target", ["client", "server.pytest_plugin"])
def test_importing_loads_nothing_optional(target: str, *, reachable: bool) -> None:
    """With the extras installed none is loaded; without them the import works all the same.

    The plugin too: pytest loads it in every project that has this one installed.
    """
    optional = [name for name in OPTIONAL if name != target.partition(".")[0]]
    arguments = json.dumps([optional, target, reachable])
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD_WITHOUT_EXTRAS, arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.stderr == ""
    assert json.loads(loaded.stdout) == []
