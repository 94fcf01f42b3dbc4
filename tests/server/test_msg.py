"""`/msg` over a real socket, with no fault in force."""

import hashlib
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from fastapi import FastAPI

from server.app import create_app
from server.controls.failure_server import RemoteServer
from server.limits import Limits
from server.testing import FailureServer

BODIED = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def keyed(request_id: str) -> dict[str, str]:
    """The header that says which call this is."""
    return {"X-Request-ID": request_id}


@pytest.mark.parametrize("method", BODIED)
def test_every_method_is_answered_with_what_arrived(caller: httpx.Client, method: str) -> None:
    """The answer lets a client check that its request came through whole."""
    response = caller.request(method, "/msg", headers=keyed("a"), content=b"hello")
    answer = response.json()
    assert response.status_code == 200
    assert response.headers["x-request-id"] == "a"
    assert str(uuid.UUID(answer.pop("message_id")))
    assert answer == {
        "request_id": "a",
        "method": method,
        "arrival": 1,
        "body_bytes": 5,
        "body_sha256": hashlib.sha256(b"hello").hexdigest(),
    }


def test_head_is_answered_without_a_body(caller: httpx.Client, server: FailureServer) -> None:
    """And is a call like any other."""
    response = caller.head("/msg", headers=keyed("a"))
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["x-request-id"] == "a"
    assert server.ledger().requests["a"].methods == ("HEAD",)


def test_the_same_request_id_gets_the_same_message(
    caller: httpx.Client, server: FailureServer
) -> None:
    """Its later arrivals are counted, and have no effect."""
    answers = [caller.post("/msg", headers=keyed("a")).json() for _ in range(3)]
    assert len({answer["message_id"] for answer in answers}) == 1
    assert [answer["arrival"] for answer in answers] == [1, 2, 3]
    entry = server.ledger().requests["a"]
    assert (entry.arrived, entry.took_effect, entry.statuses) == (3, 1, (200, 200, 200))
    assert entry.message_id == answers[0]["message_id"]


def test_other_request_ids_get_other_messages(caller: httpx.Client) -> None:
    """Each its own."""
    messages = {caller.get("/msg", headers=keyed(name)).json()["message_id"] for name in "abc"}
    assert len(messages) == 3


def test_a_call_without_an_id_is_given_one(caller: httpx.Client, server: FailureServer) -> None:
    """A new one each time, which the answer tells."""
    responses = [caller.get("/msg") for _ in range(2)]
    made = [response.headers["x-request-id"] for response in responses]
    assert [response.json()["request_id"] for response in responses] == made
    assert len({uuid.UUID(request_id) for request_id in made}) == 2
    assert set(server.ledger().requests) == set(made)


@pytest.mark.parametrize("key", ["key-1", '"key-1"'], ids=["bare", "quoted"])
def test_an_idempotency_key_will_do(caller: httpx.Client, key: str) -> None:
    """In quotes, as the IETF draft writes it, or without."""
    response = caller.post("/msg", headers={"Idempotency-Key": key})
    assert response.headers["x-request-id"] == "key-1"


def test_the_request_id_counts_before_the_idempotency_key(caller: httpx.Client) -> None:
    """Whatever the key looks like."""
    response = caller.post("/msg", headers=keyed("a") | {"Idempotency-Key": "b d"})
    assert response.json()["request_id"] == "a"


@pytest.mark.parametrize("request_id", ["a", "~._-Z9", "x" * 128])
def test_ids_within_the_rules_are_taken(caller: httpx.Client, request_id: str) -> None:
    """1 to 128 characters of the alphabet."""
    assert caller.get("/msg", headers=keyed(request_id)).json()["request_id"] == request_id


