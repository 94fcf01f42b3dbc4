"""Names of other libraries: what is said of one that is gone, and that no module knows others."""

from __future__ import annotations

import ast
import sys
import tomllib
import warnings
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest.mock import AsyncMock, patch

import pytest
from packaging.requirements import Requirement

import client
from client import WeakenedProtectionWarning
from client.errors import httpcore_names, httpx_names
from client.errors.private_names import PrivateName, check, names_in
from client.transports.aiohttp import aiohttp_names
from client.transports.http2 import h2_names
from client.transports.httpcore import anyio_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLIENT = Path(client.__file__).parent
TABLES = (httpx_names, httpcore_names, anyio_names, h2_names, aiohttp_names)
FILES = {Path(str(table.__file__)) for table in TABLES}
PRIVATE = {
    value
    for table in TABLES
    for held in vars(table).values()
    for value in (held if isinstance(held, tuple) else (held,))
    if isinstance(value, str) and value.startswith("_") and value.isidentifier()
}
# Of the standard library, and of this one's own across its modules.
KNOWN = {"_at_fork_reinit", "_replace", "_maker"}


def _noted(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def noted(*args: Any) -> Any:
        return function(*args)

    return noted


class _Base:
    def __init__(self) -> None:
        self._from_above = 1


@dataclass
class _Field:
    _annotated: int


class Thing(_Base):
    """Has a name in every way in which a class can have one."""

    _of_the_class = 1
    if TYPE_CHECKING:
        _by_a_class_method: int
        _in_a_closure: int

    def _method(self) -> object:
        return lambda: self._in_a_closure

    @property
    def shown(self) -> object:
        """Sets an attribute."""
        self._by_a_property = 1
        return self._by_a_property

    @classmethod
    def make(cls) -> object:
        """Sets another."""
        made = cls()
        made._by_a_class_method = 1
        return made

    @_noted
    def decorated(self) -> None:
        """Sets a third."""
        self._in_a_decorated_one = 1


@pytest.fixture
def library() -> ModuleType:
    """A library with one class."""
    module = ModuleType("library")
    vars(module).update(
        __version__="1.2",
        Thing=type("Thing", (Thing,), {"__module__": "library.things"}),
        part=ModuleType("library.part"),
    )
    return module


@pytest.mark.parametrize(
    "name",
    [
        "_by_a_class_method",
        "_by_a_property",
        "_from_above",
        "_in_a_closure",
        "_in_a_decorated_one",
        "_method",
        "_of_the_class",
    ],
)
def test_a_name_is_found_wherever_a_class_has_it(name: str) -> None:
    """Also where only instances have it, none of which is made."""
    assert name in names_in(Thing)
    assert name not in names_in(object)


def test_a_mocked_method_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a code that is none; what the others have is found all the same."""
    monkeypatch.setattr(Thing, "decorated", AsyncMock())
    assert "_method" in names_in(Thing)


def test_a_field_is_found() -> None:
    """By what a class says of its instances."""
    assert "_annotated" in names_in(_Field)


def test_nothing_is_said_where_nothing_is_missing(library: ModuleType) -> None:
    """Warnings are errors here."""
    check(
        library, "library==1.2", [PrivateName("Thing", "_method", ""), PrivateName("", "part", "")]
    )


def test_a_vital_name_that_is_missing_is_an_error(library: ModuleType) -> None:
    """It says what is gone, from what version, what for, and what works."""
    names = [
        PrivateName("Thing", "_a", "nothing ends a call"),
        PrivateName("Thing", "_weak", "it is slow", is_vital=False),
        PrivateName("part.Gone", "_b", "nothing ends a call"),
        PrivateName("part", "_c", "sockets are lost"),
    ]
    with pytest.raises(RuntimeError) as error:
        check(library, "library==1.1", names)
    assert str(error.value) == (
        "library 1.2 has no Thing._a, part.Gone._b; without it nothing ends a call. It has no "
        "part._c; without it sockets are lost. What works: pip install 'library==1.1'"
    )


def test_any_other_is_one_warning_at_the_caller_s_line(library: ModuleType) -> None:
    """Whatever is missing, and however deep in this package it was found out."""
    names = [PrivateName("", name, "it is slow", is_vital=False) for name in ("_a", "_b")]
    with pytest.warns(WeakenedProtectionWarning) as caught:
        check(library, "library==1.1", names)
    [found] = caught
    assert str(found.message) == (
        "library 1.2 has no library._a, library._b; without it it is slow. "
        "What works: pip install 'library==1.1'"
    )
    assert found.filename == __file__


def test_a_version_is_found_where_the_module_has_none() -> None:
    """As of anyio, which says it to `importlib.metadata` alone."""
    with pytest.raises(RuntimeError, match=r"^tenacity [0-9.]+ has no tenacity\._a; "):
        check(ModuleType("tenacity"), "", [PrivateName("", "_a", "it is slow")])


def test_a_stand_in_is_left_alone(library: Any) -> None:
    """Whoever puts another class in the place of the library's knows why."""
    for stand_in in (_Base, object()):
        library.Thing = stand_in
        check(library, "", [PrivateName("Thing", "_a", "it is slow")])


def test_anyio_is_left_alone_where_it_does_not_run_on_asyncio(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing of it is looked at, nor even imported, for a client that runs on trio."""
    anyio_names._check.cache_clear()
    monkeypatch.setattr(sys, "modules", {})
    anyio_names.check_anyio()


@pytest.fixture(params=["httpcore", "httpcore2"])
def with_socks(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A library with its SOCKS proxies, as where `socksio` is installed, which is only imported."""
    library: Any = import_module(request.param)
    socksio = ModuleType("socksio")
    socksio.__spec__ = ModuleSpec("socksio", None)
    with (
        patch.dict(sys.modules, socksio=socksio),
        patch.object(library._sync, "socks_proxy", create=True),
        patch.object(library._async, "socks_proxy", create=True),
    ):
        for world in (library._sync, library._async):
            world.socks_proxy = import_module(f"{world.__name__}.socks_proxy")
        forget_what_was_checked()
        yield library
    forget_what_was_checked()


def forget_what_was_checked() -> None:
    """Have the next client look again."""
    httpcore_names._check.cache_clear()
    httpcore_names.check_http2.cache_clear()


def test_the_names_of_socks_proxies_are_there(with_socks: Any) -> None:
    """All that are looked for where `socksio` is installed; a warning would be an error."""
    httpcore_names.check_pool(with_socks.ConnectionPool())
    httpcore_names.check_http2(with_socks)


@pytest.mark.parametrize("world", ["_sync", "_async"])
def test_a_name_that_socks_proxies_have_lost_is_told_of(
    with_socks: Any, world: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function by a warning, an attribute of a connection by an error."""
    proxies: Any = getattr(with_socks, world).socks_proxy
    kind = "Socks5Connection" if world == "_sync" else "AsyncSocks5Connection"
    monkeypatch.delattr(proxies, httpcore_names.INIT_SOCKS)
    with pytest.warns(WeakenedProtectionWarning, match=rf"{world}\.socks_proxy\._init_socks5_"):
        httpcore_names.check_pool(with_socks.ConnectionPool())
    monkeypatch.setattr(proxies, kind, type(kind, (), {"__module__": proxies.__name__}))
    with pytest.raises(RuntimeError, match=rf"{world}\.socks_proxy\.{kind}\._connection, "):
        httpcore_names.check_http2(with_socks)


def reached(tree: ast.AST) -> Iterator[str]:
    """Yield the private names that a module reaches for in others' objects."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] == "_":
            for inner in ast.walk(node):  # an override calls what it overrides
                if isinstance(inner, ast.Attribute) and inner.attr == node.name:
                    inner.attr = "overridden"
    slots = {
        id(name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__slots__"
        for name in ast.walk(node.value)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                pass
            case ast.Attribute(attr=name) if name.startswith("_") and not name.startswith("__"):
                yield name
            case ast.Constant(value=str(name)) if name in PRIVATE and id(node) not in slots:
                yield name


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("pool._connections", {"_connections"}),
        ("self._connections", set()),
        ("self.pool._other", {"_other"}),
        ("getattr(pool, '_connections')", {"_connections"}),
        ("'no name'", set()),
        ("__slots__ = ('_connections',)", set()),
        ("def _send_single_request(self):\n    super()._send_single_request()", set()),
        ("def send(self):\n    super()._send_single_request()", {"_send_single_request"}),
        ("pool.__class__", set()),
    ],
)
def test_the_reader_sees_what_is_reached(source: str, expected: set[str]) -> None:
    """The test below is worth what it finds."""
    assert set(reached(ast.parse(source))) == expected


def test_private_names_stand_in_one_file_for_each_library() -> None:
    """Elsewhere none is reached, but for an override, which bears the name that it overrides."""
    modules = set(CLIENT.rglob("*.py")) - FILES
    found = {
        f"{path.relative_to(CLIENT)}: {name}"
        for path in modules
        for name in reached(ast.parse(path.read_text("utf-8")))
        if name not in KNOWN
    }
    assert found == set()


@pytest.mark.parametrize("table", TABLES, ids=[table.__name__ for table in TABLES])
def test_every_name_is_checked(table: ModuleType) -> None:
    """One that stands in such a file, and in no table, would be lost in silence."""
    constants = {name: value for name, value in vars(table).items() if name in table.__all__}
    texts = {
        text
        for value in constants.values()
        for text in (value if isinstance(value, tuple) else (value,))
        if isinstance(text, str)
    }
    checked = {
        name.name
        for held in vars(table).values()
        for name in (held if isinstance(held, tuple) else (held,))
        if isinstance(name, PrivateName)
    }
    assert {text for text in texts if not any(each.startswith(text) for each in checked)} == set()


@pytest.mark.parametrize("table", TABLES, ids=[table.__name__ for table in TABLES])
def test_what_is_said_to_work_is_what_is_tested(table: Any) -> None:
    """The cure that an error names leads to no other version than the tests ran with."""
    works = table._WORKS if isinstance(table._WORKS, dict) else {"": table._WORKS}
    for requirement in map(Requirement, works.values()):
        assert version(requirement.name) in requirement.specifier


@pytest.mark.parametrize("table", TABLES, ids=[table.__name__ for table in TABLES])
def test_what_is_said_to_work_is_what_may_be_installed(table: Any) -> None:
    """The cure leads to no version that this package refuses: both begin with the same one."""
    project = tomllib.loads((CLIENT.parent / "pyproject.toml").read_text("utf-8"))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    lowest = {
        requirement.name: bound
        for requirement in map(Requirement, chain.from_iterable(groups))
        if (bound := lower_bound(requirement))
    }
    works = table._WORKS if isinstance(table._WORKS, dict) else {"": table._WORKS}
    for requirement in map(Requirement, works.values()):
        assert lower_bound(requirement) == lowest[requirement.name]


def lower_bound(requirement: Requirement) -> str | None:
    """The first version that it allows."""
    bounds = [each.version for each in requirement.specifier if each.operator in {">=", "=="}]
    return bounds[0].removesuffix(".*") if bounds else None


def test_warnings_can_be_switched_off(library: ModuleType) -> None:
    """By their class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeakenedProtectionWarning)
        check(library, "", [PrivateName("Thing", "_a", "it is slow", is_vital=False)])
