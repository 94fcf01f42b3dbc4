"""A fallback: what answers in place of an operation that failed, once that is told."""

from __future__ import annotations

import gzip
import ssl
from io import BytesIO
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    APIConnectionError,
    APINetworkError,
    AuthenticationError,
    CircuitIsolatedError,
    CircuitOpenError,
    ClientClosedError,
    DeadlineExceededError,
    Fallback,
    InvalidRequestError,
    MyAPIError,
    NotFoundError,
    PoolTimeoutError,
    RateLimitError,
    ServerError,
    ServerTimeoutError,
    TLSVerificationError,
)
from client.events import FallbackUsed, OperationFailed, OperationSucceeded
from client.metrics.instruments import OPERATION_DURATION
from client.metrics.strategy_instruments import FALLBACKS
from client.testing import EventRecorder
from tests.behaviour.wire import Answer
from tests.unit.metrics.reading import Reading

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World

TARGET = "http://server.test"
RETRY = {"jitter": False, "max_attempts": 2}
CANNED = httpx.Response(203, json=[1], headers={"X-From": "shelf"})


async def silent(arrival: Arrival) -> int:
    """A server that takes a minute and a half."""
    await arrival.takes(90)
    return 200


async def broken(world: World, **options: Any) -> Caller:
    """A client whose circuit is open."""
    client = world.client(500, retry=None, circuit_breaker={"failure_threshold": 1}, **options)
    await world.outcome(world.start(client.get(fallback=None)))
    assert client.circuit_state == "open"
    return client


async def test_a_response_answers_with_a_copy(world: World) -> None:
    """So that nothing a caller does to one is seen by the next."""
    client = world.client(500, retry=RETRY, fallback=CANNED)
    first = await client.get("/a?b=c")
    assert (first.status_code, first.json(), first.headers["X-From"]) == (203, [1], "shelf")
    assert first is not CANNED
    first.headers["X-From"] = "me"
    first.extensions["mine"] = 1
    first.history.append(first)
    second = await client.get()
    assert (second.headers["X-From"], "mine" in second.extensions) == ("shelf", False)
    assert (second.history, CANNED.history, CANNED.extensions) == ([], [], {})
    assert (first.elapsed.total_seconds(), first.is_closed) == (0, True)
    assert str(first.request.url) == f"{TARGET}/a?b=c"
    assert first.request.headers["X-Request-ID"] == client.wire.ids[1]
    with pytest.raises(RuntimeError, match="request"):
        _ = CANNED.request


async def test_the_report_says_that_it_was_one(world: World) -> None:
    """And what the operation had failed with, without its frames."""
    client = world.client([httpx.ReadError, 500], retry=RETRY, fallback=CANNED)
    response = await client.get(request_id="order-1")
    report = response.extensions["resilience"]
    assert (report.attempts, report.waits, report.request_id) == (2, (2.0,), "order-1")
    assert report["fallback"] is True
    assert isinstance(report["error"], ServerError)
    assert report.error.__traceback__ is None
    good = await world.client(200, fallback=CANNED).get()
    assert (good.status_code, good.extensions["resilience"].fallback) == (200, False)
    assert good.extensions["resilience"].error is None


async def test_what_really_happened_is_told_first(world: World) -> None:
    """And counted so: the operation failed, whatever the caller is answered with."""
    reading = Reading()
    recorder = EventRecorder(OperationFailed, OperationSucceeded, FallbackUsed)
    client = world.client(
        500, retry=None, fallback=CANNED, listeners=[recorder], telemetry=[reading]
    )
    await client.get(request_id="order-1")
    failed, used = recorder.events
    assert (type(failed), type(used)) == (OperationFailed, FallbackUsed)
    assert isinstance(used, FallbackUsed)
    assert isinstance(used.error, ServerError)
    assert (used.outcome, used.request_id, used.client) == ("server_error", "order-1", "default")
    assert used.operation_id == failed.operation_id
    assert reading.counts(OPERATION_DURATION) == {(TARGET, "GET", "server_error"): 1}
    assert reading.points(FALLBACKS) == {(TARGET, "server_error"): 1}
    assert client.stats().failures == {"ServerError": 1}


