"""Rejections are errors of httpx and of our tree at once; nothing else is new."""

import copy
import pickle
from typing import Any, ClassVar

import pytest

from client import (
    APIConnectionError,
    CircuitBreaker,
    CircuitOpenError,
    ClientClosedError,
    DeadlineExceededError,
    MyAPIError,
    PoolTimeoutError,
    ServerError,
)
from client.engine.rejections import is_rejection, rejections_for
from client.http.family import family_named
from tests.drop_in.kits import URL, Face, Kit
from tests.drop_in.wire import Reply


class TooManyCallsError(MyAPIError):
    """What a strategy of somebody else's turns calls away with."""

    as_httpx: ClassVar[str | None] = "TimeoutException"


FAILURES: dict[str, Any] = {
    "refused": "ConnectError",
    "connect timeout": "ConnectTimeout",
    "pool timeout": "PoolTimeout",
    "read timeout": "ReadTimeout",
    "reset": "ReadError",
    "protocol": "RemoteProtocolError",
    "broken body": Reply(200, (b"half", "ReadError")),
    "undecodable body": "DecodingError",
    "bad scheme": "UnsupportedProtocol",
}


async def rejected(kit: Kit, kind: str) -> Any:
    """A rejection as a caller sees it."""
    client = await opened(kit) if kind == "circuit" else late(kit)
    return await kit.outcome(client.get(URL + "x?secret=1"))


async def opened(kit: Kit) -> Face:
    """A client whose circuit is open."""
    breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=60)
    client = kit.client("ConnectError", max_retries=0, circuit_breaker=breaker)
    await kit.outcome(client.get(URL))
    return client


def late(kit: Kit) -> Face:
    """A client of a server that takes too long."""
    return kit.client(Reply(takes=9), max_total_time=5)


@pytest.mark.parametrize("failure", FAILURES)
async def test_code_that_catches_httpx_errors_keeps_catching(kit: Kit, failure: str) -> None:
    """`except httpx.HTTPError` around any failure of the network."""
    with pytest.raises(kit.error("HTTPError")):
        await kit.client(FAILURES[failure]).get(URL)


@pytest.mark.parametrize(
    ("kind", "ours", "theirs"),
    [
        ("circuit", CircuitOpenError, ("TransportError", "RequestError", "HTTPError")),
        ("deadline", DeadlineExceededError, ("TimeoutException", "TransportError", "HTTPError")),
    ],
)
async def test_a_rejection_is_both(
    kit: Kit, kind: str, ours: type[MyAPIError], theirs: tuple[str, ...]
) -> None:
    """Whichever tree the `except` was written for."""
    error = await rejected(kit, kind)
    assert isinstance(error, ours)
    assert isinstance(error, APIConnectionError)
    for name in theirs:
        assert isinstance(error, kit.error(name))
    assert type(error).__name__ == ours.__name__
    assert type(error).__module__ == "client.exceptions"
    assert type(error).__doc__ == ours.__doc__


async def test_it_says_what_happened_and_to_which_request(kit: Kit) -> None:
    """As httpx's errors do, and as ours do: without the query."""
    error = await rejected(kit, "circuit")
    assert "Circuit breaker is OPEN" in str(error)
    assert "secret" not in str(error)
    assert isinstance(error.request, kit.module.Request)
    assert str(error.request.url) == URL + "x?secret=1"
    assert (error.method, error.url, error.attempts) == ("GET", URL + "x", 0)
    assert (error.retry_after, error.request_sent) == (60, False)
    assert not hasattr(error, "__notes__")
    error = await rejected(kit, "deadline")
    assert isinstance(error.__cause__, TimeoutError)
    assert error.attempts == 1
    assert error.request_sent is not False


async def test_a_rejected_call_sends_nothing(kit: Kit) -> None:
    """That is what it is for."""
    client = await opened(kit)
    await kit.outcome(client.get(URL))
    assert len(client._transport.arrivals) == 1


