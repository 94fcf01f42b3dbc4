"""What others control is bounded: origins, request ids, connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client import CircuitBreakerConfig, CircuitState, MyAPIError, ServerError
from client.strategies.circuit.circuit import CircuitOutcome, Permit
from client.strategies.circuit.scopes import Breaker
from server.stores.ledger_store import LedgerStore
from tests.wire.catalogue.conftest import check_nothing_is_held, check_nothing_is_left
from tests.wire.twins import pools_of, settings

if TYPE_CHECKING:
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection
    from tests.wire.twins import Twin

MANY = 20_000
KEPT = 10_000


def open_circuit(breaker: Breaker, origin: str) -> None:
    """Fail once at an origin, with a threshold of one."""
    circuit = breaker.circuit_for(origin)
    assert circuit is not None
    permit = circuit.admit(0.0)
    assert isinstance(permit, Permit)
    circuit.record(permit, CircuitOutcome.FAILURE, 0.0)


@pytest.mark.any_python
def test_more_origins_than_are_kept() -> None:
    """The table stays as small as it is, and no open circuit is forgotten."""
    breaker = Breaker(CircuitBreakerConfig(scope="origin", failure_threshold=1))
    open_circuit(breaker, "http://down.test")
    for number in range(MANY):
        assert breaker.circuit_for(f"http://host-{number}.test") is not None
    states = breaker.states()
    assert len(states) == KEPT
    assert states["http://down.test"] is CircuitState.OPEN
    assert f"http://host-{MANY - 1}.test" in states


async def test_origins_without_end(
    twin: Twin, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a proxy, so that there are as many as one likes: state and sockets stay few."""
    monkeypatch.setattr("client.strategies.circuit.scopes.Breaker.__init__.__defaults__", (5,))

    def proxies(connection: Connection) -> None:
        while True:
            down = connection.read_request().target.startswith("http://down.test")
            connection.answer(500 if down else 200, b"ok")

    server = serve(proxies)
    monkeypatch.setenv("HTTP_PROXY", server.url)
    config = settings(
        "",
        circuit_breaker={"failure_threshold": 1, "scope": "origin"},
        bulkhead={"max_concurrency": 3},
        retry=None,
    )
    async with twin.client(config) as client:
        with pytest.raises(ServerError):
            await client.get("http://down.test/")
        for number in range(40):
            assert (await client.get(f"http://host-{number}.test/")).text == "ok"
        for number in range(40):
            with pytest.raises(MyAPIError):
                await client.get(f"http://down.test:{number + 1}/")
        circuits = client.stats().circuits
        # Those that never failed have none, and beyond the fifth there is no place.
        assert (len(circuits), circuits["http://down.test:80"]) == (5, CircuitState.OPEN)
        assert sum(len(pool.connections) for pool in pools_of(client)) <= 3
        await check_nothing_is_held(twin, client, server)
    await check_nothing_is_left(twin, server)


async def test_request_ids_without_end(twin: Twin, serve: Serve) -> None:
    """A client remembers none of them once its call is over."""

    def echoes(connection: Connection) -> None:
        while True:
            connection.answer(body=connection.read_request().headers["x-request-id"].encode())

    server = serve(echoes)
    async with twin.client(settings(server.url)) as client:
        made = {(await client.get("/")).text for _ in range(100)}
        assert (len(made), server.accepted) == (100, 1)
        await check_nothing_is_held(twin, client, server)
        assert not any(request_id in repr(vars(client._session)) for request_id in made)
    await check_nothing_is_left(twin, server)


def test_more_request_ids_than_are_kept() -> None:
    """The ledger of the failure server forgets the oldest, and knows that it did."""
    store = LedgerStore(capacity=KEPT)
    for number in range(MANY):
        store.perform(store.arrive(f"id-{number}", "POST"))
    ledger = store.snapshot()
    assert (len(ledger.requests), ledger.arrived) == (KEPT, MANY)
    assert f"id-{MANY - 1}" in ledger.requests
