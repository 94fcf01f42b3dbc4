"""`name=`, `listeners=` and `stats()` of the drop-in clients, as the facade has them."""

from typing import Any

import pytest

from client import CircuitBreaker, CircuitOpenError
from tests.drop_in.kits import URL, Kit


async def test_they_tell_what_happens(kit: Kit) -> None:
    """Events, counts, and the circuit by its name; also of calls with settings of their own."""
    heard: list[Any] = []
    breaker = CircuitBreaker(failure_threshold=1, name="upstream")
    client = kit.client(
        503, 200, 500, name="payments", listeners=[heard.append], circuit_breaker=breaker
    )
    assert (await client.get(URL)).status_code == 200
    assert (await client.get(URL, max_retries=0)).status_code == 500
    with pytest.raises(CircuitOpenError) as caught:
        await client.get(URL)
    assert caught.value.client == "payments"
    assert {event.client for event in heard} == {"payments"}
    kinds = [type(event).__name__ for event in heard]
    attempt = ["AttemptStarted", "AttemptEnded"]
    assert kinds[:6] == [*attempt, "RetryScheduled", *attempt, "OperationSucceeded"]
    stats = client.real.stats()
    assert (stats.operations, stats.attempts, stats.retries) == (3, 3, 1)
    assert stats.failures == {"ServerError": 1, "CircuitOpenError": 1}
    assert stats.circuits == {"upstream": "open"}


async def test_a_transport_s_numbers_outlive_its_closing(kit: Kit) -> None:
    """It may be used again."""
    kind: Any = kit.ours.AsyncResilientTransport if kit.is_async else kit.ours.ResilientTransport
    transport = kind(kit.wire(200), name="payments")
    client = kit.plain(transport=transport)
    await client.get(URL)
    await kit.awaited(transport.aclose if kit.is_async else transport.close)()
    assert transport.stats().operations == 1
