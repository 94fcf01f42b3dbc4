"""Which connections a fault strikes: all, the next few, or a share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from server.limits import MAX_PROXY_FAULTS
from server.proxy.fault_models import Cut
from server.testing import FailureServerError, WireProxy
from tests.server.proxy_peers import ANSWER, Client, answering, get
from tests.wire.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def service() -> Iterator[ScriptedServer]:
    """It answers every request."""
    with ScriptedServer(answering) as server:
        yield server


@pytest.fixture
def proxy(service: ScriptedServer) -> Iterator[WireProxy]:
    """A proxy in front of it."""
    with WireProxy(service.url) as proxy:
        yield proxy


def struck(proxy: WireProxy, connections: int = 40) -> list[bool]:
    """Whether each of the next connections meets the fault."""
    return [get(proxy) != (ANSWER, "fin") for _ in range(connections)]


def test_the_next_n_connections(proxy: WireProxy) -> None:
    """And not one more; what is left of them is shown."""
    proxy.fault("reset", count=2)
    assert struck(proxy, 1) == [True]
    [shown] = proxy.faults()
    assert (shown["remaining"], shown["connections"]) == (1, 1)
    assert struck(proxy, 3) == [True, False, False]


def test_connections_that_are_open_do_not_count(proxy: WireProxy) -> None:
    """A count and a share are of new ones."""
    with Client(proxy) as client:
        assert client.ask().read(len(ANSWER)) == ANSWER
        proxy.fault("reset", count=1)
        proxy.fault("reset", percent=100)
        assert client.ask().read(len(ANSWER)) == ANSWER
    assert struck(proxy, 1) == [True]


def test_all_connections_include_those_that_are_open(proxy: WireProxy) -> None:
    """From their next answer on, until the fault is removed."""
    with Client(proxy) as client:
        assert client.ask().read(len(ANSWER)) == ANSWER
        proxy.fault("reset")
        assert client.ask().read_all() == (b"", "rst")
    assert struck(proxy, 2) == [True, True]
    proxy.reset()
    assert struck(proxy, 2) == [False, False]


def test_a_share_is_the_same_in_every_run(service: ScriptedServer) -> None:
    """By the seed of the proxy, from one reset to the next as from one proxy to the next."""
    runs: list[list[bool]] = []
    for seed in (1, 1, 2):
        with WireProxy(service.url, seed=seed) as proxy:
            for _ in range(2):
                proxy.fault("reset", percent=50)
                runs.append(struck(proxy))
                proxy.reset()
    assert runs[0] == runs[1] == runs[2] == runs[3]
    assert runs[4] == runs[5] != runs[0]
    assert set(runs[0]) == {True, False}


def test_a_share_has_its_size(proxy: WireProxy) -> None:
    """More or less."""
    proxy.fault("refuse", percent=25)
    assert 15 <= sum(struck(proxy, 100)) <= 35


def test_a_fault_has_a_seed_of_its_own(service: ScriptedServer) -> None:
    """Whatever the proxy's."""
    runs: list[list[bool]] = []
    for seed in (1, 2):
        with WireProxy(service.url, seed=seed) as proxy:
            proxy.fault("reset", percent=50, seed=9)
            runs.append(struck(proxy))
    assert runs[0] == runs[1]


def test_two_faults_of_a_proxy_strike_differently(proxy: WireProxy) -> None:
    """Each has a chance of its own."""
    runs: list[list[bool]] = []
    for _ in range(2):
        fault = proxy.fault("reset", percent=50)
        runs.append(struck(proxy))
        proxy.remove(fault)
    assert runs[0] != runs[1]


def test_a_fault_is_lifted_from_connections_it_was_to_strike(proxy: WireProxy) -> None:
    """Removed by its id, it strikes no more."""
    fault = proxy.fault("reset", count=1)
    with Client(proxy) as client:
        assert client.hears_nothing()
        proxy.remove(fault["id"])
        assert client.ask().read(len(ANSWER)) == ANSWER
    assert proxy.faults() == []


def test_a_fault_may_be_given_as_a_model(proxy: WireProxy) -> None:
    """Which an editor completes."""
    shown = proxy.fault(Cut(at="after_head", by="rst"), count=3)
    assert shown["fault"] == {
        "kind": "cut",
        "at": "after_head",
        "stream": "downstream",
        "by": "rst",
        "count": 3,
    }


def test_clear_makes_it_as_new(proxy: WireProxy) -> None:
    """No fault, no connection, no count."""
    proxy.fault("reset")
    with Client(proxy) as client:
        client.hears_nothing()
        proxy.clear()
        assert client.read_all() == (b"", "rst")
    counted = proxy.statistics()
    assert (counted.accepted, counted.open, counted.applied) == (0, 0, {})
    assert struck(proxy, 1) == [False]


def test_faults_are_bounded(proxy: WireProxy) -> None:
    """The error says how many may be in force, and what to do."""
    for _ in range(MAX_PROXY_FAULTS):
        proxy.fault("latency", ms=0, count=1)
    with pytest.raises(FailureServerError, match=r"100 faults are in force.*remove one, or reset"):
        proxy.fault("reset")
    proxy.reset()
    proxy.fault("reset")


def test_connections_are_bounded(proxy: WireProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """One too many is reset, and counted."""
    monkeypatch.setattr("server.proxy.proxy.MAX_PROXY_CONNECTIONS", 1)
    with Client(proxy) as client:
        assert client.ask().read(len(ANSWER)) == ANSWER
        assert get(proxy) == (b"", "rst")
    assert proxy.statistics().turned_away == 1
