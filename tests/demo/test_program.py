"""The whole demo inside this process: against servers that are honest, careless or none at all."""

import io
import json
import re
import sys

import httpx
import pytest
from fastapi import FastAPI

from client.program.demo import program
from client.program.demo.chapters import CHAPTERS
from client.program.demo.errors import CannotRunError
from client.program.demo.failure_server import open_server
from client.program.demo.live import LiveView
from client.program.demo.pace import FAST, LIVE, SLOTS, THRESHOLD, Pace, configure
from client.program.demo.plain import PlainView
from client.program.demo.program import run_demo
from client.program.demo.report import Report
from client.program.terminal import can_draw
from server.app import create_app
from server.controls.failure_server import RemoteServer
from server.stores.ledger_store import Arrival, LedgerStore
from server.testing import FailureServer
from tests.demo.conftest import Serve
from tests.demo.scenes import BAD, GOOD, report

INSTALL = "run: pip install 'resilient-http-client[demo]'"


class Terminal(io.StringIO):
    """What a program writes to when a person sits in front of it."""

    encoding = "UTF-8"

    def isatty(self) -> bool:
        """It is one."""
        return True


@pytest.fixture(autouse=True)
def _capable_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)


class Stubbed:
    """A demo whose story is not played; only its report is made up."""

    def __init__(self, server: FailureServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = server.url
        self._monkeypatch = monkeypatch

    def __call__(self, made_up: Report) -> list[tuple[str, type, Pace]]:
        """Make up a report; returns what the story would have been played with."""
        told: list[tuple[str, type, Pace]] = []

        async def tell(
            server: RemoteServer, view: object, pace: Pace, _page: object = None
        ) -> Report:
            told.append((server.url, type(view), pace))
            return made_up

        self._monkeypatch.setattr(program, "tell", tell)
        return told


@pytest.fixture
def stubbed(failure_server: FailureServer, monkeypatch: pytest.MonkeyPatch) -> Stubbed:
    """Leave out the story."""
    return Stubbed(failure_server, monkeypatch)


def test_a_live_run_against_a_server_that_others_use_too(failure_server: FailureServer) -> None:
    """Foreign traffic neither spoils the proof nor is it forgotten; the faults end with the run."""
    for _ in range(2):
        foreign = {"X-Request-ID": "foreign"}
        httpx.get(f"{failure_server.url}/msg?dedupe=false", headers=foreign, trust_env=False)
    failure_server.fail_count(1_000)
    out = Terminal()
    assert run_demo(out, url=failure_server.url, fast=True) == 0
    shown = out.getvalue()
    assert f"against the failure server at {failure_server.url}" in shown
    count = len(CHAPTERS)
    assert all(f" {number}/{count} " in shown for number in range(1, 1 + count))
    assert "● half-opened" in shown
    assert f"All {shown.count('✓')} checks hold." in shown
    assert "✗" not in shown
    assert failure_server.faults() == {
        "count": None,
        "duration": None,
        "rate": None,
        "latency_ms": 0,
    }
    assert failure_server.ledger().doubled() == ("foreign",)


def test_the_live_page_shows_the_story_while_it_is_told(
    failure_server: FailureServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And until somebody has seen enough, where there is somebody."""
    out, seen = io.StringIO(), list[str]()

    def state() -> str:
        address = re.search(r"the live page: (\S+)", out.getvalue())
        assert address is not None
        return httpx.get(f"{address[1]}state.json", trust_env=False).text

    class Person:
        """Reads, and presses Enter."""

        def isatty(self) -> bool:
            """One is there."""
            return True

        def readline(self) -> str:
            """Have seen enough."""
            seen.append(state())
            return "\n"

    monkeypatch.setattr(sys, "stdin", Person())
    assert run_demo(out, url=failure_server.url, fast=True, dashboard=True) == 0
    [client] = json.loads(seen[0])["clients"]
    assert (client["closed"], client["targets"][0][0]) == (True, failure_server.url)
    assert {"open", "half-open", "closed"} <= {row[2] for row in client["transitions"]}
    assert "Press Enter to end the page." in out.getvalue()
    with pytest.raises(httpx.ConnectError):
        state()


def test_without_a_person_nobody_is_waited_for(
    failure_server: FailureServer, stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a pipe."""
    stubbed(report(GOOD))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    out = io.StringIO()
    assert run_demo(out, url=failure_server.url, fast=True, dashboard=True) == 0
    assert "Press Enter" not in out.getvalue()


def test_a_person_ends_the_page(
    failure_server: FailureServer, stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Enter, on a terminal."""
    stubbed(report(GOOD))
    person = io.StringIO("\nmore")
    monkeypatch.setattr(person, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", person)
    out = io.StringIO()
    assert run_demo(out, url=failure_server.url, fast=True, dashboard=True) == 0
    assert "Press Enter to end the page." in out.getvalue()
    assert person.read() == "more"


def test_a_server_of_the_demo_s_own_runs_as_long_as_the_story() -> None:
    """In a process of its own, whose port is free afterwards."""
    with open_server(None) as server:
        url = f"{server.url}/msg"
        assert httpx.get(url, trust_env=False).status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


class CarelessStore(LedgerStore):
    """Forgets what its first caller did, and does again what it is asked again."""

    def perform(self, arrival: Arrival, **_: bool) -> str:
        """Let a call take effect, unless it is the first of all."""
        if arrival.request_id.endswith("-1"):
            return "lost"
        return super().perform(arrival, dedupe=False)


def test_a_server_that_loses_and_doubles_is_found_out(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However convincing its answers are."""
    monkeypatch.setattr("server.app.LedgerStore", CarelessStore)
    out = io.StringIO()
    assert run_demo(out, url=serve(create_app())) == 1
    shown = out.getvalue()
    verdict, *failed = shown.split("The server's ledger:")[1].splitlines()[7:]
    assert verdict == f"3 of {shown.count('PASS') + shown.count('FAIL ')} checks FAILED:"
    assert failed[0] == "    write: effects: 2; expected 1"
    lost, doubled = failed[1:]
    # How many succeed depends on how fast this machine serves the overload.
    assert re.fullmatch(
        r"    proof: nothing lost: successful operations without an effect: "
        r"demo-[0-9a-f]{8}-1 \(of \d+\); expected none",
        lost,
    )
    assert re.fullmatch(
        r"    proof: nothing doubled: operations with more than one effect: "
        r"demo-[0-9a-f]{8}-32, demo-[0-9a-f]{8}-159 \(of \d+\); expected none",
        doubled,
    )


def test_a_server_that_dies_half_way_ends_the_demo(failure_server: FailureServer) -> None:
    """With what happened; a run that is not over has no verdict."""

    class Assassin(io.StringIO):
        def write(self, text: str) -> int:
            if f"3/{len(CHAPTERS)}" in text:
                failure_server.stop()
            return super().write(text)

    out = Assassin()
    with pytest.raises(CannotRunError, match="no answer to POST /fail/reset") as raised:
        run_demo(out, url=failure_server.url)
    assert raised.value.status == 1
    assert "checks" not in out.getvalue()


# Which view, and at which pace.


@pytest.mark.parametrize(
    ("out", "options", "view", "pace"),
    [
        (Terminal, {}, LiveView, LIVE),
        (Terminal, {"fast": True}, LiveView, FAST),
        (Terminal, {"plain": True}, PlainView, FAST),
        (io.StringIO, {}, PlainView, FAST),
    ],
    ids=["terminal", "fast", "plain", "no-terminal"],
)
def test_only_a_live_run_is_slowed_down_for_the_eye(
    out: type[io.StringIO], options: dict[str, bool], view: type, pace: Pace, stubbed: Stubbed
) -> None:
    """Nobody waits in front of a pipe."""
    told = stubbed(report(GOOD))
    shown = out()
    assert run_demo(shown, url=stubbed.url, **options) == 0
    assert told == [(stubbed.url, view, pace)]
    assert ("\x1b[" in shown.getvalue()) is (view is LiveView)


def test_one_failed_check_is_enough(stubbed: Stubbed) -> None:
    """For the exit status to be 1."""
    stubbed(report(GOOD, BAD))
    assert run_demo(io.StringIO(), url=stubbed.url) == 1


@pytest.mark.parametrize(
    ("term", "encoding", "drawable"),
    [
        ("xterm-256color", "UTF-8", True),
        ("xterm-256color", "utf8", True),
        ("xterm-256color", "ascii", False),
        ("dumb", "UTF-8", False),
        ("unknown", "UTF-8", False),
        (None, "UTF-8", True),
    ],
)
def test_a_terminal_must_be_able_to_show_the_picture(
    term: str | None, encoding: str, *, drawable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Move its cursor, and know the characters."""
    monkeypatch.delenv("TERM")
    if term is not None:
        monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(Terminal, "encoding", encoding)
    assert can_draw(Terminal()) is drawable


@pytest.mark.parametrize("pace", [FAST, LIVE], ids=["fast", "live"])
def test_the_times_fit_the_story(pace: Pace) -> None:
    """A second round of slow answers is served, a third is not; the break outlasts the calls."""
    assert pace.slow_answer < pace.patience < 2 * pace.slow_answer
    assert pace.recovery > 3 * pace.between
    assert 0 < pace.shortest_wait < pace.longest_wait
    config = configure("http://server.example", pace)
    assert config.retry
    assert config.circuit_breaker
    assert config.bulkhead
    assert (config.base_url, config.trust_env) == ("http://server.example", False)
    assert config.timeout.total is not None
    assert config.timeout.total > 3 * pace.slow_answer
    assert (config.retry.min_wait_seconds, config.retry.max_wait_seconds) == (
        pace.shortest_wait,
        pace.longest_wait,
    )
    assert config.retry.multiplier >= pace.shortest_wait
    assert config.circuit_breaker.failure_threshold == THRESHOLD
    assert config.circuit_breaker.recovery_timeout == pace.recovery
    assert config.bulkhead.max_concurrency == SLOTS
    assert config.bulkhead.acquisition_timeout == pace.patience
    assert config.logging.level == "CRITICAL"


# Servers that will not do.


def refusal(url: str | None = None, out: io.StringIO | None = None) -> CannotRunError:
    """Why the demo does not run; it has shown nothing yet."""
    out = out or io.StringIO()
    with pytest.raises(CannotRunError) as raised:
        run_demo(out, url=url)
    assert out.getvalue() == ""
    return raised.value


@pytest.mark.parametrize("url", ["", "localhost", "https://server.example", "http://h:99999"])
def test_a_url_that_is_none_is_a_misuse(url: str) -> None:
    """It is refused before anything is sent."""
    error = refusal(url)
    assert str(error).startswith("--url: ")
    assert error.status == 2


def test_a_server_that_cannot_be_reached() -> None:
    """The error says how to start one, and shows no password."""
    error = refusal("http://user:secret@127.0.0.1:1")
    assert str(error).startswith(
        "--url http://127.0.0.1:1 is of no use: no answer to GET /ledger from 127.0.0.1:1"
    )
    assert str(error).endswith("Start a failure server with: python -m server.main serve")
    assert "secret" not in str(error)
    assert error.status == 1


def test_a_server_without_a_ledger(serve: Serve) -> None:
    """Such as any other."""
    error = refusal(serve(FastAPI()))
    assert "is of no use: GET /ledger was answered 404" in str(error)
    assert error.status == 1


@pytest.mark.parametrize("answer", [{}, [], None, {"requests": {}, "totals": 1}])
def test_a_server_that_says_anything_to_anyone(serve: Serve, answer: object) -> None:
    """It is told by what it does not say, and nothing is changed there."""
    app, posted = FastAPI(), []

    @app.get("/{path:path}")
    def anything(path: str) -> object:
        return answer

    @app.post("/{path:path}")
    def post(path: str) -> object:
        posted.append(path)
        return answer

    error = refusal(serve(app))
    assert "is of no use: it is not a failure server's (" in str(error)
    assert str(error).endswith("Start a failure server with: python -m server.main serve")
    assert error.status == 1
    assert posted == []


# Packages that are not there.


@pytest.mark.parametrize("package", ["fastapi", "uvicorn"])
def test_without_what_serves_the_error_names_its_cure(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a process is started that would only fail."""
    monkeypatch.setitem(sys.modules, package, None)
    assert str(refusal()) == f"the demo needs {package!r}, which cannot be imported; {INSTALL}"


def test_without_the_server_the_error_names_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package itself may be missing where only the client was copied."""
    name = "resilient_http_client.server.errors"
    monkeypatch.setitem(sys.modules, name, None)
    error = refusal("http://127.0.0.1:1")
    assert str(error) == f"the demo needs {name!r}, which cannot be imported; {INSTALL}"
    assert error.status == 1


def test_without_rich_the_error_names_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, that is."""
    monkeypatch.delitem(sys.modules, "client.program.demo.live", raising=False)
    monkeypatch.setitem(sys.modules, "rich.box", None)
    error = refusal(out=Terminal())
    assert str(error) == f"the demo needs 'rich.box', which cannot be imported; {INSTALL}"


def test_without_rich_lines_are_written_all_the_same(
    monkeypatch: pytest.MonkeyPatch, stubbed: Stubbed
) -> None:
    """Nothing else needs it."""
    stubbed(report(GOOD))
    monkeypatch.delitem(sys.modules, "client.program.demo.live", raising=False)
    monkeypatch.setitem(sys.modules, "rich", None)
    out = Terminal()
    assert run_demo(out, url=stubbed.url, plain=True) == 0
    assert "All 2 checks hold." in out.getvalue()
