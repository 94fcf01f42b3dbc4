"""`state.json`: what it tells of clients, and how little of it."""

import gc
import json
import time
import weakref
from contextlib import suppress
from typing import Any

import httpx
import pytest

from client import CircuitBreaker, Client, MyAPIError, ResilientTransport
from client.dashboard import dashboard
from client.dashboard.app import Dashboard
from client.program.live_page.shape import check_state
from tests.dashboard.asking import Servers, ask, record


@pytest.fixture
def servers() -> Servers:
    """Servers that are well."""
    return Servers()


def state_of(page: Dashboard) -> Any:
    """What the page says."""
    return ask(page).json


def test_it_says_what_a_client_did(servers: Servers) -> None:
    """In counters, by target."""
    servers.statuses["a.test"] = 500
    client = servers.client(name="orders", circuit_breaker=None)
    page = dashboard(client)
    servers.call(client, times=3)
    servers.statuses["a.test"] = 404
    servers.call(client)
    state = state_of(page)
    [shown] = state["clients"]
    assert (shown["id"], shown["name"], shown["kind"]) == (1, "orders", "SyncResilientClient")
    assert (shown["closed"], shown["slots"], shown["budget"]) == (False, [0, 0, 50], None)
    found = record(
        state, "target", "state", "operations", "errors", "attempts", "operations_with_attempts"
    )
    assert list(found.values()) == ["https://a.test", None, 4, 3, 4, 4]
    assert 0 < record(state, "p50")["p50"] <= record(state, "p99")["p99"]
    client.close()
    assert state_of(page)["clients"][0]["closed"]


def test_it_says_how_circuits_stand(servers: Servers) -> None:
    """With the last transitions, the newest first."""
    client = servers.client()
    page = dashboard(client)
    servers.call(client)
    assert record(state_of(page), "state", "since", "last_error") == {
        "state": "closed",
        "since": None,
        "last_error": None,
    }
    servers.statuses["a.test"] = 500
    servers.call(client)
    state = state_of(page)
    found = record(state, "state", "since", "last_error")
    assert (found["state"], found["last_error"]) == ("open", "ServerError")
    [[at, scope, to, cause, detail]] = state["clients"][0]["transitions"]
    assert at == pytest.approx(found["since"], abs=1)
    assert (scope, to, cause) == ("https://a.test", "open", "local")
    assert detail == "1 failures, last ServerError; for 30 s"
    client.close()


def test_it_says_what_was_reconfigured(servers: Servers) -> None:
    """Among the transitions; of several in a row the last, so that circuits have room."""
    client = servers.client()
    page = dashboard(client)
    servers.statuses["a.test"] = 500
    client.reconfigure(retry={"max_attempts": 2})
    client.reconfigure(retry=None, timeout={"total": 5})
    servers.call(client)
    client.reconfigure(bulkhead=None)
    state = state_of(page)
    rows = [row[1:] for row in state["clients"][0]["transitions"]]
    assert [row[1] for row in rows] == ["reconfigured", "open", "reconfigured"]
    assert rows[0] == ["", "reconfigured", "manual", "bulkhead"]
    assert rows[2] == ["", "reconfigured", "manual", "retry, timeout.total"]
    check_state(json.dumps(state).encode())
    client.close()


def test_it_says_why_a_limit_is_what_it_is(servers: Servers) -> None:
    """How it changed last, where it finds itself; no transition of a circuit goes for it."""
    adaptive = {"window": 0.01, "minimum_samples": 1}
    client = servers.client(bulkhead={"adaptive": adaptive}, circuit_breaker=None)
    page = dashboard(client)
    assert state_of(page)["clients"][0]["limit"] is None
    servers.statuses["a.test"] = 503
    while client.stats().slots_limit == 20:
        servers.call(client)
    [shown] = state_of(page)["clients"]
    assert shown["slots"] == [0, 0, 18]
    assert shown["limit"][1:] == [20, "drops"]
    assert shown["limit"][0] > 1e9
    assert shown["transitions"] == []
    client.close()


def test_it_says_who_pauses(servers: Servers) -> None:
    """And until when, in absolute time."""
    client = servers.client(rate_limit={"max_pause": 1.0}, circuit_breaker=None)
    page = dashboard(client)
    assert state_of(page)["clients"][0]["rate_limit"] == [0, 0, None]
    servers.statuses["a.test"] = 429
    servers.headers["a.test"] = {"Retry-After": "300"}
    servers.call(client)
    waiting, paused, until = state_of(page)["clients"][0]["rate_limit"]
    assert (waiting, paused) == (0, 1)
    assert until == pytest.approx(time.time() + 300, abs=30)
    client.close()
    without = servers.client()
    assert state_of(dashboard(without))["clients"][0]["rate_limit"] is None


