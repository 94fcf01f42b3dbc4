"""Chaos: faults that are injected on purpose, to which everything around them reacts for real."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

from client import (
    AnswerFault,
    APIConnectionError,
    APINetworkError,
    APITimeoutError,
    CallFault,
    ChaosConfig,
    CircuitOpenError,
    ClientClosedError,
    DeadlineExceededError,
    DelayFault,
    MyAPIError,
    NotFoundError,
    RaiseFault,
    ServerError,
    TLSVerificationError,
)
from client.events import AttemptEnded, ChaosInjected, RetryScheduled
from client.metrics.instruments import ATTEMPT_DURATION
from client.metrics.strategy_instruments import CHAOS_INJECTED
from client.strategies.chaos import NOTE
from client.testing import EventRecorder
from tests.behaviour.twins import ONLY_ASYNCIO, ONLY_BLOCKING
from tests.unit.metrics.reading import Reading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from client.config.parts.chaos import Fault
    from tests.behaviour.world import Caller, World

TARGET = "http://server.test"


def chaotic(world: World, *faults: Fault, rate: float = 1.0, **options: Any) -> Caller:
    """A client into whose attempts faults are injected."""
    chaos = ChaosConfig(faults=[*faults], injection_rate=rate, seed=7)
    return world.client(**{"retry": None, **options}, chaos=chaos, allow_chaos=True)


async def test_an_answer_takes_the_place_of_the_server_s(world: World) -> None:
    """And is marked."""
    fault = AnswerFault(status=299, headers={"X-Fault": "yes"}, body="from chaos")
    client = chaotic(world, fault)
    for _ in range(2):
        response = await client.get("/a", request_id="order-1")
        assert (response.status_code, response.text) == (299, "from chaos")
        assert response.headers["X-Fault"] == "yes"
        assert response.extensions["chaos"] == "answer"
        assert response.extensions["resilience"].attempts == 1
        assert str(response.request.url) == f"{TARGET}/a"
        assert response.request.headers["X-Request-ID"] == "order-1"
        assert response.elapsed.total_seconds() == 0
    assert client.wire.arrivals == []


async def test_an_error_status_is_a_failure_like_others(world: World) -> None:
    """Retried, counted, and opening the circuit; the error says where it comes from."""
    circuit = {"failure_threshold": 1}
    retry = {"max_attempts": 2, "jitter": False}
    client = chaotic(world, AnswerFault(status=500), retry=retry, circuit_breaker=circuit)
    with pytest.raises(ServerError) as caught:
        await client.get()
    assert (caught.value.attempts, world.now()) == (2, 1002)
    assert caught.value.__notes__ == [NOTE]
    assert caught.value.response.extensions["chaos"] == "answer"
    with pytest.raises(CircuitOpenError):
        await client.get()


async def test_a_mistake_of_the_caller_s_is_not_retried(world: World) -> None:
    """As from the server itself."""
    client = chaotic(world, AnswerFault(status=404), retry={"max_attempts": 3})
    with pytest.raises(NotFoundError) as caught:
        await client.get()
    assert caught.value.attempts == 1


RAISED: dict[str, tuple[Any, type[MyAPIError], type[Exception]]] = {
    "class": (httpx.ConnectError, APINetworkError, httpx.ConnectError),
    "instance": (httpx.ReadTimeout("late"), APITimeoutError, httpx.ReadTimeout),
    "reset": (ConnectionResetError("reset"), APINetworkError, httpx.ReadError),
    "refused": (ConnectionRefusedError, APINetworkError, httpx.ConnectError),
    "name": (socket.gaierror(-2, "unknown"), APINetworkError, httpx.ConnectError),
    "timeout": (TimeoutError, APITimeoutError, httpx.ReadTimeout),
    "certificate": (ssl.SSLCertVerificationError(1, "no"), TLSVerificationError, httpx.HTTPError),
}


@pytest.mark.parametrize("kind", RAISED)
async def test_an_exception_comes_as_from_the_network(world: World, kind: str) -> None:
    """As that of httpx, which is the cause, also for one of the operating system."""
    exception, ours, theirs = RAISED[kind]
    client = chaotic(world, RaiseFault(exception=exception))
    with pytest.raises(ours) as caught:
        await client.get("/a")
    error, cause = caught.value, caught.value.__cause__
    assert type(error) is ours
    assert isinstance(cause, theirs)
    assert isinstance(cause, httpx.RequestError)
    assert cause.request.url.path == "/a"
    assert (error.__notes__, cause.__notes__) == ([NOTE], [NOTE])
    assert error.request_sent is (theirs is httpx.ReadTimeout or theirs is httpx.ReadError)
    assert client.wire.arrivals == []


async def test_an_exception_is_another_one_each_time(world: World) -> None:
    """What happens to one is not seen by the next."""
    reason = OSError("why")
    exception = httpx.ReadError("x")
    exception.__cause__ = reason
    exception.add_note("of mine")
    client = chaotic(world, RaiseFault(exception=exception))
    causes: list[Any] = []
    for _ in range(2):
        with pytest.raises(APINetworkError) as caught:
            await client.get()
        causes.append(caught.value.__cause__)
    assert len({*map(id, causes), id(exception)}) == 3
    assert [each.__notes__ for each in causes] == [["of mine", NOTE]] * 2
    assert [each.__cause__ for each in causes] == [reason] * 2
    assert exception.__notes__ == ["of mine"]
    assert exception.__traceback__ is None


class Uncopyable(Exception):  # noqa: N818 - a bug of somebody's
    """An exception that cannot be made again from its arguments."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


