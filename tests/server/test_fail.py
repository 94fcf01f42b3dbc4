"""Faults, switched on over a real socket and felt by the next call."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from server.app import create_app
from server.controls.failure_server import RemoteServer
from server.testing import FailureServer

HEALTHY = {"count": None, "duration": None, "rate": None, "latency_ms": 0.0}
KEYED = {"X-Request-ID": "a"}


def statuses(caller: httpx.Client, calls: int) -> list[int]:
    """What the next calls are answered with."""
    return [caller.get("/msg").status_code for _ in range(calls)]


def test_the_next_n_calls_fail(caller: httpx.Client) -> None:
    """With 500, unless told otherwise."""
    assert caller.post("/fail/count/2").json()["count"]["remaining"] == 2
    assert statuses(caller, 3) == [500, 500, 200]


def test_calls_fail_for_a_time(serve: Callable[[FastAPI], RemoteServer]) -> None:
    """Until it is over."""
    now = 1000.0
    server = serve(create_app(clock=lambda: now))
    with httpx.Client(base_url=server.url, trust_env=False) as caller:
        setting = caller.post("/fail/duration/30").json()["duration"]
        assert setting["seconds_left"] == 30
        now += 29.75
        assert statuses(caller, 1) == [500]
        now += 0.25
        assert statuses(caller, 1) == [200]


def test_a_share_of_the_calls_fails(caller: httpx.Client) -> None:
    """The same share of the same calls, by one seed."""
    runs: list[list[int]] = []
    for _ in range(2):
        setting = caller.post("/fail/rate/50?seed=7").json()["rate"]
        assert (setting["percent"], setting["seed"]) == (50, 7)
        runs.append(statuses(caller, 20))
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 500}


def test_latency_delays_every_call(caller: httpx.Client, held_back: list[float]) -> None:
    """Failing ones too, and on top of the delay that the call itself asks for."""
    assert caller.post("/fail/latency/30").json()["latency_ms"] == 30
    caller.post("/fail/count/1")
    answers = [caller.get(path).status_code for path in ("/msg", "/msg?delay=20")]
    assert (answers, held_back) == ([500, 200], [0.03, 0.05])


@pytest.mark.parametrize("fault", ["count", "duration", "rate"])
def test_every_answer_tells_which_fault_made_it(caller: httpx.Client, fault: str) -> None:
    """In its body, and in a header for the methods and statuses that have no body."""
    caller.post(f"/fail/{fault}/100?status=503&retry_after=7")
    response = caller.post("/msg", headers=KEYED, content=b"hello")
    answer = response.json()
    assert response.status_code == 503
    assert (answer["fault"], response.headers["x-fault"]) == (fault, fault)
    assert response.headers["retry-after"] == "7"
    assert response.headers["x-request-id"] == answer["request_id"] == "a"
    assert (answer["when"], answer["arrival"], answer["body_bytes"]) == ("before", 1, 5)
    assert "message_id" not in answer


@pytest.mark.parametrize("status", [300, 304, 404, 418, 429, 502, 599])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_any_status_from_300_to_599_can_be_asked_for(
    caller: httpx.Client, method: str, status: int
) -> None:
    """Also one that must not have a body; the connection stays in order."""
    caller.post(f"/fail/count/1?status={status}")
    response = caller.request(method, "/msg")
    assert response.status_code == status
    assert response.headers["x-fault"] == "count"
    assert caller.request(method, "/msg").status_code == 200


@pytest.mark.parametrize(
    "value",
    ["", "0", "-5", "nan", "1e400", "1_000", "٣", "9" * 5_000, "Fri, 31 Dec 9999 23:59:59", "a\tb"],
    ids=lambda value: value[:20] or "empty",
)
def test_a_hostile_retry_after_is_sent_as_it_is(caller: httpx.Client, value: str) -> None:
    """It is the client's to cope with."""
    caller.post("/fail/count/1", params={"retry_after": value}).raise_for_status()
    assert caller.get("/msg").headers["retry-after"] == value


def test_without_retry_after_none_is_sent(caller: httpx.Client) -> None:
    """A header that nobody asked for would change what a client does."""
    caller.post("/fail/count/1")
    assert "retry-after" not in caller.get("/msg").headers


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\0b", "a\vb", " a", "a ", "x" * 8_193])
def test_a_retry_after_that_http_cannot_carry_is_refused(
    caller: httpx.Client, server: FailureServer, value: str
) -> None:
    """Or one without end."""
    response = caller.post("/fail/count/1", params={"retry_after": value})
    assert response.status_code == 422
    assert server.faults() == HEALTHY


