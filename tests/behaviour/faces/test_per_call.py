"""What a single call may change, and how it is told of a mistake."""

from typing import Any

import httpx
import pytest
import tenacity

from client import (
    APINetworkError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    RetryConfig,
    ServerError,
    ServiceUnavailableError,
)
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import World

EXACT = {"jitter": False}


async def test_retry_as_a_dict_is_laid_over_the_clients(world: World) -> None:
    """What it does not name stays as configured."""
    client = world.client(500, retry={**EXACT, "multiplier": 3})
    with pytest.raises(ServerError):
        await client.get(retry={"max_attempts": 2})
    assert client.wire.times == pytest.approx([0, 3])


async def test_retry_as_a_config_replaces_the_clients(world: World) -> None:
    """All of it."""
    client = world.client(500, retry={**EXACT, "multiplier": 3, "max_attempts": 9})
    with pytest.raises(ServerError):
        await client.get(retry=RetryConfig(max_attempts=2, jitter=False))
    assert client.wire.times == pytest.approx([0, 2])


async def test_retry_none_makes_one_attempt(world: World) -> None:
    """For the one call."""
    client = world.client([500, 500, 200])
    with pytest.raises(ServerError):
        await client.get(retry=None)
    await client.get()
    assert len(client.wire.arrivals) == 3


async def test_retry_can_be_switched_on_for_one_call(world: World) -> None:
    """Where the client has none, the dict is laid over the defaults."""
    client = world.client([500, 200], retry=None)
    await client.get(retry=EXACT)
    assert client.wire.times == pytest.approx([0, 2])


@pytest.mark.parametrize(
    ("retry", "error", "text"),
    [
        (3, TypeError, "retry 3 is not allowed: give a RetryConfig, a dict, or None"),
        ({"max_attempts": 0}, ValueError, "max_attempts"),
        ({"max_attemps": 2}, ValueError, "max_attempts"),
    ],
    ids=["number", "value", "name"],
)
async def test_a_wrong_retry_is_refused(
    world: World, retry: object, error: type[Exception], text: str
) -> None:
    """Before anything is sent, saying what is allowed."""
    client = world.client([])
    with pytest.raises(error, match=text):
        await client.get(retry=retry)


@pytest.mark.parametrize(
    ("name", "offer"),
    [
        ("request_di", "request_id"),
        ("dedline", "deadline"),
        ("retries", "retry"),
        ("jason", "json"),
        ("header", "headers"),
    ],
)
async def test_a_misspelt_argument_is_refused(world: World, name: str, offer: str) -> None:
    """With the nearest name there is, before anything is sent."""
    client = world.client([])
    text = f"unexpected keyword argument '{name}'; did you mean '{offer}'?"
    with pytest.raises(TypeError) as caught:
        await client.get(**{name: "x"})
    assert str(caught.value) == text
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'qqqqq'$"):
        await client.get(qqqqq=1)
    with pytest.raises(TypeError, match=name):
        async with client.stream(**{name: "x"}):
            pass


async def test_what_httpx_takes_is_passed_through(world: World) -> None:
    """Every argument of `httpx.Client.request`."""
    client = world.client(200)
    await client.post(
        "/things",
        params={"page": "2"},
        headers={"Accept": "text/plain"},
        json={"a": 1},
        auth=("user", "word"),
        timeout=3.0,
        follow_redirects=False,
        extensions={"trace": None},
    )
    arrival = client.wire.arrivals[0]
    assert str(arrival.request.url) == "http://server.test/things?page=2"
    assert arrival.request.headers["Accept"] == "text/plain"
    assert arrival.request.headers["Authorization"].startswith("Basic ")
    assert arrival.request.headers["Content-Type"] == "application/json"
    assert arrival.body == b'{"a":1}'
    assert arrival.timeouts == {"connect": 3.0, "read": 3.0, "write": 3.0, "pool": 3.0}
    assert "trace" in arrival.request.extensions


async def test_redirects_can_be_left_to_the_caller(world: World) -> None:
    """A 3xx is an answer like any other."""
    client = world.client(Answer(302, headers={"Location": "/b"}))
    response = await client.get("/a", follow_redirects=False)
    assert response.status_code == 302
    assert len(client.wire.arrivals) == 1


async def test_cookies_of_a_call_are_sent(world: World) -> None:
    """With the warning that httpx gives."""
    client = world.client(200)
    with pytest.warns(DeprecationWarning, match="cookies"):
        await client.get(cookies={"a": "1"})
    assert client.wire.last.headers["Cookie"] == "a=1"


async def test_an_absolute_url_overrides_the_base(world: World) -> None:
    """Also as an `httpx.URL`; a relative one is joined below the base's path."""
    client = world.client(200, base_url="http://server.test/api/")
    for url in ("/things", "things", httpx.URL("things"), "http://other.test/x"):
        await client.get(url)
    assert [str(arrival.request.url) for arrival in client.wire.arrivals] == [
        "http://server.test/api/things",
        "http://server.test/api/things",
        "http://server.test/api/things",
        "http://other.test/x",
    ]