async def test_an_exception_that_refuses_to_be_copied_is_raised_itself(world: World) -> None:
    """As a bug, it passes untouched, but for its note."""
    exception = Uncopyable("a", "b")
    client = chaotic(world, RaiseFault(exception=exception))
    for _ in range(2):
        with pytest.raises(Uncopyable) as caught:
            await client.get()
        assert caught.value is exception
    assert exception.__notes__ == [NOTE]


async def test_a_delay_comes_before_the_sending(world: World) -> None:
    """And counts as the attempt's time; the answer is the server's, and marked."""
    reading = Reading()
    client = chaotic(world, DelayFault(seconds=2), telemetry=[reading])
    response = await client.get()
    assert (response.status_code, response.extensions["chaos"]) == (200, "delay")
    assert client.wire.arrivals[0].at == 1002
    [point] = reading.points(ATTEMPT_DURATION).values()
    assert point.sum == 2


async def test_a_delay_is_bounded_by_the_deadline(world: World) -> None:
    """At which nothing is sent any more."""
    client = chaotic(world, DelayFault(seconds=5))
    assert (await client.get(deadline=6)).status_code == 200
    with pytest.raises(DeadlineExceededError) as caught:
        await client.get(deadline=5)
    assert (world.now(), len(client.wire.arrivals)) == (1010, 1)
    assert caught.value.__notes__ == [NOTE]


async def test_a_delay_ends_on_cancellation(world: World) -> None:
    """At once."""
    client = chaotic(world, DelayFault(seconds=100))
    task = world.start(client.get())
    await world.sleep(1)
    task.cancel()
    assert isinstance(await world.outcome(task), world.cancellation)
    assert (world.now(), client.wire.arrivals) == (1001, [])


@pytest.mark.parametrize("deadline", [None, 50])
async def test_a_delay_ends_with_its_client(world: World, deadline: float | None) -> None:
    """Whoever closes it does not wait for chaos."""
    client = chaotic(world, DelayFault(seconds=100))
    task = world.start(client.get(deadline=deadline))
    await world.sleep(1)
    await client.close()
    assert isinstance(await world.outcome(task), ClientClosedError | APIConnectionError)
    assert world.now() == 1001


