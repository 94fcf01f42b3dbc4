"""A fallback in drop-in clients, transports and functions: for what the facade would raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

import client as ours
from client import (
    APIConnectionError,
    APINetworkError,
    CircuitBreaker,
    CircuitOpenError,
    DeadlineExceededError,
    Fallback,
    MyAPIError,
    ServerError,
)
from client.events import FallbackUsed, OperationFailed
from client.testing import EventRecorder
from tests.drop_in.kits import ON_EACH_KIT, URL, Face, Kit
from tests.drop_in.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable


def canned(kit: Kit) -> Any:
    """An answer from the shelf."""
    return kit.module.Response(203, text="from the shelf")


def falling_back(kit: Kit, *answers: Any, **options: Any) -> Face:
    """A client of ours with a fallback."""
    return kit.client(*answers, **{"fallback": canned(kit), "max_retries": 0, **options})


def awaited(kit: Kit, answer: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A function of the kind that this world awaits, or calls."""
    return kit.awaited_if_async(answer)


@ON_EACH_KIT
async def test_it_answers_for_statuses_and_failures(kit: Kit) -> None:
    """Though httpx returns the ones and raises the others."""
    client = falling_back(kit, 503, 500, 429, "ConnectError", "ReadTimeout")
    kinds = (ServerError, ServerError, ours.RateLimitError, APINetworkError, ours.APITimeoutError)
    for kind in kinds:
        response = await client.get(URL)
        assert type(response) is kit.module.Response
        assert (response.status_code, response.text) == (203, "from the shelf")
        assert response.extensions["resilience"].fallback is True
        assert isinstance(response.extensions["resilience"].error, kind)
        assert response.request.method == "GET"
        assert response.elapsed.total_seconds() == 0


@pytest.mark.parametrize("status", [200, 301, 400, 401, 404, 408])
async def test_other_answers_are_returned(kit: Kit, status: int) -> None:
    """As httpx returns them."""
    response = await falling_back(kit, status).get(URL)
    assert response.status_code == status
    assert response.extensions["resilience"].fallback is False


async def test_it_answers_for_no_write(kit: Kit) -> None:
    """Unless it is told what for."""
    client = falling_back(kit, 503)
    assert (await client.post(URL)).status_code == 503
    fallback = Fallback(canned(kit), on=APIConnectionError)
    assert (await client.post(URL, fallback=fallback)).status_code == 203


async def test_it_answers_for_rejections(kit: Kit) -> None:
    """An open circuit and a deadline."""
    breaker = CircuitBreaker(failure_threshold=1)
    client = falling_back(kit, 500, circuit_breaker=breaker)
    await client.get(URL)
    response = await client.get(URL)
    assert isinstance(response.extensions["resilience"].error, CircuitOpenError)
    client = falling_back(kit, Reply(takes=9), max_total_time=5)
    response = await client.get(URL)
    assert isinstance(response.extensions["resilience"].error, DeadlineExceededError)


async def test_a_function_gets_the_error_of_the_tree(kit: Kit) -> None:
    """And what the caller asked for, as a request of its own."""
    given: list[Any] = []

    def answer(error: MyAPIError, request: Any) -> Any:
        given.extend([error, request])
        return canned(kit)

    client = falling_back(kit, "ReadError", fallback=awaited(kit, answer))
    request = kit.request(headers={"X-Mine": "1"})
    assert (await client.send(request)).status_code == 203
    assert given[1] is not request
    assert (given[1].url, given[1].headers) == (request.url, request.headers)
    assert isinstance(given[0], APINetworkError)
    assert isinstance(given[0].__cause__, kit.error("ReadError"))


@pytest.mark.parametrize("failure", [503, "ReadError"])
async def test_whoever_declines_leaves_what_httpx_would_give(kit: Kit, failure: Any) -> None:
    """By raising the error that was given."""

    def decline(error: MyAPIError, _request: Any) -> Any:
        raise error

    client = falling_back(kit, failure, fallback=awaited(kit, decline))
    outcome = await kit.outcome(client.get(URL))
    if failure == 503:
        assert (outcome.status_code, outcome.content) == (503, b"ok")
    else:
        assert type(outcome) is kit.error("ReadError")
        assert outcome.__notes__[-1].startswith("1 attempt was made")


async def test_what_it_raises_is_raised(kit: Kit) -> None:
    """From the error of the tree."""

    def empty(*_: object) -> Any:
        raise LookupError("the shelf is empty")

    client = falling_back(kit, 503, fallback=awaited(kit, empty))
    with pytest.raises(LookupError) as caught:
        await client.get(URL)
    assert isinstance(caught.value.__cause__, ServerError)


async def test_a_call_has_its_own(kit: Kit) -> None:
    """Or none."""
    client = falling_back(kit, 503)
    assert (await client.get(URL, fallback=None)).status_code == 503
    response = await client.get(URL, fallback=lambda *_: kit.module.Response(299))
    assert response.status_code == 299
    assert (await client.get(URL)).status_code == 203
    assert (await kit.client(503, max_retries=0).get(URL, fallback=canned(kit))).status_code == 203


