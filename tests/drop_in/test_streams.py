"""`stream`: one attempt unless told otherwise, and the answer is the caller's, whatever it is."""

from typing import Any

import pytest

from client.runtime.coroutines import run_to_end
from tests.drop_in.kits import Face, Kit
from tests.drop_in.wire import Reply

GOOD = Reply(200, (b"one", b"two"))


async def streamed(client: Face, **options: Any) -> tuple[int, list[bytes]]:
    """The status and the pieces of a streamed answer."""
    async with client.stream(**options) as response:
        return response.status_code, [chunk async for chunk in client.kit.chunks(response)]


async def test_it_makes_one_attempt(kit: Kit) -> None:
    """A status that any other call would retry is the answer."""
    client = kit.client(Reply(503, (b"no", b"pe")), 200)
    assert await streamed(client) == (503, [b"no", b"pe"])
    client = kit.client("ReadTimeout", 200)
    with pytest.raises(kit.error("ReadTimeout")) as caught:
        await streamed(client)
    assert caught.value.__notes__[0].startswith("1 attempt was made")


async def test_other_settings_of_a_call_do_not_make_it_two(kit: Kit) -> None:
    """Only `max_retries` does."""
    client = kit.client(503)
    assert (await streamed(client, backoff_factor=0, jitter_factor=1))[0] == 503
    assert len(client._transport.arrivals) == 1


async def test_it_makes_more_when_told(kit: Kit) -> None:
    """By the call or by the client, up to the head of the answer."""
    assert await streamed(kit.client(503, GOOD), max_retries=1) == (200, [b"one", b"two"])
    assert await streamed(kit.client(503, GOOD, max_retries=1)) == (200, [b"one", b"two"])
    client = kit.client("ConnectError", GOOD, max_retries=3)
    assert (await streamed(client, max_retries=1))[0] == 200


async def test_sending_a_built_request_streamed_is_the_same(kit: Kit) -> None:
    """SDKs stream that way."""
    client = kit.client(503, GOOD)
    response = await client.send(kit.request(), stream=True)
    assert (response.status_code, response.is_stream_consumed) == (503, False)
    assert await kit.read(response) == b"ok"
    response = await client.send(kit.request(), stream=True, max_retries=1)
    assert await kit.read(response) == b"onetwo"


@pytest.mark.parametrize("status", [200, 101, 302, 404, 503])
async def test_the_answer_is_handed_over_unread(kit: Kit, status: int) -> None:
    """Open, with its body on the wire; whatever its status says."""
    client = kit.client(Reply(status, (b"one", b"two")))
    async with client.stream() as response:
        assert (response.is_closed, response.is_stream_consumed) == (False, False)
        assert client._transport.left_open == 1
        assert await kit.read(response) == b"onetwo"
    assert client._transport.left_open == 0


async def test_the_answer_to_the_last_attempt_is_open_too(kit: Kit) -> None:
    """Only those that were retried are gone."""
    client = kit.client(Reply(503, (b"first",)), Reply(503, (b"last",)), max_retries=1)
    async with client.stream() as response:
        assert await kit.read(response) == b"last"
    assert client._transport.left_open == 0


@pytest.mark.parametrize(
    ("reply", "is_drained"),
    [
        (Reply(503, (b"small",)), True),
        (Reply(503, (b"x" * 65_536,)), True),
        (Reply(503, (b"x" * 65_537,)), False),
        (Reply(503, (b"unknown",), {"Transfer-Encoding": "chunked"}), False),
        (Reply(503, (b"?",), {"Content-Length": "1_0"}), False),
    ],
)
async def test_an_answer_that_is_retried_lets_its_connection_go(
    kit: Kit, reply: Reply, *, is_drained: bool
) -> None:
    """Read to its end where that is quick, and closed in any case, before the next attempt."""
    opened: list[int] = []
    bodies: list[Any] = []

    def second(_request: Any) -> Reply:
        opened.append(client._transport.left_open)
        bodies.append(client._transport.bodies[0])
        return GOOD

    client = kit.client(reply, second, max_retries=1)
    assert (await streamed(client))[0] == 200
    assert opened == [0]
    assert bodies[0].was_read is is_drained


