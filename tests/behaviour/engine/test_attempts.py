"""Attempts by themselves: when they end, what is told of it, and what is left behind."""

from __future__ import annotations

import gc
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    APINetworkError,
    CircuitOpenError,
    ClientClosedError,
    MyAPIError,
    PoolTimeoutError,
    ServerError,
    UnexpectedStatusError,
)
from client.engine.operation import Attempt, under_way
from client.engine.rejections import rejections_for
from client.engine.telling import end_attempt
from client.events import AttemptEnded
from client.http.family import family_named
from client.http.outcomes import outcome_of, outcome_of_attempt
from tests.behaviour.wire import Answer
from tests.unit.calls import call_of

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import World

HTTPX = family_named("httpx")


def ended(heard: list[Any]) -> list[AttemptEnded]:
    """The ends among the events."""
    return [event for event in heard if isinstance(event, AttemptEnded)]


async def test_its_seconds_last_until_what_follows_a_redirect(world: World) -> None:
    """A redirect that comes at once does not hide that the next hop hangs."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(3)
        return 200

    heard: list[Any] = []
    there = Answer(302, headers={"Location": "/there"})
    client = world.client([there, slow], listeners=[heard.append])
    await client.get("/here")
    [end] = ended(heard)
    assert end.seconds == 3


async def test_its_seconds_last_until_what_follows_a_redirect_fails(world: World) -> None:
    """The head of the redirect is not that of an answer to what followed."""

    async def breaks(arrival: Arrival) -> int:
        await arrival.takes(3)
        raise httpx.ReadError("gone")

    heard: list[Any] = []
    there = Answer(302, headers={"Location": "/there"})
    client = world.client([there, breaks], listeners=[heard.append], retry=None)
    with pytest.raises(APINetworkError):
        await client.get("/here")
    [end] = ended(heard)
    assert (end.seconds, end.status_code) == (3, None)


async def test_its_seconds_end_with_the_head_of_the_answer(world: World) -> None:
    """How long the body takes is another matter."""

    async def slow(arrival: Arrival) -> Answer:
        await arrival.takes(3)
        return Answer(200, (b"x", 5.0, b"y"))

    heard: list[Any] = []
    client = world.client([slow], listeners=[heard.append])
    begun = world.now()
    await client.get()
    [end] = ended(heard)
    assert (end.seconds, world.now() - begun) == (3, 8)


async def test_the_end_of_one_that_met_a_bug_is_told(world: World) -> None:
    """Though it says nothing about the server."""
    heard: list[Any] = []
    client = world.client([LookupError], listeners=[heard.append])
    with pytest.raises(LookupError) as caught:
        await client.get()
    [end] = ended(heard)
    assert (end.error, end.status_code) == (caught.value, None)


@pytest.mark.parametrize("step", [200, 500, LookupError])
async def test_none_is_under_way_once_it_has_ended(world: World, step: object) -> None:
    """What its task does next with another client is no part of it."""
    client = world.client([step], retry=None)
    with suppress(ServerError, LookupError):
        await client.get()
    assert under_way.get() is None


async def test_a_listener_keeps_no_failed_request_alive(world: World) -> None:
    """Nor its error."""
    client = world.client([httpx.ConnectError], retry=None, listeners=[lambda _event: None])
    gc.disable()
    try:
        with pytest.raises(APINetworkError) as caught:
            await client.get()
        error = weakref.ref(caught.value)
        del caught
        assert error() is None
    finally:
        gc.enable()


async def test_an_interrupt_while_its_end_is_told_closes_a_stream(world: World) -> None:
    """Nobody else has the answer yet."""

    def interrupt(event: object) -> None:
        if isinstance(event, AttemptEnded):
            raise KeyboardInterrupt

    client = world.client(200, listeners=[interrupt])
    with pytest.raises(KeyboardInterrupt):
        async with client.stream("GET", "/"):
            pass
    assert client.wire.unclosed() == []
    assert client.stats().slots_in_use == 0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (CircuitOpenError, "circuit_open"),
        (PoolTimeoutError, "bulkhead_full"),
        (rejections_for(HTTPX).kind(CircuitOpenError), "circuit_open"),
        (rejections_for(HTTPX).kind(PoolTimeoutError), "bulkhead_full"),
    ],
    ids=["circuit", "bulkhead", "drop-in-circuit", "drop-in-bulkhead"],
)
async def test_a_client_within_that_turns_a_call_away(
    world: World, kind: type[MyAPIError], expected: str
) -> None:
    """Is another matter: only an operation ends in a circuit or a bulkhead of its own."""
    error = kind("within")

    async def asks_another(_arrival: Arrival) -> int:
        raise error

    heard: list[Any] = []
    client = world.client([asks_another], listeners=[heard.append])
    with pytest.raises(kind):
        await client.get()
    [end] = ended(heard)
    assert (end.outcome, end.error) == ("other", error)
    assert outcome_of(error, None) == expected


@pytest.mark.parametrize("raised", ["RemoteProtocolError", "ConnectError", "ReadTimeout"])
def test_a_close_of_our_own_is_told_as_such(raised: str) -> None:
    """Whatever it broke off, and in whichever words."""
    for kind in (ClientClosedError, rejections_for(HTTPX).kind(ClientClosedError)):
        error = kind("closed")
        error.__cause__ = getattr(httpx, raised)("gone")
        assert outcome_of(error, None) == outcome_of_attempt(error, None) == "other"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (101, "other"),
        (204, "success"),
        (404, "client_error"),
        (599, "server_error"),
        (600, "other"),
    ],
)
def test_what_a_status_amounts_to(status: int, expected: str) -> None:
    """Those that HTTP does not know are no success."""
    assert outcome_of(None, status) == expected
    error = UnexpectedStatusError("x", status_code=status)
    assert outcome_of(error, status) == expected


def test_a_stand_in_without_a_number_for_a_status_harms_nothing() -> None:
    """As tests have them."""
    heard: list[Any] = []
    call = call_of()
    call.notify[AttemptEnded] = heard.append
    answer: Any = type("Answer", (), {"status_code": "200"})
    end_attempt(call, Attempt(call), answer, None)
    assert heard[0].status_code is None
