"""The tables of the wire proxy of the site name faults, options, methods and routes that exist."""

import inspect
import re
from unittest.mock import Mock

import pytest

from server.controls.wire_proxy import ProxyControls
from server.proxy.control_app import create_control_app
from server.proxy.fault_models import MODELS, WireFault
from tests.docs.reading import code_in, table

FAULTS = {code_in(row[0])[0]: row for row in table("Faults", "fault")}
CONTROLS = table("What it can be asked", "in code")


def test_the_faults_are_those_listed() -> None:
    """Each with its line."""
    assert FAULTS.keys() == MODELS.keys()


@pytest.mark.parametrize("kind", MODELS)
def test_the_options_are_those_listed(kind: str) -> None:
    """With their defaults, if those are named."""
    model = MODELS[kind]
    options = model.model_fields.keys() - WireFault.model_fields.keys() - {"kind"}
    cell = FAULTS[kind][1]
    named = {code for code in code_in(cell) if code in options}
    assert named == options
    for option, default in re.findall(r"`(\w+)` \(`?(\w+)`?\)", cell):
        assert str(model.model_fields[option].default).removesuffix(".0") == default


def test_the_methods_are_those_listed() -> None:
    """By their names."""
    listed = {code.partition("(")[0] for row in CONTROLS for code in code_in(row[0])}
    controls = inspect.getmembers(ProxyControls, inspect.isfunction)
    assert listed == {name for name, _ in controls if not name.startswith("_")}


def test_the_routes_are_those_listed() -> None:
    """All of them."""
    listed = {code for row in CONTROLS for code in code_in(row[1])}
    paths = create_control_app(Mock(port=1), upstream="").openapi()["paths"]
    assert listed == {
        f"{method.upper()} {path}" for path, operations in paths.items() for method in operations
    }