@pytest.mark.parametrize("reads", ["nothing", "some", "all"])
async def test_a_hook_may_have_read_the_answer_or_had_it_closed(kit: Kit, reads: str) -> None:
    """Then there is nothing left to read."""

    async def read(response: Any) -> None:
        if reads == "all":
            await kit.read(response)
        if reads == "some":
            chunks = kit.chunks(response)
            await anext(chunks)
            await chunks.aclose()
        else:
            response.raise_for_status()

    def read_now(response: Any) -> None:
        run_to_end(read(response))

    hooks = {"response": [read if kit.is_async else read_now]}
    client = kit.client(Reply(503, (b"a", b"b")), GOOD, max_retries=1, event_hooks=hooks)
    async with client.stream() as response:
        assert response.status_code == 200
    assert client._transport.left_open == 0


async def test_an_answer_that_breaks_while_it_is_let_go_is_let_go_all_the_same(kit: Kit) -> None:
    """Its body is nobody's business any more."""
    broken = Reply(503, (b"half", "ReadError"), {"Content-Length": "9"})
    client = kit.client(broken, GOOD, max_retries=1)
    assert (await streamed(client))[0] == 200
    assert client._transport.left_open == 0


async def test_a_bug_that_shows_while_an_answer_is_let_go_is_not_hidden(kit: Kit) -> None:
    """And the answer is closed before it comes up."""
    reply = Reply(503, (b"half", LookupError("bug")), {"Content-Length": "9"})
    client = kit.client(reply, GOOD, max_retries=1)
    with pytest.raises(LookupError, match="bug"):
        await streamed(client)
    assert client._transport.left_open == 0


async def test_what_a_predicate_raises_closes_the_answer_it_looked_at(kit: Kit) -> None:
    """Nobody else could."""

    def raises(response: Any, _error: Any) -> bool:
        raise LookupError(response.status_code)

    client = kit.client(503, max_retries=1, retry_if=raises)
    with pytest.raises(LookupError, match="503"):
        await streamed(client)
    assert client._transport.left_open == 0


async def test_a_body_that_breaks_is_the_caller_s_to_see(kit: Kit) -> None:
    """He may have used what came before, so it is not fetched again."""
    client = kit.client(Reply(200, (b"half", "ReadError")), max_retries=3)
    with pytest.raises(kit.error("ReadError")):
        await streamed(client)
    assert len(client._transport.arrivals) == 1
    assert client._transport.left_open == 0


async def test_an_answer_may_have_a_way_of_its_own_to_be_read(kit: Kit) -> None:
    """Somebody's hook may have put an iterator there that knows no way to close."""

    class Own:
        def __init__(self, _chunk_size: int | None = None) -> None:
            self._left = iter([b"one", b"two"])

        def __iter__(self) -> Any:
            return self

        __aiter__ = __iter__

        def __next__(self) -> bytes:
            return next(self._left)

        async def __anext__(self) -> bytes:
            for chunk in self._left:
                return chunk
            raise StopAsyncIteration

    def has_its_own(response: Any) -> None:
        setattr(response, "aiter_bytes" if kit.is_async else "iter_bytes", Own)

    hooks = {"response": [kit.awaited_if_async(has_its_own)]}
    client = kit.client(GOOD, event_hooks=hooks)
    assert await streamed(client) == (200, [b"one", b"two"])


async def test_somebody_may_go_past_the_engine(kit: Kit) -> None:
    """As tools do that replace `send` of a client: nobody watches, and nothing is in the way."""
    client = kit.client(GOOD)
    send = kit.awaited(client.real._send_single_request)
    assert await kit.read(await send(kit.request())) == b"onetwo"


async def test_a_sending_outside_of_any_call_fails_as_it_does(kit: Kit) -> None:
    """As a tool makes one: nobody takes note of it."""
    client = kit.client("ConnectError")
    send = kit.awaited(client.real._send_single_request)
    with pytest.raises(kit.error("ConnectError")):
        await send(kit.request())
