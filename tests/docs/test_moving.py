"""The guides for those who come from another library name all that it takes, and what ours has."""

import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

import client
from client import CallReport, CircuitBreaker, CircuitOpenError, Client, ResilientClient, events
from client.faces.drop_in.options import RetrySettings
from client.faces.facade.call_options import CallOptions
from tests.docs.reading import ROOT, Row, code_in

GUIDES = ROOT / "docs" / "guides"
Names = Callable[[Any], set[str]]


def _parameters(path: str) -> Names:
    """What a function or the constructor of a class takes."""

    def names(library: Any) -> set[str]:
        return set(inspect.signature(_found(library, path)).parameters) - {"self", "kwargs"}

    return names


def _of_kind(*bases: str) -> Names:
    """The public classes of a module that are of one of some kinds, but for these kinds."""

    def names(library: Any) -> set[str]:
        kinds = tuple(_found(library, base) for base in bases)
        return {
            name
            for name, value in vars(library).items()
            if isinstance(value, type) and issubclass(value, kinds) and value not in kinds
        }

    return names


def _attributes(path: str) -> Names:
    """What an object of a class has, by its class."""

    def names(library: Any) -> set[str]:
        return {name for name in dir(_found(library, path)) if not name.startswith("_")}

    return names


def _fields(*paths: str) -> Names:
    """The parameters of several classes, each behind the name of its class."""

    def names(library: Any) -> set[str]:
        return {f"{path}.{name}" for path in paths for name in _parameters(path)(library)}

    return names


def _found(library: Any, path: str) -> Any:
    for name in path.split("."):
        library = getattr(library, name)
    return library


# The guide, the heads of the first columns of its tables, the module, and what of it they list.
LISTINGS: list[tuple[str, list[str], str, Names]] = [
    ("from-requests", ["`Retry`"], "urllib3.util", _parameters("Retry")),
    ("from-requests", ["`HTTPAdapter`"], "requests.adapters", _parameters("HTTPAdapter")),
    ("from-requests", ["`Session.request`"], "requests", _parameters("Session.request")),
    ("from-requests", ["`Response`"], "requests", _attributes("Response")),
    (
        "from-requests",
        ["`requests.exceptions`"],
        "requests.exceptions",
        _of_kind("RequestException"),
    ),
    ("from-aiohttp", ["`ClientTimeout`"], "aiohttp", _parameters("ClientTimeout")),
    ("from-aiohttp", ["`TCPConnector`"], "aiohttp", _parameters("TCPConnector")),
    (
        "from-aiohttp",
        ["`ClientSession`", "`session.request`"],
        "aiohttp",
        _parameters("ClientSession"),
    ),
    ("from-aiohttp", ["`session.request`"], "aiohttp", _parameters("ClientSession._request")),
    ("from-aiohttp", ["aiohttp"], "aiohttp", _of_kind("ClientError")),
    ("from-tenacity", ["`tenacity.Retrying`"], "tenacity", _parameters("Retrying")),
    (
        "from-tenacity",
        ["tenacity"],
        "tenacity",
        _of_kind("stop.stop_base", "wait.wait_base", "retry_base"),
    ),
    ("from-tenacity", ["`stamina.retry`"], "stamina", _parameters("retry")),
    (
        "from-pybreaker",
        ["`pybreaker.CircuitBreaker`"],
        "pybreaker",
        _parameters("CircuitBreaker"),
    ),
    ("from-wrappers", ["`httpx_retries`"], "httpx_retries", _parameters("Retry")),
    ("from-wrappers", ["`httpx_retries`"], "httpx_retries", _parameters("RetryTransport")),
    ("from-wrappers", ["`pyresilience`"], "pyresilience", _parameters("resilient")),
    (
        "from-wrappers",
        ["`pyresilience`"],
        "pyresilience",
        _fields(
            "RetryConfig",
            "TimeoutConfig",
            "CircuitBreakerConfig",
            "BulkheadConfig",
            "RateLimiterConfig",
            "CacheConfig",
            "FallbackConfig",
            "RetryBudgetConfig",
        ),
    ),
    ("from-wrappers", ["`interlock`"], "interlock", _fields("Config", "CircuitBreaker")),
]
OF_OURS = re.compile(r"here|in `|raised by")
OTHERS = {"TypeError", "ValueError", "json", "timeout", "name", "except", "raise", "failsafehttp"}
"""What stands among our names and is Python's, or a part of a setting."""


