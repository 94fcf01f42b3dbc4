"""The worlds by name, for tests about what the nature of one of them brings with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.behaviour.asyncio_world import AsyncioWorld
from tests.behaviour.blocking_world import BlockingWorld

if TYPE_CHECKING:
    from tests.behaviour.world import World

WORLDS: dict[str, type[World]] = {"asyncio": AsyncioWorld, "blocking": BlockingWorld}

ONLY_ASYNCIO = pytest.mark.parametrize("world", ["asyncio"], indirect=True)
ONLY_BLOCKING = pytest.mark.parametrize("world", ["blocking"], indirect=True)
