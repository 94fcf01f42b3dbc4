"""A client that is left in another event loop than it was used in: the first one has ended."""

import asyncio
import gc
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import httpx
import httpx2
import pytest

import client
import client.httpx2 as client2
from client import BulkheadConfig, ClientConfig, ResilientClient
from tests.wire.conftest import Serve
from tests.wire.scripts import healthy

MAKERS: dict[str, Callable[[], Any]] = {
    "facade": lambda: ResilientClient(ClientConfig()),
    "facade, httpx2": lambda: client2.ResilientClient(ClientConfig()),
    "facade, aiohttp": lambda: ResilientClient(ClientConfig(backend="aiohttp")),
    "drop-in": client.AsyncClient,
    "drop-in, httpx2": client2.AsyncClient,
    "drop-in, mounts": lambda: client.AsyncClient(
        mounts={"http://": httpx.AsyncHTTPTransport(trust_env=False)}
    ),
    "transport": lambda: httpx.AsyncClient(transport=client.AsyncResilientTransport()),
    "transport, httpx2": lambda: httpx2.AsyncClient(transport=client2.AsyncResilientTransport()),
    "aiohttp": lambda: httpx.AsyncClient(transport=client.AiohttpTransport()),
    "aiohttp, httpx2": lambda: httpx2.AsyncClient(transport=client2.AiohttpTransport()),
    "aiohttp in ours": lambda: httpx.AsyncClient(
        transport=client.AsyncResilientTransport(client.AiohttpTransport())
    ),
}


async def leave(made: Any, how: str) -> None:
    """Close a client."""
    if how == "__aexit__":
        await made.__aexit__(None, None, None)
    else:
        await (made.aclose if hasattr(made, "aclose") else made.close)()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # sockets of loops that have ended
@pytest.mark.parametrize("how", ["__aexit__", "aclose"])
@pytest.mark.parametrize("name", MAKERS)
def test_left_in_the_first_loop_after_a_second(serve: Serve, name: str, how: str) -> None:
    """As with a fixture of a session, and tests in loops of their own."""
    url = serve(healthy).url
    with asyncio.Runner() as session:
        made = session.run(entered(MAKERS[name], url))
        with asyncio.Runner() as test:
            assert test.run(made.get(url)).text == "ok"
        session.run(leave(made, how))
    del made
    gc.collect()  # asyncio closes the sockets of a loop that has ended when nobody knows them


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # likewise
@pytest.mark.parametrize("how", ["__aexit__", "aclose"])
@pytest.mark.parametrize("name", MAKERS)
def test_left_in_a_loop_of_its_own(serve: Serve, name: str, how: str) -> None:
    """After the only one that it was used in has ended."""
    made = asyncio.run(entered(MAKERS[name], serve(healthy).url))
    asyncio.run(leave(made, how))
    del made
    gc.collect()  # as above


async def entered(make: Callable[[], Any], url: str) -> Any:
    """Make a client, enter it and use it."""
    made = await make().__aenter__()
    assert (await made.get(url)).text == "ok"
    return made


def test_who_waited_in_a_loop_that_was_closed_is_let_be(serve: Serve) -> None:
    """A call that waits for its next attempt ends with its loop, and closing goes on."""
    made = client.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    first = asyncio.new_event_loop()
    call = first.create_task(made.get("http://a.test/", backoff_factor=3600))
    ports: Any = made._drop_in._engine.ports
    while not ports._sleepers:
        first.run_until_complete(asyncio.sleep(0))
    first.close()
    asyncio.run(made.aclose())
    assert made.is_closed
    call.get_coro().close()


def test_a_slot_that_was_taken_in_a_loop_that_was_closed_is_free() -> None:
    """Nobody is left to give it back."""
    asked: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if len(asked) == 1:
            await asyncio.Event().wait()
        return httpx.Response(200)

    config = ClientConfig(bulkhead=BulkheadConfig(max_concurrency=1, acquisition_timeout=0.1))
    made = ResilientClient(config, transport=httpx.MockTransport(answer))
    first = asyncio.new_event_loop()
    context = copy_context()
    call: Any = first.create_task(made.get("http://a.test/"), context=context)
    while not asked:
        first.run_until_complete(asyncio.sleep(0))
    first.close()
    call._log_destroy_pending = False  # asyncio would complain
    assert made.stats().slots_in_use == 1
    assert asyncio.run(made.get("http://a.test/")).status_code == 200
    assert made.stats().slots_in_use == 0
    asyncio.run(made.close())
    context.run(call.get_coro().close)


class Silent(httpx.AsyncBaseTransport):
    """A transport that never answers."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError(request)


@pytest.mark.parametrize("is_facade", [True, False], ids=["facade", "drop-in"])
def test_a_call_that_its_loop_has_left_can_be_closed_from_anywhere(*, is_facade: bool) -> None:
    """By the garbage collector, say, whose context is not the call's: it raises nothing."""
    heard: list[Any] = []
    loop = asyncio.new_event_loop()
    made: Any = (
        ResilientClient(ClientConfig(retry=None), transport=Silent(), listeners=[heard.append])
        if is_facade
        else client.AsyncClient(transport=Silent())
    )
    story = made.get("http://server.test/")
    task = loop.create_task(story)
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined] # asyncio would say it is left, as it is
    del task
    copy_context().run(story.close)
    ended = [type(event).__name__ for event in heard if "Ended" in type(event).__name__]
    assert ended == ["AttemptEnded"] * is_facade
