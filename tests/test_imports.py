"""The architecture, read from the import statements: who may know whom.

Every import counts, wherever it stands: in a function, under `TYPE_CHECKING`, or by
`import_module("a literal")`, for who knows a type knows its module.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# From the bottom to the top. A room may import from those below, never from one above.
ROOMS_OF_CLIENT = (
    ("errors", "exceptions", "version"),
    ("runtime", "events", "backoff"),
    ("config",),
    ("http",),
    ("metrics",),
    ("engine",),
    ("strategies",),
    ("pipeline", "cache"),
    ("transports",),
    ("ports",),
    ("telemetry",),
    ("faces", "httpx2", "testing"),
    ("__init__",),
    ("dashboard",),
    ("program", "__main__"),
)
ROOMS_OF_SERVER = (
    ("__init__", "errors", "health", "limits"),
    ("addresses", "stores"),
    ("calls", "hosts"),
    ("proxy", "routes"),
    ("app", "controls"),
    ("program", "started"),
    ("main", "testing"),
)
# Within such a room nobody knows his neighbour: one file or folder each.
STRANGERS = ("strategies", "faces")
# Except what all faces share.
SHARED_BY_FACES = (
    "disposal",
    "failures",
    "middleware",
    "nesting",
    "outlooks",
    "plugins",
    "reprs",
    "shown",
    "strategies",
    "watching",
)

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
    "resilient_http_client",
    "rich",
    "server",
    "starlette",
    "uvicorn",
)
# Two programs draw on the terminal, each a picture of its own.
IN_TWO_PLACES = ("rich",)
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


class House:
    """A package with rooms."""

    def __init__(self, name: str, rooms: tuple[tuple[str, ...], ...]) -> None:
        self.name = name
        self.folder = ROOT / name
        self.modules = self.read(types=True)
        self.rank = {room: rank for rank, each in enumerate(rooms) for room in each}

    def read(self, *, types: bool) -> dict[str, set[str]]:
        """What each module imports; a module is named without the leading name of the package."""
        modules = {}
        for path in sorted(self.folder.rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            names = imported_names(path.read_text("utf-8"), ".".join(parts[:-1]), types=types)
            modules[".".join(parts[1:])] = set(names)
        return modules

    def module_of(self, name: str) -> str:
        """The module in which an imported dotted name is found."""
        parts = name.split(".")[1:]
        for end in range(len(parts), 0, -1):
            for module in (".".join(parts[:end]), ".".join([*parts[:end], "__init__"])):
                if module in self.modules:
                    return module
        return "__init__"

    def importers_of(self, distribution: str) -> list[str]:
        """The modules that import this top-level package."""
        return [
            module
            for module, names in self.modules.items()
            if distribution in {name.partition(".")[0] for name in names}
        ]

    def arrows(self, *, types: bool) -> set[tuple[str, str]]:
        """Every import inside, as (who imports, whom)."""
        return {
            (module, target)
            for module, names in self.read(types=types).items()
            for target in {
                self.module_of(name) for name in names if name.split(".")[0] == self.name
            }
            if target != module
        }


CLIENT = House("client", ROOMS_OF_CLIENT)
SERVER = House("server", ROOMS_OF_SERVER)
in_both = pytest.mark.parametrize("house", [CLIENT, SERVER], ids=["client", "server"])


def room_of(module: str) -> str:
    """The room that a module stands in, or its own name where it is a door."""
    return module.partition(".")[0]


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


@in_both
def test_every_module_stands_in_a_room(house: House) -> None:
    """A new one is placed before it is used; one that is gone leaves the table."""
    rooms = {room_of(module) for module in house.modules}
    assert sorted(rooms) == sorted(house.rank)


@in_both
def test_a_room_is_seen_at_a_glance(house: House) -> None:
    """Nothing stands in two rows, and no folder holds more than a dozen files."""
    folders = [house.folder, *(path for path in house.folder.rglob("*") if path.is_dir())]
    sizes = {str(folder.relative_to(ROOT)): len(list(folder.glob("*.py"))) for folder in folders}
    assert {folder: size for folder, size in sizes.items() if size > 12 + 1} == {}  # + __init__


@pytest.mark.parametrize("tests", ["unit", "behaviour"])
def test_tests_stand_in_the_rooms_of_the_client(tests: str) -> None:
    """Whoever has found the code has found its tests; a room that moves takes them along."""
    folder = ROOT / "tests" / tests
    of_tests = {path.parent.relative_to(folder) for path in folder.rglob("test_*.py")}
    assert {str(each) for each in of_tests if not (CLIENT.folder / each).is_dir()} == set()


@in_both
def test_imports_never_go_up(house: House) -> None:
    """Arrows go one way."""
    wrong = [
        f"{house.name}/{module} imports {house.name}/{target}"
        for module, target in sorted(house.arrows(types=True))
        if house.rank[room_of(target)] > house.rank[room_of(module)]
    ]
    assert not wrong, "\n".join(["imports that go up:", *wrong])


@in_both
def test_there_is_no_circle(house: House) -> None:
    """Each module can be understood after those that it imports."""
    graph: dict[str, set[str]] = {module: set() for module in house.modules}
    for module, target in house.arrows(types=False):
        if not target.endswith("__init__"):  # the doors import from behind them
            graph[module].add(target)
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("room", STRANGERS)
def test_neighbours_do_not_know_each_other(room: str) -> None:
    """One can be taken out, and another put in, without a look at the rest."""

    def part(module: str) -> str:
        return module.split(".")[1]

    wrong = [
        (module, target)
        for module, target in sorted(CLIENT.arrows(types=True))
        if room_of(module) == room_of(target) == room
        and part(module) != part(target)
        and part(target) not in (*SHARED_BY_FACES, "__init__")
    ]
    assert wrong == []


@in_both
def test_imports_are_relative(house: House) -> None:
    """So that the package also works under another parent."""
    absolute = [
        str(path.relative_to(ROOT))
        for path in house.folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.ImportFrom) and not node.level and is_in(house, str(node.module)))
        or (isinstance(node, ast.Import) and any(is_in(house, each.name) for each in node.names))
    ]
    assert absolute == []


def is_in(house: House, module: str) -> bool:
    """Whether a dotted name is of a package."""
    return module.partition(".")[0] == house.name


@pytest.mark.parametrize("library", HELD_BY_ONE)
def test_a_library_is_held_by_one_module(library: str) -> None:
    """What the library does behind its interface stays one module's concern."""
    importers = CLIENT.importers_of(library)
    assert len(importers) == 1, f"{library} is imported in {importers or 'no module'}"


@pytest.mark.parametrize("library", OPTIONAL)
def test_an_optional_library_is_imported_in_one_place(library: str) -> None:
    """So that one place answers for its absence."""
    importers = CLIENT.importers_of(library)
    most = 2 if library in IN_TWO_PLACES else 1
    assert len(importers) <= most, f"{library} is imported in {importers}"


def test_the_engine_has_no_clock_and_no_io() -> None:
    """What it may import is listed, so that anything new has to be argued for."""
    names = {name.partition(".")[0] for name in CLIENT.modules["engine.engine"]}
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
@pytest.mark.parametrize("target", ["client", "resilient_http_client.pytest_plugin"])
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
