"""`/ledger` and `/health` over a real socket."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from server.app import create_app
from server.controls.failure_server import RemoteServer
from server.testing import FailureServer


def test_the_ledger_is_plain_json(caller: httpx.Client) -> None:
    """For a reader that has no Python."""
    caller.post("/msg", headers={"X-Request-ID": "a"})
    caller.post("/msg", headers={"X-Request-ID": "a"})
    ledger = caller.get("/ledger").json()
    assert ledger["totals"] == {"arrived": 2, "took_effect": 1, "requests": 1, "evicted": 0}
    assert ledger["requests"]["a"]["arrived"] == 2
    assert ledger["requests"]["a"]["took_effect"] == 1


@pytest.mark.parametrize("request_id", ["a", "..", "~", "x" * 128])
def test_one_request_id_can_be_looked_up(caller: httpx.Client, request_id: str) -> None:
    """It is the entry that the whole ledger has."""
    caller.get("/msg", headers={"X-Request-ID": request_id})
    entry = caller.get(f"/ledger/{request_id.replace('.', '%2E')}").json()
    assert entry == caller.get("/ledger").json()["requests"][request_id]


def test_an_unknown_request_id_is_not_found(caller: httpx.Client) -> None:
    """The answer repeats which one it was."""
    response = caller.get("/ledger/nobody")
    assert response.status_code == 404
    assert "'nobody'" in response.json()["detail"]


def test_a_path_id_is_bounded(caller: httpx.Client) -> None:
    """No id can be longer than one that is allowed."""
    assert caller.get(f"/ledger/{'x' * 129}").status_code == 422


def test_the_ledger_can_be_emptied(caller: httpx.Client) -> None:
    """It answers with the empty ledger, and ids can be used again."""
    first = caller.get("/msg", headers={"X-Request-ID": "a"}).json()
    totals = {"arrived": 0, "took_effect": 0, "requests": 0, "evicted": 0}
    assert caller.delete("/ledger").json() == {"requests": {}, "totals": totals}
    second = caller.get("/msg", headers={"X-Request-ID": "a"}).json()
    assert second["arrival"] == 1
    assert second["message_id"] != first["message_id"]


def test_health_tells_version_and_uptime(serve: Callable[[FastAPI], RemoteServer]) -> None:
    """On the server's own clock."""
    ticks = iter([100.0, 103.5])
    health = serve(create_app(clock=lambda: next(ticks))).health()
    assert (health["status"], health["uptime_seconds"]) == ("ok", 3.5)
    assert health["version"]


def test_two_apps_share_nothing(
    serve: Callable[[FastAPI], RemoteServer], server: FailureServer
) -> None:
    """Each has stores of its own."""
    other = serve(create_app())
    other.fail_count(1)
    httpx.get(f"{other.url}/msg", trust_env=False)
    assert server.ledger().arrived == 0
    assert server.faults()["count"] is None
