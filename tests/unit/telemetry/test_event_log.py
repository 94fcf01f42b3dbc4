"""Events in the log: levels, fields, and where the records go."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, cast, get_args

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from client import (
    ClientConfig,
    InvalidRequestError,
    MyAPIError,
    PoolTimeoutError,
    RetryConfig,
    ServerError,
    SyncResilientClient,
)
from client.config.models import LoggingConfig
from client.events import (
    AttemptEnded,
    AttemptStarted,
    BulkheadAcquired,
    BulkheadRejected,
    BulkheadWaiting,
    CacheUsed,
    ChaosInjected,
    CircuitClosed,
    CircuitHalfOpened,
    CircuitIsolated,
    CircuitOpened,
    CircuitRejected,
    CircuitReleased,
    EndpointEjected,
    EndpointReturned,
    EndpointsChanged,
    EndpointsPanicked,
    Event,
    FallbackUsed,
    HedgeLost,
    HedgeSent,
    LimitChanged,
    OperationFailed,
    OperationSucceeded,
    RateLimitPaused,
    RateLimitRejected,
    RateLimitWaited,
    Reconfigured,
    RequestIdMade,
    RetryRefused,
    RetryScheduled,
    SlotWaited,
    WouldReject,
)
from client.events.notifying import notifier
from client.telemetry.event_log import EventLog

SECRET = "s3cret-t0ken"  # noqa: S105 - a stand-in that must not be found again
ABOUT: dict[str, Any] = {
    "client": "orders",
    "method": "GET",
    "url": "https://api.example/a",
    "request_id": "id-1",
}
ERROR = ServerError(f"the server says {SECRET}", status_code=503)

# What is logged: the event, its level, its name, and its fields beside those of the operation.
LOGGED: list[tuple[Event, str, str, dict[str, object]]] = [
    (RequestIdMade(**ABOUT), "debug", "request id made", {}),
    (
        BulkheadWaiting(waiting=3, limit=5, **ABOUT),
        "debug",
        "bulkhead wait",
        {"waiting": 3, "limit": 5},
    ),
    (BulkheadAcquired(slots_left=4, **ABOUT), "debug", "bulkhead acquired", {"slots_left": 4}),
    (
        RetryScheduled(attempt=1, max_attempts=3, wait=1.23456, error=ERROR, **ABOUT),
        "debug",
        "retry",
        {"attempt": 1, "max_attempts": 3, "wait": 1.235, "error": "ServerError 503"},
    ),
    (
        RetryRefused(attempt=1, max_attempts=3, error=ERROR, reason="budget", **ABOUT),
        "debug",
        "retry refused",
        {"attempt": 1, "max_attempts": 3, "reason": "budget", "error": "ServerError 503"},
    ),
    (
        OperationFailed(error=ERROR, attempts=2, elapsed=0.12345, **ABOUT),
        "debug",
        "operation failed",
        {"attempts": 2, "seconds": 0.123, "error": "ServerError 503"},
    ),
    (
        OperationFailed(error=PoolTimeoutError(), attempts=0, elapsed=0.1, **ABOUT),
        "debug",
        "operation rejected",
        {"attempts": 0, "seconds": 0.1, "error": "PoolTimeoutError"},
    ),
    (
        CircuitOpened(
            scope="client", failures=5, recovery_timeout=30.12345, last_error=ERROR, **ABOUT
        ),
        "warning",
        "circuit opened",
        {
            "scope": "client",
            "failures": 5,
            "recovery_timeout": 30.123,
            "last_error": "ServerError 503",
            "cause": "local",
        },
    ),
    (
        CircuitClosed(scope="https://a:443", open_seconds=31.98765, cause="manual", **ABOUT),
        "info",
        "circuit closed",
        {"scope": "https://a:443", "open_seconds": 31.988, "cause": "manual"},
    ),
    (
        CircuitIsolated(scope="client", reason="maintenance", seconds=60.12345, **ABOUT),
        "warning",
        "circuit isolated",
        {"scope": "client", "reason": "maintenance", "seconds": 60.123},
    ),
    (
        CircuitReleased(scope="client", reason="maintenance", seconds=5.98765, **ABOUT),
        "info",
        "circuit released",
        {"scope": "client", "reason": "maintenance", "seconds": 5.988},
    ),
    (
        CacheUsed(status="hit", why="fresh", age=1.23456, **ABOUT),
        "debug",
        "cache used",
        {"status": "hit", "why": "fresh", "age": 1.235},
    ),
    (
        FallbackUsed(error=ERROR, outcome="server_error", **ABOUT),
        "info",
        "fallback used",
        {"error": "ServerError 503", "outcome": "server_error"},
    ),
    (
        ChaosInjected(attempt=2, fault="delay", seconds=0.12345, **ABOUT),
        "warning",
        "chaos injected",
        {"attempt": 2, "fault": "delay", "seconds": 0.123, "status_code": None},
    ),
    (
        HedgeSent(attempt=2, target="https://api.example", after=0.12345, **ABOUT),
        "debug",
        "hedge sent",
        {"attempt": 2, "after": 0.123},
    ),
    (
        HedgeLost(
            attempt=1,
            target="https://api.example",
            seconds=0.34567,
            is_hedge=False,
            is_drained=True,
            **ABOUT,
        ),
        "debug",
        "hedge lost",
        {"attempt": 1, "seconds": 0.346, "is_hedge": False, "is_drained": True},
    ),
    (
        RateLimitPaused(key="secret", seconds=30.0006, by="retry_after", status_code=429, **ABOUT),
        "info",
        "rate limit paused",
        {"seconds": 30.001, "by": "retry_after", "status_code": 429},
    ),
    (
        RateLimitWaited(seconds=0.12345, **ABOUT),
        "debug",
        "rate limit wait",
        {"seconds": 0.123},
    ),
    (
        LimitChanged(limit=18, before=20, reason="drops", **ABOUT),
        "debug",
        "limit changed",
        {"limit": 18, "before": 20, "reason": "drops"},
    ),
    (
        WouldReject(by="bulkhead", wait=1.23456, **ABOUT),
        "info",
        "would reject",
        {"by": "bulkhead", "wait": 1.235},
    ),
    (
        Reconfigured(changed=("retry.max_attempts",), **ABOUT),
        "info",
        "reconfigured",
        {"changed": ("retry.max_attempts",)},
    ),
    (
        EndpointEjected(
            endpoint="http://a", reason="probe", seconds=30.0006, ejected=1, total=3, **ABOUT
        ),
        "warning",
        "endpoint ejected",
        {"endpoint": "http://a", "reason": "probe", "seconds": 30.001, "ejected": 1, "total": 3},
    ),
    (
        EndpointReturned(endpoint="http://a", seconds=30.0006, ejected=0, total=3, **ABOUT),
        "info",
        "endpoint returned",
        {"endpoint": "http://a", "seconds": 30.001, "ejected": 0, "total": 3},
    ),
    (
        EndpointsChanged(added=("http://a",), removed=("http://b",), **ABOUT),
        "info",
        "endpoints changed",
        {"added": ("http://a",), "removed": ("http://b",)},
    ),
    (
        EndpointsPanicked(is_on=True, ejected=2, total=3, **ABOUT),
        "warning",
        "endpoints panicked",
        {"is_on": True, "ejected": 2, "total": 3},
    ),
]
# What is not: other listeners may want it.
UNLOGGED: list[Event] = [
    SlotWaited(seconds=0.5, **ABOUT),
    RateLimitRejected(retry_after=1.0, **ABOUT),
    RetryRefused(attempt=1, max_attempts=3, reason="not_retryable", error=ERROR, **ABOUT),
    RetryRefused(attempt=3, max_attempts=3, reason="attempts", error=ERROR, **ABOUT),
    BulkheadRejected(timeout=1.0, **ABOUT),
    CircuitRejected(retry_after=1.0, **ABOUT),
    CircuitHalfOpened(scope="client", **ABOUT),
    AttemptStarted(attempt=1, **ABOUT),
    AttemptEnded(
        attempt=1,
        target="http://a.example",
        seconds=0.1,
        status_code=200,
        outcome="success",
        error=None,
        **ABOUT,
    ),
    OperationSucceeded(status_code=200, response=None, attempts=1, elapsed=0.1, **ABOUT),
    OperationFailed(error=KeyboardInterrupt(), attempts=1, elapsed=0.1, **ABOUT),
]


def kind_and_reason(event: Event) -> str:
    """What tells the unlogged ones apart."""
    return f"{type(event).__name__} {getattr(event, 'reason', '')}".strip()


every_logged = pytest.mark.parametrize(
    ("event", "level", "name", "fields"), LOGGED, ids=[row[2].replace(" ", "-") for row in LOGGED]
)


@pytest.fixture(autouse=True)
def _unconfigured_structlog() -> Iterator[None]:
    """Each test finds structlog as an application that does not know of it."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def log_of(level: str = "DEBUG", **settings: Any) -> EventLog:
    """A log of this level."""
    return EventLog(LoggingConfig(level=cast("Any", level), **settings))


