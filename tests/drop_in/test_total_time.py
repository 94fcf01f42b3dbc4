"""`max_total_time` bounds the whole call: attempts, waits and body."""

from typing import Any

import pytest

from client import DeadlineExceededError
from tests.drop_in.kits import URL, Kit
from tests.drop_in.wire import Reply


async def test_a_call_within_its_time_is_like_any_other(kit: Kit) -> None:
    """Retries included."""
    client = kit.client(503, 503, 200, backoff_factor=1, max_total_time=60)
    assert (await client.get(URL)).status_code == 200


async def test_an_attempt_that_takes_too_long_ends_the_call(kit: Kit) -> None:
    """It is never retried: there is no time left."""
    client = kit.client(Reply(takes=11), max_total_time=10)
    with pytest.raises(DeadlineExceededError, match="the 10 s that the whole operation may take"):
        await client.get(URL)
    assert len(client._transport.arrivals) == 1


async def test_a_timeout_of_httpx_s_at_the_end_of_the_time_is_the_end_of_the_time(
    kit: Kit,
) -> None:
    """Each attempt's timeouts are cut to what is left, so that is how it shows."""

    def slow(_request: Any) -> str:
        kit.clock.now += 10
        return "ReadTimeout"

    client = kit.client(slow, max_total_time=10)
    with pytest.raises(DeadlineExceededError) as caught:
        await client.get(URL)
    assert isinstance(caught.value.__cause__, kit.error("ReadTimeout"))


async def test_the_timeouts_of_an_attempt_are_cut_to_what_is_left(kit: Kit) -> None:
    """Never lengthened."""
    client = kit.client(Reply(503, takes=4), max_total_time=10, timeout=7, backoff_factor=1)
    await client.get(URL, max_retries=1)
    assert [each.timeouts["read"] for each in client._transport.arrivals] == [7, 5]


async def test_a_wait_that_would_outlast_it_is_not_begun(kit: Kit) -> None:
    """The failure in hand is the outcome, at once: an answer, or an exception of httpx."""
    client = kit.client(503, max_total_time=10, backoff_factor=4)
    assert (await client.get(URL)).status_code == 503
    assert kit.clock.waits == [4]
    client = kit.client("ReadError", max_total_time=10, backoff_factor=4)
    with pytest.raises(kit.error("ReadError")):
        await client.get(URL)
    assert kit.clock.waits == [4, 4]


async def test_a_body_that_drips_ends_in_time(kit: Kit) -> None:
    """Whether `send` reads it or the caller."""
    drip = Reply(200, (b"a",) * 20, drips=1)
    client = kit.client(drip, max_total_time=10)
    with pytest.raises(DeadlineExceededError):
        await client.get(URL)
    async with client.stream() as response:
        chunks = kit.chunks(response)
        received = [await anext(chunks) for _ in range(9)]
        with pytest.raises(DeadlineExceededError) as caught:
            await anext(chunks)
    error: Any = caught.value
    assert received == [b"a"] * 9
    assert error.request.url == URL
    assert client._transport.left_open == 0


async def test_the_body_of_an_error_status_is_held_to_it_too(kit: Kit) -> None:
    """It is an answer like any other."""
    client = kit.client(Reply(404, (b"a",) * 20, drips=1), max_total_time=10)
    with pytest.raises(DeadlineExceededError):
        async with client.stream() as response:
            await kit.read(response)


async def test_what_else_breaks_a_streamed_body_comes_through(kit: Kit) -> None:
    """As httpx raised it."""
    client = kit.client(Reply(200, (b"a", "ReadError")), max_total_time=10)
    async with client.stream() as response:
        with pytest.raises(kit.error("ReadError"), match="ReadError in the body") as caught:
            await kit.read(response)
    assert not hasattr(caught.value, "__notes__")
    async with client.stream(max_total_time=None) as response:
        with pytest.raises(kit.error("ReadError")):
            await kit.read(response)


async def test_a_body_that_was_read_is_no_concern_of_it(kit: Kit) -> None:
    """Afterwards the caller has all the time in the world."""
    client = kit.client(Reply(200, (b"abc",)), max_total_time=10)
    response = await client.get(URL)
    kit.clock.now += 100
    assert await kit.read(response) == b"abc"


async def test_without_it_nothing_is_bounded(kit: Kit) -> None:
    """As with httpx."""
    client = kit.client(Reply(200, (b"a",) * 20, takes=1000, drips=1000))
    assert len((await client.get(URL)).content) == 20
