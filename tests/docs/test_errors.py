"""The tree of errors of the site is that of the code, and its tables say what happens."""

import re
import ssl
from collections.abc import Callable, Iterator
from itertools import pairwise

import httpx
import pytest

from client import (
    APINetworkError,
    APITimeoutError,
    CircuitBreakerConfig,
    CircuitIsolatedError,
    CircuitOpenError,
    CircuitState,
    ClientClosedError,
    ClientConfig,
    DeadlineExceededError,
    MyAPIError,
    PoolTimeoutError,
    RateLimitRejectedError,
    ResponseError,
    RetryConfig,
    SyncResilientClient,
    TLSVerificationError,
    UnexpectedStatusError,
    exceptions,
)
from client.ports.blocking_ports import BlockingPorts
from tests.docs.reading import blocks, code_in, page, table

ROWS = {code_in(row[0])[0]: row for row in table("Errors", "error")}
KINDS: dict[str, type[MyAPIError]] = {name: getattr(exceptions, name) for name in ROWS}
NUMBERS = re.compile(r"\b(\d{3})(?: to (\d{3}))?\b")

CONFIG = ClientConfig(
    base_url="https://api.example",
    retry=RetryConfig(max_attempts=2, min_wait_seconds=0, max_wait_seconds=0),
    circuit_breaker=CircuitBreakerConfig(failure_threshold=1),
)
Handler = Callable[[httpx.Request], httpx.Response]


def _raising(error: Exception) -> Handler:
    def handler(_request: httpx.Request) -> httpx.Response:
        raise error

    return handler


def _answering(status: int) -> Handler:
    return lambda _request: httpx.Response(status)


def _refused_certificate() -> Exception:
    error = httpx.ConnectError("certificate verify failed")
    error.__cause__ = ssl.SSLCertVerificationError("self-signed certificate")
    return error


# How each error that stands for no status is brought about.
WITHOUT_STATUS: dict[type[MyAPIError], Handler] = {
    APITimeoutError: _raising(httpx.ReadTimeout("silence")),
    APINetworkError: _raising(httpx.ReadError("reset")),
    TLSVerificationError: _raising(_refused_certificate()),
    ResponseError: _raising(httpx.DecodingError("no gzip")),
}
# Turned away before any attempt.
REJECTIONS = {
    CircuitOpenError,
    CircuitIsolatedError,
    PoolTimeoutError,
    RateLimitRejectedError,
    ClientClosedError,
}


def _statuses(name: str) -> set[int]:
    text = ROWS[name][1].partition("outside")[0]
    return {
        status
        for low, high in NUMBERS.findall(text)
        for status in range(int(low), int(high or low) + 1)
    }


STATED = {status: KINDS[name] for name in ROWS for status in _statuses(name)}


def _tree() -> Iterator[tuple[int, str]]:
    [drawing] = [
        block for block in blocks(page("Errors"), "") if block.text.startswith("MyAPIError")
    ]
    for line in drawing.text.splitlines():
        name = re.sub(r"^[|+ -]*", "", line)
        yield (len(line) - len(name)) // 3, name


def _outcome(handler: Handler, deadline: float | None = None) -> tuple[type, bool, bool]:
    """What came out, whether it was retried, and whether the circuit counted it."""
    with (
        SyncResilientClient(CONFIG, transport=httpx.MockTransport(handler)) as client,
        pytest.raises(MyAPIError) as caught,
    ):
        client.get("/", deadline=deadline)
    return type(caught.value), caught.value.attempts > 1, client.circuit_state is CircuitState.OPEN


def _stated(name: str) -> tuple[type, bool, bool]:
    return KINDS[name], ROWS[name][2] == "yes", ROWS[name][3] == "yes"


def test_the_tree_is_that_of_the_classes() -> None:
    """Each line's parent is the nearest line above it that stands further left."""
    drawn = {"MyAPIError": "Exception"}
    above: list[str] = []
    for depth, name in _tree():
        drawn.setdefault(name, above[depth - 1] if depth else "")
        above[depth:] = [name]
    classes = [
        kind
        for name in exceptions.__all__
        if issubclass(kind := getattr(exceptions, name), MyAPIError)
    ]
    assert drawn == {kind.__name__: kind.__base__.__name__ for kind in classes if kind.__base__}


def test_every_error_that_is_raised_has_its_row() -> None:
    """The three that only group others have none; their order is the tree's."""
    groups = {"MyAPIError", "APIConnectionError", "APIStatusError"}
    assert list(ROWS) == [name for _, name in _tree() if name not in groups]


def test_a_status_is_what_the_table_makes_of_it() -> None:
    """2xx and 3xx are returned, and what the table does not name is unexpected."""
    config = CONFIG.merged(retry=None, circuit_breaker=None)
    transport = httpx.MockTransport(lambda request: httpx.Response(int(request.url.path[1:])))
    with SyncResilientClient(config, transport=transport) as client:
        for status in (*range(100, 600), 600, 999):
            expected = STATED.get(status, UnexpectedStatusError)
            assert _result(client, status) is (None if status in range(200, 400) else expected)


def _result(client: SyncResilientClient, status: int) -> type | None:
    try:
        client.get(f"/{status}")
    except MyAPIError as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    "name", [name for name in ROWS if KINDS[name] not in {DeadlineExceededError, *REJECTIONS}]
)
def test_retried_and_counted_are_as_stated(name: str) -> None:
    """Each error is brought about in a client that opens its circuit at the first failure."""
    status = min(_statuses(name), default=418)
    assert _outcome(WITHOUT_STATUS.get(KINDS[name], _answering(status))) == _stated(name)


def test_a_deadline_is_counted_and_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock runs on while the server is silent."""
    clock = [0.0]
    monkeypatch.setattr(BlockingPorts, "now", lambda _ports: clock[0])

    def silent(_request: httpx.Request) -> httpx.Response:
        clock[0] = 2.0
        raise httpx.ReadTimeout("silence")

    assert _outcome(silent, deadline=1.0) == _stated("DeadlineExceededError")


def test_rejections_are_neither_retried_nor_counted() -> None:
    """They are not about the server."""
    stated = {KINDS[name] for name, row in ROWS.items() if "nothing was sent" in row[1]}
    assert stated == REJECTIONS - {ClientClosedError}
    assert all(ROWS[kind.__name__][2:] == ["no", "no"] for kind in REJECTIONS)


def test_the_attributes_are_those_listed() -> None:
    """All that an error carries, in the order of its constructor."""
    listed = [code_in(row[0])[0] for row in table("What an error tells", "attribute")]
    assert listed == list(vars(MyAPIError()))


def test_the_tables_name_their_statuses_once() -> None:
    """A status that stood in two rows would have two errors."""
    named = sorted(status for name in ROWS for status in _statuses(name))
    assert all(one != next_one for one, next_one in pairwise(named))