async def test_where_nobody_listens_nothing_is_told(world: World) -> None:
    """It is counted all the same."""
    reading = Reading()
    quiet = {"level": "ERROR"}
    client = world.client(500, retry=None, fallback=CANNED, telemetry=[reading], logging=quiet)
    assert (await client.get()).status_code == 203
    assert reading.points(FALLBACKS) == {(TARGET, "server_error"): 1}


async def test_the_circuit_sees_the_failures(world: World) -> None:
    """And once it is open, the fallback answers for that."""
    client = await broken(world, fallback=CANNED)
    response = await client.get()
    assert isinstance(response.extensions["resilience"].error, CircuitOpenError)
    assert len(client.wire.arrivals) == 1
    assert client.stats().rejections == {"circuit": 1}


async def test_it_answers_while_a_client_is_isolated(world: World) -> None:
    """That is a rejection like others."""
    client = world.client(fallback=CANNED)
    client.raw.circuit.isolate("maintenance")
    response = await client.get()
    assert isinstance(response.extensions["resilience"].error, CircuitIsolatedError)
    assert client.wire.arrivals == []


async def test_it_answers_where_no_slot_is_free(world: World) -> None:
    """Without a wait of its own."""
    bulkhead = {"max_concurrency": 1, "acquisition_timeout": 0}
    client = world.client(silent, bulkhead=bulkhead, fallback=CANNED, timeout={"read": 100})
    first = world.start(client.get())
    await world.sleep(1)
    response = await client.get()
    assert isinstance(response.extensions["resilience"].error, PoolTimeoutError)
    assert (await first.result()).status_code == 200


ANSWERED_FOR: dict[str, Any] = {
    "connect error": (httpx.ConnectError, APINetworkError),
    "read timeout": (httpx.ReadTimeout, APIConnectionError),
    "500": (500, ServerError),
    "429": (429, RateLimitError),
}


NOT_ANSWERED_FOR: dict[str, Any] = {
    "401": (401, AuthenticationError),
    "404": (404, NotFoundError),
    "408": (408, ServerTimeoutError),
    "bad scheme": (httpx.UnsupportedProtocol, InvalidRequestError),
    "certificate": (ssl.SSLCertVerificationError(1, "no"), TLSVerificationError),
    "bug": (LookupError("a bug"), LookupError),
}


@pytest.mark.parametrize("kind", ANSWERED_FOR)
async def test_by_default_it_answers_for_what_may_pass(world: World, kind: str) -> None:
    """Failures of the network and of the server."""
    server, error = ANSWERED_FOR[kind]
    response = await world.client(server, retry=None, fallback=CANNED).get()
    assert isinstance(response.extensions["resilience"].error, error)


async def test_it_answers_for_whoever_is_limited(world: World) -> None:
    """By the server, whatever its status, and by the client itself."""
    busy = Answer(403, headers={"Retry-After": "90"})
    limit = {"rate": 1, "acquisition_timeout": 0}
    client = world.client(busy, retry=None, rate_limit=limit, fallback=CANNED)
    kinds = [type((await client.get()).extensions["resilience"].error).__name__ for _ in range(2)]
    assert kinds == ["RateLimitError", "RateLimitRejectedError"]


@pytest.mark.parametrize("kind", NOT_ANSWERED_FOR)
async def test_by_default_it_hides_no_mistake(world: World, kind: str) -> None:
    """Of the caller, of his settings, or of anybody's code."""
    server, error = NOT_ANSWERED_FOR[kind]
    with pytest.raises(error):
        await world.client(server, retry=None, fallback=CANNED).get()


@pytest.mark.parametrize("method", ["GET", "head", "OPTIONS", "TRACE", "POST", "PUT", "DELETE"])
async def test_by_default_it_answers_for_no_write(world: World, method: str) -> None:
    """Whoever is told that one was done must be able to rely on that."""
    client = world.client(500, retry=None, fallback=CANNED)
    outcome = await world.outcome(world.start(client.request(method)))
    is_safe = method.upper() in {"GET", "HEAD", "OPTIONS", "TRACE"}
    assert isinstance(outcome, httpx.Response if is_safe else ServerError)


