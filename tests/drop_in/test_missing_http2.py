"""Without the package for HTTP/2 whoever asks for it is told at once what to install."""

from __future__ import annotations

import importlib.abc
import sys
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

import client
import client.httpx2
from tests.drop_in.kits import URL

if TYPE_CHECKING:
    from collections.abc import Callable

CURE = r"^http2=True needs the package h2: pip install 'resilient-http-client\[http2\]'$"
ASKED: dict[str, Callable[[Any, Any], object]] = {
    "blocking client": lambda _, ours: ours.Client(http2=True),
    "async client": lambda _, ours: ours.AsyncClient(http2=True),
    "blocking client's transport": lambda module, ours: ours.Client(
        transport=module.HTTPTransport(http2=True)
    ),
    "async client's transport": lambda module, ours: ours.AsyncClient(
        transport=module.AsyncHTTPTransport(http2=True)
    ),
    "blocking transport": lambda module, ours: ours.ResilientTransport(
        module.HTTPTransport(http2=True)
    ),
    "async transport": lambda module, ours: ours.AsyncResilientTransport(
        module.AsyncHTTPTransport(http2=True)
    ),
    "blocking facade": lambda _, ours: ours.SyncResilientClient(client.ClientConfig(http2=True)),
    "async facade": lambda _, ours: ours.ResilientClient(client.ClientConfig(http2=True)),
}


class _Missing(importlib.abc.MetaPathFinder):
    """Finds h2 nowhere."""

    def find_spec(self, name: str, *_: object) -> None:
        """Refuse it."""
        if name.partition(".")[0] == "h2":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.fixture(autouse=True)
def _no_h2(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "h2"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("client.runtime.lazy_imports.find_spec", lambda _name: None)
    monkeypatch.setattr(sys, "meta_path", [_Missing(), *sys.meta_path])


@pytest.mark.parametrize("family", [(httpx, client), (httpx2, client.httpx2)], ids=["1", "2"])
@pytest.mark.parametrize("asked", ASKED)
def test_when_it_is_made(family: tuple[Any, Any], asked: str) -> None:
    """No call has to fail for it; httpx would name an extra of its own."""
    with pytest.raises(ImportError, match=CURE):
        ASKED[asked](*family)


def test_a_function() -> None:
    """Its client is made for the call."""
    with pytest.raises(ImportError, match=CURE):
        client.get(URL, http2=True)


def test_without_http2() -> None:
    """Nobody misses it."""
    client.Client(http2=False).close()