@pytest.mark.parametrize(
    ("when", "effects"), [("before", (0, 0, 1)), ("after", (1, 1, 1))], ids=["before", "after"]
)
def test_a_call_fails_in_place_of_its_effect_or_after_it(
    caller: httpx.Client, server: FailureServer, when: str, effects: tuple[int, ...]
) -> None:
    """The answer is the same; only the ledger knows, and deduplication saves the retry."""
    caller.post(f"/fail/count/2?when={when}")
    seen: list[int] = []
    for expected in (500, 500, 200):
        assert caller.post("/msg", headers=KEYED).status_code == expected
        seen.append(server.ledger().requests["a"].took_effect)
    assert tuple(seen) == effects
    assert server.ledger().requests["a"].statuses == (500, 500, 200)


def test_a_careless_server_doubles_what_failed_after_its_effect(
    caller: httpx.Client, server: FailureServer
) -> None:
    """The case that idempotency keys exist for."""
    caller.post("/fail/count/1?when=after")
    for _ in range(2):
        caller.post("/msg?dedupe=false", headers=KEYED)
    assert server.ledger().doubled() == ("a",)


@pytest.mark.parametrize("path", ["/health", "/ledger", "/fail", "/openapi.json"])
def test_nothing_but_msg_is_affected(caller: httpx.Client, path: str) -> None:
    """What a test steers by does not fail with what it steers."""
    caller.post("/fail/rate/100")
    caller.post("/fail/latency/60000")
    assert caller.get(path).status_code == 200
    assert statuses_after_reset(caller) == [200]


def statuses_after_reset(caller: httpx.Client) -> list[int]:
    """What the next call is answered with, once all is well again."""
    assert caller.post("/fail/reset").json() == HEALTHY
    return statuses(caller, 1)


def test_a_refused_call_uses_no_fault_up(caller: httpx.Client) -> None:
    """A count is of calls that were served."""
    caller.post("/fail/count/1")
    assert caller.get("/msg?delay=nan").status_code == 422
    assert caller.get("/msg", headers={"X-Request-ID": "a b"}).status_code == 422
    assert statuses(caller, 2) == [500, 200]


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("count/-1", "greater than or equal to 0"),
        ("count/1000001", "less than or equal to 1000000"),
        ("count/some", "valid integer"),
        ("duration/-0.1", "greater than or equal to 0"),
        ("duration/3601", "less than or equal to 3600"),
        ("duration/nan", "finite number"),
        ("rate/100.1", "less than or equal to 100"),
        ("rate/-1", "greater than or equal to 0"),
        ("rate/inf", "finite number"),
        ("rate/50?seed=x", "valid integer"),
        ("rate/50?seed=9223372036854775808", "less than 9223372036854775808"),
        ("latency/60001", "less than or equal to 60000"),
        ("latency/-1", "greater than or equal to 0"),
        ("latency/nan", "finite number"),
        ("count/1?status=299", "greater than or equal to 300"),
        ("count/1?status=600", "less than or equal to 599"),
        ("count/1?when=never", "'before' or 'after'"),
    ],
)
def test_values_out_of_bounds_are_refused(
    caller: httpx.Client, server: FailureServer, path: str, complaint: str
) -> None:
    """The refusal names the bound, and no fault comes of it."""
    response = caller.post(f"/fail/{path}")
    assert response.status_code == 422
    assert complaint in response.json()["detail"][0]["msg"]
    assert server.faults() == HEALTHY


@pytest.mark.parametrize(
    "path",
    ["count/1000000", "duration/3600", "rate/100", "latency/60000", "rate/0.5?seed=-1"],
)
def test_values_at_the_bounds_are_taken(caller: httpx.Client, path: str) -> None:
    """The answer shows the fault in force."""
    assert caller.post(f"/fail/{path}").json() != HEALTHY


@pytest.mark.parametrize("fault", ["count", "duration", "rate", "latency"])
def test_nought_switches_a_fault_off(caller: httpx.Client, fault: str) -> None:
    """That one, and no other."""
    for name in ("count", "duration", "rate", "latency"):
        caller.post(f"/fail/{name}/50")
    others: dict[str, Any] = caller.post(f"/fail/{fault}/0").json()
    assert [name for name, setting in others.items() if not setting] == [
        "latency_ms" if fault == "latency" else fault
    ]


def test_the_pages_that_load_scripts_from_elsewhere_are_off(caller: httpx.Client) -> None:
    """The schema itself is there."""
    assert [caller.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]
    assert "/fail/count/{n}" in caller.get("/openapi.json").json()["paths"]
