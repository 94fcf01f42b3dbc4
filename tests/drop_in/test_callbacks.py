"""The callbacks: what they are told, when, and that they never harm a call."""

import dataclasses
import logging
from typing import Any

import pytest

from client import (
    CircuitBreaker,
    CircuitOpenError,
    DeadlineExceededError,
    FailureInfo,
    RequestInfo,
    ResponseInfo,
    RetryInfo,
)
from client.events import AttemptStarted, RequestIdMade
from client.telemetry.callbacks import Callbacks
from tests.drop_in.kits import URL, Kit
from tests.drop_in.wire import Reply

NAMES = ("on_request", "on_retry", "on_success", "on_failure")


class Told:
    """Everything that the four callbacks were told, in order."""

    def __init__(self) -> None:
        self.records: list[tuple[str, Any]] = []
        self.callbacks = {name: self._note(name) for name in NAMES}

    def _note(self, name: str) -> Any:
        return lambda record: self.records.append((name, record))

    @property
    def names(self) -> list[str]:
        """Which callbacks were called."""
        return [name for name, _ in self.records]

    def last(self) -> Any:
        """The last record."""
        return self.records[-1][1]


async def test_they_tell_the_story_of_a_call(kit: Kit) -> None:
    """In order, one record for each thing that happens."""
    told = Told()
    client = kit.client(503, "ReadError", 200, backoff_factor=1, **told.callbacks)
    response = await client.get(URL + "x?secret=1")
    about: dict[str, Any] = {"url": URL + "x", "method": "GET", "max_retries": 3}
    first, failed, second, broken, third, done = (record for _, record in told.records)
    assert told.names == ["on_request", "on_retry"] * 2 + ["on_request", "on_success"]
    assert [first, second, third] == [RequestInfo(**about, attempt=n) for n in (1, 2, 3)]
    assert failed.response.status_code == 503
    assert failed == RetryInfo(
        **about, attempt=1, wait_time=1, status_code=503, response=failed.response, error=None
    )
    assert type(broken.error) is kit.error("ReadError")
    assert broken == RetryInfo(
        **about, attempt=2, wait_time=2, status_code=None, response=None, error=broken.error
    )
    assert done == ResponseInfo(
        **about, attempt=3, response=response, status_code=200, attempts=3, total_time=3
    )


async def test_an_error_status_is_a_failure_with_an_answer(kit: Kit) -> None:
    """After its retries, or at once."""
    told = Told()
    client = kit.client(404, **told.callbacks)
    response = await client.get(URL)
    assert told.names == ["on_request", "on_failure"]
    assert told.last() == FailureInfo(
        url=URL,
        method="GET",
        attempt=1,
        max_retries=3,
        error=None,
        response=response,
        status_code=404,
        attempts=1,
        total_time=0,
    )


async def test_an_exception_is_a_failure_with_that_exception(kit: Kit) -> None:
    """The very one that is raised."""
    told = Told()
    client = kit.client("ConnectError", max_retries=1, backoff_factor=4, **told.callbacks)
    with pytest.raises(kit.error("ConnectError")) as caught:
        await client.get(URL)
    record = told.last()
    assert told.names[-1] == "on_failure"
    assert record.error is caught.value
    assert (record.response, record.status_code) == (None, None)
    assert (record.attempt, record.attempts, record.total_time) == (2, 2, 4)


async def test_an_exception_of_nobody_s_business_is_told_as_it_is(kit: Kit) -> None:
    """Also one with a cause of its own, or with an answer."""
    told = Told()
    bug: Any = LookupError("bug")
    bug.__cause__ = ValueError("why")
    bug.response = "not one of httpx"
    await kit.outcome(kit.client(bug, **told.callbacks).get(URL))
    assert told.last().error is bug
    assert told.last().response is None


async def test_a_hook_s_status_error_is_told_with_its_answer(kit: Kit) -> None:
    """The exception that is raised, and the answer it stands for."""

    def check(response: Any) -> None:
        response.raise_for_status()

    told = Told()
    hooks = {"response": [kit.awaited_if_async(check)]}
    client = kit.client(503, event_hooks=hooks, max_retries=1, **told.callbacks)
    with pytest.raises(kit.error("HTTPStatusError")) as caught:
        await client.get(URL)
    retry, failure = told.records[1][1], told.last()
    assert type(retry.error) is kit.error("HTTPStatusError")
    assert (retry.status_code, failure.status_code) == (503, 503)
    assert failure.error is caught.value
    assert failure.response is failure.error.response


