"""The tree of errors: its shape, its context, and its way through pickle and copy."""

import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, NoReturn
from unittest.mock import Mock

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import exceptions
from client.exceptions import (
    APIConnectionError,
    APINetworkError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    CircuitIsolatedError,
    CircuitOpenError,
    ClientClosedError,
    DeadlineExceededError,
    HttpRequestError,
    InsecureTLSWarning,
    InvalidRequestError,
    MyAPIError,
    NotFoundError,
    PoolTimeoutError,
    RateLimitError,
    RateLimitRejectedError,
    ResponseError,
    ServerError,
    ServerTimeoutError,
    ServiceUnavailableError,
    TLSVerificationError,
    UnexpectedStatusError,
    WeakenedProtectionWarning,
)

PARENTS: dict[type[MyAPIError], type[Exception]] = {
    MyAPIError: Exception,
    APIConnectionError: MyAPIError,
    APITimeoutError: APIConnectionError,
    DeadlineExceededError: APITimeoutError,
    APINetworkError: APIConnectionError,
    TLSVerificationError: APINetworkError,
    ServerTimeoutError: APIConnectionError,
    RateLimitError: APIConnectionError,
    ServerError: APIConnectionError,
    ServiceUnavailableError: ServerError,
    CircuitOpenError: APIConnectionError,
    CircuitIsolatedError: CircuitOpenError,
    APIStatusError: MyAPIError,
    AuthenticationError: APIStatusError,
    NotFoundError: APIStatusError,
    InvalidRequestError: APIStatusError,
    UnexpectedStatusError: APIStatusError,
    PoolTimeoutError: MyAPIError,
    RateLimitRejectedError: MyAPIError,
    ResponseError: MyAPIError,
    ClientClosedError: MyAPIError,
}
REQUEST = httpx.Request("POST", "https://api.example/items", json={"a": 1})
CONTEXT: dict[str, Any] = {
    "method": "POST",
    "url": "https://api.example/items",
    "request_id": "id-1",
    "status_code": 503,
    "attempts": 3,
    "elapsed": 1.5,
    "retry_after": 30.0,
    "request_sent": True,
}


def pickled(protocol: int) -> Callable[[Any], Any]:
    """A way through pickle."""
    return lambda error: pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 - our own


