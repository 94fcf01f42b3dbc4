"""Runs each story in each world."""

from pathlib import Path

import pytest

from tests.unit.strategies.cache.keeping.worlds import World


@pytest.fixture(params=["asyncio", "trio", "blocking"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """One of the worlds."""
    return World(request.param, tmp_path)
