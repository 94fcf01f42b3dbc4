"""Endpoints that fail, one or all of them, and what the circuit makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client import CircuitOpenError, ServerError
from tests.behaviour.strategies.endpoints.services import Service, balanced, states

if TYPE_CHECKING:
    from tests.behaviour.world import World


async def test_a_probe_of_the_circuit_is_none_of_an_endpoint(world: World) -> None:
    """It goes to one that was not ejected: by its one attempt all are judged."""
    service = Service(a=503, b=503, c=503)
    client = balanced(
        world,
        service,
        "http://a",
        "http://b",
        "http://c",
        balancing={"outliers": {"consecutive_failures": 2, "base_ejection": 20}},
        circuit_breaker={"failure_threshold": 2, "recovery_timeout": 30},
        retry=None,
    )
    for _ in range(2):
        with pytest.raises(ServerError):
            await client.get("http://a/x")
    assert states(client)["http://a"].state == "ejected"
    with pytest.raises(CircuitOpenError):
        await client.get("/x")
    del service.hosts["b"], service.hosts["c"]
    await world.sleep(31)
    service.asked.clear()
    await client.get("/x")
    assert service.asked in (["b/x"], ["c/x"])
    with pytest.raises(ServerError):
        await client.get("/x")  # the next finds out how the ejected one is
    assert service.asked[1] == "a/x"


async def test_one_that_dies_costs_no_call_and_is_back_when_it_is(world: World) -> None:
    """Retries go elsewhere, an ejection keeps others away, and one attempt finds out."""
    service = Service(a=503)
    client = balanced(world, service, "http://a", "http://b", "http://c")
    for _ in range(60):
        await client.get("/x")
    assert service.count("a") == 5
    assert states(client)["http://a"].state == "ejected"
    del service.hosts["a"]
    await world.sleep(31)
    assert (await client.get("/x")).text == "a"
    assert states(client)["http://a"].state == "slow_start"
    await world.sleep(10)
    service.asked.clear()
    for _ in range(30):
        await client.get("/x")
    assert service.count("a") == pytest.approx(10, abs=1)
