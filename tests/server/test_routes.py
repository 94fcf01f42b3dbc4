"""Paths with answers of the test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from server.testing import FailureServer, FailureServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.controls.failure_server import Answer


@pytest.fixture(scope="module", params=[False, True], ids=["thread", "process"])
def started(request: pytest.FixtureRequest) -> Iterator[FailureServer]:
    """One of each kind."""
    with FailureServer(subprocess=request.param) as server:
        yield server


@pytest.fixture
def server(started: FailureServer) -> FailureServer:
    """The same, as new."""
    started.clear()
    return started


@pytest.fixture
def api(server: FailureServer) -> Iterator[httpx.Client]:
    """A plain client of it."""
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (200, None, b"")),
        ({"json": {"id": 1}}, (200, "application/json", b'{"id": 1}')),
        ({"json": None}, (200, "application/json", b"null")),
        ({"text": "Grüße", "status": 404}, (404, "text/plain; charset=utf-8", "Grüße".encode())),
        ({"content": b"\0\xff"}, (200, "application/octet-stream", b"\0\xff")),
        ({"text": "<a/>", "headers": {"Content-Type": "text/xml"}}, (200, "text/xml", b"<a/>")),
        ({"status": 204}, (204, None, b"")),
    ],
)
def test_a_path_is_answered(
    server: FailureServer,
    api: httpx.Client,
    options: Any,
    expected: tuple[int, str | None, bytes],
) -> None:
    """By every method, with a body in each of its forms."""
    server.route("/v1/orders", **options)
    for method in ("GET", "POST", "DELETE"):
        answer = api.request(method, "/v1/orders")
        shown = answer.status_code, answer.headers.get("content-type"), answer.content
        assert shown == expected
    assert api.get("/v1/orders/1").status_code == 404


def test_headers_are_sent(server: FailureServer, api: httpx.Client) -> None:
    """As they are given."""
    server.route("/a", headers={"X-Mine": "ja", "Retry-After": "3"}, status=503)
    answer = api.get("/a")
    assert (answer.headers["x-mine"], answer.headers["retry-after"]) == ("ja", "3")


def test_faults_apply_and_the_ledger_counts(server: FailureServer, api: httpx.Client) -> None:
    """As with `/msg`: a repeated id has its effect once, unless the server is careless."""
    server.route("/a", json=1)
    server.route("/careless", json=1, dedupe=False)
    for path, request_id in (("/a", "x"), ("/careless", "y")):
        server.fail_count(1, when="after", status=503)
        calls = [api.post(path, headers={"X-Request-ID": request_id}) for _ in range(2)]
        assert [call.status_code for call in calls] == [503, 200]
        assert calls[1].headers["x-request-id"] == request_id
    ledger = server.ledger()
    assert [ledger.requests[key].arrived for key in "xy"] == [2, 2]
    assert [ledger.requests[key].took_effect for key in "xy"] == [1, 2]
    server.fail_count(1)
    assert api.get("/health").status_code == 200
    assert api.get("/a").status_code == 500


def test_answers_come_in_order_and_the_last_stays(server: FailureServer, api: httpx.Client) -> None:
    """A fault in place of a call takes none of them; a failure among them is no effect."""
    answers: list[Answer] = [{"status": 503}, {"json": 1}, {"text": "end"}]
    server.route("/a", answers=answers)
    server.fail_count(1, status=500)
    calls = [api.post("/a", headers={"X-Request-ID": str(n)}) for n in range(5)]
    assert [call.status_code for call in calls] == [500, 503, 200, 200, 200]
    assert [call.text for call in calls[2:]] == ["1", "end", "end"]
    assert server.ledger().lost("01234") == ("0", "1")


def test_a_delay_of_an_answer_is_its_own(
    api: httpx.Client, server: FailureServer, held_back: list[float], request: Any
) -> None:
    """Beside the latency of all."""
    server.route("/a", answers=[{"delay_ms": 2}, {}])
    for _ in range(2):
        assert api.get("/a").status_code == 200
    apart = "process" in request.node.name
    assert held_back == ([] if apart else [0.002])


def test_a_segment_may_be_any(server: FailureServer, api: httpx.Client) -> None:
    """One, and not none."""
    server.route("/orders/{id}/items.{kind}", json=1)
    for path, status in {
        "/orders/17/items.json": 200,
        "/orders/%C3%A9/items.a": 200,
        "/orders/1/2/items.json": 404,
        "/orders//items.json": 404,
        "/orders/17/itemsxjson": 404,
    }.items():
        assert api.get(path).status_code == status, path


def test_methods_and_routes_set_later_win(server: FailureServer, api: httpx.Client) -> None:
    """The same path and methods replace, others stand beside."""
    server.route("/a", text="first")
    server.route("/a", text="second")
    server.route("/a", method="POST", text="post")
    server.route("/b", method=["PUT", "POST"])
    assert [api.get("/a").text, api.post("/a").text] == ["second", "post"]
    refused = api.get("/b")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST, PUT")
    shown = api.get("/fail/routes").json()["routes"]
    assert [(route["path"], route["answered"]) for route in shown] == [
        *(("/a", 1), ("/a", 1)),
        ("/b", 0),
    ]


def test_a_route_may_take_the_place_of_msg(server: FailureServer, api: httpx.Client) -> None:
    """Until all are forgotten; a reset of the faults keeps them."""
    server.route("/msg", text="mine")
    server.reset()
    assert api.get("/msg").text == "mine"
    server.clear()
    assert "message_id" in api.get("/msg").json()


@pytest.mark.parametrize(
    ("path", "options", "complaint"),
    [
        ("a", {}, "path is .*begins with /"),
        ("/a?b=1", {}, "has no query"),
        ("/a/{}", {}, "has no query"),
        ("/fail", {}, "the server's own"),
        ("/health", {}, "the server's own"),
        ("/ledger/x", {}, "the server's own"),
        ("/a", {"status": 101}, "status is .*greater than or equal to 200"),
        ("/a", {"status": 600}, "status is .*less than or equal to 599"),
        ("/a", {"status": "200"}, "status is .*valid integer"),
        ("/a", {"status": 204, "text": "x"}, "status 204 has no body"),
        ("/a", {"json": 1, "text": "x"}, "one of json, text and content"),
        ("/a", {"headers": {"a b": "c"}}, "HTTP cannot carry the header 'a b'"),
        ("/a", {"headers": {"a": "c\r\nd"}}, "HTTP cannot carry the header 'a'"),
        ("/a", {"headers": {"Content-Length": "3"}}, "is the server's to set"),
        ("/a", {"headers": {"a": "\ud800"}}, "HTTP cannot carry the header 'a'"),
        ("/a", {"text": "\ud800"}, "half of a surrogate pair is no text"),
        ("/a", {"delay_ms": 60_001}, "delay_ms is .*less than or equal to 60000"),
        ("/a", {"delay_ms": -1}, "delay_ms is .*greater than or equal to 0"),
        ("/a", {"method": "FETCH"}, "give some of GET, POST"),
        ("/a", {"method": []}, "methods is"),
        ("/a", {"answers": []}, "answers is"),
        ("/a", {"answers": [{"statuss": 1}]}, "statuss is .*not permitted"),
        ("/a", {"text": "x" * 3_000_000}, "route is "),
    ],
)
def test_what_is_not_allowed_is_refused(
    server: FailureServer, path: str, options: Any, complaint: str
) -> None:
    """With the field, the value, and what is allowed."""
    with pytest.raises(ValueError, match=complaint):
        server.route(path, **options)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"json": object()}, "json cannot be sent"),
        ({"json": float("nan")}, "json cannot be sent"),
        ({"content": "text"}, "content is 'text'; give bytes"),
        ({"answers": [{}], "status": 201}, "answers stand alone; put status"),
        ({"answers": [{}], "text": ""}, "answers stand alone; put .*text"),
    ],
)
def test_what_cannot_be_sent_is_refused(
    server: FailureServer, options: Any, complaint: str
) -> None:
    """Before it is."""
    with pytest.raises(TypeError, match=complaint):
        server.route("/a", **options)


def test_routes_are_bounded(server: FailureServer) -> None:
    """One that is replaced needs no room."""
    for n in range(100):
        server.route(f"/{n}")
    server.route("/7", status=201)
    with pytest.raises(FailureServerError, match="there are 100 routes, the most allowed"):
        server.route("/100")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 100_000])
def test_over_http_a_route_is_json(api: httpx.Client, content: bytes) -> None:
    """An object, and not sent as a form would be."""
    headers = {"Content-Type": "application/json"}
    assert api.post("/fail/routes", content=content, headers=headers).status_code == 422
    plain = {"Content-Type": "text/plain"}
    assert api.post("/fail/routes", content=content, headers=plain).status_code == 415
