"""What is retried, what is not, and what the caller gets when it does not help."""

import ssl
from http import HTTPStatus
from typing import NamedTuple

import httpx
import pytest

from client import (
    APIConnectionError,
    APINetworkError,
    APITimeoutError,
    AuthenticationError,
    CircuitState,
    ClientConfig,
    InvalidRequestError,
    MyAPIError,
    NotFoundError,
    RateLimitError,
    ResponseError,
    ServerError,
    ServerTimeoutError,
    ServiceUnavailableError,
    TLSVerificationError,
    UnexpectedStatusError,
)
from tests.behaviour.wire import NEVER_SENT, Answer
from tests.behaviour.world import World

FIRST_FAILURE_OPENS = {"failure_threshold": 1}

BY_STATUS = {
    400: InvalidRequestError,
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    408: ServerTimeoutError,
    422: InvalidRequestError,
    429: RateLimitError,
    502: ServiceUnavailableError,
    503: ServiceUnavailableError,
    504: ServiceUnavailableError,
}


def error_of(status: int) -> type[MyAPIError] | None:
    """What the contract says about a status."""
    if 200 <= status < 400:
        return None
    return BY_STATUS.get(status, ServerError if 500 <= status < 600 else UnexpectedStatusError)


class Meaning(NamedTuple):
    """What the contract says about an exception from below."""

    kind: type[MyAPIError]
    request_sent: bool


TIMED_OUT = Meaning(APITimeoutError, request_sent=True)
BROKE = Meaning(APINetworkError, request_sent=True)
REFUSED = Meaning(InvalidRequestError, request_sent=False)
UNENCODABLE = Meaning(InvalidRequestError, request_sent=True)
"""By a transport of somebody else's, which may have sent it."""
UNUSABLE = Meaning(ResponseError, request_sent=True)
BY_EXCEPTION: dict[type[Exception], Meaning] = {
    httpx.TimeoutException: TIMED_OUT,
    httpx.ReadTimeout: TIMED_OUT,
    httpx.WriteTimeout: TIMED_OUT,
    httpx.ConnectTimeout: Meaning(APITimeoutError, request_sent=False),
    httpx.PoolTimeout: Meaning(APITimeoutError, request_sent=False),
    httpx.ConnectError: Meaning(APINetworkError, request_sent=False),
    httpx.ProxyError: Meaning(APINetworkError, request_sent=False),
    httpx.TransportError: BROKE,
    httpx.NetworkError: BROKE,
    httpx.ReadError: BROKE,
    httpx.WriteError: BROKE,
    httpx.CloseError: BROKE,
    httpx.ProtocolError: BROKE,
    httpx.RemoteProtocolError: BROKE,
    httpx.LocalProtocolError: REFUSED,
    httpx.UnsupportedProtocol: REFUSED,
    httpx.InvalidURL: REFUSED,
    httpx.DecodingError: UNUSABLE,
    httpx.TooManyRedirects: UNUSABLE,
    httpx.RequestError: BROKE,
    TimeoutError: TIMED_OUT,
    ConnectionResetError: BROKE,
    BrokenPipeError: BROKE,
    UnicodeEncodeError: UNENCODABLE,
    OverflowError: UNENCODABLE,
}
# The first is told by its response; the others say that a caller misuses httpx.
NOT_ABOUT_AN_EXCHANGE = {
    httpx.HTTPStatusError,
    httpx.CookieConflict,
    httpx.StreamError,
    httpx.StreamConsumed,
    httpx.StreamClosed,
    httpx.ResponseNotRead,
    httpx.RequestNotRead,
}


def made(kind: type[Exception]) -> Exception:
    """An exception of the kind."""
    return UnicodeEncodeError("ascii", "é", 0, 1, "no") if kind is UnicodeEncodeError else kind("x")


async def test_the_defaults_recover_from_two_failures(world: World) -> None:
    """Three attempts, with waits within the bounds of the defaults."""
    client = world.client([500, 500, 200])
    response = await client.get()
    assert response.status_code == 200
    first, second = response.extensions["resilience"].waits
    assert 1 <= first <= 2
    assert 1 <= second <= 4
    assert client.wire.times == pytest.approx([0, first, first + second])


