"""Which event loop runs here, and whether one has ended."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import trio

from client.runtime.event_loop import has_ended, here

if TYPE_CHECKING:
    import pytest


def test_without_one_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether or not trio has been imported."""
    assert here() is None
    monkeypatch.delitem(sys.modules, "trio")
    assert here() is None


def test_one_of_asyncio() -> None:
    """It is the loop itself, which is known to have ended once it is closed."""

    async def look() -> object:
        assert here() is here()
        assert not has_ended(here())
        return here()

    place = asyncio.run(look())
    assert isinstance(place, asyncio.AbstractEventLoop)
    assert has_ended(place)


def test_one_of_trio() -> None:
    """It is one and the same for as long as that runs."""

    async def look() -> object:
        assert here() is here()
        assert here() is not None
        return here()

    assert not has_ended(trio.run(look))
