"""A file that is closed between two attempts ends the operation with the failure in hand."""

import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from client import APINetworkError, ServiceUnavailableError
from client.events import Event, RetryScheduled
from tests.behaviour.wire import Arrival
from tests.behaviour.world import World, listens_to

WAYS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "content": lambda file: {"content": file},
    "files": lambda file: {"files": {"part": file}},
    "tuple": lambda file: {"files": [("other", b"x"), ("part", ("name", file, "text/plain"))]},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("failure", [503, httpx.ReadError, httpx.ConnectError])
async def test_closed_before_the_wait(world: World, way: str, failure: Any) -> None:
    """Nothing is waited for."""
    file = io.BytesIO(b"abc")

    async def serve(_arrival: Arrival) -> Any:
        file.close()
        return failure

    client = world.client(serve)
    with pytest.raises((ServiceUnavailableError, APINetworkError)) as caught:
        await client.post(**WAYS[way](file))
    assert caught.value.attempts == 1
    assert world.now() == 1000
    assert "the request's body cannot be sent a second time" in caught.value.__notes__[0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("failure", [503, httpx.ReadError])
async def test_closed_in_the_wait(world: World, way: str, failure: Any) -> None:
    """The attempt that was announced is not made."""
    file = io.BytesIO(b"abc")

    @listens_to(RetryScheduled)
    def close(_event: Event) -> None:
        file.close()

    client = world.client([failure, 200], listeners=[close])
    with pytest.raises((ServiceUnavailableError, APINetworkError)) as caught:
        await client.post(**WAYS[way](file))
    assert caught.value.attempts == 1
    assert len(client.wire.arrivals) == 1
    assert "the request's body cannot be sent a second time" in caught.value.__notes__[0]
