"""The table of the failure server's controls of the site names methods and routes that exist."""

import inspect

from server.app import create_app
from server.controls.failure_server import Controls
from tests.docs.reading import code_in, table

ROWS = table("What it can be told", "in code")


def test_the_methods_are_those_listed() -> None:
    """With the arguments that have no default."""
    listed = {code_in(row[0])[0] for row in ROWS}
    controls = inspect.getmembers(Controls, inspect.isfunction)
    assert listed == {
        f"{name}({', '.join(_needed(method))})"
        for name, method in controls
        if not name.startswith("_")
    }


def _needed(method: object) -> list[str]:
    assert callable(method)
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return [parameter.name for parameter in parameters if parameter.default is parameter.empty]


def test_the_routes_are_those_listed() -> None:
    """All but `/msg`, of which the text speaks, and single entries of the ledger."""
    listed = {code for row in ROWS for code in code_in(row[1])}
    served = {
        f"{method.upper()} {path}"
        for path, operations in create_app().openapi()["paths"].items()
        for method in operations
    }
    others = {call for call in served if call.endswith(" /msg") or "/ledger/" in call}
    assert listed == served - others