async def test_a_function_may_let_the_request_pass(world: World) -> None:
    """Having changed it, which is its own."""

    def change(request: httpx.Request) -> None:
        request.headers["X-Fault"] = "yes"

    client = chaotic(world, CallFault(callable=change))
    response = await client.get()
    assert response.extensions["chaos"] == "call"
    assert client.wire.last.headers["X-Fault"] == "yes"


async def test_a_function_may_answer_or_raise(world: World) -> None:
    """As the network would."""
    client = chaotic(world, CallFault(callable=lambda _: httpx.Response(299)))
    response = await client.get("/a")
    assert (response.status_code, response.request.url.path) == (299, "/a")

    def fail(request: httpx.Request) -> None:
        raise httpx.ReadTimeout("late", request=request)

    with pytest.raises(APITimeoutError) as caught:
        await chaotic(world, CallFault(callable=fail)).get()
    assert caught.value.__notes__ == [NOTE]


async def test_an_answer_of_a_function_is_handed_over_like_a_server_s(world: World) -> None:
    """Read where that is expected, and another one each time."""

    async def later() -> AsyncIterator[bytes]:
        yield b"abc"

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(299, content=later() if world.is_async else iter([b"abc"]))

    response = await chaotic(world, CallFault(answer)).get()
    assert (response.content, response.extensions["chaos"]) == (b"abc", "call")
    made = httpx.Response(299)
    client = chaotic(world, CallFault(lambda _: made))
    first, second = await client.get("/a"), await client.get("/b")
    assert [each.request.url.path for each in (first, second)] == ["/a", "/b"]
    assert made.extensions == {}


async def test_a_function_that_returns_something_else_is_a_bug(world: World) -> None:
    """It is said whose."""
    client = chaotic(world, CallFault(callable=lambda _: 5))
    with pytest.raises(TypeError, match=r"a CallFault returned a builtins\.int: return None or a"):
        await client.get()


@ONLY_ASYNCIO
async def test_a_function_may_be_awaited(world: World) -> None:
    """Within what the deadline leaves."""

    async def wait(request: httpx.Request) -> httpx.Response | None:
        await asyncio.sleep(5)
        return httpx.Response(299)

    client = chaotic(world, CallFault(callable=wait))
    assert (await client.get()).status_code == 299
    with pytest.raises(DeadlineExceededError):
        await client.get(deadline=3)


class Awaitable:
    """Something to await that is no coroutine."""

    def __await__(self) -> Iterator[None]:
        raise AssertionError


@ONLY_BLOCKING
async def test_a_blocking_client_awaits_nothing(world: World) -> None:
    """It says so when it is made, or when it first sees that."""

    async def wait(request: httpx.Request) -> None:
        raise AssertionError

    class Wait:
        async def __call__(self, request: httpx.Request) -> None:
            raise AssertionError

    for function in (wait, Wait()):
        with pytest.raises(TypeError, match="a CallFault is async, and this client is not"):
            chaotic(world, CallFault(callable=function))

    def late(request: httpx.Request) -> object:
        return wait(request)

    def later(request: httpx.Request) -> object:
        return Awaitable()

    for plain in (late, later):
        with pytest.raises(TypeError, match="a CallFault is async, and this client is not"):
            await chaotic(world, CallFault(callable=plain)).get()


async def test_an_exception_of_the_other_family_is_refused(world: World) -> None:
    """It would look like a failure, and be taken for a bug."""
    for exception in (httpx2.ReadTimeout("x"), httpx2.ReadTimeout):
        with pytest.raises(TypeError, match=r"exception is a httpx2\.ReadTimeout"):
            chaotic(world, RaiseFault(exception=exception))


