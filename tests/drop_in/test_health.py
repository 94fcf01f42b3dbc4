"""`health()` of drop-in clients and transports."""

from client import CircuitBreaker
from tests.drop_in.kits import URL, Kit
from tests.drop_in.test_transports import behind

TARGET = "http://server.test"


async def test_an_open_circuit_degrades_a_client(kit: Kit) -> None:
    """Its one circuit stands for every origin."""
    breaker = CircuitBreaker(failure_threshold=1, name="orders")
    client = kit.client(500, name="shop", circuit_breaker=breaker, max_retries=0)
    assert client.health(ready_requires={TARGET})["status"] == "ok"
    await client.get(URL)
    health = client.health()
    assert health == {
        "client": "shop",
        "status": "degraded",
        "ready": True,
        "reasons": ["the circuit of orders is open"],
        "circuits": {"orders": "open"},
        "endpoints": {},
    }
    assert not client.health(ready_requires={TARGET})["ready"]


async def test_a_closed_client_is_not_ready(kit: Kit) -> None:
    """As httpx says of it."""
    client = kit.client(200)
    await client.close()
    assert not client.health()["ready"]


async def test_a_transport_has_it_too(kit: Kit) -> None:
    """It may be used again after it was closed."""
    breaker = CircuitBreaker(failure_threshold=1)
    client = behind(kit, 500, circuit_breaker=breaker, max_retries=0)
    await client.get(URL)
    assert client._transport.health()["status"] == "degraded"
    client._transport._drop_in.end_waits()
    assert client._transport.health()["ready"]
