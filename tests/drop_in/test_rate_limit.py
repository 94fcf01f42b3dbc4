"""The rate limit behind httpx's own interface: in both families, in each world, on trio."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
import trio

from client import RateLimitConfig, RateLimitRejectedError
from tests.drop_in.kits import ON_EACH_KIT, URL, Kit
from tests.drop_in.test_transports import arrivals, behind
from tests.drop_in.wire import Reply
from tests.wire.scripts import healthy

if TYPE_CHECKING:
    from tests.drop_in.conftest import Serve

ONE: dict[str, Any] = {"rate": 1}


def asks(status: int = 429, seconds: int = 5) -> Reply:
    """An answer that asks to come back later."""
    return Reply(status, headers={"Retry-After": str(seconds)})


@ON_EACH_KIT
async def test_calls_are_spaced(kit: Kit) -> None:
    """Each waits for its turn."""
    client = kit.client(200, rate_limit=ONE)
    for _ in range(3):
        await client.get(URL)
    assert kit.clock.waits == pytest.approx([1, 1])
    assert client.stats().targets["http://server.test"].operations == {"success": 3}


@ON_EACH_KIT
async def test_so_are_those_of_a_transport(kit: Kit) -> None:
    """For code that only lets a transport in."""
    client = behind(kit, 200, rate_limit=RateLimitConfig(rate=1))
    for _ in range(3):
        await client.get(URL)
    assert kit.clock.waits == pytest.approx([1, 1])
    assert len(arrivals(client)) == 3


@ON_EACH_KIT
async def test_streams_are_spaced_too(kit: Kit) -> None:
    """Until their head."""
    client = kit.client(200, rate_limit=ONE)
    for _ in range(2):
        async with client.stream("GET", URL) as response:
            assert await kit.read(response) == b"ok"
    assert kit.clock.waits == pytest.approx([1])


@ON_EACH_KIT
async def test_a_rejection_is_an_error_of_httpx_too(kit: Kit) -> None:
    """Code that catches what httpx raises catches it; it survives a pickle."""
    client = kit.client(200, rate_limit={"rate": 1, "acquisition_timeout": 0})
    await client.get(URL)
    with pytest.raises(kit.error("TransportError")) as caught:
        await client.get(URL)
    error = caught.value
    assert error.request.url == URL
    assert isinstance(error, RateLimitRejectedError)
    assert error.retry_after == pytest.approx(1)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(again), again.retry_after) == (type(error), error.retry_after)


async def test_a_pause_is_kept_by_all(kit: Kit) -> None:
    """A retry of the very call, and calls after it."""
    client = kit.client(asks(), 200, rate_limit={"rate": 100})
    assert (await client.get(URL)).status_code == 200
    assert kit.clock.waits == pytest.approx([5])
    client = kit.client(asks(), 200, rate_limit={"rate": 100}, max_retries=0)
    kit.clock.waits.clear()
    assert (await client.get(URL)).status_code == 429
    assert (await client.get(URL)).status_code == 200
    assert kit.clock.waits == pytest.approx([5])


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_403_that_asks_to_come_back_is_retried_as_a_429_is(kit: Kit, method: str) -> None:
    """It was not acted upon; the last is returned as it is."""
    client = kit.client(asks(403), 200, rate_limit={"rate": 100})
    assert (await client.request(method, URL)).status_code == 200
    client = kit.client(asks(403), rate_limit={"rate": 100}, max_retries=1)
    assert (await client.request(method, URL)).status_code == 403
    client = kit.client(asks(403), 200)
    assert (await client.request(method, URL)).status_code == 403


async def test_a_list_of_statuses_without_429_is_heeded(kit: Kit) -> None:
    """By whoever gave it."""
    client = kit.client(asks(403), 200, rate_limit={"rate": 100}, status_forcelist=[503])
    assert (await client.get(URL)).status_code == 403


async def test_what_was_never_sent_gives_its_turn_back(kit: Kit) -> None:
    """And what an unknown transport says of that is not believed."""
    client = kit.client("ConnectError", 200, rate_limit=ONE)
    await client.get(URL)
    assert kit.clock.waits == [0]
    kit.clock.waits.clear()
    wire = kit.wire("ConnectError", 200, tells_unsent=False)
    client = kit.client(transport=wire, rate_limit=ONE)
    await client.get(URL)
    assert kit.clock.waits == pytest.approx([1])


async def test_a_call_may_go_without(kit: Kit) -> None:
    """For once."""
    client = kit.client(200, rate_limit=ONE)
    await client.get(URL)
    await client.get(URL, rate_limit=None)
    assert kit.clock.waits == []


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_turns_are_waited_for_on_trio(family: str, serve: Serve) -> None:
    """And a wait ends where its scope is cancelled."""
    server = serve(healthy)

    async def story() -> None:
        kit = Kit(family, is_async=True)
        async with kit.ours_of(verify=False, rate_limit={"rate": 100}) as client:
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(client.get, server.url)
            assert client.stats().attempts == 5
        async with kit.ours_of(verify=False, rate_limit={"rate": 0.05}) as client:
            await client.get(server.url)
            with trio.move_on_after(0.01) as scope:
                await client.get(server.url)
            assert scope.cancelled_caught
            assert client.stats().rate_limit_waiting == 0

    trio.run(story)


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_closing_ends_the_waits(family: str, serve: Serve) -> None:
    """By the error that httpx has for a closed client."""
    server = serve(healthy)

    async def story() -> None:
        kit = Kit(family, is_async=True)
        client = kit.ours_of(verify=False, rate_limit={"rate": 0.05})
        await client.get(server.url)

        async def waiting() -> None:
            with pytest.raises(RuntimeError, match="closed"):
                await client.get(server.url)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(waiting)
            while not client.stats().rate_limit_waiting:  # noqa: ASYNC110 - no event tells of it
                await trio.sleep(0.001)
            await client.aclose()

    trio.run(story)
