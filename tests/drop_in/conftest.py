"""Every kit, servers to break, and an environment without proxies."""

from __future__ import annotations

import inspect
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.drop_in.kits import KITS, Kit
from tests.wire.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.scripted_server import Script


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an `async def` test with the kit it asks for."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    given = pyfuncitem.funcargs
    arguments = {name: given[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    kit = arguments["kit"]
    assert isinstance(kit, Kit)
    kit.tell(pyfuncitem.obj(**arguments))
    return True


@pytest.fixture(params=["httpx-async", "httpx2-blocking"])
def kit(request: pytest.FixtureRequest) -> Kit:
    """One of two, which have each family and each world; `ON_EACH_KIT` has all four."""
    family, is_async = KITS[request.param]
    return Kit(family, is_async=is_async)


class Serve(Protocol):
    """Starts a server for the time of the test."""

    def __call__(self, *scripts: Script, **options: Any) -> ScriptedServer:
        """Serve connection number n with script number n, and all further ones with the last."""
        ...


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Servers that do to each connection what the test wrote down."""
    with ExitStack() as servers:

        def start(*scripts: Script, **options: Any) -> ScriptedServer:
            return servers.enter_context(ScriptedServer(*scripts, **options))

        yield start


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