@pytest.mark.parametrize("header", ["X-Request-ID", "Idempotency-Key"])
@pytest.mark.parametrize(
    "request_id",
    ["", "a b", "a/b", "x" * 129, "é".encode(), '"'],
    ids=["empty", "blank", "slash", "long", "not ASCII", "lone quote"],
)
def test_ids_outside_the_rules_are_refused(
    caller: httpx.Client, server: FailureServer, header: str, request_id: str | bytes
) -> None:
    """The refusal says what was given and what is allowed, and leaves no trace."""
    value = request_id.encode() if isinstance(request_id, str) else request_id
    response = caller.get("/msg", headers=[(header.encode(), value)])
    assert response.status_code == 422
    assert response.json()["detail"].startswith(f"{header} is ")
    assert "1 to 128 of A-Z a-z 0-9 . _ ~ -" in response.json()["detail"]
    assert not server.ledger().requests


def test_deduplication_can_be_left_out(caller: httpx.Client, server: FailureServer) -> None:
    """Then a call that is sent twice shows as doubled."""
    url = "/msg?dedupe=false"
    messages = {caller.post(url, headers=keyed("a")).json()["message_id"] for _ in range(2)}
    assert len(messages) == 2
    assert server.ledger().doubled() == ("a",)


def test_identical_bodies_leave_one_digest(caller: httpx.Client, server: FailureServer) -> None:
    """A retry that sent something else, or nothing, leaves another."""
    for content in (b"x", b"x", b""):
        caller.post("/msg", headers=keyed("a"), content=content)
    digests = tuple(hashlib.sha256(content).hexdigest() for content in (b"x", b""))
    assert server.ledger().requests["a"].bodies == digests


def test_a_delayed_answer_comes_late(caller: httpx.Client, held_back: list[float]) -> None:
    """By as much as was asked for."""
    assert caller.get("/msg?delay=50").status_code == 200
    assert held_back == [0.05]


@pytest.mark.parametrize("delay", ["-1", "60001", "nan", "inf", "1e400", "soon", ""])
def test_a_delay_out_of_bounds_is_refused(
    caller: httpx.Client, server: FailureServer, delay: str
) -> None:
    """The refusal names the parameter, and nothing has happened."""
    response = caller.post("/msg", params={"delay": delay}, headers=keyed("a"))
    [complaint] = response.json()["detail"]
    assert response.status_code == 422
    assert complaint["loc"] == ["query", "delay"]
    assert complaint["input"] == delay
    assert not server.ledger().requests


@pytest.mark.parametrize(("delay", "bound"), [("-1", "0"), ("60001", "60000")])
def test_a_delay_out_of_bounds_is_told_the_bound(
    caller: httpx.Client, delay: str, bound: str
) -> None:
    """So that the next one is within it."""
    [complaint] = caller.get("/msg", params={"delay": delay}).json()["detail"]
    assert complaint["msg"].endswith(f"equal to {bound}")


def test_calls_at_the_same_time_take_effect_once(
    caller: httpx.Client, server: FailureServer
) -> None:
    """As one call, where they share an id."""

    def call(n: int) -> str:
        answer = caller.post("/msg?delay=1", headers=keyed(f"shared-{n % 2}"), content=b"x")
        return str(answer.json()["message_id"])

    with ThreadPoolExecutor(10) as threads:
        messages = set(threads.map(call, range(100)))
    ledger = server.ledger()
    assert len(messages) == 2
    assert ledger.lost(["shared-0", "shared-1"]) == ledger.doubled() == ()
    assert (ledger.arrived, ledger.took_effect) == (100, 2)


def test_an_evicted_id_is_a_new_call(serve: Callable[[FastAPI], RemoteServer]) -> None:
    """The store is bounded, and the ledger says that it has forgotten."""
    server = serve(create_app(limits=Limits(request_ids=2)))
    for name in "abca":
        httpx.get(f"{server.url}/msg", headers=keyed(name), trust_env=False)
    ledger = server.ledger()
    assert list(ledger.requests) == ["c", "a"]
    assert (ledger.arrived, ledger.took_effect, ledger.evicted) == (4, 4, 2)