async def test_a_share_of_the_attempts_get_a_fault(world: World) -> None:
    """The same ones for the same seed, so that what was seen can be seen again."""

    async def statuses(rate: float) -> list[int]:
        client = chaotic(world, AnswerFault(status=299), AnswerFault(status=298), rate=rate)
        return [(await client.get()).status_code for _ in range(100)]

    first = await statuses(0.3)
    assert first == await statuses(0.3)
    assert {200, 298, 299} == set(first)
    assert 15 < first.count(298) + first.count(299) < 45
    assert set(await statuses(0.0)) == {200}
    assert set(await statuses(1.0)) == {298, 299}


async def test_what_gets_none_is_not_marked(world: World) -> None:
    """Its errors neither."""
    client = chaotic(world, AnswerFault(status=299), rate=0, server=[200, 500])
    assert "chaos" not in (await client.get()).extensions
    with pytest.raises(ServerError) as caught:
        await client.get()
    assert not hasattr(caught.value, "__notes__")


FAULTS: dict[str, tuple[Callable[[], Fault], float | None, int | None]] = {
    "raise": (lambda: RaiseFault(exception=httpx.ReadError), None, None),
    "delay": (lambda: DelayFault(seconds=2), 2, None),
    "answer": (lambda: AnswerFault(status=503), None, 503),
    "call": (lambda: CallFault(callable=lambda _: None), None, None),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_is_told_and_counted(world: World, name: str) -> None:
    """Before it does anything."""
    fault, seconds, status = FAULTS[name]
    reading = Reading()
    recorder = EventRecorder(ChaosInjected, AttemptEnded, RetryScheduled)
    retry = {"max_attempts": 2}
    client = chaotic(
        world, fault(), retry=retry, listeners=[recorder], telemetry=[reading], name="ledger"
    )
    await world.outcome(world.start(client.get(request_id="order-1")))
    injected = recorder.of(ChaosInjected)
    assert recorder.events[0] is injected[0]
    assert [(each.fault, each.seconds, each.status_code) for each in injected] == [
        (name, seconds, status)
    ] * len(injected)
    assert [each.attempt for each in injected] == [1, 2][: len(client.wire.arrivals) or 2]
    assert (injected[0].client, injected[0].request_id) == ("ledger", "order-1")
    assert reading.points(CHAOS_INJECTED) == {(TARGET, name): len(injected)}


async def test_where_nobody_listens_nothing_is_told(world: World) -> None:
    """It is counted all the same."""
    reading = Reading()
    client = chaotic(
        world, AnswerFault(status=299), telemetry=[reading], logging={"level": "ERROR"}
    )
    assert (await client.get()).status_code == 299
    assert reading.points(CHAOS_INJECTED) == {(TARGET, "answer"): 1}


async def test_a_stream_gets_faults_too(world: World) -> None:
    """Up to the head of the answer."""
    client = chaotic(world, AnswerFault(status=299, body=b"abc"))
    async with client.stream() as response:
        assert response.extensions["chaos"] == "answer"
        assert [chunk async for chunk in client.chunks(response)] == [b"abc"]
    async with client.stream() as response:
        assert [chunk async for chunk in client.chunks(response, "raw")] == [b"abc"]
    with pytest.raises(ServerError):
        await chaotic(world, AnswerFault(status=500)).streamed()


async def test_a_call_can_do_without(world: World) -> None:
    """But have none of its own: that would be no draw any more."""
    client = chaotic(world, AnswerFault(status=299))
    assert (await client.get(chaos=None)).status_code == 200
    assert (await client.get()).status_code == 299
    with pytest.raises(TypeError, match="chaos is given to a client"):
        await client.get(chaos=ChaosConfig(faults=[AnswerFault(status=299)]))


@ONLY_ASYNCIO
async def test_the_stand_in_of_a_test_passes(world: World) -> None:
    """It need not have anything but a status."""
    client = chaotic(world, DelayFault(seconds=1))
    await client.initialize()
    stand_in: Any = type("StandIn", (), {"status_code": 204})()

    async def send(*_: object, **__: object) -> Any:
        return stand_in

    client.raw._session.http.client.send = send
    assert await client.get() is stand_in
