"""`stream`: retried until the head has come, never after, and held to account until its end."""

import gzip
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from client import (
    APINetworkError,
    APITimeoutError,
    CircuitState,
    DeadlineExceededError,
    MyAPIError,
    NotFoundError,
    PoolTimeoutError,
    ResponseError,
    ServerError,
    ServiceUnavailableError,
)
from client.events import OperationFailed, OperationSucceeded, RetryScheduled
from tests.behaviour.twins import ONLY_ASYNCIO
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import Caller, World, listens_to

EXACT = {"jitter": False}
OPENS_AT_ONCE = {"failure_threshold": 1}
GOOD = Answer(200, (b"abc", b"def"))


async def received(
    client: Caller,
    how: str = "bytes",
    **options: Any,
) -> list[Any]:
    """Stream an answer and return its pieces."""
    async with client.stream(**options) as response:
        return [chunk async for chunk in client.chunks(response, how)]


async def test_it_is_retried_until_the_head_has_come(world: World) -> None:
    """Over statuses and failures alike, with one id and the usual waits."""
    client = world.client([503, httpx.ConnectError, GOOD], retry=EXACT)
    assert await received(client, request_id="r") == [b"abc", b"def"]
    assert client.wire.ids == ["r"] * 3
    assert client.wire.times == pytest.approx([0, 2, 6])


async def test_it_gives_up_as_any_call_does(world: World) -> None:
    """After `max_attempts`, or where nothing is to be retried."""
    client = world.client(503)
    with pytest.raises(ServiceUnavailableError, match="after 3 attempts"):
        await received(client)
    client = world.client([404])
    with pytest.raises(NotFoundError):
        await received(client)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("bytes", [b"abc", b"def"]),
        ("raw", [b"abc", b"def"]),
        ("text", ["abc", "def"]),
        ("lines", ["abcdef"]),
    ],
)
async def test_every_way_of_reading(world: World, how: str, expected: list[Any]) -> None:
    """As httpx has them."""
    assert await received(world.client(GOOD), how) == expected


async def test_it_can_be_read_whole(world: World) -> None:
    """Then its content is there, also after the block."""
    client = world.client(GOOD)
    async with client.stream() as response:
        assert await client.read(response) == b"abcdef"
    assert response.text == "abcdef"
    assert response.is_closed


async def test_it_can_be_read_in_pieces_of_a_size(world: World) -> None:
    """The guard passes the size on."""
    client = world.client(GOOD)
    async with client.stream() as response:
        pieces = [piece async for piece in client.chunks(response, "bytes", 4)]
    assert pieces == [b"abcd", b"ef"]


@pytest.mark.parametrize("how", ["bytes", "raw", "text", "lines"])
@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (httpx.ReadError("x"), APINetworkError),
        (httpx.RemoteProtocolError("x"), APINetworkError),
        (httpx.ReadTimeout("x"), APITimeoutError),
        (100.0, APITimeoutError),
        (httpx.DecodingError("x"), ResponseError),
    ],
    ids=["reset", "cut short", "timeout", "silence", "undecodable"],
)
async def test_a_body_that_breaks_is_an_error_of_the_tree(
    world: World, broken: float | Exception, kind: type[MyAPIError], how: str
) -> None:
    """It is not retried, and the circuit sees it; the httpx exception is the cause."""
    heard: list[Any] = []
    client = world.client(
        [Answer(200, (b"abc", broken))], circuit_breaker=OPENS_AT_ONCE, listeners=[heard.append]
    )
    with pytest.raises(kind) as caught:
        await received(client, how)
    assert isinstance(caught.value.__cause__, httpx.HTTPError)
    assert caught.value.request_sent is True
    assert caught.value.attempts == 1
    is_counted = kind is not ResponseError
    assert (client.circuit_state is CircuitState.OPEN) == is_counted
    assert client.stats().failures == {kind.__name__: 1}
    (failed,) = (event for event in heard if isinstance(event, OperationFailed))
    assert failed.error is caught.value


async def test_a_body_that_breaks_while_it_is_read_whole(world: World) -> None:
    """The same."""
    client = world.client([Answer(200, (b"abc", httpx.ReadError("x")))])
    with pytest.raises(APINetworkError):
        async with client.stream() as response:
            await client.read(response)
    assert client.stats().failures == {"APINetworkError": 1}


async def test_a_body_whose_encoding_is_wrong(world: World) -> None:
    """Cannot be decoded."""
    client = world.client(Answer(200, (b"no gzip",), {"Content-Encoding": "gzip"}))
    with pytest.raises(ResponseError, match="not encoded as its Content-Encoding says"):
        await received(client)


