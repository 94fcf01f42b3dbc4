"""Users' tests patch `httpx.AsyncClient.request`, or its blocking twin, and see each attempt."""

from unittest.mock import Mock

import httpx
import pytest

from client import APINetworkError, NotFoundError, ServerError, ServiceUnavailableError
from tests.behaviour.world import BASE_URL, World


def bare(status: int) -> Mock:
    """An answer with nothing but a status."""
    return Mock(spec=["status_code"], status_code=status)


async def test_every_attempt_goes_through_the_patched_method(world: World) -> None:
    """With the same request id; the last answer is handed over as it is."""
    client = world.client()
    good = bare(200)
    with world.patch_request() as request:
        request.side_effect = [httpx.ConnectError("x"), bare(503), good]
        assert await client.get("/things", params={"a": "1"}) is good
    assert request.call_count == 3
    ids = {call.kwargs["headers"]["X-Request-ID"] for call in request.call_args_list}
    assert len(ids) == 1
    for call in request.call_args_list:
        assert call.args == ("GET", "/things")
        assert call.kwargs["params"] == {"a": "1"}
    assert client.wire.arrivals == []


async def test_the_callers_request_id_is_seen(world: World) -> None:
    """Among the headers of the call."""
    client = world.client()
    with world.patch_request() as request:
        request.return_value = bare(200)
        await client.post("/things", request_id="order-7", headers={"A": "1"}, json={"b": 2})
    assert request.call_args.args == ("POST", "/things")
    assert request.call_args.kwargs == {
        "headers": {"A": "1", "X-Request-ID": "order-7"},
        "json": {"b": 2},
    }


async def test_bare_answers_become_errors(world: World) -> None:
    """Retried or not by their status alone."""
    client = world.client()
    with world.patch_request() as request:
        request.return_value = bare(500)
        with pytest.raises(ServerError) as caught:
            await client.get()
        assert request.call_count == 3
        assert caught.value.response is request.return_value
        assert caught.value.retry_after is None
        request.return_value = bare(404)
        with pytest.raises(NotFoundError):
            await client.get()
        assert request.call_count == 4


async def test_real_answers_work_too(world: World) -> None:
    """Ones that were made by hand, with no request to belong to."""
    client = world.client(retry={"jitter": False})
    with world.patch_request() as request:
        busy = httpx.Response(503, headers={"Retry-After": "9"})
        request.side_effect = [busy, httpx.Response(200, json={"a": 1})]
        response = await client.get()
    assert response.json() == {"a": 1}
    assert response.extensions["resilience"].waits == (9,)


async def test_a_raised_status_is_read(world: World) -> None:
    """`HTTPStatusError`, as some side effects raise it, is the answer that it carries."""
    asked = httpx.Request("GET", BASE_URL)
    raised = [
        httpx.HTTPStatusError("x", request=asked, response=httpx.Response(status, request=asked))
        for status in (503, 404)
    ]
    client = world.client()
    with world.patch_request() as request:
        request.side_effect = raised
        with pytest.raises(NotFoundError) as caught:
            await client.get()
    assert request.call_count == 2
    assert caught.value.response is raised[1].response


async def test_a_raised_status_that_is_no_error_is_unexpected(world: World) -> None:
    """Somebody called a good answer an error: so it is."""
    asked = httpx.Request("GET", BASE_URL)
    answer = httpx.Response(302, request=asked)
    client = world.client()
    with world.patch_request() as request:
        request.side_effect = [httpx.HTTPStatusError("x", request=asked, response=answer)]
        with pytest.raises(Exception, match="302 Found") as caught:
            await client.get()
    assert type(caught.value).__name__ == "UnexpectedStatusError"


async def test_a_deadline_reaches_the_patched_method(world: World) -> None:
    """As timeouts that are cut to it."""
    client = world.client()
    with world.patch_request() as request:
        request.return_value = bare(200)
        await client.get(deadline=2)
    assert request.call_args.kwargs["timeout"] == httpx.Timeout(2)


async def test_the_circuit_opens_and_nothing_is_called(world: World) -> None:
    """As in production."""
    client = world.client(retry=None, circuit_breaker={"failure_threshold": 2})
    with world.patch_request() as request:
        request.side_effect = httpx.ReadTimeout("x")
        for _ in range(2):
            with pytest.raises(Exception, match="the server stayed silent too long"):
                await client.get()
        with pytest.raises(Exception, match="Circuit breaker is OPEN"):
            await client.get()
    assert request.call_count == 2


async def test_httpx_errors_are_translated(world: World) -> None:
    """With the original as the cause."""
    client = world.client(retry=None)
    with world.patch_request() as request:
        request.side_effect = cause = httpx.ReadError("x")
        with pytest.raises(APINetworkError) as caught:
            await client.get()
    assert caught.value.__cause__ is cause
    assert not isinstance(caught.value, ServiceUnavailableError)
