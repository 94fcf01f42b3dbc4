"""docs/api.txt has every public name, and agrees with the code on every Python."""

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from abc import ABC
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from difflib import unified_diff
from enum import Enum, StrEnum
from typing import Any, NamedTuple, Protocol, TypedDict, TypeVar

import pytest
from pydantic import BaseModel, Field

import client
from tests.api.listing import FILE, INTERNAL, MODULES, ROOT, listing
from tests.api.signatures import described
from tests.api.values import shown

T = TypeVar("T")
ELSEWHERE = ("client.strategies.circuit.control", "client.telemetry.sinks")


def test_the_file_agrees_with_the_code() -> None:
    """Whoever changes a public name or signature sees it in a review."""
    written, found = FILE.read_text("utf-8").splitlines(), listing().splitlines()
    changes = "\n".join(unified_diff(written, found, "docs/api.txt", "the code", lineterm="", n=1))
    assert written == found, f"\n{changes}\nIf that is what you want: ./dev api"


def test_it_is_the_same_in_every_run() -> None:
    """Whatever the order of a set and the addresses of objects."""
    outputs = [
        subprocess.check_output(
            [sys.executable, "-c", "from tests.api.listing import listing; print(listing())"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            text=True,
        )
        for seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert " at 0x" not in outputs[0]


def test_every_public_module_is_listed() -> None:
    """Those that `client` hands out by name, and the other doors beside it."""
    named = {f"client.{name}" for name in client._PUBLIC_MODULES}
    files = {
        f"client.{each.name}"
        for each in pkgutil.iter_modules(client.__path__)
        if not (each.ispkg or each.name.startswith("_"))
        and hasattr(importlib.import_module(f"client.{each.name}"), "__all__")
    }
    assert named | files - {"client.pipeline", "client.version"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES[1:])
def test_a_public_module_shows_its_names(name: str) -> None:
    """And nothing else, also those that nobody has used so far; `client` has modules besides."""
    module = importlib.import_module(name)
    assert dir(module) == sorted(module.__all__)


@pytest.mark.parametrize("name", INTERNAL)
def test_what_is_left_out_exists(name: str) -> None:
    """No name stays on the list of those that are not promised once it is gone."""
    modules = [importlib.import_module(each) for each in (*MODULES, *ELSEWHERE)]
    [kind, *_] = [getattr(each, name) for each in modules if hasattr(each, name)]
    ours = [each for each in kind.__mro__ if each.__module__.startswith("client.")]
    text = "".join(map(inspect.getsource, ours))
    assert {each for each in INTERNAL[name] if each not in text} == set()


class Base:
    """Of ours, and public."""

    def inherited(self) -> None:
        """Nothing."""


class Hidden(Base):
    """Of ours, and private."""

    kept: int

    def __init__(self, kept: int, *, other: "str | None" = None) -> None:
        self.kept = kept
        self.other = other
        self.typed: list[int] = []
        self._private = kept

    async def waits(self, *names: str, **rest: object) -> "bytes":
        """Nothing."""
        return b""

    def given_ours(self, inside: "_Inside") -> None:
        """Nothing that a user could call."""


class _Inside:
    """A type of our own."""


class Shown(Hidden, ABC):
    """What is listed."""

    @property
    def asked(self) -> float:
        """Nothing."""
        return 0.0

    @classmethod
    def made(cls) -> "Shown":
        """Nothing."""
        return cls(1)

    @staticmethod
    def apart(value: int = 3) -> int:
        """Nothing."""
        return value

    @contextmanager
    def opened(self) -> Generator[int]:
        """Nothing."""
        yield 1

    @asynccontextmanager
    async def awaited(self) -> AsyncGenerator[int]:
        """Nothing."""
        yield 1

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return ""


class Colour(Enum):
    """Two."""

    RED = 1


class Word(StrEnum):
    """One."""

    A = "a"


@dataclass
class Record:
    """One field with a default, one that makes its own."""

    first: int
    second: dict[str, int] = field(default_factory=dict[str, int])
    third: Colour = Colour.RED


class Pair(NamedTuple):
    """Two."""

    left: int
    right: str = "r"


class Model(BaseModel):
    """Likewise."""

    size: int = 3
    made: list[int] = Field(default_factory=list)
    needed: str


class Options(TypedDict, total=False):
    """A few."""

    one: int


class More(Options, total=False):
    """And more."""

    two: str


class Shape(Protocol):
    """A shape."""

    def has(self, what: object, /) -> bool:
        """Nothing."""
        ...


def function(a: int, b: "T", *, c: tuple[int, ...] = (1,)) -> "T":
    """Nothing."""
    return b


EXPECTED: dict[Any, list[str]] = {
    Shown: [
        "class Shown(Base, abc.ABC)",
        "kept: int",
        "other: str | None",
        "typed: list[int]",
        "def __init__(kept: int, *, other: str | None = None) -> None",
        "staticmethod apart(value: int = 3) -> int",
        "property asked: float",
        "async context awaited() -> AsyncGenerator[int]",
        "classmethod made() -> Shown",
        "context opened() -> Generator[int]",
        "async def waits(*names: str, **rest: object) -> bytes",
        "def __len__() -> int",
    ],
    Colour: ["class Colour(enum.Enum)", "RED = 1"],
    Record: [
        "class Record",
        "first: int",
        "second: dict[str, int] = dict()",
        "third: Colour = Colour.RED",
    ],
    Pair: ["class Pair(tuple)", "left: int", "right: str = 'r'"],
    Model: [
        "class Model(pydantic.BaseModel)",
        "size: int = 3",
        "made: list[int] = list()",
        "needed: str",
    ],
    Options: ["class Options(TypedDict)", "one: int"],
    More: ["class More(Options)", "two: str"],
    Shape: ["class Shape", "def has(what: object, /) -> bool"],
    function: ["def function(a: int, b: T, *, c: tuple[int, ...] = (1,)) -> T"],
}


@pytest.mark.parametrize("what", EXPECTED, ids=lambda what: str(what.__name__))
def test_how_a_name_is_described(what: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what a user can write, and nothing else."""
    monkeypatch.setattr("tests.api.signatures.OURS", ("tests",))
    lines = list(described(what.__name__, what, {Base}))
    assert [line.strip() for line in lines] == EXPECTED[what]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({"b", "a"}, "{'a', 'b'}", id="set"),
        pytest.param(frozenset({3, 12}), "{12, 3}", id="frozenset"),
        pytest.param((1, Colour.RED), "(1, Colour.RED)", id="tuple"),
        pytest.param(Word.A, "Word.A", id="word"),
        pytest.param(int | Colour, "int | Colour", id="union"),
        pytest.param(dict[str, int], "dict", id="factory"),
        pytest.param(object(), "<object>", id="object"),
        pytest.param(len, "len", id="function"),
        pytest.param(f"ua/{client.__version__}", "'ua/VERSION'", id="version"),
        pytest.param(None, "None", id="none"),
    ],
)
def test_how_a_value_is_shown(value: object, text: str) -> None:
    """Without addresses, in a fixed order, and as a source would have it."""
    assert shown(value) == text
