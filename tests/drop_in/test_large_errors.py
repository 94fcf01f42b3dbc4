"""A large answer that another attempt replaces is not read whole; one that the caller gets is."""

from __future__ import annotations

import gzip
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from client import CircuitBreaker, CircuitOpenError, DeadlineExceededError, HttpRequestError
from client.engine.operation import under_way
from client.faces.drop_in.witness import SendAttempt
from client.http.bodies.response_body import MOST_KEPT
from tests.codings import MEBIBYTE
from tests.drop_in.kits import URL
from tests.drop_in.test_functions import called
from tests.drop_in.test_refused_retries import trip
from tests.drop_in.wire import Reply
from tests.unit.calls import call_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.drop_in.kits import Kit

CONTENT = b"x" * (2 * MEBIBYTE)
PIECE = 2**18


def large(status: int = 503, *, ends: bool = True, coding: str = "identity", **more: Any) -> Reply:
    """An answer of two mebibytes, in pieces; one that does not end breaks the connection."""
    body = gzip.compress(CONTENT, 0) if coding == "gzip" else CONTENT
    pieces: list[Any] = [body[at : at + PIECE] for at in range(0, len(body), PIECE)]
    end = [] if ends else ["ReadError"]
    return Reply(status, (*pieces, *end), {"Content-Encoding": coding}, **more)


CODINGS = pytest.mark.parametrize("coding", ["identity", "gzip"])


@CODINGS
async def test_what_is_retried_is_read_in_part(kit: Kit, coding: str) -> None:
    """Its first mebibyte: a callback may look at that; then its connection is closed."""
    seen: list[bytes] = []

    def look(info: Any) -> None:
        seen.append(info.response.content)

    client = kit.client(large(coding=coding), 200, on_retry=look)
    assert (await client.get(URL)).status_code == 200
    (content,) = seen
    assert MOST_KEPT <= len(content) < len(CONTENT)
    first = client._transport.bodies[0]
    assert (first.is_closed, first.was_read) == (True, False)


@CODINGS
@pytest.mark.parametrize("status", [503, 404])
async def test_what_the_caller_gets_is_whole(kit: Kit, coding: str, status: int) -> None:
    """As with httpx: after the last attempt, and where none may follow."""
    client = kit.client(large(status, coding=coding), max_retries=1)
    response = await client.get(URL)
    assert (response.status_code, response.content) == (status, CONTENT)
    assert response.text == CONTENT.decode()
    assert len(client._transport.arrivals) == (2 if status == 503 else 1)
    assert client._transport.left_open == 0


@CODINGS
async def test_it_is_read_on_where_no_attempt_can_follow(kit: Kit, coding: str) -> None:
    """The body of the request can be sent but once, which shows after the first part was read."""
    looked: list[str] = []

    def look(response: Any, _error: Any) -> bool:
        looked.append(response.text[:3])
        return True

    client = kit.client(large(coding=coding), 200, retry_if=look)
    response = await client.put(URL, content=kit.body(b"a", b"b"))
    assert (response.status_code, response.content) == (503, CONTENT)
    assert response.text == CONTENT.decode()
    assert looked == ["xxx"]
    assert client._transport.left_open == 0


async def test_what_breaks_it_then_is_raised(kit: Kit) -> None:
    """As httpx would raise it."""
    client = kit.client(large(ends=False), 200)
    with pytest.raises(kit.module.ReadError, match="in the body") as caught:
        await client.put(URL, content=kit.body(b"a"))
    assert caught.value.__notes__[0].startswith("1 attempt was made")
    assert client._transport.left_open == 0


async def test_a_bug_that_shows_then_passes(kit: Kit) -> None:
    """And the answer is closed."""
    reply = large()
    broken = Reply(503, (*reply.chunks, LookupError("bug")), reply.headers)
    client = kit.client(broken, 200)
    with pytest.raises(LookupError, match="bug"):
        await client.put(URL, content=kit.body(b"a"))
    assert client._transport.left_open == 0