def captured(log: EventLog, *events: Event) -> list[dict[str, Any]]:
    """What is logged about events, as structlog's own way of testing shows it."""
    with capture_logs() as records:
        for event in events:
            log(event)
    return [dict(record) for record in records]


# What is logged.


@every_logged
def test_an_event_is_logged_with_its_level_and_fields(
    event: Event, level: str, name: str, fields: dict[str, object]
) -> None:
    """By section 8 of the contract, and nothing beside."""
    expected = {"event": name, "log_level": level, **fields, **ABOUT}
    assert captured(log_of(), event) == [expected]


@pytest.mark.parametrize("event", UNLOGGED, ids=kind_and_reason)
def test_other_events_are_not_logged(event: Event) -> None:
    """Not even where one is handed to it."""
    assert captured(log_of(), event) == []
    if not isinstance(event, OperationFailed | RetryRefused):
        assert type(event) not in log_of().listens_to


def test_every_event_is_in_these_tables() -> None:
    """A new one is logged, or it is not, on purpose."""
    assert {type(row[0]) for row in LOGGED} | {type(event) for event in UNLOGGED} == set(
        get_args(Event)
    )


@every_logged
def test_the_request_id_can_be_left_out(
    event: Event, level: str, name: str, fields: dict[str, object]
) -> None:
    """And nothing else with it."""
    [record] = captured(log_of(include_request_id=False), event)
    about = {name: ABOUT[name] for name in ("client", "method", "url")}
    assert record == {"event": name, "log_level": level, **fields, **about}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, None),
        (ServerError(SECRET, status_code=503), "ServerError 503"),
        (InvalidRequestError(SECRET), "InvalidRequestError"),
        (ZeroDivisionError(SECRET), "ZeroDivisionError"),
    ],
    ids=["none", "status", "no-status", "foreign"],
)
def test_an_error_is_named_by_its_class_and_status(
    error: Exception | None, expected: str | None
) -> None:
    """Its text may hold anything."""
    event = CircuitOpened(
        scope="client", failures=5, recovery_timeout=30, last_error=error, **ABOUT
    )
    assert captured(log_of(), event)[0]["last_error"] == expected