async def test_a_rejection_is_told_as_the_caller_sees_it(kit: Kit) -> None:
    """With the request that was turned away, before any attempt or after the last one."""
    told = Told()
    breaker = CircuitBreaker(failure_threshold=1)
    client = kit.client("ConnectError", max_retries=0, circuit_breaker=breaker)
    await kit.outcome(client.get(URL))
    with pytest.raises(CircuitOpenError) as caught:
        await client.get(URL, **told.callbacks)
    assert told.names == ["on_failure"]
    assert told.last().error is caught.value
    assert told.last().error.request.url == URL
    assert (told.last().attempt, told.last().attempts) == (0, 0)
    client = kit.client(Reply(takes=9), max_total_time=5, **told.callbacks)
    with pytest.raises(DeadlineExceededError) as late:
        await client.get(URL)
    assert told.last().error is late.value


async def test_a_good_answer_that_is_retried_is_told_too(kit: Kit) -> None:
    """With its status, and without an exception."""
    told = Told()
    client = kit.client(200, retry_if=lambda response, _error: bool(response), **told.callbacks)
    await client.get(URL, max_retries=1)
    record = told.records[1][1]
    assert (record.status_code, record.response.status_code, record.error) == (200, 200, None)
    assert told.names[-1] == "on_success"


async def test_a_redirect_that_is_not_followed_is_a_success(kit: Kit) -> None:
    """A 3xx is an answer."""
    told = Told()
    await kit.client(302, **told.callbacks).get(URL)
    assert (told.names[-1], told.last().status_code) == ("on_success", 302)


@pytest.mark.parametrize("name", NAMES)
async def test_one_callback_is_called_without_the_others(kit: Kit, name: str) -> None:
    """Each is set by itself, for the client or for a call."""
    expected = {"on_request": 3, "on_retry": 2, "on_success": 1, "on_failure": 0}
    told = Told()
    one = {name: told.callbacks[name]}
    await kit.client(503, 503, 200, **one).get(URL)
    await kit.client(503, 503, 200).get(URL, **one)
    assert told.names == [name] * 2 * expected[name]
    await kit.client(404, **one).get(URL)
    assert told.names[-1:] != ["on_failure"] or name == "on_failure"


@pytest.mark.parametrize("name", NAMES)
async def test_a_callback_that_raises_harms_nobody(
    kit: Kit, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and the call goes on."""

    def wrong(_record: Any) -> None:
        raise LookupError("in a callback")

    client = kit.client(503, 200, 503, max_retries=1, **{name: wrong})
    with caplog.at_level(logging.ERROR):
        assert (await client.get(URL)).status_code == 200
        assert (await client.get(URL)).status_code == 503
    assert "in a callback" in caplog.text


async def test_a_stream_tells_of_its_one_attempt(kit: Kit) -> None:
    """No retries may follow."""
    told = Told()
    client = kit.client(200, **told.callbacks)
    async with client.stream():
        assert told.names == ["on_request", "on_success"]
    assert told.last().max_retries == 0


def test_an_event_that_nobody_waits_for_is_nothing() -> None:
    """Even if it comes unasked."""
    told = Told()
    for callbacks in (Callbacks(max_retries=0), Callbacks(max_retries=0, **told.callbacks)):
        callbacks(RequestIdMade(request_id=None, method="GET", url=URL))
    Callbacks(max_retries=0)(AttemptStarted(request_id=None, method="GET", url=URL, attempt=1))
    assert told.records == []


def test_records_are_frozen() -> None:
    """Whoever keeps one keeps what was."""
    record = RequestInfo(url=URL, method="GET", attempt=1, max_retries=3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.attempt = 2  # type: ignore[misc] # that is the test
    assert issubclass(RetryInfo, RequestInfo)
    assert issubclass(ResponseInfo, RequestInfo)
    assert issubclass(FailureInfo, RequestInfo)
