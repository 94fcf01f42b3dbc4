"""The tables of events, log lines, arguments and statistics of the site are those of the code."""

import io
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import httpx
import pytest
import structlog

from client import (
    CallReport,
    CircuitOpenError,
    LoggingConfig,
    ResilientClient,
    ServerError,
    SyncResilientClient,
    events,
)
from client.faces.facade.call_options import CallOptions
from client.telemetry.event_log import EventLog
from tests.docs.reading import code_in, page, table

ABOUT: dict[str, Any] = {
    "client": "default",
    "request_id": "order-1",
    "method": "GET",
    "url": "https://api.example/",
}
ERROR = ServerError("GET / failed", status_code=500)
CIRCUIT = {**ABOUT, "scope": "client"}
LOGGED: list[events.Event] = [
    events.CircuitOpened(failures=5, recovery_timeout=30.0, last_error=ERROR, **CIRCUIT),
    events.CircuitClosed(open_seconds=31.0, **CIRCUIT),
    events.CircuitIsolated(reason="maintenance", seconds=60.0, **CIRCUIT),
    events.CircuitReleased(reason="maintenance", seconds=60.0, **CIRCUIT),
    events.RetryScheduled(attempt=1, max_attempts=3, wait=1.0, error=ERROR, **ABOUT),
    events.RetryRefused(attempt=1, max_attempts=3, reason="budget", error=ERROR, **ABOUT),
    events.BulkheadWaiting(waiting=0, limit=50, **ABOUT),
    events.BulkheadAcquired(slots_left=49, **ABOUT),
    events.LimitChanged(limit=18, before=20, reason="drops", **ABOUT),
    events.RequestIdMade(**ABOUT),
    events.OperationFailed(error=ERROR, attempts=1, elapsed=1.0, **ABOUT),
    events.OperationFailed(error=CircuitOpenError(), attempts=0, elapsed=0.0, **ABOUT),
    events.RateLimitPaused(key="", seconds=1.0, by="retry_after", status_code=429, **ABOUT),
    events.RateLimitWaited(seconds=1.0, **ABOUT),
    events.HedgeSent(attempt=2, target="https://api.example", after=0.1, **ABOUT),
    events.HedgeLost(
        attempt=1,
        target="https://api.example",
        seconds=0.2,
        is_hedge=False,
        is_drained=True,
        **ABOUT,
    ),
    events.CacheUsed(status="hit", why="fresh", age=1.0, **ABOUT),
    events.FallbackUsed(error=ERROR, outcome="server_error", **ABOUT),
    events.ChaosInjected(attempt=1, fault="delay", seconds=1.0, **ABOUT),
    events.WouldReject(by="circuit", **ABOUT),
    events.Reconfigured(changed=("retry",)),
    events.EndpointEjected(
        endpoint="https://a.example", reason="check", seconds=30.0, ejected=1, total=2, **ABOUT
    ),
    events.EndpointReturned(
        endpoint="https://a.example", seconds=30.0, ejected=0, total=2, **ABOUT
    ),
    events.EndpointsChanged(added=("https://a.example",), removed=()),
    events.EndpointsPanicked(is_on=True, ejected=2, total=3, **ABOUT),
]


@pytest.fixture
def screen() -> Iterator[io.StringIO]:
    """What structlog prints, set up as an application would."""
    screen = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(screen),
    )
    yield screen
    structlog.reset_defaults()


def test_the_events_are_those_listed() -> None:
    """With their fields, in order."""
    listed = {code_in(row[0])[0]: code_in(row[1]) for row in table("All events", "event")}
    made = {
        name: [field.name for field in fields(kind)]
        for name in events.__all__
        if is_dataclass(kind := getattr(events, name))
    }
    assert listed == made


def test_the_log_lines_are_those_listed(screen: io.StringIO) -> None:
    """Each event is logged, at its level and with its fields."""
    log = EventLog(LoggingConfig(level="DEBUG"))
    for event in LOGGED:
        log(event)
    lines = [json.loads(line) for line in screen.getvalue().splitlines()]
    logged = [[line.pop("level").upper(), line.pop("event"), ", ".join(line)] for line in lines]
    assert logged == table("All log lines", "level")
    assert log.listens_to == {type(event) for event in LOGGED}


def test_the_arguments_of_a_call_are_those_listed() -> None:
    """Those of httpx in the text, ours in the table."""
    ours = {code_in(row[0])[0] for row in table("Methods and arguments", "argument")}
    text = page("Methods and arguments").read_text("utf-8")
    sentence = text[text.index("Each takes every argument") : text.index("and twelve more")]
    httpxs = set(code_in(sentence.replace("\n", " ")))
    assert ours | httpxs == CallOptions.__optional_keys__
    assert len(ours) == 12


@pytest.mark.parametrize("face", [ResilientClient, SyncResilientClient])
def test_the_methods_are_those_listed(face: type) -> None:
    """`request`, the verbs and `stream`: all that takes a URL."""
    text = page("Methods and arguments").read_text("utf-8")
    begin = text.index("`request(method, url)`")
    sentence = text[begin : text.index("Each takes every argument")]
    named = {code.partition("(")[0] for code in code_in(sentence.replace("\n", " "))}
    others = {"circuit", "circuit_state", "close", "config", "health", "is_closed", "stats"}
    others |= {"attempt_middleware", "middleware", "reconfigure"}
    assert named == {name for name in dir(face) if not name.startswith("_")} - others


def test_the_report_is_described_whole() -> None:
    """Each field of `response.extensions["resilience"]` has its row."""
    rows = table("Methods and arguments", "field")
    assert [code_in(row[0])[0] for row in rows] == list(CallReport._fields)


def test_httpx_logs_urls_whole(caplog: pytest.LogCaptureFixture) -> None:
    """The warning of the documents stands for as long as this is so."""
    caplog.set_level("INFO", logger="httpx")
    transport = httpx.MockTransport(lambda _request: httpx.Response(200))
    with SyncResilientClient(transport=transport) as client:
        client.get("https://user:password@api.example/?token=secret")
    assert "user:password@api.example/?token=secret" in caplog.text