async def test_with_on_it_answers_for_these_alone(world: World) -> None:
    """For every method, and for answers that are the caller's fault, since he says so."""
    fallback = Fallback(CANNED, on=(NotFoundError, PoolTimeoutError))
    client = world.client([404, 404, 500], retry=None, fallback=fallback)
    assert (await client.post()).status_code == 203
    assert (await client.get()).status_code == 203
    with pytest.raises(ServerError):
        await client.get()


async def test_never_for_a_certificate_that_was_refused(world: World) -> None:
    """Though its class stands below one that is named."""
    refused = ssl.SSLCertVerificationError(1, "no")
    fallback = Fallback(CANNED, on=MyAPIError)
    with pytest.raises(TLSVerificationError):
        await world.client(refused, retry=None, fallback=fallback).get()


async def test_never_for_a_client_that_is_closed(world: World) -> None:
    """Before the call, and in the middle of it."""
    client = world.client(500, retry=RETRY, fallback=Fallback(CANNED, on=MyAPIError))
    task = world.start(client.get())
    await world.sleep(1)
    await client.close()
    assert isinstance(await world.outcome(task), ClientClosedError)
    with pytest.raises(ClientClosedError):
        await client.get()


async def test_never_for_a_cancelled_call(world: World) -> None:
    """Not even where it was cancelled in the wait for its last attempt."""
    client = world.client(500, retry=RETRY, fallback=CANNED)
    task = world.start(client.get())
    await world.sleep(1)
    task.cancel()
    assert isinstance(await world.outcome(task), world.cancellation)


async def test_never_for_an_error_of_another_client(world: World) -> None:
    """It says nothing about this operation."""
    inner = world.client(500, retry=None)

    def handle(_arrival: object) -> Any:
        raise ServerError("of another client")

    async def raising(arrival: Arrival) -> Any:
        return handle(arrival)

    client = world.client(raising, retry=None, fallback=CANNED)
    with pytest.raises(ServerError, match="of another client"):
        await client.get()
    with pytest.raises(ServerError):
        await inner.get()


async def test_a_call_has_its_own(world: World) -> None:
    """In place of its client's, or none."""
    client = world.client(500, retry=None, fallback=CANNED)
    own = httpx.Response(299)
    assert (await client.get(fallback=own)).status_code == 299
    assert (await client.get(fallback=lambda *_: httpx.Response(298))).status_code == 298
    with pytest.raises(ServerError):
        await client.get(fallback=None)
    assert (await client.get()).status_code == 203
    bare = world.client(500, retry=None)
    assert (await bare.get(fallback=own)).status_code == 299
    with pytest.raises(ServerError):
        await bare.get()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (5, "fallback is 5: give a httpx.Response, a function"),
        (httpx.Response, "fallback is <class 'httpx.Response'>: give a httpx.Response"),
        (Fallback(Fallback(CANNED)), r"fallback is Fallback\(Response\): give"),
    ],
    ids=["number", "class", "nested"],
)
async def test_what_cannot_be_one_is_refused_early(world: World, given: object, says: str) -> None:
    """When the client is made, and when a call begins."""
    with pytest.raises(TypeError, match=says):
        world.client(500, fallback=given)
    client = world.client(500)
    with pytest.raises(TypeError, match=says):
        await client.get(fallback=given)
    assert client.wire.arrivals == []


async def test_a_response_must_have_been_read(world: World) -> None:
    """There is no copy of a stream."""
    with pytest.raises(ValueError, match="has not been read: read it first"):
        world.client(500, fallback=httpx.Response(200, content=iter([b"x"])))


@pytest.mark.parametrize(
    ("on", "kind", "says"),
    [
        ([], ValueError, "on is empty"),
        (ValueError, TypeError, "on has <class 'ValueError'>: give classes of client.exceptions"),
        ([ServerError, 5], TypeError, "on has 5"),
        (ClientClosedError, ValueError, "on has ClientClosedError, for which no fallback"),
        ([TLSVerificationError], ValueError, "on has TLSVerificationError"),
    ],
    ids=["empty", "foreign", "number", "closed", "certificate"],
)
def test_on_names_errors_of_the_tree(on: Any, kind: type[Exception], says: str) -> None:
    """Those that it can answer for."""
    with pytest.raises(kind, match=says):
        Fallback(CANNED, on=on)


