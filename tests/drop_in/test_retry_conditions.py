"""`retry_if`, `status_forcelist` and `retry_methods`: the caller says what is retried."""

from typing import Any

import pytest
import tenacity

from client import CircuitBreaker, CircuitOpenError, DeadlineExceededError
from client.engine.layer import Failure
from client.exceptions import APINetworkError
from client.faces.drop_in.options import RetrySettings
from client.faces.drop_in.policy import DropInPolicy
from tests.drop_in.kits import URL, Kit
from tests.drop_in.wire import Reply


async def test_a_predicate_sees_an_answer_or_an_exception_of_httpx(kit: Kit) -> None:
    """Never both, and never one of ours."""
    seen: list[tuple[Any, Any]] = []

    def always(response: Any, error: Any) -> bool:
        seen.append((response, error))
        return True

    client = kit.client(503, "ReadTimeout", 404, 200, max_retries=4, retry_if=always)
    await client.get(URL)
    answered = [(response.status_code if response else None) for response, _ in seen]
    assert answered == [503, None, 404, 200, 200]
    raised = [type(error) for _, error in seen]
    assert raised == [type(None), kit.error("ReadTimeout")] + [type(None)] * 3


async def test_a_predicate_decides_alone(kit: Kit) -> None:
    """Against the statuses, against the methods that are safe, and for good answers too."""
    no = kit.client(503, 200, retry_if=lambda _response, _error: False)
    assert (await no.get(URL)).status_code == 503

    def wants_fish(response: Any, _error: Any) -> bool:
        return response is not None and response.content != b"fish"

    client = kit.client(Reply(200, (b"meat",)), Reply(404, (b"none",)), Reply(200, (b"fish",)))
    response = await client.post(URL, retry_if=wants_fish)
    assert response.content == b"fish"
    assert response.extensions["resilience"].attempts == 3


async def test_a_good_answer_that_is_never_good_enough_is_returned_in_the_end(kit: Kit) -> None:
    """It is what there is; the same for an error that is not retried any more."""
    client = kit.client(Reply(200, (b"meh",)), retry_if=lambda _response, _error: True)
    assert (await client.get(URL)).content == b"meh"
    assert len(client._transport.arrivals) == 4


async def test_what_a_predicate_raises_is_raised(kit: Kit) -> None:
    """It is a bug of its author's."""

    def wrong(_response: Any, _error: Any) -> bool:
        raise LookupError("in the predicate")

    with pytest.raises(LookupError, match="in the predicate"):
        await kit.client(200, retry_if=wrong).get(URL)


async def test_a_predicate_is_not_asked_about_rejections(kit: Kit) -> None:
    """They are never retried."""
    asked: list[Any] = []

    def yes(response: Any, error: Any) -> bool:
        asked.append(response or error)
        return True

    breaker = CircuitBreaker(failure_threshold=1)
    client = kit.client("ConnectError", circuit_breaker=breaker, retry_if=yes, max_retries=0)
    await kit.outcome(client.get(URL))
    asked.clear()
    with pytest.raises(CircuitOpenError):
        await client.get(URL, max_retries=3)
    client = kit.client(Reply(takes=9), max_total_time=5, retry_if=yes)
    with pytest.raises(DeadlineExceededError):
        await client.get(URL)
    assert asked == []


def test_an_error_with_no_exception_of_httpx_behind_it_is_shown_itself() -> None:
    """Rather than nothing, which would look like no failure at all; without one there is none."""
    policy, error = DropInPolicy(RetrySettings()), APINetworkError("x")
    assert policy.shown(Failure(error)) is error
    assert policy.told(Failure(error)) is error
    assert policy.shown(Failure(None)) is None


async def test_a_retry_object_of_tenacity_s_sees_the_same(kit: Kit) -> None:
    """An answer as a result, an exception of httpx as an exception."""
    either = tenacity.retry_if_exception_type(kit.error("ReadTimeout")) | tenacity.retry_if_result(
        lambda response: response.status_code == 404
    )
    client = kit.client("ReadTimeout", 404, 503, 200, retry_if=either)
    assert (await client.get(URL)).status_code == 503
    client = kit.client(200, retry_if=tenacity.retry_if_result(lambda _response: False))
    assert (await client.get(URL)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_list_of_statuses_replaces_the_default_for_every_method(
    kit: Kit, method: str
) -> None:
    """What is not on it is not retried; what is, is."""
    for status, sendings in [(418, 2), (500, 2), (503, 1), (429, 1)]:
        client = kit.client(status, 200, status_forcelist={418, 500})
        await client.request(method, URL)
        assert len(client._transport.arrivals) == sendings


async def test_an_empty_list_retries_no_status(kit: Kit) -> None:
    """Failures of the network are another matter."""
    client = kit.client("ConnectError", 503, status_forcelist=())
    assert (await client.get(URL)).status_code == 503
    assert len(client._transport.arrivals) == 2


async def test_a_status_that_is_no_error_may_be_on_the_list(kit: Kit) -> None:
    """A 202 that means "not yet", for one; what outlives its retries is returned."""
    client = kit.client(202, 202, 200, status_forcelist=[202])
    assert (await client.get(URL)).status_code == 200
    client = kit.client(202, status_forcelist=[202], max_retries=1)
    assert (await client.post(URL)).status_code == 202
    assert len(client._transport.arrivals) == 2
    client = kit.client(204, status_forcelist=[202])
    assert (await client.get(URL)).extensions["resilience"].attempts == 1


@pytest.mark.parametrize("failure", [503, "ConnectError"])
async def test_a_list_of_methods_leaves_all_others_out(kit: Kit, failure: Any) -> None:
    """Whatever the failure, and in any case of letters."""
    for method, sendings in [("PUT", 2), ("GET", 1), ("POST", 1), ("DELETE", 2)]:
        client = kit.client(failure, 200, retry_methods=["put", "Delete"])
        await kit.outcome(client.request(method.lower(), URL))
        assert len(client._transport.arrivals) == sendings
