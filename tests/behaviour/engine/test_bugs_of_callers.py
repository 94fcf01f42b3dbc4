"""A bug of the caller's stays what it is, also where it shows in a library below."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from client import AiohttpTransport, CircuitState
from tests.behaviour.twins import ONLY_ASYNCIO
from tests.behaviour.world import World


class Unyielding(httpx.Auth):
    """A flow that returns the request, and does not yield it."""

    def auth_flow(self, request: Any) -> Any:
        """Return it."""
        return request


class Nothing(httpx.Auth):
    """A flow that yields nothing that could be sent."""

    def auth_flow(self, request: Any) -> Any:
        """Yield it."""
        del request
        yield None


class Exhausted(httpx.Auth):
    """A flow that asks an iterator for more than it has."""

    def auth_flow(self, request: Any) -> Any:
        """Fail before anything is sent."""
        empty: Any = iter(())
        yield next(empty) or request


FLOWS: dict[str, tuple[type[Exception], Any]] = {
    "returns": (TypeError, Unyielding()),
    "yields nothing": (AttributeError, Nothing()),
    "ends early": (RuntimeError, Exhausted()),
    "takes nothing": (TypeError, lambda: None),
}


async def his_own(world: World, kind: type[Exception], **options: Any) -> str:
    """Make a call, and return the text of the bug it ends with: at once, and uncounted."""
    client = world.client(200, circuit_breaker={"failure_threshold": 1})
    with pytest.raises(kind) as caught:
        await client.post("/", **options)
    assert type(caught.value) is kind
    assert client.stats().attempts <= 1
    assert client.circuit_state is CircuitState.CLOSED
    return str(caught.value)


@pytest.mark.parametrize("name", FLOWS)
async def test_an_auth_flow(world: World, name: str) -> None:
    """Python itself raises, in a frame of httpx's."""
    kind, auth = FLOWS[name]
    await his_own(world, kind, auth=auth)


async def test_a_part_that_is_no_file(world: World) -> None:
    """It has no frames of its own."""
    await his_own(world, AttributeError, files={"a": object()})


@pytest.mark.parametrize("chunk", ["text", 5])
async def test_a_body_that_yields_no_bytes(world: World, chunk: Any) -> None:
    """It is said what it yields."""

    async def later() -> AsyncIterator[Any]:
        yield chunk

    body = later() if world.is_async else iter([chunk])
    text = await his_own(world, TypeError, content=body)
    assert text == f"the body yields a {type(chunk).__name__} instead of bytes"


@pytest.mark.filterwarnings("ignore:Setting per-request cookies")
async def test_cookies_that_are_none(world: World) -> None:
    """They are the caller's, and no answer's."""
    await his_own(world, TypeError, cookies=5)


@ONLY_ASYNCIO
@pytest.mark.parametrize("extensions", [{"trace": print}, {"target": 5}, {"timeout": 5}])
async def test_an_extension_that_the_fast_transport_cannot_use(
    world: World, extensions: Any
) -> None:
    """What is said of it reaches the caller."""
    async with httpx.AsyncClient(transport=AiohttpTransport()) as http:
        client = world.client(http_client=http)
        with pytest.raises((ValueError, TypeError)):
            await client.get("http://127.0.0.1:1/", extensions=extensions)
        assert client.stats().retries == 0