# Levels.


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("DEBUG", {"debug", "info", "warning"}),
        ("INFO", {"info", "warning"}),
        ("WARNING", {"warning"}),
        ("ERROR", set[str]()),
        ("CRITICAL", set[str]()),
    ],
)
def test_kinds_below_the_level_are_not_listened_to(level: str, expected: set[str]) -> None:
    """So that no record of them is ever made."""
    log = log_of(level)
    heard = {row[1] for row in LOGGED if type(row[0]) in log.listens_to}
    assert heard == expected
    assert log.listens_to == {type(row[0]) for row in LOGGED if row[1] in expected}
    for event, its_level, _name, _fields in LOGGED:
        assert (notifier(type(event), [log]) is not None) is (its_level in expected)


@pytest.mark.parametrize(
    ("level", "expected"),
    [("DEBUG", True), ("INFO", True), ("WARNING", True), ("ERROR", False), ("CRITICAL", False)],
)
def test_a_warning_about_the_client_has_its_level_too(level: str, *, expected: bool) -> None:
    """It is about no operation, so it has no fields of one."""
    with capture_logs() as records:
        log_of(level).warn("certificates are not verified")
    record = {
        "event": "certificates are not verified",
        "log_level": "warning",
        "client": "default",
    }
    assert records == ([record] if expected else [])


# Where it goes: an application without structlog.


