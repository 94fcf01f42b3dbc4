"""A level for an event by its name, and lines that are summed up where they would flood."""

import gc
from typing import Any

import pytest
from structlog.testing import capture_logs

from client import ClientConfig, LoggingConfig, ServerError
from client.config.log_levels import EVENT_LEVELS
from client.events import (
    CircuitOpened,
    Event,
    OperationFailed,
    RetryRefused,
    RetryScheduled,
)
from client.events.notifying import notifier
from client.exceptions import APITimeoutError, CircuitOpenError
from client.telemetry.event_log import EventLog
from client.telemetry.log_summary import _MOST_CAUSES

ABOUT: dict[str, Any] = {"method": "GET", "url": "https://api.example/a", "request_id": "id-1"}
FAILED = OperationFailed(error=ServerError("x", status_code=500), attempts=1, elapsed=0.1, **ABOUT)
TIMED_OUT = OperationFailed(error=APITimeoutError("x"), attempts=1, elapsed=0.1, **ABOUT)
REJECTED = OperationFailed(error=CircuitOpenError("x"), attempts=0, elapsed=0.0, **ABOUT)


class Log:
    """A log on a clock that is set by hand."""

    def __init__(self, **levels: str) -> None:
        self.now = 1_000.0
        named = {name.replace("_", " "): level for name, level in levels.items()}
        self.log: EventLog | None = EventLog(LoggingConfig(levels=named), now=lambda: self.now)

    def told(self, *events: Event) -> list[tuple[str, object, object]]:
        """What is logged about events: its name, its error, and how many it stands for."""
        with capture_logs() as records:
            for event in events:
                assert self.log is not None
                self.log(event)
        return [(each["event"], each.get("error"), each.get("count")) for each in records]


# Levels.


@pytest.mark.parametrize(("name", "level"), [("operation failed", "WARNING"), ("retry", "info")])
def test_an_event_gets_another_level(name: str, level: str) -> None:
    """In any case; the others keep theirs."""
    config = LoggingConfig(levels={name: level})
    assert config.levels == {name: level.upper()}
    log = EventLog(config)
    retry = RetryScheduled(attempt=1, max_attempts=3, wait=1, error=ValueError(), **ABOUT)
    with capture_logs() as records:
        for event in (FAILED, REJECTED, retry):
            log(event)
    assert [(each["event"], each["log_level"]) for each in records] == [(name, level.lower())]


def test_an_event_may_be_lowered_until_it_is_off() -> None:
    """Then nobody listens to it, and no record is made."""
    log = EventLog(LoggingConfig(levels={"circuit opened": "DEBUG"}))
    assert notifier(CircuitOpened, [log]) is None


@pytest.mark.parametrize(
    ("levels", "text"),
    [
        (
            {"operation faild": "INFO"},
            "no event in the log 'operation faild': did you mean 'operation failed'?",
        ),
        ({"xyz": "INFO"}, "allowed are bulkhead acquired, bulkhead wait, cache used,"),
        ({"retry": "LOUD"}, "'LOUD' is not allowed: give 'DEBUG', 'INFO'"),
        ({"retry": 20}, "20 is not allowed"),
        (["retry"], "give a mapping of the names of events to levels"),
    ],
)
def test_a_wrong_name_or_level_is_refused(levels: Any, text: str) -> None:
    """With what may have been meant."""
    with pytest.raises(ValueError, match="levels") as caught:
        ClientConfig(logging={"levels": levels})  # type: ignore[arg-type] # what a user may write
    assert text in str(caught.value)


def test_every_event_of_the_table_can_be_named() -> None:
    """By the name under which it is logged."""
    assert LoggingConfig(levels=dict(EVENT_LEVELS)).levels == EVENT_LEVELS