async def test_a_body_failure_counts_also_where_it_is_swallowed(world: World) -> None:
    """The caller may live with half a body; the server has failed all the same."""
    client = world.client(
        [Answer(200, (b"abc", httpx.ReadError("x")))], circuit_breaker=OPENS_AT_ONCE
    )
    got = []
    async with client.stream() as response:
        try:
            async for chunk in client.chunks(response):
                got.append(chunk)  # noqa: PERF401 - what came before the failure counts
        except APINetworkError:
            got.append(b"...")
    assert got == [b"abc", b"..."]
    assert client.circuit_state is CircuitState.OPEN


async def test_a_foreign_exception_from_the_body_passes(world: World) -> None:
    """Untouched, and says nothing about the server."""
    client = world.client([Answer(200, (LookupError("x"),))], circuit_breaker=OPENS_AT_ONCE)
    with pytest.raises(LookupError):
        await received(client)
    assert client.circuit_state is CircuitState.CLOSED
    assert client.stats().failures == {}


async def test_an_early_exit_lets_go_of_the_answer(world: World) -> None:
    """Unread, without an error, as a success."""
    heard: list[Any] = []
    client = world.client([Answer(200, (b"abc", 3600.0))], listeners=[heard.append])
    async with client.stream() as response:
        assert client.wire.unclosed() != []
    assert response.is_closed
    assert client.wire.unclosed() == []
    assert world.now() == 1000
    assert isinstance(heard[-1], OperationSucceeded)


async def test_what_the_caller_raises_in_the_block_passes(world: World) -> None:
    """It says nothing about the server."""
    client = world.client(GOOD, circuit_breaker=OPENS_AT_ONCE)
    with pytest.raises(LookupError, match="mine"):
        async with client.stream():
            raise LookupError("mine")
    assert client.wire.unclosed() == []
    assert client.circuit_state is CircuitState.CLOSED
    assert client.stats().failures == {}


async def test_an_error_of_the_tree_raised_in_the_block_passes(world: World) -> None:
    """Whatever other call it came from."""
    client = world.client(GOOD, circuit_breaker=OPENS_AT_ONCE)
    with pytest.raises(ServerError, match="another's"):
        async with client.stream():
            raise ServerError("another's")
    assert client.circuit_state is CircuitState.CLOSED


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
async def test_an_interrupt_in_the_block_passes(world: World, kind: type[BaseException]) -> None:
    """It is told as what it is, and ignored by the circuit."""
    client = world.client(GOOD, circuit_breaker=OPENS_AT_ONCE)
    with pytest.raises(kind):
        async with client.stream():
            raise kind
    assert client.wire.unclosed() == []
    assert client.circuit_state is CircuitState.CLOSED
    assert client.stats().failures == {kind.__name__: 1}


async def test_a_stream_cancelled_in_its_body(world: World) -> None:
    """Lets go of everything."""
    client = world.client(
        [Answer(200, (b"abc", 10.0, b"def")), 200],
        circuit_breaker=OPENS_AT_ONCE,
        bulkhead={"max_concurrency": 1},
    )
    task = world.start(received(client))
    await world.sleep(5)
    assert client.stats().slots_in_use == 1
    task.cancel()
    with pytest.raises(world.cancellation):
        await task.result()
    assert client.wire.unclosed() == []
    assert client.stats().slots_in_use == 0
    assert client.circuit_state is CircuitState.CLOSED
    await client.get()


async def test_the_slot_is_held_until_the_block_is_left(world: World) -> None:
    """A streamed answer is an operation under way."""
    client = world.client(GOOD, bulkhead={"max_concurrency": 1, "acquisition_timeout": 1})
    async with client.stream():
        with pytest.raises(PoolTimeoutError):
            await client.get()
        assert client.stats().slots_in_use == 1
    assert client.stats().slots_in_use == 0
    await client.get()


async def test_an_error_status_brings_its_body_along(world: World) -> None:
    """Read, so that the error can be understood."""
    client = world.client([Answer(404, (b"no such ", b"thing"))])
    with pytest.raises(NotFoundError) as caught:
        await received(client)
    assert caught.value.response.text == "no such thing"
    assert client.wire.unclosed() == []


@pytest.mark.parametrize(
    ("pieces", "seconds"),
    [
        ((b"x", 3600.0), 5),
        ((b"x", 1.0) * 100, 5),
        ((httpx.ReadError("x"),), 0),
    ],
    ids=["silent", "dripping", "broken"],
)
async def test_an_error_body_is_not_read_at_any_price(
    world: World, pieces: tuple[bytes | float, ...], seconds: float
) -> None:
    """The status is the error; a body that is slow or broken is let go of."""
    client = world.client([Answer(404, pieces)])
    with pytest.raises(NotFoundError) as caught:
        await received(client)
    assert world.now() == pytest.approx(1000 + seconds)
    assert client.wire.unclosed() == []
    assert caught.value.response.is_closed
    with pytest.raises(httpx.StreamError):
        _ = caught.value.response.content


