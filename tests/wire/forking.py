"""A program that forks with a client in use; run by `test_sharing.py` in a process of its own.

usage: python -m tests.wire.forking URL

Parent and child both make calls, to the end of the story. Each story is told in a process of its
own, too; printed is which one ended with which status: 0 if each answer was to the request it came
for.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import traceback
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from client import AsyncClient, ClientConfig, MyAPIError, ResilientClient, SyncResilientClient
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 30
SHARED = ("anyio._backends._asyncio", "httpx", "pybreaker", "pydantic_settings", "structlog")
"""What all stories import, once."""


def in_child(work: Callable[[], None]) -> Callable[[], None]:
    """Begin some work in a forked child; what is returned waits for its end, which must be good."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)

    def wait() -> None:
        _, status = os.waitpid(child, 0)
        assert status == 0, f"the child ended with {status}"

    return wait


def blocking(url: str) -> None:
    """A client that has a connection to keep is used on by both."""
    client = SyncResilientClient(ClientConfig(base_url=url))

    def calls(who: str) -> None:
        for number in range(CALLS):
            assert client.get(f"/{who}/{number}").text == f"/{who}/{number}"

    calls("before")
    wait = in_child(lambda: calls("child"))
    calls("parent")
    wait()
    client.close()


def threads(url: str) -> None:
    """Other threads hold slots and locks, which do not exist in the child."""
    bulkhead = {"max_concurrency": 2, "acquisition_timeout": 0.0}
    client = SyncResilientClient(
        ClientConfig.model_validate({"base_url": url, "bulkhead": bulkhead})
    )

    def stall() -> None:
        with suppress(MyAPIError):  # it ends when the client is closed
            client.get("/stall", retry=None)

    client.get("/before")  # imports what httpx imports late: Python itself cannot fork in between
    stalling = [threading.Thread(target=stall) for _ in range(2)]
    for thread in stalling:
        thread.start()
    eventually(lambda: client.stats().slots_in_use == 2)
    lock = client._session.engine.metrics._lock

    def child() -> None:
        assert client.stats().slots_in_use == 0
        assert client.get("/child").text == "/child"
        client.close()

    with lock:
        wait = in_child(child)
    wait()
    assert client.stats().slots_in_use == 2
    client.close()
    for thread in stalling:
        thread.join()


def stream(url: str) -> None:
    """What the child closes is not what the parent reads."""
    client = SyncResilientClient(ClientConfig(base_url=url))
    with client.stream("GET", "/large") as response:
        chunks = response.iter_raw()
        first = next(chunks)
        in_child(client.close)()
        assert len(first) + sum(map(len, chunks)) == 300_000
    client.close()


def waiting(url: str) -> None:
    """An async client goes on in the child's own loop, and in the parent's next."""
    client = ResilientClient(ClientConfig(base_url=url))

    async def calls(who: str) -> None:
        for number in range(CALLS):
            assert (await client.get(f"/{who}/{number}")).text == f"/{who}/{number}"

    asyncio.run(calls("before"))
    wait = in_child(lambda: asyncio.run(calls("child")))
    asyncio.run(calls("parent"))
    wait()


def drop_in(url: str) -> None:
    """Forked out of the running loop, as a server does that begins its workers late."""
    client = AsyncClient(base_url=url)

    async def calls(who: str) -> None:
        for number in range(CALLS):
            assert (await client.get(f"/{who}/{number}")).text == f"/{who}/{number}"

    async def story() -> None:
        await calls("before")
        wait = in_child(lambda: asyncio.run(calls("child")))
        await calls("parent")
        wait()
        await client.aclose()

    asyncio.run(story())


def late(url: str) -> None:
    """The same with the facade, whose child is begun in the middle of a stream."""
    client = ResilientClient(ClientConfig(base_url=url))

    async def calls(who: str) -> None:
        for number in range(CALLS):
            assert (await client.get(f"/{who}/{number}")).text == f"/{who}/{number}"

    async def story() -> None:
        await calls("before")
        async with client.stream("GET", "/large") as response:
            wait = in_child(lambda: asyncio.run(calls("child")))
            assert len(await response.aread()) == 300_000
        await calls("parent")
        wait()
        await client.close()

    asyncio.run(story())


def half_read(url: str) -> None:
    """The child leaves a stream that it did not begin."""
    client = SyncResilientClient(ClientConfig(base_url=url))
    parent = os.getpid()
    try:
        with client.stream("GET", "/large") as response:
            chunks = response.iter_raw()
            first = next(chunks)
            child = os.fork()
            if child:
                assert len(first) + sum(map(len, chunks)) == 300_000
        assert client.get("/after").text == "/after"
    except BaseException:
        if os.getpid() != parent:
            os._exit(1)
        raise
    if os.getpid() != parent:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    client.close()


def endpoints(url: str) -> None:
    """A list that is read, and checks, go on in both; what was under way does in the parent."""
    goes_on = threading.Event()
    asked: list[int] = []

    def read() -> list[str]:
        asked.append(os.getpid())
        if len(asked) > 1 and os.getpid() == parent:
            goes_on.wait()
        return [url]

    parent = os.getpid()
    balancing = {"refresh": 0.001, "health_path": "/health", "health_interval": 0.01}
    client = SyncResilientClient(ClientConfig(endpoints=read).merged(balancing=balancing))

    def checks() -> int:
        checks = client._session._endpoints._checks  # type: ignore[union-attr] # it has endpoints
        return 0 if checks is None else len(checks)

    assert client.get("/before").text == "/before"
    eventually(lambda: client.get("/before").is_success and len(asked) > 1)
    assert checks() == 1

    def child() -> None:
        assert checks() == 0
        eventually(lambda: client.get("/child").text == "/child" and os.getpid() in asked)
        assert checks() == 1
        client.close()
        assert checks() == 0

    in_child(child)()
    assert client.get("/parent").text == "/parent"
    goes_on.set()
    client.close()
    assert checks() == 0


STORIES = {
    story.__name__: story
    for story in (blocking, threads, stream, waiting, drop_in, late, half_read, endpoints)
}


def told(story: Callable[[str], None], url: str) -> int:
    """Tell a story in a child of this process, and return its status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        story(url)
    except BaseException:  # noqa: BLE001 - whatever it is, the test shows it
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    for name in SHARED:
        import_module(name)
    print(json.dumps({name: told(story, sys.argv[1]) for name, story in STORIES.items()}))  # noqa: T201 - its result
