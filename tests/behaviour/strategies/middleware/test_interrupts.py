"""An interrupt anywhere in a call through middleware loses no slot and no probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    BulkheadConfig,
    CircuitBreakerConfig,
    ClientConfig,
    ServerError,
    SyncResilientClient,
)
from tests.behaviour.engine.test_interrupts import (
    MOST_PLACES,
    answer,
    fail,
    interrupted,
    request,
    stream,
)

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")


def twice(request: httpx.Request, call_next: Callable[[Any], httpx.Response]) -> httpx.Response:
    """Make two passes."""
    call_next(request)
    return call_next(request)


def passing(request: httpx.Request, call_next: Callable[[Any], httpx.Response]) -> httpx.Response:
    """Do nothing but go on."""
    return call_next(request)


@pytest.mark.parametrize("work", [request, stream, fail])
def test_no_slot_is_lost(work: Callable[[Any], None]) -> None:
    """Whatever the interrupt breaks off."""
    config = ClientConfig(
        bulkhead=BulkheadConfig(max_concurrency=1), circuit_breaker=None, retry=None
    )
    transport = httpx.MockTransport(answer)
    with SyncResilientClient(
        config, transport=transport, middleware=[twice], attempt_middleware=[passing]
    ) as face:
        request(face)
        places = 0
        for place in range(1, MOST_PLACES):
            came_so_far = interrupted(place, lambda: work(face))
            assert face.stats().slots_in_use == 0, place
            if not came_so_far:
                break
            places += 1
        assert places > 50


@pytest.mark.parametrize("work", [request, stream])
def test_no_probe_is_lost(work: Callable[[Any], None]) -> None:
    """The circuit lets the next one through at once."""
    breaker = CircuitBreakerConfig(failure_threshold=1, recovery_timeout=1e-9)
    config = ClientConfig(circuit_breaker=breaker, retry=None)
    with SyncResilientClient(
        config,
        transport=httpx.MockTransport(answer),
        middleware=[passing],
        attempt_middleware=[passing],
    ) as face:
        places = 0
        for place in range(1, MOST_PLACES):
            with pytest.raises(ServerError):
                fail(face)
            came_so_far = interrupted(place, lambda: work(face))
            request(face)
            if not came_so_far:
                break
            places += 1
        assert places > 50
