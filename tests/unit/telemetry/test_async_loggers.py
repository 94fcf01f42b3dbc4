"""structlog's async wrapper, and others like it: no line is lost, and none is left unawaited."""

import asyncio
import io
import json
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog

from client import (
    CircuitBreaker,
    CircuitOpenError,
    Client,
    ClientConfig,
    ResilientClient,
    ServerError,
    SyncResilientClient,
)

CONFIG = ClientConfig(
    name="orders",
    base_url="http://a.example",
    retry={"min_wait_seconds": 0, "max_wait_seconds": 0, "max_attempts": 2},  # type: ignore[arg-type] # checked by the model
    logging={"level": "DEBUG"},  # type: ignore[arg-type] # likewise
)
LINES = ["request id made", "bulkhead acquired", "retry", "operation failed"]


class Awaited(structlog.BoundLogger):
    """A wrapper of somebody's own, whose methods have to be awaited."""

    async def debug(self, event: str, **fields: Any) -> None:
        """Log after a turn of the loop."""
        await asyncio.sleep(0)
        self._proxy_to_logger("debug", event, **fields)


@pytest.fixture(params=[structlog.stdlib.AsyncBoundLogger, Awaited], ids=["structlog's", "own"])
def screen(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """What an application prints that logs with awaits."""
    screen = io.StringIO()
    structlog.configure(
        wrapper_class=request.param,
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(screen),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield screen
    structlog.reset_defaults()


def events_on(screen: io.StringIO) -> list[str]:
    """The names of the lines."""
    return [json.loads(line)["event"] for line in screen.getvalue().splitlines()]


def fail(_request: httpx.Request) -> httpx.Response:
    """Answer badly."""
    return httpx.Response(500)


def test_in_a_loop(screen: io.StringIO) -> None:
    """Where a line takes a turn, it is there after it."""

    async def story() -> None:
        async with ResilientClient(CONFIG, transport=httpx.MockTransport(fail)) as client:
            with pytest.raises(ServerError):
                await client.get("/")
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(story())
    assert events_on(screen) == LINES


def test_without_a_loop(screen: io.StringIO) -> None:
    """A blocking client has none."""
    client = SyncResilientClient(CONFIG, transport=httpx.MockTransport(fail))
    with client, pytest.raises(ServerError):
        client.get("/")
    assert events_on(screen) == LINES


def test_a_drop_in_logs_below_info_where_the_standard_logger_lets_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It has no configuration of its own."""
    options: dict[str, Any] = {"transport": httpx.MockTransport(fail), "backoff_factor": 0}
    with Client(name="orders", max_retries=1, **options) as client:
        client.get("http://a.example/")
        assert caplog.messages == []
        caplog.set_level("DEBUG", logger="resilient_client")
        client.get("http://a.example/")
        client.get("http://a.example/", max_total_time=0.5, backoff_factor=9)
        breaker = CircuitBreaker(failure_threshold=1)
        client.get("http://a.example/", circuit_breaker=breaker, max_retries=0)
        with pytest.raises(CircuitOpenError):
            client.get("http://a.example/", circuit_breaker=breaker)
    ours = [record.getMessage() for record in caplog.records if record.name == "resilient_client"]
    names = [text.split("'")[1] for text in ours]
    assert names == [
        *("retry", "operation failed"),
        *("retry refused", "operation failed"),
        *("circuit opened", "operation failed", "operation rejected"),
    ]
    assert all("client='orders'" in text for text in ours)