def test_it_counts_hedges(servers: Servers) -> None:
    """Those that were sent, and those that won; nothing where none was due."""
    client = servers.client(hedge={"delay": 0.001, "max_extra_load": 1}, circuit_breaker=None)
    page = dashboard(client)
    assert state_of(page)["clients"][0]["hedges"] is None
    servers.statuses["a.test"] = 503
    with suppress(MyAPIError):
        servers.call(client)
    assert state_of(page)["clients"][0]["hedges"] == [1, 0]
    client.close()


def test_it_counts_what_the_cache_does(servers: Servers) -> None:
    """By its answer; nothing where it was never asked."""
    client = servers.client(cache={})
    page = dashboard(client)
    assert state_of(page)["clients"][0]["cache"] is None
    servers.headers["a.test"] = {"Cache-Control": "max-age=60"}
    for _ in range(3):
        servers.call(client)
    assert state_of(page)["clients"][0]["cache"] == [2, 0, 0, 1, 0]
    client.close()


def test_a_circuit_for_all_stands_by_itself(servers: Servers) -> None:
    """And in each row."""
    servers.statuses["a.test"] = 500
    client = servers.client(circuit_breaker={"failure_threshold": 1})
    page = dashboard(client)
    servers.call(client)
    state = state_of(page)
    assert state["clients"][0]["circuit"][:2] == ["client", "open"]
    assert record(state, "state") == {"state": "open"}
    client.close()


def test_drop_in_clients_and_transports_are_shown_too() -> None:
    """With the circuit that they share."""
    breaker = CircuitBreaker(failure_threshold=1, name="shared")
    inner = httpx.MockTransport(lambda _: httpx.Response(500))
    client = Client(transport=inner, max_retries=0, circuit_breaker=breaker, name="one")
    transport = ResilientTransport(inner, max_retries=0, circuit_breaker=breaker, name="two")
    page = dashboard(client, transport)
    client.get("http://a.test/")
    state = state_of(page)
    assert [each["kind"] for each in state["clients"]] == ["Client", "ResilientTransport"]
    assert [each["circuit"][:2] for each in state["clients"]] == [["shared", "open"]] * 2
    assert [each["transitions"][0][1:3] for each in state["clients"]] == [["shared", "open"]] * 2
    client.close()


def test_a_client_is_not_kept_alive(servers: Servers) -> None:
    """Its place is free when it has gone; the others keep their numbers."""
    first, second = servers.client(name="first"), servers.client(name="second")
    page = dashboard(first)
    page.add(second, second)
    gone = weakref.ref(first)
    first.close()
    del first
    gc.collect()
    assert gone() is None
    assert [(each["id"], each["name"]) for each in state_of(page)["clients"]] == [(2, "second")]
    second.close()


def test_it_changes_only_when_something_happens(servers: Servers) -> None:
    """Not by being read, nor by the passing of time."""
    client = servers.client()
    page = dashboard(client)
    for number in range(12):  # more than are worked out anew at a time
        servers.call(client, f"{number}.test")
    for _ in range(3):
        ask(page)
    assert ask(page).body == ask(page).body
    targets = state_of(page)["clients"][0]["targets"]
    assert len(targets) == 12
    assert all(row[-1] for row in targets), "each has had its turn"
    client.close()


def test_each_target_has_its_turn_however_busy_the_others_are(servers: Servers) -> None:
    """Of its percentiles: a few are worked out at a time."""
    client = servers.client()
    page = dashboard(client)
    for _ in range(3):
        for number in range(12):
            servers.call(client, f"{number}.test")
        ask(page)
    assert all(row[-1] for row in state_of(page)["clients"][0]["targets"])
    client.close()


def test_a_hundred_targets_fit_into_32_kibibytes(servers: Servers) -> None:
    """With fifty transitions, and names as long as such are; what is beyond them is one."""
    client = servers.client(name="orders")
    page = dashboard(client)
    for number in range(110):
        host = f"a-service-with-a-long-name-{number:03}.production.internal.example"
        servers.statuses[host] = 500
        servers.call(client, host)
    found = ask(page)
    assert len(found.body) <= 32 * 1024
    [shown] = found.json["clients"]
    assert len(shown["targets"]) == 101
    assert len(shown["transitions"]) == 50
    rows = {row[0]: row for row in shown["targets"]}
    assert rows["_OTHER"][1] == "open", "the worst of them"
    client.close()


def test_texts_of_others_are_bounded() -> None:
    """A host may have 253 characters, a name 128."""
    breaker = CircuitBreaker(failure_threshold=1, name="n" * 128)
    inner = httpx.MockTransport(lambda _: httpx.Response(500))
    client = Client(transport=inner, max_retries=0, circuit_breaker=breaker, name="c" * 128)
    page = dashboard(client)
    client.get(f"http://{'h.' * 120}test/")
    assert len(json.dumps(state_of(page))) < 2500
    client.close()


def test_it_says_which_process_it_is_of() -> None:
    """For each worker has its own."""
    process = state_of(dashboard())["process"]
    assert sorted(process) == ["host", "pid", "started", "version", "worker"]
