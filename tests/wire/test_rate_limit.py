"""The rate limit over real sockets: in threads, in a second event loop, in a forked child."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from client import (
    AsyncClient,
    ClientClosedError,
    ClientConfig,
    ResilientClient,
    SyncResilientClient,
)
from tests.eventually import eventually
from tests.wire.scripts import healthy
from tests.wire.twins import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.conftest import Serve

THREADS = 8
CALLS = 25

MAKERS: dict[str, Callable[[str], Any]] = {
    "facade": lambda url: ResilientClient(
        ClientConfig(base_url=url).merged(
            rate_limit={"rate": 0.1, "burst": 2, "acquisition_timeout": 1_000}
        )
    ),
    "drop-in": lambda url: AsyncClient(
        base_url=url, rate_limit={"rate": 0.1, "burst": 2, "acquisition_timeout": 1_000}
    ),
}


def test_threads_all_have_their_turn(serve: Serve) -> None:
    """Those that wait are woken, and nobody is left waiting."""
    server = serve(healthy)
    rate_limit = {"rate": 2_000, "acquisition_timeout": 60}
    with SyncResilientClient(settings(server.url, rate_limit=rate_limit)) as client:

        def work() -> None:
            for _ in range(CALLS):
                client.get("/")

        with ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(work) for _ in range(THREADS)]:
                done.result()
        stats = client.stats()
        assert (stats.operations, stats.rate_limit_waiting) == (THREADS * CALLS, 0)


def test_a_thread_that_waits_is_woken_where_the_client_is_closed(serve: Serve) -> None:
    """At once, from another thread."""
    server = serve(healthy)
    outcomes: list[BaseException | None] = []
    client = SyncResilientClient(
        settings(server.url, rate_limit={"rate": 0.01, "acquisition_timeout": 1_000})
    )
    client.get("/")

    def work() -> None:
        try:
            client.get("/")
        except Exception as error:  # noqa: BLE001 - the test looks at it
            outcomes.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    eventually(lambda: client.stats().rate_limit_waiting == 1)
    client.close()
    thread.join()
    assert [type(each).__name__ for each in outcomes] == ["ClientClosedError"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # sockets of a loop that has ended
@pytest.mark.parametrize("name", MAKERS)
def test_whoever_waited_in_a_loop_that_has_ended_is_in_nobody_s_way(
    serve: Serve, name: str
) -> None:
    """What was taken there is taken; what is left may go."""
    server = serve(healthy)
    client = MAKERS[name](server.url)

    async def begin() -> None:
        await client.get(server.url)
        await client.get(server.url, rate_limit=None)
        waiting = [asyncio.create_task(client.get(server.url)) for _ in range(5)]
        while client.stats().rate_limit_waiting < 4:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.001)
        assert waiting

    async def go_on() -> None:
        assert client.stats().rate_limit_waiting == 0
        lanes = _limit_of(client).lanes
        assert lanes.waiting == 0
        await client.get(server.url, rate_limit=None)
        await (client.aclose if hasattr(client, "aclose") else client.close)()

    asyncio.run(begin())
    asyncio.run(go_on())
    gc.collect()  # asyncio closes the sockets of a loop that has ended when nobody knows them


def _limit_of(client: Any) -> Any:
    inside = vars(client).get("_session") or vars(client)["_drop_in"]
    return inside._strategies._rate_limit


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_waits_for_nobody_of_its_parent(serve: Serve) -> None:
    """Its parent's threads wait there; what was taken counts in both."""
    server = serve(healthy)
    rate_limit = {"rate": 0.05, "burst": 2, "acquisition_timeout": 1_000}
    client = SyncResilientClient(settings(server.url, rate_limit=rate_limit))
    client.get("/")
    client.get("/")
    thread = threading.Thread(target=lambda: _ignored(client), daemon=True)
    thread.start()
    eventually(lambda: client.stats().rate_limit_waiting == 1)
    child = os.fork()
    if child == 0:  # pragma: no cover - what is measured there is lost
        os._exit(client.stats().rate_limit_waiting)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    client.close()
    thread.join()


def _ignored(client: SyncResilientClient) -> None:
    with suppress(ClientClosedError):
        client.get("/")