async def test_an_outage_surfaces_the_last_error(world: World) -> None:
    """After `max_attempts`, with all that is known about the operation."""
    client = world.client([500, httpx.ReadTimeout, 503])
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.request("PUT", "/things?page=2", request_id="order-7", retry={"jitter": False})
    error = caught.value
    assert str(error) == (
        "PUT http://server.test/things failed after 3 attempts: 503 Service Unavailable "
        "(request id order-7)"
    )
    assert (error.method, error.url) == ("PUT", "http://server.test/things")
    assert (error.request_id, error.status_code, error.attempts) == ("order-7", 503, 3)
    assert error.response.status_code == 503
    assert error.elapsed == pytest.approx(6)
    assert error.retry_after is None
    assert error.request_sent is True
    assert error.__cause__ is None


async def test_one_attempt_is_not_called_several(world: World) -> None:
    """The text speaks of attempts only where there was more than one."""
    client = world.client(404)
    with pytest.raises(NotFoundError) as caught:
        await client.get("/x", request_id="a")
    assert str(caught.value) == "GET http://server.test/x failed: 404 Not Found (request id a)"
    assert caught.value.attempts == 1


async def test_two_attempts_are_several(world: World) -> None:
    """And the error says so."""
    client = world.client(500, retry={"max_attempts": 2})
    with pytest.raises(ServerError, match=r"^GET http://server\.test/ failed after 2 attempts"):
        await client.get()


# Which error each of all numbers becomes, the tests of the verdicts ask.
STATUSES = sorted({*HTTPStatus, 199, 299, 399, 420, 499, 512, 599, 600, 999})


async def test_every_status(world: World) -> None:
    """Each becomes its error, is retried and moves the circuit as the contract says."""
    for status in map(int, STATUSES):
        client = world.client(status, circuit_breaker=FIRST_FAILURE_OPENS)
        kind = error_of(status)
        is_retried = kind is not None and issubclass(kind, APIConnectionError)
        outcome = await world.outcome(world.start(client.get()))
        assert type(outcome) is (kind or httpx.Response), status
        assert outcome.status_code == status
        if isinstance(outcome, MyAPIError):
            assert outcome.response.status_code == status
            assert outcome.request_sent is True
        assert len(client.wire.arrivals) == (3 if is_retried else 1), status
        is_open = client.circuit_state is CircuitState.OPEN
        assert is_open == is_retried, status


@pytest.mark.parametrize("kind", BY_EXCEPTION, ids=lambda kind: kind.__name__)
async def test_every_exception(world: World, kind: type[Exception]) -> None:
    """Each becomes its error, is retried and moves the circuit as the contract says."""
    meaning = BY_EXCEPTION[kind]
    is_retried = issubclass(meaning.kind, APIConnectionError)
    raised = [made(kind) for _ in range(3)]
    client = world.client(raised, circuit_breaker=FIRST_FAILURE_OPENS)
    with pytest.raises(MyAPIError) as caught:
        await client.get()
    error = caught.value
    assert type(error) is meaning.kind
    assert error.request_sent is meaning.request_sent
    assert (error.status_code, error.response) == (None, None)
    assert error.__cause__ is raised[2 if is_retried else 0]
    assert len(client.wire.arrivals) == error.attempts == (3 if is_retried else 1)
    assert (client.circuit_state is CircuitState.OPEN) == is_retried


def test_the_table_of_exceptions_is_complete() -> None:
    """A new class in httpx must be given its meaning."""
    exported = (getattr(httpx, name) for name in httpx.__all__)
    classes = {item for item in exported if isinstance(item, type) and issubclass(item, Exception)}
    known = {kind for kind in BY_EXCEPTION if kind.__module__.startswith("httpx")}
    assert classes == known | NOT_ABOUT_AN_EXCHANGE | {httpx.HTTPError}
    assert set(NEVER_SENT) <= {k for k, m in BY_EXCEPTION.items() if m.request_sent is False}