@pytest.mark.parametrize("kind", ["circuit", "deadline"])
async def test_it_is_raised_plainly(kit: Kit, kind: str) -> None:
    """Without a context that would show how it was made."""
    error = await rejected(kit, kind)
    assert error.__context__ is None


@pytest.mark.parametrize("kind", ["circuit", "deadline"])
@pytest.mark.parametrize("duplicate", ["pickle", "copy", "deepcopy"])
async def test_it_travels(kit: Kit, kind: str, duplicate: str) -> None:
    """Between processes and into logs, with all it knows but its traceback."""
    error = await rejected(kit, kind)
    ways = {
        "pickle": lambda error: pickle.loads(pickle.dumps(error)),  # noqa: S301 - our own
        "copy": copy.copy,
        "deepcopy": copy.deepcopy,
    }
    again = ways[duplicate](error)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert (again.attempts, again.url) == (error.attempts, error.url)
    assert isinstance(again, kit.error("TransportError"))
    # A query may be a secret, so it is in no pickle.
    url = error.request.url.copy_with(query=None) if duplicate == "pickle" else error.request.url
    assert again.request.url == url
    assert again.__traceback__ is None


@pytest.mark.parametrize("kind", ["circuit", "deadline"])
async def test_it_travels_without_what_cannot(kit: Kit, kind: str) -> None:
    """What somebody hung on the request stays behind, and so do its headers and its body."""
    error = await rejected(kit, kind)
    error.request.sticky = lambda: None
    error.request.headers["Authorization"] = "Bearer s3cret"
    data = pickle.dumps(error)
    assert b"s3cret" not in data
    again = pickle.loads(data)  # noqa: S301 - our own
    assert again.request.method == error.request.method
    assert not hasattr(again.request, "sticky")


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_every_rejection_of_the_engine_has_its_class(family: str) -> None:
    """A full bulkhead among them, made once for each family."""
    found = rejections_for(family_named(family))
    module = family_named(family).module
    pool_timeout, closed = found.kind(PoolTimeoutError), found.kind(ClientClosedError)
    assert issubclass(pool_timeout, PoolTimeoutError)
    assert issubclass(pool_timeout, module.PoolTimeout)
    assert issubclass(closed, ClientClosedError)
    assert issubclass(closed, module.TransportError)
    assert found.kind(PoolTimeoutError) is pool_timeout
    assert rejections_for(family_named(family)) is found


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_a_strategy_brings_a_rejection_of_its_own(family: str) -> None:
    """Its class says of which kind of httpx it is; nothing else has to know of it."""
    kind = rejections_for(family_named(family)).kind(TooManyCallsError)
    error = kind("too many")
    assert isinstance(error, TooManyCallsError)
    assert isinstance(error, family_named(family).module.TimeoutException)
    assert is_rejection(error)
    assert is_rejection(TooManyCallsError())
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(again) is kind


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_other_errors_of_the_tree_are_raised_as_they_are(family: str) -> None:
    """They stand for an answer, or for an exception of httpx."""
    assert rejections_for(family_named(family)).kind(ServerError) is ServerError
    assert not is_rejection(ServerError())
    assert not is_rejection(LookupError())


async def test_a_rejection_of_a_protected_transport_comes_out_as_it_is(kit: Kit) -> None:
    """The client around it neither hides nor replaces it."""
    breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=60)
    kind = "AsyncResilientTransport" if kit.is_async else "ResilientTransport"
    transport = getattr(kit.ours, kind)(
        kit.wire("ConnectError"), circuit_breaker=breaker, backoff_factor=0, max_retries=0
    )
    client = kit.client(transport=transport)
    with pytest.raises(CircuitOpenError) as caught:
        await client.get(URL)
    assert isinstance(caught.value, kit.error("TransportError"))


async def test_an_error_of_the_tree_from_below_comes_out_as_it_is(kit: Kit) -> None:
    """A transport may speak through a client of the facade."""
    client = kit.client(DeadlineExceededError("of another client"))
    with pytest.raises(DeadlineExceededError, match="of another client"):
        await client.get(URL)
    assert len(client._transport.arrivals) == 1
