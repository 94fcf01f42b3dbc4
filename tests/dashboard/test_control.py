"""What can be done on the page: isolate, release and reset, and nothing that was not asked for."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from client import CircuitBreaker, CircuitIsolatedError, Client
from client.dashboard import dashboard
from client.dashboard.control import LARGEST_ORDER
from tests.dashboard.asking import Servers, ask, order, record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client import SyncResilientClient

ALL = ("isolate", "release", "reset")
TARGET = "https://a.test"
ISOLATE = {"action": "isolate", "reason": "bad figures"}


@pytest.fixture
def servers() -> Servers:
    """Servers that are well."""
    return Servers()


@pytest.fixture
def client(servers: Servers) -> Iterator[SyncResilientClient]:
    """One that has called a target."""
    with servers.client() as made:
        servers.call(made)
        yield made


def state_of(page: Any) -> tuple[Any, Any]:
    """Return how the first target's circuit stands, and why."""
    found = record(ask(page).json, "state", "reason")
    return found["state"], found["reason"]


@pytest.mark.parametrize("scope", [None, TARGET, f"{TARGET}:443/", "HTTPS://A.test"])
def test_a_circuit_is_isolated_and_released(client: SyncResilientClient, scope: str | None) -> None:
    """One, or all of them."""
    page = dashboard(client, actions=ALL)
    done = order(page, {**ISOLATE, "scope": scope})
    assert (done.status, done.json) == (200, {"done": "isolate", "client": 1, "scope": scope})
    assert state_of(page) == ("isolated", "bad figures")
    with pytest.raises(CircuitIsolatedError, match="bad figures"):
        client.get(TARGET)
    newest = ask(page).json["clients"][0]["transitions"][0]
    assert newest[2:] == ["isolated", "manual", "until it is released: bad figures"]
    assert order(page, {"action": "release", "scope": scope}).status == 200
    assert state_of(page) == ("closed", None)
    assert client.get(TARGET).status_code == 200


def test_isolation_may_end_by_itself(client: SyncResilientClient) -> None:
    """After some seconds."""
    page = dashboard(client, actions=ALL)
    assert order(page, {**ISOLATE, "seconds": 90}).status == 200
    newest = ask(page).json["clients"][0]["transitions"][0]
    assert newest[4] == "for 90 s: bad figures"


def test_a_circuit_is_isolated_by_the_longest_name_of_a_host(
    client: SyncResilientClient, servers: Servers
) -> None:
    """As the page shows it."""
    host = f"{'h' * 49}." * 5 + "tt"
    servers.call(client, host)
    page = dashboard(client, actions=ALL)
    *_, row = ask(page).json["clients"][0]["targets"]
    assert order(page, {**ISOLATE, "scope": row[0]}).status == 200
    assert client.circuit.states[f"https://{host}:443"] == "isolated"


def test_a_circuit_is_reset(client: SyncResilientClient, servers: Servers) -> None:
    """Open as it was."""
    servers.statuses["a.test"] = 500
    servers.call(client)
    page = dashboard(client, actions=["reset"])
    assert state_of(page)[0] == "open"
    assert order(page, {"action": "reset", "scope": TARGET}).status == 200
    assert state_of(page)[0] == "closed"


def test_a_circuit_breaker_is_known_by_its_name() -> None:
    """And without one everything is."""
    named = Client(circuit_breaker=CircuitBreaker(name="shared"))
    plain = Client(verify=False)
    page = dashboard(named, plain, actions=ALL)
    assert order(page, {**ISOLATE, "scope": "shared"}).status == 200
    assert named.circuit.state == "isolated"
    assert order(page, {**ISOLATE, "client": 2}).status == 200
    assert plain.circuit.state == "isolated"
    named.close()
    plain.close()


@pytest.mark.parametrize(
    "scope", ["https://unknown.test", "client2", "<script>", "", "_OTHER", 3, [TARGET], {}]
)
def test_an_unknown_scope_is_not_found(client: SyncResilientClient, scope: Any) -> None:
    """Nobody fills the table by guessing."""
    page = dashboard(client, actions=ALL)
    for action in ALL:
        found = order(page, {**ISOLATE, "action": action, "scope": scope})
        assert (found.status, found.json["error"]) == (
            404,
            "the client has no such circuit or target",
        )


@pytest.mark.parametrize("number", [2, 0, None, "1", [1], 1.5, 1.0, True])
def test_an_unknown_client_is_not_found(client: SyncResilientClient, number: Any) -> None:
    """Nor one of another number."""
    assert order(dashboard(client, actions=ALL), {**ISOLATE, "client": number}).status == 404


def test_a_client_that_is_gone_is_not_found(servers: Servers) -> None:
    """Though it had been there."""
    made = servers.client()
    page = dashboard(made, actions=ALL)
    made.close()
    del made
    gc.collect()
    assert order(page, ISOLATE).status == 404


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ({"reason": ""}, "reason is ''"),
        ({"reason": None}, "reason is a NoneType: give a text"),
        ({"reason": "a\nb"}, "control characters"),
        ({"reason": "r" * 201}, "1 to 200 characters"),
        ({"seconds": 0}, "seconds is 0: give a number above 0"),
        ({"seconds": "5"}, "seconds is '5'"),
        ({"seconds": 10**400}, "seconds is 1000"),
        ({"reason": "\ud800"}, "control characters"),
        ({"scop": "https://a.test"}, "an order has action, client, reason, scope, seconds, and"),
    ],
)
def test_what_is_not_allowed_is_told(
    client: SyncResilientClient, what: dict[str, Any], text: str
) -> None:
    """In the words of `client.circuit`."""
    page = dashboard(client, actions=ALL)
    found = order(page, {**ISOLATE, **what})
    assert found.status == 400
    assert text in found.json["error"]
    assert state_of(page)[0] == "closed"


def test_nothing_can_be_done_unless_it_was_asked_for(client: SyncResilientClient) -> None:
    """The refusal names the argument."""
    for page in (dashboard(client), dashboard(client, actions=["reset"])):
        found = order(page, ISOLATE)
        assert found.status == 403
        assert "dashboard(actions=...)" in found.json["error"]
    assert state_of(page)[0] == "closed"


@pytest.mark.parametrize("action", ["explode", "stats", "__class__", None, ["reset"], {}])
def test_there_are_three_actions(client: SyncResilientClient, action: Any) -> None:
    """Nothing else of a client is called."""
    assert order(dashboard(client, actions=ALL), {"action": action}).status == 403


TWICE = b'{"action": "reset", "client": 1, "scope": "https://a.test", "scope": null}'


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"3", b"\xff", b"[" * 4000, b'{"action": "reset"', TWICE]
)
def test_a_body_that_is_no_order_is_refused(client: SyncResilientClient, body: bytes) -> None:
    """However it is broken."""
    page = dashboard(client, actions=ALL)
    assert order(page, {}, body=body).status == 400


def test_a_huge_body_is_refused(client: SyncResilientClient) -> None:
    """Before all of it is read."""
    page = dashboard(client, actions=ALL)
    assert order(page, {}, body=b" " * (LARGEST_ORDER + 1)).status == 413
    assert order(page, {}, body=b"{}".ljust(LARGEST_ORDER)).status == 403


def test_a_sender_who_goes_has_ordered_nothing(client: SyncResilientClient) -> None:
    """What came of it counts for nothing."""
    page = dashboard(client, actions=ALL)
    found = order(page, ISOLATE, ends_early=True)
    assert (found.status, found.json["error"]) == (400, "the request ended early")
    assert state_of(page)[0] == "closed"