async def test_a_wrong_one_is_refused_before_anything_is_sent(kit: Kit) -> None:
    """Of a client, and of a call."""
    other = Kit("httpx2" if kit.family == "httpx" else "httpx", is_async=kit.is_async)
    for wrong in (5, canned(other)):
        with pytest.raises(TypeError, match="fallback is"):
            falling_back(kit, 503, fallback=wrong)
        client = kit.client(503)
        with pytest.raises(TypeError, match="fallback is"):
            await client.get(URL, fallback=wrong)
        assert client._transport.arrivals == []
    client = falling_back(kit, 503, fallback=lambda *_: canned(other))
    with pytest.raises(TypeError, match=rf"returned a {other.family}\S+: return a {kit.family}\."):
        await client.get(URL)


async def opened(client: Face) -> None:
    """Open a stream, which fails."""
    async with client.stream():
        raise AssertionError


async def test_it_is_told_once_the_failure_was(kit: Kit) -> None:
    """By the name of the client."""
    recorder = EventRecorder(OperationFailed, FallbackUsed)
    client = falling_back(kit, 503, listeners=[recorder], name="ledger")
    await client.get(URL)
    assert recorder.names == ["OperationFailed", "FallbackUsed"]
    assert recorder.one(FallbackUsed).client == "ledger"


async def test_a_stream_is_answered_too(kit: Kit) -> None:
    """Before its head."""
    client = falling_back(kit, 503)
    async with client.stream() as response:
        assert response.status_code == 203
        assert b"".join([chunk async for chunk in kit.chunks(response)]) == b"from the shelf"
        assert response.extensions["resilience"].fallback is True
    assert client._transport.left_open == 0


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_the_answer_that_failed_is_let_go_of(kit: Kit, *, streamed: bool) -> None:
    """Whatever the fallback does; only where it declines the caller gets it, as it is."""
    seen: list[Any] = []

    def empty(error: MyAPIError, _request: Any) -> Any:
        seen.append(error.response)
        raise LookupError

    def cancelled(error: MyAPIError, _request: Any) -> Any:
        seen.append(error.response)
        raise KeyboardInterrupt

    def decline(error: MyAPIError, _request: Any) -> Any:
        raise error

    for fallback, kind in ((empty, LookupError), (cancelled, KeyboardInterrupt)):
        client = falling_back(kit, 503, fallback=fallback)
        with pytest.raises(kind):
            await (opened(client) if streamed else client.get(URL))
        assert seen.pop().status_code == 503
        assert client._transport.left_open == 0
    client = falling_back(kit, 503, fallback=decline)
    async with client.stream() as response:
        assert (response.status_code, client._transport.left_open) == (503, 1)
        assert await kit.read(response) == b"ok"
    assert client._transport.left_open == 0


@ON_EACH_KIT
async def test_a_stream_can_be_read_raw(kit: Kit) -> None:
    """As whoever hands it on does; out of a transport too, and whatever time is left."""
    name = "AsyncResilientTransport" if kit.is_async else "ResilientTransport"
    options: dict[str, Any] = {"fallback": canned(kit), "max_total_time": 5}
    transport = getattr(kit.ours, name)(kit.wire("ReadError"), max_retries=0, **options)
    late = kit.client(Reply(takes=9), max_retries=0, **options)
    for client in (late, kit.plain(transport=transport)):
        async with client.stream() as response:
            raw = response.aiter_raw() if kit.is_async else response.iter_raw()
            chunks = [chunk async for chunk in raw] if kit.is_async else list(raw)
        assert b"".join(chunks) == b"from the shelf"


@ON_EACH_KIT
async def test_a_transport_falls_back(kit: Kit) -> None:
    """For the client around it this is the answer."""
    name = "AsyncResilientTransport" if kit.is_async else "ResilientTransport"
    wire = kit.wire(503, "ReadError")
    transport = getattr(kit.ours, name)(wire, max_retries=0, fallback=canned(kit))
    client = kit.plain(transport=transport)
    for _ in range(2):
        response = await client.get(URL)
        assert (response.status_code, response.text) == (203, "from the shelf")
    async with client.stream() as response:
        assert b"".join([chunk async for chunk in kit.chunks(response)]) == b"from the shelf"
    assert wire.left_open == 0


async def test_a_function_falls_back(kit: Kit) -> None:
    """And returns even an answer whose status it would raise."""
    through = kit.plain(503)
    get = kit.awaited(ours.get_async if kit.is_async else ours.get)
    for status in (203, 500):
        response = await get(
            URL, client=through.real, backoff_factor=0, fallback=kit.module.Response(status)
        )
        assert response.status_code == status
    with pytest.raises(MyAPIError):
        await get("http://a:b:c/", fallback=Fallback(canned(kit), on=MyAPIError))


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_under_trio_a_fallback_is_awaited(family: str) -> None:
    """Within what the deadline leaves."""

    async def story() -> None:
        kit = Kit(family, is_async=True)

        async def answer(_error: object, _request: object) -> Any:
            await trio.lowlevel.checkpoint()
            return canned(kit)

        async def slow(_error: object, _request: object) -> Any:
            await trio.sleep(60)

        wire = kit.wire(500)
        options: dict[str, Any] = {"transport": wire, "max_retries": 0, "verify": False}
        async with kit.ours_of(**options, fallback=answer) as client:
            assert (await client.get(URL)).status_code == 203
            assert (await client.get(URL, max_total_time=60)).status_code == 203
            late = await client.get(URL, max_total_time=0.05, fallback=slow)
            assert late.status_code == 500

    trio.run(story)