@pytest.mark.parametrize("more", [(), (b"y", 3600.0)], ids=["whole", "large"])
async def test_an_error_body_is_read_up_to_a_mebibyte(
    world: World, more: tuple[bytes | float, ...]
) -> None:
    """No more: what comes then is not waited for."""
    client = world.client([Answer(404, (b"x" * 2**20, *more))])
    with pytest.raises(NotFoundError) as caught:
        await received(client)
    assert caught.value.response.content == b"x" * 2**20
    assert world.now() == 1000
    assert client.wire.unclosed() == []


async def test_an_error_body_is_read_within_the_deadline(world: World) -> None:
    """Not five seconds where only two are left."""
    client = world.client([Answer(404, (b"x", 3600.0))])
    with pytest.raises(NotFoundError):
        await received(client, deadline=2)
    assert world.now() == pytest.approx(1002)


async def test_who_takes_his_time_reads_nothing_beyond_the_deadline(world: World) -> None:
    """Not even what has come already."""
    client = world.client([GOOD])
    with pytest.raises(DeadlineExceededError):  # noqa: PT012 - it comes in the middle
        async with client.stream(deadline=2) as response:
            async for chunk in client.chunks(response, "bytes"):
                assert chunk == b"abc"
                await world.sleep(3)
    assert client.wire.unclosed() == []


async def test_a_foreign_exception_from_an_error_body_passes(world: World) -> None:
    """It is a bug somewhere, and not to be hidden."""
    client = world.client([Answer(404, (LookupError("x"),))])
    with pytest.raises(LookupError):
        await received(client)


def length(size: int) -> dict[str, str]:
    """The header that announces a body."""
    return {"Content-Length": str(size)}


@pytest.mark.parametrize(
    ("answer", "is_drained"),
    [
        (Answer(503, (b"abc", b"def"), length(6)), True),
        (Answer(503, (b"x" * 2**16,), length(2**16)), True),
        (Answer(503, (b"x" * 2**16, b"y"), length(2**16 + 1)), False),
        (Answer(503, (b"abc",)), False),
        (Answer(503, (b"abc",), {"Content-Length": "-3"}), False),
        (Answer(503, (b"abc",), {"Content-Length": "3" * 5000}), False),
        (Answer(503, (b"abc",), {b"Content-Length": "٣".encode()}), False),
    ],
    ids=["small", "largest", "large", "unknown", "negative", "absurd", "arabic"],
)
async def test_a_discarded_answer_is_drained_or_closed(
    world: World,
    answer: Answer,
    *,
    is_drained: bool,
) -> None:
    """Drained where it is small, so that its connection can be used again; before the wait."""
    taken: list[int] = []

    @listens_to(RetryScheduled)
    def listen(event: object) -> None:
        taken.append(client.wire.taken(0))
        assert client.wire.unclosed() == []

    client = world.client([answer, GOOD], listeners=[listen])
    assert await received(client) == [b"abc", b"def"]
    assert taken == [len(answer.pieces) if is_drained else 0]


@pytest.mark.parametrize(
    ("pieces", "seconds"),
    [((b"x", 3600.0), 1), ((b"x", 0.3) * 10, 1), ((httpx.ReadError("x"),), 0)],
    ids=["silent", "dripping", "broken"],
)
async def test_draining_takes_no_longer_than_a_second(
    world: World, pieces: tuple[bytes | float, ...], seconds: float
) -> None:
    """Then the answer is closed after all, and the retry goes on."""
    client = world.client([Answer(503, pieces, length(50)), GOOD], retry=EXACT)
    await received(client)
    assert client.wire.times == pytest.approx([0, seconds + 2])


async def test_a_discarded_bomb_is_not_decoded(world: World) -> None:
    """What is small on the wire is not read where it grows too large."""
    bomb = gzip.compress(bytes(2**24))
    assert len(bomb) < 2**16
    headers = {**length(len(bomb)), "Content-Encoding": "gzip"}
    client = world.client([Answer(503, (bomb, b"never read"), headers), GOOD])
    await received(client)
    assert client.wire.taken(0) == 1


