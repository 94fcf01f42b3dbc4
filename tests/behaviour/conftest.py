"""Runs each behaviour in both worlds."""

import gc
import inspect
from collections.abc import Iterator

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


@pytest.fixture(scope="session", autouse=True)
def _quick_garbage_collection() -> Iterator[None]:
    """Every test collects garbage: spare it the walk through all that was there before."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