@every_logged
def test_without_structlog_records_go_to_the_standard_library(
    event: Event,
    level: str,
    name: str,
    fields: dict[str, object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """To the logger of the configured name, as text that a person can read."""
    caplog.set_level(logging.DEBUG)
    log_of(logger_name="my.app.http")(event)
    [record] = caplog.records
    assert (record.name, record.levelname) == ("my.app.http", level.upper())
    message = record.getMessage()
    assert message.startswith(f"event={name!r} ")
    assert all(f" {key}={value!r}" in message for key, value in {**fields, **ABOUT}.items())


def test_the_standard_library_s_level_holds_besides(caplog: pytest.LogCaptureFixture) -> None:
    """Whichever is higher."""
    caplog.set_level(logging.INFO)
    log = log_of("DEBUG")
    for event, *_ in LOGGED:
        log(event)
    assert [record.levelname.lower() for record in caplog.records] == [
        level for _, level, *_ in LOGGED if level != "debug"
    ]


def test_the_logger_is_named_after_the_library_by_default(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """For those who look for it in their logs."""
    caplog.set_level(logging.DEBUG)
    log_of()(LOGGED[0][0])
    assert [record.name for record in caplog.records] == ["resilient_client"]


BASIC_CONFIG = """
import logging
from client.config.models import LoggingConfig
from client.telemetry.event_log import EventLog
from client.events import CircuitClosed, RequestIdMade
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s | %(message)s")
log = EventLog(LoggingConfig(level="DEBUG"))
about = dict(method="GET", url="https://api.example/100%", request_id="id-1")
log(RequestIdMade(**about))
log(CircuitClosed(scope="client", open_seconds=2, **about))
log.warn("certificates are not verified")
"""


def test_it_shows_up_under_basic_config() -> None:
    """In a program that does no more about its log than that."""
    ran = subprocess.run(
        [sys.executable, "-c", BASIC_CONFIG], capture_output=True, text=True, check=True
    )
    assert ran.stderr.splitlines() == [
        (
            "INFO resilient_client | event='circuit closed' open_seconds=2 scope='client' "
            "cause='local' client='default' "
            "method='GET' url='https://api.example/100%' request_id='id-1'"
        ),
        "WARNING resilient_client | event='certificates are not verified' client='default'",
    ]
    assert ran.stdout == ""


# Where it goes: an application with structlog.


def test_an_application_s_processors_are_used() -> None:
    """With what it bound to the context."""
    output = io.StringIO()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(output),
    )
    log = log_of()
    with structlog.contextvars.bound_contextvars(user="u-1"):
        log(RequestIdMade(**ABOUT))
    expected = {"event": "request id made", "level": "debug", "user": "u-1", **ABOUT}
    assert json.loads(output.getvalue()) == expected


def test_an_application_s_level_holds_besides() -> None:
    """Whichever is higher."""
    output = io.StringIO()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(output),
        processors=[structlog.processors.JSONRenderer()],
    )
    log = log_of("DEBUG")
    for event, *_ in LOGGED:
        log(event)
    assert [json.loads(line)["event"] for line in output.getvalue().splitlines()] == [
        name for _, level, name, _ in LOGGED if level == "warning"
    ]


def test_structlog_over_the_standard_library_has_the_logger_s_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As most applications set it up."""
    caplog.set_level(logging.DEBUG)
    structlog.configure(
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[structlog.stdlib.render_to_log_kwargs],
    )
    log_of(logger_name="my.app.http")(next(row[0] for row in LOGGED if row[1] == "warning"))
    [record] = caplog.records
    assert (record.name, record.levelname) == ("my.app.http", "WARNING")
    assert (record.getMessage(), vars(record)["failures"]) == ("circuit opened", 5)


def test_structlog_may_be_configured_after_the_client_was_made() -> None:
    """Imports come first."""
    log = log_of()
    output = io.StringIO()
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(output),
        processors=[structlog.processors.JSONRenderer()],
    )
    log(RequestIdMade(**ABOUT))
    assert json.loads(output.getvalue())["event"] == "request id made"


# Secrets.


def test_no_record_of_a_client_holds_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    """Not of the URL, of a header, of a query, of a body, of an answer, or of an error.

    (What httpx itself logs, by its own logger, does hold the whole URL.)
    """
    caplog.set_level(logging.DEBUG)

    def answer(request: httpx.Request) -> httpx.Response:
        if "refused" in str(request.url):
            raise httpx.ReadError(f"the peer said '{SECRET}'", request=request)
        if request.method == "GET" and "well" in str(request.url):
            return httpx.Response(200, text=SECRET)
        return httpx.Response(503, text=SECRET, headers={"X-Secret": SECRET, "Retry-After": "0"})

    config = ClientConfig(
        base_url=f"https://user:{SECRET}@api.example/v1",
        headers={"Authorization": SECRET},
        retry=RetryConfig(min_wait_seconds=0, max_wait_seconds=0),
        logging=LoggingConfig(level="DEBUG"),
    ).merged(circuit_breaker={"failure_threshold": 2, "recovery_timeout": 0})
    with SyncResilientClient(config, transport=httpx.MockTransport(answer)) as client:
        paths = ["/refused", "/fail", f"/refused?key={SECRET}", f"/well?key={SECRET}#{SECRET}"]
        for path in paths:
            try:
                client.get(path, headers={"X-Key": SECRET}, params={"token": SECRET})
            except MyAPIError:
                continue
        with pytest.raises(MyAPIError):
            client.post("/fail", json={"password": SECRET}, headers={"Cookie": SECRET})
    names = {record.getMessage().split("' ")[0] for record in caplog.records}
    assert {"event='retry", "event='circuit opened", "event='circuit closed"} <= names
    ours = [record for record in caplog.records if record.name == "resilient_client"]
    assert SECRET not in "\n".join(record.getMessage() for record in ours)
    assert "https://api.example/v1/refused" in caplog.text
