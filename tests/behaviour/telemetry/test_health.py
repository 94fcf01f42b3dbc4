"""`health()` of the facade: ready through an outage, and what a probe is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.behaviour.world import World

TARGET = "http://server.test"
BREAKER = {"failure_threshold": 1, "recovery_timeout": 5, "scope": "origin"}


async def test_an_outage_degrades_a_client_and_leaves_it_ready(world: World) -> None:
    """Unless somebody says that nothing goes without that server."""
    client = world.client([500, 200], retry=None, circuit_breaker=BREAKER)
    assert client.raw.health(ready_requires={TARGET})["status"] == "ok"
    await world.outcome(world.start(client.get()))
    health = client.raw.health()
    assert (health["status"], health["ready"]) == ("degraded", True)
    assert health["reasons"] == [f"the circuit of {TARGET} is open"]
    assert not client.raw.health(ready_requires={TARGET})["ready"]
    await world.sleep(5)
    await client.get()
    assert client.raw.health(ready_requires={TARGET})["status"] == "ok"


async def test_a_closed_client_is_not_ready(world: World) -> None:
    """It answers all the same."""
    client = world.client()
    await client.close()
    health = client.raw.health()
    assert (health["client"], health["ready"]) == ("default", False)


async def test_without_a_circuit_breaker_all_is_well(world: World) -> None:
    """There is nothing to be degraded by."""
    client = world.client(500, retry=None, circuit_breaker=None)
    await world.outcome(world.start(client.get()))
    assert client.raw.health(ready_requires={TARGET})["status"] == "ok"