def _known() -> set[str]:
    """Every name that a reader can write in code or settings with ours and httpx's."""
    models = [
        value
        for value in (getattr(client, name) for name in client.__all__)
        if isinstance(value, type) and issubclass(value, BaseModel)
    ]
    functions: list[Callable[..., Any]] = [
        httpx.Client,
        httpx.Client.request,
        Client,
        ResilientClient,
        CircuitBreaker,
    ]
    objects = [httpx.Response, httpx.AsyncHTTPTransport, Client, ResilientClient, CircuitBreaker]
    return {
        *client.__all__,
        *events.__all__,
        *RetrySettings.defaults(),
        *CallReport._fields,
        *CallOptions.__annotations__,
        *(name for model in models for name in model.model_fields),
        *(name for function in functions for name in inspect.signature(function).parameters),
        *(name for kind in objects for name in dir(kind)),
        *vars(httpx.Response(200)),
        *dir(CircuitOpenError()),
    }


def _rows(guide: str, first_column: str | None = None) -> Iterator[tuple[Row, Row]]:
    """The rows of a table, or of all tables, each beside the table's head."""
    text = (GUIDES / f"{guide}.md").read_text("utf-8")
    for head, body in re.findall(r"^(\|.+)\n\|[-| ]+\|\n((?:\|.+\n)+)", text, re.MULTILINE):
        columns = _cells(head)
        if first_column in {columns[0], None}:
            for line in body.splitlines():
                yield columns, _cells(line)


def _cells(line: str) -> Row:
    return [cell.strip() for cell in line[1:-1].split("|")]


def _named(cell: str) -> set[str]:
    """The names of a first cell; of "`Owner`: `one`, `two`" they are Owner.one and Owner.two."""
    names = [re.sub(r"^(await )?(\w+).*", r"\2", code) for code in code_in(cell)]
    if re.match(r"`\w+`: ", cell):
        return {f"{names[0]}.{name}" for name in names[1:]}
    return set(names)


@pytest.mark.parametrize(
    ("guide", "columns", "module", "names"),
    [pytest.param(*each, id=f"{each[1][-1]} {number}") for number, each in enumerate(LISTINGS)],
)
def test_all_that_the_other_library_takes_has_a_row(
    guide: str, columns: list[str], module: str, names: Names
) -> None:
    """Of the version that is installed."""
    pytest.importorskip(module.partition(".")[0])
    listed = {
        name for column in columns for _, row in _rows(guide, column) for name in _named(row[0])
    }
    assert names(import_module(module)) - listed == set()


GUIDE_NAMES = sorted(path.stem for path in GUIDES.glob("from-*.md"))


@pytest.mark.parametrize("guide", GUIDE_NAMES)
def test_the_names_of_ours_exist(guide: str) -> None:
    """In the columns that show what to write here."""
    known, unknown = _known() | OTHERS, set()
    for head, row in _rows(guide):
        for column, cell in zip(head, row, strict=True):
            if OF_OURS.match(column):
                unknown |= {code for code in code_in(cell) if not _exists(code, known)}
    assert unknown == set()


def _exists(code: str, known: set[str]) -> bool:
    found = re.match(r"[A-Za-z_][\w.]*", code)
    if found is None:  # a dict, a number or a text
        return True
    first, *rest = found[0].rstrip(".").split(".")
    if first == "httpx":
        return hasattr(httpx, rest[0])
    return (rest[0] if first in {"breaker", "client"} and rest else first) in known