async def test_methods_limits_what_is_retried(world: World) -> None:
    """A method that is not listed gets one attempt, in whatever case it is written."""
    client = world.client(503, retry={"methods": ["GET", "put"]})
    for method, attempts in (("GET", 3), ("get", 3), ("PUT", 3), ("POST", 1), ("DELETE", 1)):
        before = len(client.wire.arrivals)
        with pytest.raises(ServiceUnavailableError):
            await client.request(method)
        assert len(client.wire.arrivals) - before == attempts, method


async def test_statuses_choose_what_is_retried(world: World) -> None:
    """Those listed and no others; failures without a status are retried all the same."""
    retry = {"statuses": [404, 500]}
    for step, kind, attempts in (
        (404, NotFoundError, 3),
        (500, ServerError, 3),
        (503, ServiceUnavailableError, 1),
        (httpx.ReadError, APINetworkError, 3),
    ):
        client = world.client(step, retry=retry)
        with pytest.raises(kind):
            await client.get()
        assert len(client.wire.arrivals) == attempts, step


async def test_retry_if_decides_about_everything(world: World) -> None:
    """It is asked after every attempt with an answer or an exception, a good answer included."""
    asked: list[tuple[Any, Any]] = []

    def look(response: httpx.Response | None, error: Exception | None) -> bool:
        asked.append((response and response.status_code, type(error)))
        return True

    client = world.client([503, httpx.ReadError, 200], retry={"retry_if": look})
    response = await client.get()
    assert response.status_code == 200
    assert asked == [(503, type(None)), (None, APINetworkError), (200, type(None))]
    assert len(client.wire.arrivals) == 3


async def test_retry_if_may_ask_again_on_a_good_answer(world: World) -> None:
    """As for a job that is not done yet; the last answer is returned when attempts run out."""

    def is_pending(response: httpx.Response | None, error: Exception | None) -> bool:
        return response is not None and response.status_code == 202

    client = world.client([202, 202, 200, 202, 202, 202], retry={"retry_if": is_pending})
    assert (await client.get()).status_code == 200
    last = await client.get()
    assert last.status_code == 202
    assert last.extensions["resilience"].attempts == 3


async def test_retry_if_may_refuse(world: World) -> None:
    """What would be retried otherwise."""
    client = world.client([503], retry={"retry_if": lambda _response, _error: False})
    with pytest.raises(ServiceUnavailableError):
        await client.get()


async def test_tenacity_objects_are_accepted(world: World) -> None:
    """As `retry_if`, `stop` and `backoff`."""
    retry = {
        "retry_if": tenacity.retry_if_exception_type(ServerError),
        "stop": tenacity.stop_after_attempt(4),
        "backoff": tenacity.wait_fixed(7),
        "max_attempts": 9,
    }
    client = world.client(500, retry=retry)
    with pytest.raises(ServerError):
        await client.get()
    assert client.wire.times == pytest.approx([0, 7, 14, 21])


async def test_a_retry_if_that_raises_is_the_callers_bug(world: World) -> None:
    """It passes untouched, and no slot is lost."""

    def raises(response: object, error: object) -> bool:
        raise LookupError("bug")

    client = world.client([503, 503], retry={"retry_if": raises})
    with pytest.raises(LookupError, match="bug"):
        await client.get()
    with pytest.raises(LookupError, match="bug"):
        async with client.stream():
            pass


async def test_deadline_is_for_the_one_call(world: World) -> None:
    """In place of the client's `timeout.total`; None lifts that."""
    client = world.client(500, retry=EXACT, timeout={"total": 3})
    with pytest.raises(ServerError):
        await client.get()
    with pytest.raises(ServerError):
        await client.get(deadline=None)
    with pytest.raises(ServerError):
        await client.get(deadline=1)
    starts = [client.wire.arrivals[index].at for index in (0, 2, 5)]
    assert len(client.wire.arrivals) == 2 + 3 + 1
    assert [round(start) for start in starts] == [1000, 1002, 1008]


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), True, "3"], ids=repr)
async def test_a_bad_deadline_is_refused(world: World, bad: object) -> None:
    """Before anything is sent."""
    client = world.client([])
    with pytest.raises(ValueError, match=r"deadline .* is not allowed: give a number of seconds"):
        await client.get(deadline=bad)


async def test_a_call_without_retries_can_have_a_deadline(world: World) -> None:
    """The two layers do not need each other."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(100)
        return 200

    client = world.client(slow, retry=None)
    with pytest.raises(DeadlineExceededError):
        await client.get(deadline=4)
    assert world.now() == pytest.approx(1004)


async def test_what_is_no_method_is_refused(world: World) -> None:
    """Before a slot is taken, and before it could bring a line of its own into a request."""
    client = world.client(200)
    with pytest.raises(InvalidRequestError, match="HTTP method"):
        await client.request("GET\r\nX: y", "/")
    assert client.wire.arrivals == []
    assert client.stats().operations == 0
