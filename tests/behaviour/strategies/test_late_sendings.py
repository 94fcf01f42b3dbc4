"""Attempts whose time is over before they are sent, because middleware has used it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import DeadlineExceededError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.behaviour.world import Caller, World


def stalling(world: World, seconds: float) -> Callable[..., Any]:
    """Return a middleware that lets nothing else run for so long, and goes on."""

    async def around(request: Any, call_next: Callable[..., Any]) -> Any:
        world.stall(seconds)
        return await call_next(request)

    def plain(request: Any, call_next: Callable[..., Any]) -> Any:
        world.stall(seconds)
        return call_next(request)

    return around if world.is_async else plain


def stalled(world: World, seconds: float) -> Caller:
    """Return a client whose attempts wait so long before they are sent."""
    return world.client(200, attempt_middleware=[stalling(world, seconds)], circuit_breaker=None)


async def test_what_comes_too_late_is_not_sent(world: World) -> None:
    """And the error says so, also for a write."""
    client = stalled(world, 3)
    with pytest.raises(DeadlineExceededError) as caught:
        await client.request("POST", "/", deadline=2)
    assert caught.value.request_sent is False
    assert client.wire.arrivals == []
    assert client.stats().attempts == 1


async def test_what_comes_in_time_is_sent(world: World) -> None:
    """However long that took."""
    client = stalled(world, 1)
    response = await client.request("POST", "/", deadline=2)
    assert response.status_code == 200