async def test_it_is_read_on_within_the_deadline(kit: Kit) -> None:
    """Nine pieces take longer than there is time."""
    client = kit.client(large(drips=1.0), 200, max_total_time=6)
    with pytest.raises(DeadlineExceededError, match="6 s"):
        await client.put(URL, content=kit.body(b"a"))
    assert client._transport.left_open == 0


async def test_what_was_let_go_of_cannot_be_returned(kit: Kit) -> None:
    """The circuit opens before its successor is sent; it is told of instead."""
    breaker = CircuitBreaker(failure_threshold=1)
    client = kit.client(large(), circuit_breaker=breaker, on_retry=lambda _info: trip(breaker))
    with pytest.raises(CircuitOpenError) as caught:
        await client.get(URL)
    assert (caught.value.attempts, caught.value.request_sent) == (1, True)
    assert client._transport.left_open == 0


class AsksAgain:
    """An auth flow that answers an error with another request."""

    requires_request_body = requires_response_body = False

    def flow(self, request: Any) -> Generator[Any, Any, None]:
        """Try it once more, whatever came."""
        response = yield request
        if response.status_code == 503:
            yield request


async def test_an_auth_flow_goes_on_without_it(kit: Kit) -> None:
    """What it answers with another request is closed before that is sent."""
    closed: list[bool] = []

    def second(_request: Any) -> Any:
        closed.append(client._transport.bodies[0].is_closed)
        return 200

    auth = type("Auth", (AsksAgain, kit.module.Auth), {"auth_flow": AsksAgain.flow})()
    client = kit.client(large(), second, auth=auth)
    assert (await client.get(URL)).status_code == 200
    assert closed == [True]
    assert client._transport.left_open == 0


@CODINGS
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_of_a_challenge_only_the_first_part_is_read(
    kit: Kit, coding: str, *, is_streamed: bool
) -> None:
    """An auth flow goes on without it; what comes after it is whole."""
    asks = {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}
    challenge = replace(large(401, coding=coding), headers={"Content-Encoding": coding, **asks})
    auth = kit.module.DigestAuth("u", "p")
    client = kit.client(challenge, large(401, coding=coding), auth=auth)
    if is_streamed:
        async with client.stream() as response:
            assert await kit.read(response) == CONTENT
    else:
        response = await client.get(URL)
        assert response.content == CONTENT
    (first,) = response.history
    assert len(first.content) == MOST_KEPT
    first, second = client._transport.bodies
    assert (first.was_read, second.was_read) == (False, True)
    assert client._transport.left_open == 0


@CODINGS
async def test_of_the_error_that_a_function_raises_the_first_part_is_kept(
    kit: Kit, coding: str
) -> None:
    """As with the facade, where the client that it goes through is one of ours."""
    for status in (404, 503):
        through = kit.client(large(status, coding=coding))
        with pytest.raises(HttpRequestError) as caught:
            await called(kit, "get", through=through)
        assert caught.value.response.content == CONTENT[:MOST_KEPT]
        assert through._transport.left_open == 0


async def test_an_answer_that_came_read_stays_as_it_is(kit: Kit) -> None:
    """As those of a mock: nothing is put in front of it that could not be pickled."""

    def answer(request: Any) -> Any:
        return kit.module.Response(404, content=CONTENT, request=request)

    client = kit.client(answer)
    response = await client.get(URL)
    async with client.stream() as streamed:
        await kit.read(streamed)
    with pytest.raises(HttpRequestError) as caught:
        await called(kit, "get", through=client)
    for each in (response, streamed, caught.value.response):
        assert pickle.loads(pickle.dumps(each)).content == CONTENT  # noqa: S301 - our own


async def test_what_comes_after_the_end_of_its_attempt_is_whole(kit: Kit) -> None:
    """A task that a hook began goes on in the attempt's context, when nothing follows any more."""
    client = kit.client(large())
    request = kit.request()
    attempt = SendAttempt(call_of())
    attempt.request, attempt.may_replace = request, lambda *_: True
    attempt.end()
    token = under_way.set(attempt)
    try:
        send = kit.awaited(client.real._send_single_request)
        assert await kit.read(await send(request)) == CONTENT
    finally:
        under_way.reset(token)
    assert client._transport.left_open == 0
