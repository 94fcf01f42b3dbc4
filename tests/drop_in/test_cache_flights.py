"""Of many equal misses of a drop-in client one goes out, and each caller gets his own."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import AsyncClient
from client.ports import asyncio_tasks
from tests.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.drop_in.kits import Kit

URL = "http://server.test/x"
KEPT = {"Cache-Control": "max-age=60"}
CALLERS = 5


def waiting(client: Any) -> int:
    """How many callers have a seat in what is under way."""
    flights = client._drop_in._strategies._cache.sharing._flights
    return sum(len(flight.seats) for flight in tuple(flights._under_way))


class Held:
    """A transport that answers when it is told to."""

    def __init__(self, kit: Kit, answer: Callable[[], Any]) -> None:
        self.asked = 0
        self._kit = kit
        self._answer = answer
        self._may_answer = threading.Event()

    def let_go(self) -> None:
        """Answer what is asked from now on, and was."""
        self._may_answer.set()

    @property
    def transport(self) -> Any:
        """It, as httpx wants it."""

        def blocking(request: Any) -> Any:
            del request
            self.asked += 1
            assert self._may_answer.wait(30)
            return self._answer()

        async def plain(request: Any) -> Any:
            del request
            self.asked += 1
            while not self._may_answer.is_set():  # noqa: ASYNC110 - set from threads, too
                await asyncio.sleep(0.001)
            return self._answer()

        return self._kit.module.MockTransport(plain if self._kit.is_async else blocking)


async def ask_at_once(kit: Kit, client: Any, held: Held) -> list[Any]:
    """Have some callers ask for the same, and return what each gets; all wait before any is."""

    def names() -> list[dict[str, str]]:
        return [{"X-Caller": str(number)} for number in range(CALLERS)]

    if kit.is_async:
        tasks = [asyncio.ensure_future(client.get(URL, headers=each)) for each in names()]
        while waiting(client) < CALLERS:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        held.let_go()
        return await asyncio.gather(*tasks, return_exceptions=True)

    outcomes: list[Any] = []

    def ask(headers: dict[str, str]) -> None:
        try:
            outcomes.append(client.get(URL, headers=headers))
        except Exception as error:  # noqa: BLE001 - it is looked at
            outcomes.append(error)

    threads = [threading.Thread(target=ask, args=(each,)) for each in names()]
    for thread in threads:
        thread.start()
    eventually(lambda: waiting(client) == CALLERS)
    held.let_go()
    for thread in threads:
        thread.join()
    return outcomes


def caller_of(outcome: Any) -> str:
    """Whose request it says to be about."""
    name: str = outcome.request.headers["X-Caller"]
    return name


@pytest.fixture
def client_of(kit: Kit) -> Callable[[Held], Any]:
    """Makes a client that asks once."""

    def make(held: Held) -> Any:
        kind = kit.ours.AsyncClient if kit.is_async else kit.ours.Client
        return kind(transport=held.transport, cache={}, max_retries=0)

    return make


async def test_one_goes_out(kit: Kit, client_of: Callable[[Held], Any]) -> None:
    """And all are answered, each to his own request."""
    held = Held(kit, lambda: kit.module.Response(200, headers=KEPT, content=b"kept"))
    outcomes = await ask_at_once(kit, client_of(held), held)
    assert held.asked == 1
    assert [outcome.content for outcome in outcomes] == [b"kept"] * CALLERS
    assert {*map(caller_of, outcomes)} == {str(number) for number in range(CALLERS)}
    statuses = sorted(outcome.extensions["cache"].status for outcome in outcomes)
    assert statuses == ["hit"] * (CALLERS - 1) + ["miss"]


async def test_an_error_status_is_everybodys(kit: Kit, client_of: Callable[[Held], Any]) -> None:
    """Each gets a response of his own, as httpx returns it."""
    held = Held(kit, lambda: kit.module.Response(503, content=b"busy"))
    outcomes = await ask_at_once(kit, client_of(held), held)
    assert held.asked == 1
    assert [outcome.status_code for outcome in outcomes] == [503] * CALLERS
    assert [outcome.content for outcome in outcomes] == [b"busy"] * CALLERS
    assert len({id(outcome) for outcome in outcomes}) == CALLERS
    assert {*map(caller_of, outcomes)} == {str(number) for number in range(CALLERS)}


async def test_an_exception_is_everybodys(kit: Kit, client_of: Callable[[Held], Any]) -> None:
    """Each gets one of his own, as httpx raises it, with the notes on his own call."""

    def fail() -> Any:
        raise kit.module.ConnectError("refused")

    held = Held(kit, fail)
    outcomes = await ask_at_once(kit, client_of(held), held)
    assert held.asked == 1
    assert [type(outcome) for outcome in outcomes] == [kit.module.ConnectError] * CALLERS
    assert len({id(outcome) for outcome in outcomes}) == CALLERS
    assert {*map(caller_of, outcomes)} == {str(number) for number in range(CALLERS)}
    assert all(len(outcome.__notes__) == 1 for outcome in outcomes)


async def test_a_client_that_closes_lets_go(kit: Kit, client_of: Callable[[Held], Any]) -> None:
    """All who wait fail at once, as httpx has it; a thread that hangs is not waited for."""
    held = Held(kit, lambda: kit.module.Response(200, headers=KEPT))
    client = client_of(held)
    held.let_go = client.close if not kit.is_async else lambda: None  # type: ignore[method-assign] # instead
    if kit.is_async:
        tasks = [asyncio.ensure_future(client.get(URL)) for _ in range(CALLERS)]
        while waiting(client) < CALLERS:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        await client.aclose()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    else:
        outcomes = await ask_at_once(kit, client, held)
    Held.let_go(held)
    assert {type(outcome).__name__ for outcome in outcomes} == {"RuntimeError"}
    assert len({id(outcome) for outcome in outcomes}) == CALLERS


class Hanging(httpx.AsyncBaseTransport):
    """Answers what is asked second, and leaves the first waiting."""

    def __init__(self) -> None:
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        del request
        self.asked += 1
        if self.asked == 1:
            await asyncio.Event().wait()
        headers = {"Cache-Control": "max-age=1, stale-while-revalidate=60"}
        return httpx.Response(200, headers=headers)


@pytest.mark.parametrize("is_closed", [True, False])
def test_nobody_waits_for_another_event_loop(*, is_closed: bool) -> None:
    """Whether it has ended, or is only not running now."""
    server = Hanging()
    client = AsyncClient(transport=server, cache={})

    async def ask_for_a_while() -> asyncio.Future[Any]:
        asked = asyncio.ensure_future(client.get(URL))
        await asyncio.sleep(0.01)
        return asked

    first = asyncio.new_event_loop()
    waiting = first.run_until_complete(ask_for_a_while())
    abandoned: set[Any] = set()
    if is_closed:
        first.close()
        abandoned = set(asyncio_tasks._under_way)

    async def ask_here() -> None:
        assert (await client.get(URL)).status_code == 200
        assert server.asked == 2
        await client.aclose()

    asyncio.run(ask_here())
    sharing: Any = client._drop_in._strategies._cache.sharing  # type: ignore[union-attr] # it has one
    if is_closed:
        left: list[Any] = [waiting, *abandoned]
        for task in left:
            task._log_destroy_pending = False  # it is meant to be
        asyncio_tasks._under_way.difference_update(abandoned)
        assert len(sharing._flights) == 0
    else:
        assert len(sharing._flights) == 1
        waiting.cancel()
        first.run_until_complete(asyncio.wait([waiting]))
        assert len(sharing._flights) == 0
        first.close()


def test_a_refresh_of_a_loop_that_has_ended_keeps_nobody_from_one() -> None:
    """It is forgotten, and the answer is fetched in the next."""
    asked: list[str] = []
    headers = {"Cache-Control": "max-age=0, stale-while-revalidate=60"}

    async def server(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if len(asked) == 2:
            await asyncio.Event().wait()
        return httpx.Response(200, headers=headers)

    client = AsyncClient(transport=httpx.MockTransport(server), cache={})

    async def ask(times: int) -> None:
        for _ in range(times):
            await client.get(URL)
            await asyncio.sleep(0.01)

    first = asyncio.new_event_loop()
    first.run_until_complete(ask(2))
    first.close()
    abandoned = set(asyncio_tasks._under_way)
    for task in abandoned:
        task._log_destroy_pending = False  # type: ignore[attr-defined] # it is meant to be
    asyncio_tasks._under_way.difference_update(abandoned)
    asyncio.run(ask(1))
    assert len(asked) == 3
