"""Chaos in drop-in clients, transports and functions: as httpx would let it be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

import client as ours
from client import (
    AnswerFault,
    CallFault,
    ChaosConfig,
    DeadlineExceededError,
    DelayFault,
    Event,
    RaiseFault,
)
from client.events import ChaosInjected
from client.strategies.chaos import NOTE
from client.testing import EventRecorder
from tests.drop_in.kits import ON_EACH_KIT, URL, Face, Kit

if TYPE_CHECKING:
    from client.config.parts.chaos import Fault


def chaos(*faults: Fault, rate: float = 1.0) -> ChaosConfig:
    """Faults for each attempt."""
    return ChaosConfig(faults=faults, injection_rate=rate)


def chaotic(kit: Kit, *faults: Fault, rate: float = 1.0, **options: Any) -> Face:
    """A client of ours, into whose attempts faults are injected."""
    return kit.client(200, chaos=chaos(*faults, rate=rate), allow_chaos=True, **options)


@ON_EACH_KIT
async def test_an_answer_is_returned_whatever_its_status(kit: Kit) -> None:
    """After its retries."""
    client = chaotic(kit, AnswerFault(503, {"X-Fault": "yes"}, "busy"), max_retries=2)
    response = await client.get(URL)
    assert type(response) is kit.module.Response
    assert (response.status_code, response.text) == (503, "busy")
    assert response.extensions["chaos"] == "answer"
    assert response.extensions["resilience"].attempts == 3
    assert client._transport.arrivals == []


@ON_EACH_KIT
async def test_an_exception_is_that_of_httpx(kit: Kit) -> None:
    """With its request and a note."""
    for exception in (kit.error("ReadTimeout"), kit.error("ReadTimeout")("late"), TimeoutError):
        client = chaotic(kit, RaiseFault(exception), max_retries=1)
        with pytest.raises(kit.error("ReadTimeout")) as caught:
            await client.get(URL)
        assert caught.value.request.url == URL
        first, second = caught.value.__notes__
        assert (first, second[:21]) == (NOTE, "2 attempts were made ")


@ON_EACH_KIT
async def test_an_exception_of_a_function_has_a_note_too(kit: Kit) -> None:
    """Itself: nobody sees the error of the tree that stands for it."""

    def fail(request: Any) -> None:
        raise kit.error("ReadTimeout")("late", request=request)

    client = chaotic(kit, CallFault(kit.awaited_if_async(fail)), max_retries=0)
    with pytest.raises(kit.error("ReadTimeout")) as caught:
        await client.get(URL)
    assert caught.value.__notes__.count(NOTE) == 1


@ON_EACH_KIT
async def test_an_answer_that_cannot_be_read_has_a_note_too(kit: Kit) -> None:
    """As one that is not encoded as it says."""
    client = chaotic(kit, AnswerFault(200, {"Content-Encoding": "gzip"}, "none"), max_retries=0)
    with pytest.raises(kit.error("DecodingError")) as caught:
        await client.get(URL)
    assert caught.value.__notes__.count(NOTE) == 1


async def test_a_write_is_repeated_by_the_rules_for_real_faults(kit: Kit) -> None:
    """Where the class says that it was never sent."""
    for name, attempts in (("ConnectError", 3), ("ReadError", 1)):
        recorder = EventRecorder(ChaosInjected)
        fault = RaiseFault(kit.error(name))
        client = chaotic(kit, fault, max_retries=2, listeners=[recorder])
        with pytest.raises(kit.error(name)):
            await client.post(URL)
        assert len(recorder) == attempts


async def test_a_delay_is_bounded_by_the_deadline(kit: Kit) -> None:
    """And comes before the sending."""
    client = chaotic(kit, DelayFault(3))
    began = kit.clock.now
    response = await client.get(URL)
    assert (kit.clock.now - began, response.extensions["chaos"]) == (3, "delay")
    with pytest.raises(DeadlineExceededError):
        await client.get(URL, max_total_time=2)
    assert kit.clock.now - began == 5
    assert len(client._transport.arrivals) == 1


async def test_a_function_is_called(kit: Kit) -> None:
    """Of the kind that this world calls."""

    def change(request: Any) -> None:
        request.headers["X-Fault"] = "yes"

    client = chaotic(kit, CallFault(kit.awaited_if_async(change)))
    request = kit.request()
    await client.send(request)
    assert client._transport.arrivals[0].headers["x-fault"] == "yes"
    assert "X-Fault" not in request.headers


@ON_EACH_KIT
async def test_a_transport_has_it(kit: Kit) -> None:
    """For the client around it these are answers and failures."""
    name = "AsyncResilientTransport" if kit.is_async else "ResilientTransport"
    faults = chaos(AnswerFault(503, {}, "busy"))
    transport = getattr(kit.ours, name)(
        kit.wire(200), chaos=faults, allow_chaos=True, max_retries=1, backoff_factor=0
    )
    client = kit.plain(transport=transport)
    response = await client.get(URL)
    assert (response.status_code, response.text) == (503, "busy")
    async with client.stream() as streamed:
        assert b"".join([chunk async for chunk in kit.chunks(streamed)]) == b"busy"


async def test_a_function_has_none(kit: Kit) -> None:
    """It is a client's, and allowed by its maker."""
    get = kit.awaited(ours.get_async if kit.is_async else ours.get)
    with pytest.raises(TypeError, match="allow_chaos is given to a client"):
        await get(URL, allow_chaos=True)


async def test_nothing_is_injected_unless_it_is_allowed(kit: Kit) -> None:
    """By a boolean, in code."""
    seen: list[Event] = []
    options: dict[str, Any] = {"chaos": chaos(AnswerFault(503)), "listeners": [seen.append]}
    client = kit.client(200, **options)
    assert (await client.get(URL)).status_code == 200
    for wrong in ("true", 1, None):
        with pytest.raises(TypeError, match="give True or False"):
            kit.client(200, **options, allow_chaos=wrong)
    assert not any(isinstance(event, ChaosInjected) for event in seen)


async def test_a_call_can_do_without(kit: Kit) -> None:
    """But bring none."""
    client = chaotic(kit, AnswerFault(503), max_retries=0)
    assert (await client.get(URL, chaos=None)).status_code == 200
    assert (await client.get(URL)).status_code == 503
    with pytest.raises(TypeError, match="chaos is given to a client"):
        await client.get(URL, chaos=chaos(AnswerFault(503)))


def test_under_trio_a_delay_is_waited_for() -> None:
    """As long as the deadline allows."""

    async def story() -> None:
        kit = Kit("httpx", is_async=True)
        faults = chaos(DelayFault(60))
        options: dict[str, Any] = {"chaos": faults, "allow_chaos": True, "verify": False}
        async with kit.ours_of(transport=kit.wire(200), **options) as client:
            with pytest.raises(DeadlineExceededError):
                await client.get(URL, max_total_time=0.05)
            with trio.move_on_after(0.05) as scope:
                await client.get(URL)
            assert scope.cancelled_caught

    trio.run(story)
