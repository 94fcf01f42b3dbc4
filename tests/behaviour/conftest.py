"""Runs each behaviour in both worlds."""

import inspect

import pytest

from tests.behaviour.twins import WORLDS
from tests.behaviour.world import World


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Tell a test that is a story in the world it asks for."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    given = pyfuncitem.funcargs
    arguments = {name: given[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    world = arguments["world"]
    assert isinstance(world, World)
    world.tell(pyfuncitem.obj(**arguments))
    return True


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> World:
    """One of the two worlds."""
    return WORLDS[request.param]()