def test_its_repr_shows_no_content() -> None:
    """A body may be a secret."""
    assert repr(Fallback(CANNED)) == "Fallback(Response)"
    shown = repr(Fallback(lambda *_: CANNED, on=[ServerError, NotFoundError]))
    assert shown == "Fallback(function, on=(ServerError, NotFoundError))"


async def test_a_stream_is_answered_before_its_head(world: World) -> None:
    """And reports so."""
    client = world.client(500, retry=None, fallback=CANNED)
    async with client.stream() as response:
        assert response.status_code == 203
        assert response.extensions["resilience"].fallback is True
        assert [chunk async for chunk in client.chunks(response)] == [b"[1]"]
    assert client.stats().failures == {"ServerError": 1}


@pytest.mark.parametrize("how", ["bytes", "raw", "text", "lines"])
async def test_a_stream_can_be_read_in_every_way(world: World, how: str) -> None:
    """Time and again, also one that is packed, or that came from a server before."""
    body, coding = gzip.compress(b"a"), {"Content-Encoding": "gzip"}
    packed = httpx.Response(200, headers=coding, content=body)
    served = await world.client(Answer(200, (body,), coding)).get()
    for canned in (httpx.Response(200, text="a"), packed, served):
        client = world.client(500, retry=None, fallback=canned)
        for _ in range(2):
            async with client.stream() as response:
                chunks = [chunk async for chunk in client.chunks(response, how)]
            plain = b"a" if how in {"bytes", "raw"} else "a"
            assert chunks == [body if how == "raw" and canned is packed else plain]
            assert response.is_closed


async def test_a_stream_is_the_caller_s_whatever_time_is_left(world: World) -> None:
    """Its body comes from nowhere that a deadline would have to bound."""
    client = world.client(silent, retry=None, fallback=CANNED)
    async with client.stream(deadline=3) as response:
        assert isinstance(response.extensions["resilience"].error, DeadlineExceededError)
        await world.sleep(1)
        assert await client.read(response) == b"[1]"
        assert response.json() == [1]


async def test_a_stream_that_breaks_is_not_answered_again(world: World) -> None:
    """Its caller has seen the beginning of another answer."""
    answer = Answer(200, (b"half", httpx.ReadError("x")))
    client = world.client(answer, retry=None, fallback=CANNED)
    with pytest.raises(APINetworkError):
        await client.streamed()


async def test_a_stream_whose_fallback_fails_ends_in_that(world: World) -> None:
    """And leaves nothing open."""

    def empty(*_: object) -> httpx.Response:
        raise LookupError

    client = world.client(500, retry=None, fallback=empty)
    with pytest.raises(LookupError):
        await client.streamed()
    with pytest.raises(NotFoundError):
        await world.client(404, retry=None, fallback=CANNED).streamed()


@pytest.mark.parametrize("url", ["http://a:b:c/", "http://\x00/"])
async def test_without_a_request_there_is_no_answer(world: World, url: str) -> None:
    """Its error says what is wrong with the URL."""
    fallback = Fallback(CANNED, on=MyAPIError)
    client = world.client(200, fallback=fallback)
    with pytest.raises(InvalidRequestError) as caught:
        await client.get(url)
    assert isinstance(caught.value.__cause__, httpx.InvalidURL)


@pytest.mark.parametrize("failure", [500, httpx.ReadError], ids=["status", "error"])
async def test_a_request_that_is_gone_is_that_of_the_attempt(world: World, failure: Any) -> None:
    """A file in it was closed meanwhile, so that it cannot be built again."""
    file = BytesIO(b"x")

    async def closing(_arrival: Arrival) -> Any:
        file.close()
        return failure

    client = world.client(closing, retry=None, fallback=Fallback(CANNED, on=MyAPIError))
    response = await client.post("/upload", files={"file": file})
    assert (response.status_code, response.request.url.path) == (203, "/upload")
