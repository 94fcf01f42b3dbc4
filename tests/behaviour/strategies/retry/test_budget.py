"""The retry budget: in a total outage the extra load stays small."""

import pytest

from client import ServerError
from tests.behaviour.world import Caller, World

BUDGET = {"ratio": 0.2, "minimum_per_second": 0}


def failing(world: World, budget: object) -> Caller:
    """A client of a server that is down, and without the circuit that would spare it."""
    return world.client(
        500, circuit_breaker=None, bulkhead=None, retry={"budget": budget, "jitter": False}
    )


async def test_an_outage_costs_no_more_than_the_ratio(world: World) -> None:
    """A hundred operations make a hundred attempts and twenty retries."""
    client = failing(world, BUDGET)
    outcomes = await world.gather(*(client.get() for _ in range(100)))
    assert all(type(outcome) is ServerError for outcome in outcomes)
    assert len(client.wire.arrivals) == 120
    assert client.stats().retries == 20


async def test_a_total_outage_under_many_callers(world: World) -> None:
    """By default: a fifth of the load and ten retries a second, and everybody sees the outage."""
    client = world.client(500, circuit_breaker=None, bulkhead=None)
    outcomes = await world.gather(*(client.get() for _ in range(300)))
    assert [type(outcome) for outcome in outcomes] == [ServerError] * 300
    assert {outcome.status_code for outcome in outcomes if isinstance(outcome, ServerError)} == {
        500
    }
    seconds = world.now() - 1000
    assert 360 <= len(client.wire.arrivals) <= 360 + 10 * (seconds + 1)
    assert len(client.wire.arrivals) <= 410


async def test_a_refused_retry_surfaces_the_error_at_once(world: World) -> None:
    """The original one, without a wait."""
    client = failing(world, BUDGET)
    with pytest.raises(ServerError) as caught:
        await client.get()
    assert caught.value.attempts == 1
    assert world.now() == 1000


async def test_a_quiet_client_can_retry_all_the_same(world: World) -> None:
    """`minimum_per_second`."""
    client = failing(world, {"ratio": 0, "minimum_per_second": 10})
    await world.gather(*(client.get() for _ in range(30)))
    assert client.wire.times.count(2) == 10
    before = len(client.wire.arrivals)
    await world.gather(*(client.get() for _ in range(30)))
    assert len(client.wire.arrivals) - before == 30 + 10 + 10


async def test_a_call_with_its_own_retry_pays_from_the_same_budget(world: World) -> None:
    """Otherwise the outage could be asked for call by call."""
    client = failing(world, BUDGET)
    works = (client.get(retry={"max_attempts": 9, "budget": {"ratio": 10}}) for _ in range(10))
    await world.gather(*works)
    assert len(client.wire.arrivals) == 12


async def test_no_budget_means_no_bound(world: World) -> None:
    """For the client, or for one call."""
    client = failing(world, None)
    await world.gather(*(client.get() for _ in range(50)))
    assert len(client.wire.arrivals) == 150
    client = failing(world, BUDGET)
    await world.gather(*(client.get(retry={"budget": None}) for _ in range(50)))
    assert len(client.wire.arrivals) == 150


async def test_good_calls_earn_retries(world: World) -> None:
    """Every operation pays in, whether it fails or not, and a retry of another is paid from it."""
    client = world.client([200] * 5 + [500, 200], retry={"budget": BUDGET})
    for _ in range(6):
        await client.get()
    assert len(client.wire.arrivals) == 7


async def test_calls_that_retry_where_their_client_does_not_pay_too(world: World) -> None:
    """From the budget that the first of them brings."""
    client = world.client(500, circuit_breaker=None, bulkhead=None, retry=None)
    own = {"max_attempts": 9, "budget": BUDGET, "jitter": False}
    await world.gather(*(client.get(retry=own) for _ in range(10)))
    assert len(client.wire.arrivals) == 12