def test_the_environment_gives_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON; code lays its own over them."""
    monkeypatch.setenv(
        "RESILIENT_CLIENT_LOGGING__LEVELS", '{"operation failed": "ERROR", "retry": "INFO"}'
    )
    config = ClientConfig.from_env()
    assert config.logging.levels == {"operation failed": "ERROR", "retry": "INFO"}
    merged = config.merged(logging={"levels": {"retry": "WARNING"}})
    assert merged.logging.levels == {"operation failed": "ERROR", "retry": "WARNING"}


# Summing up.


def test_a_flood_is_one_line_a_second_for_each_cause() -> None:
    """The first at once, and then the last of each second with how many it stands for."""
    log = Log(operation_failed="WARNING")
    failed = "operation failed"
    assert log.told(FAILED, FAILED, TIMED_OUT, FAILED) == [
        (failed, "ServerError 500", None),
        (failed, "APITimeoutError", None),
    ]
    log.now += 0.999
    assert log.told(FAILED) == []
    log.now += 0.001
    assert log.told(FAILED, FAILED) == [(failed, "ServerError 500", 4)]
    log.now += 5
    assert log.told(TIMED_OUT) == [
        (failed, "ServerError 500", None),
        (failed, "APITimeoutError", None),
    ]


def test_every_event_and_cause_has_a_line_of_its_own() -> None:
    """The same error may refuse a retry for another reason, and another circuit may open."""
    log = Log(retry_refused="INFO", operation_rejected="INFO", operation_failed="INFO")

    def refused(reason: str) -> RetryRefused:
        return RetryRefused(attempt=1, max_attempts=2, error=ValueError(), reason=reason, **ABOUT)

    def opened(scope: str) -> CircuitOpened:
        return CircuitOpened(scope=scope, failures=1, recovery_timeout=1, last_error=None, **ABOUT)

    different: list[Event] = [
        FAILED,
        REJECTED,
        refused("budget"),
        refused("deadline"),
        opened("a"),
        opened("b"),
    ]
    assert len(log.told(*different, *different)) == len(different)
    log.now += 1
    assert len(log.told(REJECTED)) == len(different)


def test_a_line_held_back_comes_with_the_next_of_any_event() -> None:
    """And its cause has a second of its own again."""
    log = Log(operation_failed="WARNING")
    log.told(FAILED, FAILED, FAILED)
    log.now += 1
    assert log.told(TIMED_OUT, FAILED) == [
        ("operation failed", "ServerError 500", 2),
        ("operation failed", "APITimeoutError", None),
    ]
    log.now += 1
    assert log.told(FAILED) == [("operation failed", "ServerError 500", 2)]


def test_what_is_held_back_comes_when_the_log_is_flushed_or_gone() -> None:
    """A client that is closed, or dropped: nothing is lost."""
    log = Log(operation_failed="WARNING")
    log.told(FAILED, FAILED, TIMED_OUT)
    with capture_logs() as records:
        assert log.log is not None
        log.log.flush()
        log.log.flush()
        log.log(FAILED)
        log.log(FAILED)
        log.log = None
        gc.collect()
    assert [each.get("count") for each in records] == [None, None, None]


def test_what_is_held_back_in_a_log_that_is_flushed_stands_for_all() -> None:
    """The count is that of the lines since the last."""
    log = Log(operation_failed="WARNING")
    log.told(FAILED, FAILED, FAILED, FAILED)
    with capture_logs() as records:
        assert log.log is not None
        log.log.flush()
    assert [each["count"] for each in records] == [3]


def test_below_info_nothing_is_summed_up() -> None:
    """Who looks at DEBUG wants each line."""
    log = EventLog(LoggingConfig(level="DEBUG"))
    with capture_logs() as records:
        for _ in range(3):
            log(FAILED)
    assert len(records) == 3


def test_memory_is_bounded() -> None:
    """Of more causes than there is room for, the oldest come out early."""
    log = Log()
    count = _MOST_CAUSES + 10

    def opened(number: int) -> CircuitOpened:
        return CircuitOpened(
            scope=f"https://{number}", failures=1, recovery_timeout=1, last_error=None, **ABOUT
        )

    assert len(log.told(*map(opened, range(count)))) == count
    assert log.log is not None
    assert len(log.log._summary._causes) == _MOST_CAUSES
    assert log.told(opened(10), opened(count)) == [("circuit opened", None, None)] * 2


def test_time_that_runs_backward_does_not_silence_it() -> None:
    """A frozen clock that thaws."""
    log = Log(operation_failed="WARNING")
    log.told(FAILED, FAILED)
    log.now -= 500
    assert log.told(FAILED) == []
    log.now += 1
    assert log.told(FAILED) == [("operation failed", "ServerError 500", 3)]