BROKEN_BODIES = {
    "reset": Answer(200, (b"abc", httpx.ReadError("x"))),
    "cut short": Answer(200, (b"abc", httpx.RemoteProtocolError("x"))),
    "read timeout": Answer(200, (b"abc", 100.0, b"def")),
}


@pytest.mark.parametrize("kind", BROKEN_BODIES)
async def test_a_body_that_breaks_is_a_failure_of_the_attempt(world: World, kind: str) -> None:
    """As one of the head is: retried, and seen by the circuit."""
    broken = BROKEN_BODIES[kind]
    client = world.client([broken, broken, Answer(200, (b"abc", b"def"))])
    assert (await client.get()).content == b"abcdef"
    client = world.client([broken] * 3, circuit_breaker=FIRST_FAILURE_OPENS)
    with pytest.raises(APIConnectionError) as caught:
        await client.get()
    assert type(caught.value) in {APINetworkError, APITimeoutError}
    assert caught.value.request_sent is True
    assert client.circuit_state is CircuitState.OPEN


async def test_a_body_whose_encoding_is_wrong_is_final(world: World) -> None:
    """It would not get better."""
    client = world.client(
        [Answer(200, (b"no gzip",), {"Content-Encoding": "gzip"})],
        circuit_breaker=FIRST_FAILURE_OPENS,
    )
    with pytest.raises(ResponseError, match="not encoded as its Content-Encoding says"):
        await client.get()
    assert client.circuit_state is CircuitState.CLOSED


async def test_what_may_have_been_sent_once_stays_so(world: World) -> None:
    """A last attempt that never left does not undo the first, which may have arrived."""
    client = world.client([httpx.ReadTimeout, httpx.ConnectError, httpx.ConnectError])
    with pytest.raises(APINetworkError) as caught:
        await client.post()
    assert caught.value.request_sent is True


async def test_what_never_left_is_said_to_be_unsent(world: World) -> None:
    """However often it was tried."""
    client = world.client([httpx.ConnectError, httpx.ConnectTimeout, httpx.ConnectError])
    with pytest.raises(APINetworkError) as caught:
        await client.post()
    assert caught.value.request_sent is False


async def test_a_refused_certificate_is_final(world: World) -> None:
    """Neither retried, nor counted: an outage it is not."""

    def refusal() -> Exception:
        error = httpx.ConnectError("certificate verify failed")
        error.__cause__ = ssl.SSLCertVerificationError("certificate verify failed")
        return error

    client = world.client([refusal(), refusal()], circuit_breaker=FIRST_FAILURE_OPENS)
    for _ in range(2):
        with pytest.raises(TLSVerificationError, match="certificate was refused") as caught:
            await client.get()
        assert isinstance(caught.value, APINetworkError)
        assert caught.value.request_sent is False
        assert isinstance(caught.value.__cause__, httpx.ConnectError)
    assert len(client.wire.arrivals) == 2
    assert client.circuit_state is CircuitState.CLOSED


async def test_without_retries_there_is_one_attempt(world: World) -> None:
    """`retry=None` switches the layer off."""
    client = world.client([503], retry=None)
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.get()
    assert caught.value.attempts == 1
    assert str(caught.value).startswith("GET http://server.test/ failed: 503")


async def test_every_method_is_sent_and_retried(world: World) -> None:
    """By the facade's method of the same name."""
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
        client = world.client([503, 200])
        await client.call(method.lower(), "/things")
        assert [arrival.request.method for arrival in client.wire.arrivals] == [method] * 2
        assert str(client.wire.last.url) == "http://server.test/things"


def test_the_defaults_are_the_contract() -> None:
    """The tests here speak of three attempts."""
    retry = ClientConfig().retry
    assert retry is not None
    assert retry.max_attempts == 3


async def test_an_operation_that_may_have_been_sent_stays_so(world: World) -> None:
    """Whatever becomes of the attempts after the one that was."""
    client = world.client([httpx.ReadError, httpx.ConnectError, httpx.ConnectError])
    with pytest.raises(APINetworkError) as caught:
        await client.get()
    assert (caught.value.attempts, caught.value.request_sent) == (3, True)
