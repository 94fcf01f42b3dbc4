"""The modules and functions by which the reader of tracebacks knows where it is are there."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

import client
from client.errors import raised_below

CLIENT = Path(client.__file__).parent


@pytest.mark.parametrize(
    "module",
    sorted(
        {
            *raised_below._OWN_CALLERS_OF_CODE,
            *raised_below._NOT_YET_THE_WIRE,
            *(module for module, _ in raised_below._OWN_DIALING),
            raised_below._OWN_REDIRECTS,
        }
    ),
)
def test_a_module_is_where_it_is_said_to_be(module: str) -> None:
    """One that was moved would have errors blamed on the wrong side, and nobody told."""
    assert find_spec(f"client.{module}") is not None


def functions_of(path: Path) -> set[str]:
    """Return the names of all functions below a folder, or in a module."""
    files = path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]
    return {
        node.name
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize(
    ("place", "name"),
    sorted(
        {
            *raised_below._OWN_DIALING,
            *((raised_below._OWN_WIRE, name) for name in raised_below._OWN_READING),
            (raised_below._OWN_WIRE, raised_below._OWN_SENDS_BODY),
            (raised_below._OWN_REDIRECTS, raised_below._CHECKS_A_REQUEST),
        }
    ),
)
def test_a_function_is_where_it_is_said_to_be(place: str, name: str) -> None:
    """As with modules: by its name alone it is known."""
    assert name in functions_of(CLIENT / place.replace(".", "/"))
