"""Closing a client: httpx's own rules, and no call that goes on waiting."""

import asyncio
import threading
from typing import Any

import pytest

from tests.drop_in.kits import URL, Kit
from tests.eventually import PATIENCE_SECONDS


async def test_a_closed_client_refuses_to_send(kit: Kit) -> None:
    """With httpx's own error, without a note or a second attempt."""
    client = kit.client(200)
    await client.close()
    assert client.is_closed
    with pytest.raises(RuntimeError, match="the client has been closed") as caught:
        await client.get(URL)
    assert type(caught.value) is RuntimeError
    assert not hasattr(caught.value, "__notes__")
    with pytest.raises(RuntimeError, match="the client has been closed"):
        async with client.stream():
            pass
    assert client._transport.arrivals == []


async def test_a_client_can_be_closed_twice_but_not_opened_again(kit: Kit) -> None:
    """As httpx has it."""
    client = kit.client(200)
    async with client as entered:
        assert entered is client.real
        await client.get(URL)
    assert client.is_closed
    await client.close()
    assert client._transport.left == [(None, None, None)]
    with pytest.raises(RuntimeError, match="reopen"):
        await client.__aenter__()


async def test_what_is_raised_in_the_with_statement_reaches_the_transport(kit: Kit) -> None:
    """And the caller."""
    client = kit.client(200)
    with pytest.raises(LookupError):
        async with client:
            raise LookupError
    assert client._transport.left[0][0] is LookupError


def ways_to_close(client: Any) -> list[Any]:
    """Both of them."""
    return [client.close, lambda: client.__exit__(None, None, None)]


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
@pytest.mark.parametrize("way", [0, 1])
def test_a_thread_that_waits_is_woken(family: str, way: int) -> None:
    """Or a `Retry-After` of a minute would hold up the end of the program."""
    kit = Kit(family, is_async=False)
    waits = threading.Event()
    wire = kit.wire(503)
    client = kit.ours_of(transport=wire, backoff_factor=3600, on_retry=lambda _record: waits.set())
    outcomes: list[Any] = []

    def call() -> None:
        try:
            client.get(URL)
        except RuntimeError as error:
            outcomes.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    assert waits.wait(PATIENCE_SECONDS)
    ways_to_close(client)[way]()
    thread.join(5)
    assert not thread.is_alive()
    assert outcomes == ["Cannot send a request, as the client has been closed."]
    assert len(wire.arrivals) == 1


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
@pytest.mark.parametrize("way", ["aclose", "__aexit__"])
def test_a_task_that_waits_is_woken(family: str, way: str) -> None:
    """In the same way."""
    kit = Kit(family, is_async=True)
    wire = kit.wire(503)

    async def story() -> None:
        waits = asyncio.Event()
        client = kit.ours_of(
            transport=wire, backoff_factor=3600, on_retry=lambda _record: waits.set()
        )
        task = asyncio.create_task(client.get(URL))
        await waits.wait()
        await asyncio.sleep(0)
        await getattr(client, way)()
        with pytest.raises(RuntimeError, match="the client has been closed"):
            await task

    asyncio.run(story())
    assert len(wire.arrivals) == 1
