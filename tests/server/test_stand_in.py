"""The failure server in front of a user's own app."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from server.main import main
from server.testing import BadAppError, FailureServer, FailureServerError, WireProxy
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.server import orders_app
from tests.server.conftest import open_call
from tests.server.orders_app import make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

IMPORTED = "tests.server.orders_app:app"


in_a_process_too = pytest.mark.parametrize(
    "server", [False, True], ids=["thread", "process"], indirect=True
)
"""The app comes there by its name; once it is there, nothing else differs."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[FailureServer]:
    """In front of the app, in this process or in one of its own."""
    apart = getattr(request, "param", False)
    with FailureServer(app=IMPORTED if apart else make_app(), subprocess=apart) as server:
        yield server


@pytest.fixture
def api(server: FailureServer) -> Iterator[httpx.Client]:
    """A plain client of the app."""
    options: dict[str, Any] = {"trust_env": False, "timeout": PATIENCE_SECONDS}
    with httpx.Client(base_url=server.url, **options) as client:
        yield client


def order(api: httpx.Client, body: str, request_id: str = "a") -> int:
    """Send an order, and return the status."""
    return api.post("/orders", content=body, headers={"X-Request-ID": request_id}).status_code


def orders(api: httpx.Client) -> list[str]:
    """What the app has been told to do."""
    return list(api.get("/orders").json()["orders"])


@in_a_process_too
def test_the_app_answers_its_own_paths(api: httpx.Client, server: FailureServer) -> None:
    """Untouched; the ledger counts what arrived, what took effect, and what was sent."""
    answer = api.post("/orders", content=b"tea", headers={"X-Request-ID": "a"})
    assert (answer.status_code, answer.text, answer.headers["x-mine"]) == (201, "taken", "yes")
    assert "x-request-id" not in answer.headers
    assert order(api, "bad", "b") == 400
    assert api.get("/nowhere").status_code == 404
    assert api.get("/msg").json() == {"life": "begun", "orders": ["tea"]}
    entry = server.ledger().requests["a"]
    assert (entry.arrived, entry.took_effect, entry.statuses) == (1, 1, (201,))
    assert entry.bodies == (hashlib.sha256(b"tea").hexdigest(),)
    assert server.ledger().lost(["a", "b"]) == ("b",)


def test_a_fault_comes_before_the_effect_or_after_it(
    api: httpx.Client, server: FailureServer
) -> None:
    """In the latter case the app has done it, and does it again."""
    server.fail_count(1, status=503, retry_after=7)
    failed = api.post("/orders", content=b"tea", headers={"X-Request-ID": "a"})
    assert (failed.status_code, failed.headers["retry-after"]) == (503, "7")
    assert failed.headers["x-request-id"] == "a"
    assert failed.json()["body_sha256"] == hashlib.sha256(b"tea").hexdigest()
    assert orders(api) == []
    server.fail_count(1, when="after")
    assert [order(api, "tea"), order(api, "tea")] == [500, 201]
    assert orders(api) == ["tea", "tea"]
    entry = server.ledger().requests["a"]
    assert (entry.arrived, entry.took_effect, entry.statuses) == (3, 2, (503, 500, 201))
    assert server.ledger().doubled() == ("a",)


def test_reading_twice_doubles_nothing(api: httpx.Client, server: FailureServer) -> None:
    """A safe method changes nothing."""
    for _ in range(2):
        api.get("/orders", headers={"X-Request-ID": "a"})
    assert server.ledger().requests["a"].took_effect == 1


def test_duration_and_rate_and_latency_apply(
    api: httpx.Client, server: FailureServer, held_back: list[float]
) -> None:
    """As they do to `/msg`."""
    server.fail_duration(60, status=502)
    assert order(api, "tea") == 502
    server.reset()
    server.fail_rate(100, status=429)
    assert order(api, "tea") == 429
    server.reset()
    server.latency(1)
    assert order(api, "tea") == 201
    assert held_back == [0.001]
    assert api.get("/health").json()["status"] == "ok"


def test_the_controls_win(api: httpx.Client, server: FailureServer) -> None:
    """Over a path of the app's with the same name."""
    assert server.health()["status"] == "ok"
    assert api.get("/fail").json() == server.faults()
    assert api.get("/ledgers").status_code == 404
    assert "/ledgers" not in server.ledger().requests


def test_a_stream_and_a_bug_pass(api: httpx.Client, server: FailureServer) -> None:
    """A bug of the app is a 500, counted as one."""
    assert api.get("/stream").content == b"onetwo"
    bug = api.get("/boom", headers={"X-Request-ID": "a"})
    assert (bug.status_code, server.ledger().requests["a"].statuses) == (500, (500,))
    server.fail_count(1, when="after", status=503)
    assert api.get("/boom").status_code == 500