async def test_what_is_discarded_can_be_looked_into(world: World) -> None:
    """By a listener, say: it is read as the caller would have read it."""
    body, answers = gzip.compress(b"try later"), list[httpx.Response]()

    def look(response: httpx.Response | None, _error: Exception | None) -> bool:
        if response is None or response.status_code != 503:
            return False
        answers.append(response)
        return True

    headers = {**length(len(body)), "Content-Encoding": "gzip"}
    client = world.client([Answer(503, (body,), headers), GOOD], retry={"retry_if": look})
    await received(client)
    assert [answer.content for answer in answers] == [b"try later"]


async def test_a_foreign_exception_from_a_discarded_body_passes(world: World) -> None:
    """And the answer is closed."""
    client = world.client([Answer(503, (LookupError("x"),), length(5))])
    with pytest.raises(LookupError):
        await received(client)
    assert client.wire.unclosed() == []


async def test_an_answer_is_let_go_of_where_the_wait_is_cancelled(world: World) -> None:
    """It was closed before the wait began."""
    client = world.client([Answer(503, (b"x",))], retry=EXACT)
    task = world.start(received(client))
    await world.sleep(1)
    assert client.wire.unclosed() == []
    task.cancel()
    await world.outcome(task)


async def test_an_answer_is_closed_where_draining_is_cancelled(world: World) -> None:
    """Whatever comes in between."""
    client = world.client([Answer(503, (b"x", 3600.0), length(50))])
    task = world.start(received(client))
    await world.sleep(0.5)
    task.cancel()
    await world.outcome(task)
    assert client.wire.unclosed() == []


async def test_a_good_answer_that_is_not_wanted_is_discarded(world: World) -> None:
    """As `retry_if` says."""
    retry = {"retry_if": lambda response, _error: response.status_code == 202}
    client = world.client([Answer(202, (b"x",)), GOOD], retry=retry)
    assert await received(client) == [b"abc", b"def"]


async def test_arguments_for_sending(world: World) -> None:
    """`auth` and `follow_redirects`, which httpx takes at another place."""
    redirect = Answer(302, headers={"Location": "/b"})
    client = world.client([redirect, GOOD, redirect, GOOD])
    async with client.stream(url="/a", auth=("user", "word")) as response:
        assert str(response.url).endswith("/b")
    assert client.wire.last.headers["Authorization"].startswith("Basic ")
    async with client.stream(url="/a", follow_redirects=False) as response:
        assert response.status_code == 302
    async with client.stream("POST", "/a", json={"a": 1}, params={"b": "2"}) as response:
        assert response.status_code == 200
    assert client.wire.bodies[-1] == b'{"a":1}'
    assert client.wire.last.url.query == b"b=2"


async def test_a_generator_that_was_begun_is_not_streamed_again(world: World) -> None:
    """The rules for bodies hold here too."""

    async def slow(arrival: Arrival) -> int:
        return 503

    async def async_body() -> AsyncIterator[bytes]:
        yield b"x"

    client = world.client([slow])
    content = async_body() if world.is_async else iter([b"x"])
    with pytest.raises(ServiceUnavailableError):
        await received(client, method="POST", content=content)


async def test_a_compressed_body_is_decoded(world: World) -> None:
    """Also through the guard."""
    body = gzip.compress(b"abc" * 1000)
    client = world.client(Answer(200, (body[:10], body[10:]), {"Content-Encoding": "gzip"}))
    assert b"".join(await received(client)) == b"abc" * 1000
    assert b"".join(await received(client, "raw")) == body


@pytest.mark.parametrize("status", [503, 404, 200])
async def test_an_answer_that_cannot_be_closed_properly(world: World, status: int) -> None:
    """Discarded, kept or handed over: what comes after its end is nobody's concern."""
    closing = httpx.CloseError("x")
    client = world.client([Answer(status, (b"x", 3600.0), None, closing), GOOD])
    if status == 404:
        with pytest.raises(NotFoundError):
            await received(client)
        return
    async with client.stream():
        pass
    assert client.stats().failures == {}


async def test_a_bug_in_closing_an_answer_is_not_hidden(world: World) -> None:
    """It passes, and the slot is back."""
    client = world.client([Answer(200, (b"x", b"y"), None, LookupError("bug"))])
    with pytest.raises(LookupError, match="bug"):
        async with client.stream():
            pass


@ONLY_ASYNCIO
async def test_a_stream_whose_reader_stops_half_way_leaves_nothing_behind(world: World) -> None:
    """Not even a generator that nobody closes."""
    client = world.client([Answer(200, (b"abc", b"def", b"ghi"))])
    async with client.stream() as response:
        async for chunk in response.aiter_bytes():
            assert chunk == b"abc"
            break
    assert client.wire.unclosed() == []