WAYS: dict[str, Callable[[Any], Any]] = {
    **{f"pickle-{number}": pickled(number) for number in range(pickle.HIGHEST_PROTOCOL + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
every_class = pytest.mark.parametrize("kind", PARENTS)


class UnpicklableError(Exception):
    """Refuses to be made again from its arguments, as httpx.HTTPStatusError does."""

    def __init__(self, message: str, *, needed: object) -> None:
        super().__init__(message)
        self.needed = needed


class OwnError(ServerError):
    """A user's own, with arguments of its own."""

    def __init__(self, code: int, *, tenant: str) -> None:
        super().__init__(f"code {code}", status_code=code)
        self.tenant = tenant


@every_class
def test_the_tree_is_the_contract_s(kind: type[MyAPIError]) -> None:
    """Each class stands under its parent, and says what it is for."""
    assert kind.__bases__[0] is PARENTS[kind]
    assert kind.__doc__


def test_every_error_is_in_the_tree() -> None:
    """And every name is handed on."""
    assert {kind.__name__ for kind in PARENTS} == set(exceptions.__all__) - {
        "HttpRequestError",
        "InsecureTLSWarning",
        "WeakenedProtectionWarning",
    }


def test_the_base_has_another_name() -> None:
    """For the functions, which raise it by that name."""
    assert HttpRequestError is MyAPIError


def test_use_after_close_is_a_runtime_error_too() -> None:
    """As in httpx."""
    assert issubclass(ClientClosedError, RuntimeError)


@pytest.mark.parametrize("kind", [InsecureTLSWarning, WeakenedProtectionWarning])
def test_what_is_less_safe_is_a_warning(kind: type[Warning]) -> None:
    """It can be turned into an error, or silenced, by its class."""
    assert issubclass(kind, UserWarning)


@every_class
def test_an_error_carries_its_context(kind: type[MyAPIError]) -> None:
    """Every part of it as an attribute."""
    response = httpx.Response(503, request=REQUEST)
    error = kind("it failed", response=response, **CONTEXT)
    assert str(error) == "it failed"
    assert error.message == "it failed"
    assert error.args == ("it failed",)
    assert error.response is response
    assert {name: getattr(error, name) for name in CONTEXT} == CONTEXT


@every_class
def test_an_error_can_be_raised_without_any_context(kind: type[MyAPIError]) -> None:
    """Users make some for their tests, by the class or by an object."""
    with pytest.raises(kind) as caught:
        raise kind
    error = caught.value
    assert str(error) == ""
    found = (error.method, error.url, error.request_id, error.status_code, error.response)
    assert found == (None,) * 5
    assert (error.attempts, error.elapsed) == (0, 0.0)
    assert (error.retry_after, error.request_sent) == (None, None)


def test_context_is_given_by_keyword() -> None:
    """Ten values in a row would be mixed up."""
    with pytest.raises(TypeError):
        MyAPIError("it failed", "GET")  # type: ignore[call-arg] # that is the test


def test_a_rejection_tells_its_last_cause() -> None:
    """None where the circuit was opened by hand."""
    assert CircuitOpenError().last_error is None


@every_class
@every_way
def test_errors_survive_every_way(
    kind: type[MyAPIError], way: Callable[[MyAPIError], MyAPIError]
) -> None:
    """Class, text and context."""
    error = kind("it failed", **CONTEXT)
    found = way(error)
    assert found is not error
    assert type(found) is kind
    assert (str(found), found.args) == ("it failed", ("it failed",))
    assert {name: getattr(found, name) for name in CONTEXT} == CONTEXT


@every_way
def test_what_came_through_can_be_raised_and_caught(
    way: Callable[[MyAPIError], MyAPIError],
) -> None:
    """As if it were the original."""
    with pytest.raises(APIConnectionError, match="it failed") as caught:
        raise way(ServiceUnavailableError("it failed", **CONTEXT))
    assert caught.value.status_code == 503


def read_response() -> httpx.Response:
    """A response whose body is there."""
    return httpx.Response(503, json={"why": "maintenance"}, request=REQUEST)


def unread_response() -> httpx.Response:
    """A response of `stream`, whose body is not."""

    def body() -> Iterator[bytes]:
        yield b"never read"

    return httpx.Response(503, content=body(), request=REQUEST)


@every_way
def test_a_read_response_comes_along(way: Callable[[MyAPIError], MyAPIError]) -> None:
    """With its body."""
    found = way(ServerError("it failed", response=read_response())).response
    assert (found.status_code, found.json()) == (503, {"why": "maintenance"})
    assert found.request.url == REQUEST.url


@every_way
def test_an_unread_response_comes_along(way: Callable[[MyAPIError], MyAPIError]) -> None:
    """With its head."""
    found = way(ServerError("it failed", response=unread_response())).response
    assert found.status_code == 503


@every_way
def test_a_mock_in_place_of_a_response_harms_nothing(
    way: Callable[[MyAPIError], MyAPIError],
) -> None:
    """It cannot be pickled, and is left out there."""
    found = way(ServerError("it failed", response=Mock(status_code=503), **CONTEXT))
    assert found.status_code == 503
    assert found.response is None or found.response.status_code == 503


def test_a_copy_shares_its_response_and_a_deep_copy_has_its_own() -> None:
    """As the names say."""
    error = ServerError("it failed", response=read_response())
    assert copy.copy(error).response is error.response
    assert copy.deepcopy(error).response is not error.response


def test_a_deep_copy_shares_what_cannot_be_copied() -> None:
    """And copies all else."""
    error = ServerError("it failed", response=threading.Lock())
    vars(error).update(tags=["a"])
    found = copy.deepcopy(error)
    assert found.response is error.response
    assert vars(found)["tags"] == ["a"]
    assert vars(found)["tags"] is not vars(error)["tags"]


def test_a_deep_copy_keeps_identity_within_what_is_copied() -> None:
    """Two errors of one response still have one afterwards."""
    response = read_response()
    errors = copy.deepcopy(
        [ServerError("a", response=response), ServerError("b", response=response)]
    )
    assert errors[0].response is errors[1].response
    assert errors[0].response is not response


@every_way
def test_the_cause_comes_along(way: Callable[[MyAPIError], MyAPIError]) -> None:
    """It says what really happened."""
    error = APINetworkError("it failed")
    error.__cause__ = httpx.ConnectError("refused", request=REQUEST)
    cause = way(error).__cause__
    assert isinstance(cause, httpx.ConnectError)
    assert str(cause) == "refused"


@every_way
def test_causes_of_causes_come_along(way: Callable[[MyAPIError], MyAPIError]) -> None:
    """Our own errors hand theirs on; of others, Python leaves it out of a pickle."""
    outer, inner = DeadlineExceededError("late"), APITimeoutError("slow")
    outer.__cause__ = inner
    inner.__cause__ = OSError("deep")
    cause = way(outer).__cause__
    assert isinstance(cause, APITimeoutError)
    assert repr(cause.__cause__) == "OSError('deep')"


@pytest.mark.parametrize(
    "cause",
    [
        httpx.HTTPStatusError("500", request=REQUEST, response=httpx.Response(500)),
        UnpicklableError("a", needed=1),
        UnpicklableError("a", needed=threading.Lock()),
    ],
    ids=["httpx", "fails-to-load", "fails-to-dump"],
)
def test_a_cause_that_refuses_pickle_is_left_out(cause: Exception) -> None:
    """Some only fail when they are loaded, in another process."""
    error = ServerError("it failed", **CONTEXT)
    error.__cause__ = cause
    found = pickled(4)(error)
    assert found.__cause__ is None
    assert found.request_id == "id-1"


def test_only_what_refuses_pickle_is_left_out() -> None:
    """A user may hang anything on an error."""
    error = ServerError("it failed", response=threading.Lock(), **CONTEXT)
    vars(error).update(tenant="a", lock=threading.Lock(), fails=UnpicklableError("a", needed=1))
    found = pickled(4)(error)
    assert {name: getattr(found, name) for name in CONTEXT} == CONTEXT
    assert (found.response, found.tenant) == (None, "a")
    assert not hasattr(found, "lock")
    assert not hasattr(found, "fails")


@every_way
def test_notes_come_along(way: Callable[[MyAPIError], MyAPIError]) -> None:
    """Python shows them below the error."""
    error = ServerError("it failed")
    error.add_note("while syncing")
    assert way(error).__notes__ == ["while syncing"]


@every_way
def test_a_user_s_own_error_comes_through(way: Callable[[MyAPIError], MyAPIError]) -> None:
    """Without its constructor being run, whose arguments nobody knows."""
    found = way(OwnError(503, tenant="a"))
    assert isinstance(found, OwnError)
    assert (found.tenant, found.status_code, str(found)) == ("a", 503, "code 503")


@every_way
def test_a_rejection_keeps_its_last_cause(way: Callable[[MyAPIError], MyAPIError]) -> None:
    """An error within an error."""
    error = CircuitOpenError("open", retry_after=5.0)
    error.last_error = ServerError("it failed", status_code=503)
    found = way(error)
    assert isinstance(found, CircuitOpenError)
    assert isinstance(found.last_error, ServerError)
    assert found.last_error.status_code == 503


@every_way
@pytest.mark.parametrize("has_cause", [True, False])
def test_a_copy_is_shown_with_its_surroundings_like_the_original(
    way: Callable[[MyAPIError], MyAPIError], *, has_cause: bool
) -> None:
    """Python leaves out where an error was raised only where it has a cause instead."""
    error = ServerError("it failed")
    if has_cause:
        error.__cause__ = OSError("deep")
    assert way(error).__suppress_context__ is has_cause


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy])
def test_a_copy_keeps_no_frame_alive(way: Callable[[MyAPIError], MyAPIError]) -> None:
    """The original's traceback holds everything it came through."""

    class Big:
        """Something in a frame."""

    def fail() -> NoReturn:
        big = Big()
        found.append(weakref.ref(big))
        raise ServerError("it failed")

    def copy_of_it() -> MyAPIError:
        try:
            fail()
        except ServerError as error:
            return way(error)

    found: list[weakref.ref[Big]] = []
    copied = copy_of_it()
    gc.collect()
    assert copied.__traceback__ is None
    assert found[0]() is None


@given(
    text=st.text(),
    status=st.none() | st.integers(),
    seconds=st.floats(allow_nan=False),
    protocol=st.integers(0, pickle.HIGHEST_PROTOCOL),
)
def test_any_context_survives(text: str, status: int | None, seconds: float, protocol: int) -> None:
    """Texts of any script, numbers of any size."""
    error = MyAPIError(text, url=text, status_code=status, elapsed=seconds, retry_after=seconds)
    found = pickled(protocol)(error)
    assert (found.message, found.url) == (text, text)
    assert (found.status_code, found.elapsed, found.retry_after) == (status, seconds, seconds)


def fail_elsewhere() -> None:
    """What a process pool runs."""
    error = ServiceUnavailableError("it failed", response=read_response(), **CONTEXT)
    raise error from httpx.ReadTimeout("slow", request=REQUEST)


def test_an_error_comes_back_from_another_process() -> None:
    """Which is what pickling is for."""
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(ServiceUnavailableError) as caught,
    ):
        pool.submit(fail_elsewhere).result()
    assert caught.value.request_id == "id-1"
    assert caught.value.response.json() == {"why": "maintenance"}
