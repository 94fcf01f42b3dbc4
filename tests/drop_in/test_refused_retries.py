"""Attempts that a drop-in client does not make, and those that a circuit cuts off."""

import threading
from typing import Any

import pytest

from client import CircuitBreaker, CircuitOpenError
from client.strategies.circuit.circuit import CircuitOutcome, Permit
from tests.drop_in.kits import URL, Kit
from tests.eventually import eventually

FOREVER = 100_000.0


def notes(error: Any) -> list[str]:
    """What was added to an exception, without the number of its attempts."""
    return [note for note in error.__notes__ if note.startswith("no other attempt")]


def trip(breaker: CircuitBreaker) -> None:
    """Let another call fail, which opens the circuit."""
    permit = breaker.circuit.admit(0.0)
    assert isinstance(permit, Permit)
    breaker.circuit.record(permit, CircuitOutcome.FAILURE, 0.0)


@pytest.mark.parametrize("is_later", [False, True], ids=["before-the-wait", "in-the-wait"])
async def test_an_opening_ends_the_wait_of_every_client_that_shares_the_circuit(
    kit: Kit, *, is_later: bool
) -> None:
    """At once, from whatever thread; the caller gets what there is."""
    breaker = CircuitBreaker(failure_threshold=1)
    threads: list[threading.Thread] = []

    def somebody_waits() -> None:
        eventually(lambda: breaker.circuit._wakers)
        trip(breaker)

    def on_retry(_info: object) -> None:
        if is_later:
            threads.append(threading.Thread(target=somebody_waits))
            threads[-1].start()
        else:
            trip(breaker)

    options = {"backoff_factor": FOREVER, "circuit_breaker": breaker, "on_retry": on_retry}
    client = kit.real_client(transport=kit.wire(503), **options)
    assert (await client.get(URL)).status_code == 503
    assert len(client._transport.arrivals) == 1
    breaker.reset()
    client = kit.real_client(transport=kit.wire("ReadError"), **options)
    with pytest.raises(kit.error("ReadError")) as caught:
        await client.get(URL)
    assert notes(caught.value) == ["no other attempt was made: the circuit has opened"]
    for thread in threads:
        thread.join()
    assert breaker.circuit._wakers == set()


async def test_a_streamed_answer_that_was_let_go_of_cannot_be_returned(kit: Kit) -> None:
    """So the circuit is what is told."""
    breaker = CircuitBreaker(failure_threshold=1)
    client = kit.client(
        503, circuit_breaker=breaker, on_retry=lambda _info: trip(breaker), max_retries=3
    )
    with pytest.raises(CircuitOpenError) as caught:
        async with client.stream():
            pass
    assert (caught.value.attempts, caught.value.request_sent) == (1, True)


async def test_a_circuit_that_is_reset_by_hand_lets_its_calls_go_on(kit: Kit) -> None:
    """It has not opened."""
    breaker = CircuitBreaker(failure_threshold=9)
    client = kit.client(503, 200, circuit_breaker=breaker, on_retry=lambda _info: breaker.reset())
    assert (await client.get(URL)).status_code == 200


async def test_a_probe_is_one_attempt(kit: Kit) -> None:
    """Whatever `max_retries` says."""
    breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=5)
    client = kit.client(503, circuit_breaker=breaker, max_retries=0)
    await client.get(URL)
    kit.clock.now += 5
    assert (await client.get(URL, max_retries=9)).status_code == 503
    assert len(client._transport.arrivals) == 2


async def test_what_was_refused_is_noted_on_the_exception_of_httpx(kit: Kit) -> None:
    """Once, however often the same object is raised."""
    error = kit.error("ConnectError")("nobody there")
    client = kit.client(error, backoff_factor=5)
    text = "no other attempt was made: the wait of 5 s would outlast the deadline"
    for _ in range(2):
        with pytest.raises(kit.error("ConnectError")) as caught:
            await client.get(URL, max_total_time=4)
        assert notes(caught.value) == [text]
    with pytest.raises(kit.error("ConnectError")) as caught:
        await client.get(URL, max_retries=0)
    assert notes(caught.value) == []