def test_a_caller_who_leaves_is_counted(server: FailureServer, api: httpx.Client) -> None:
    """The app hears of it."""
    with open_call(f"{server.url}/hang"):
        eventually(lambda: server.ledger().arrived == 1)
    eventually(lambda: server.ledger().requests["a"].abandoned == 1)
    assert orders(api) == ["left"]


def test_an_id_that_cannot_be_kept_is_refused(api: httpx.Client, server: FailureServer) -> None:
    """Rather than to prove what nobody has seen."""
    assert order(api, "tea", "a b") == 422
    assert orders(api) == []
    assert server.ledger().arrived == 1


def test_a_route_comes_before_the_app(api: httpx.Client, server: FailureServer) -> None:
    """Until it is cleared."""
    server.route("/orders", method="POST", status=402)
    assert order(api, "tea") == 402
    assert orders(api) == []
    server.clear()
    assert order(api, "tea") == 201


def test_latency_holds_back_what_the_app_has_done() -> None:
    """The caller may leave meanwhile, and then nobody is answered."""
    with FailureServer(app=make_app()) as server:
        server.latency(60_000)
        with open_call(f"{server.url}/orders"):
            eventually(lambda: server.ledger().took_effect == 1)
        eventually(lambda: server.ledger().requests["a"].abandoned == 1)
        assert server.ledger().requests["a"].statuses == ()


def test_the_lifespan_of_the_app_runs_with_the_server() -> None:
    """Once for each start."""
    app = make_app()
    server = FailureServer(app=app)
    for _ in range(2):
        with server:
            assert app.state.life == "begun"
        assert app.state.life == "over"


def test_an_app_that_does_not_start_is_an_error() -> None:
    """Which says so; so does its process."""
    server = FailureServer(app=make_app(fails_to_start=True))
    with pytest.raises(FailureServerError, match=r"did not start: its lifespan failed"):
        server.start()
    assert not server.running


def test_an_app_without_a_lifespan_is_fine() -> None:
    """Plain ASGI."""

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        assert "app" not in scope
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"plain"})

    with FailureServer(app=plain) as server, WireProxy(server.url) as proxy:
        assert httpx.get(f"{proxy.url}/any", trust_env=False).text == "plain"


@in_a_process_too
def test_a_websocket_passes(server: FailureServer) -> None:
    """With no fault, and not counted."""
    client = pytest.importorskip("websockets.sync.client")
    server.fail_count(1)
    with client.connect(f"{server.url.replace('http', 'ws')}/shout", proxy=None) as socket:
        socket.send("tea")
        assert socket.recv() == "TEA"
    assert server.ledger().arrived == 0


@pytest.mark.parametrize(
    ("app", "complaint"),
    [
        ("orders", "give an ASGI application, or where to import one as 'module:attribute'"),
        ("a b:app", "such as 'shop.main:app'"),
        (":app", "such as 'shop.main:app'"),
        (orders_app, "which cannot be called"),
    ],
)
def test_what_is_no_app_is_refused(app: Any, complaint: str) -> None:
    """At once."""
    with pytest.raises(BadAppError, match=complaint):
        FailureServer(app=app)


def test_another_process_needs_to_import_it() -> None:
    """It cannot be handed over."""
    with pytest.raises(BadAppError, match="with subprocess=True give where to import it"):
        FailureServer(app=make_app(), subprocess=True)


@pytest.mark.parametrize(
    ("app", "complaint"),
    [
        ("tests.server.nowhere:app", r"there is no module 'tests\.server\.nowhere'"),
        ("tests.server.orders_app:nothing", "has no attribute 'nothing'"),
        ("tests.server.orders_app:not_an_app", "which is 3 and cannot be called"),
    ],
)
def test_what_cannot_be_imported_is_an_error(
    app: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In code and on the command line."""
    with pytest.raises(BadAppError, match=complaint):
        FailureServer(app=app).start()
    with pytest.raises(FailureServerError, match=complaint):
        FailureServer(app=app, subprocess=True).start()
    assert main(["serve", "--port", "0", "--app", app]) == 2
    assert "error: app is " in capsys.readouterr().err


def test_what_the_module_itself_lacks_is_its_own_error(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not mistaken for a wrong name."""
    (tmp_path / "shop_without_till.py").write_text("import till_that_is_missing\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="till_that_is_missing"):
        FailureServer(app="shop_without_till:app").start()
