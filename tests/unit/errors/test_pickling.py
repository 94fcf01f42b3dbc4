"""Pickles of errors: long chains and circles, in linear time, and nobody's secrets in them."""

import copy
import pickle
import traceback
from typing import Any

import httpx
import httpx2
import pytest

from client.errors.safe_texts import alone, own_words, scrub
from client.exceptions import APINetworkError, MyAPIError, ServerError

S = "s3cr3t"
URL = f"https://user:{S}@api.example/items?key={S}"
HEADERS = {"Authorization": f"Bearer {S}", "Cookie": f"a={S}"}
FAMILIES = {"httpx": httpx, "httpx2": httpx2}
every_family = pytest.mark.parametrize("module", FAMILIES.values(), ids=FAMILIES)


def through(error: Any) -> Any:
    """Return an error after a way through pickle."""
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - our own


def chain_of(length: int) -> MyAPIError:
    """An error with so many below it."""
    error: Exception = OSError("deepest")
    for number in range(length):
        outer = APINetworkError(f"number {number}")
        outer.__cause__ = error
        error = outer
    assert isinstance(error, MyAPIError)
    return error


@pytest.mark.parametrize("length", [1, 30, 1_000])
def test_a_long_chain_comes_through(length: int) -> None:
    """Each link once: a link more costs what the one before it did."""
    found: Any = through(chain_of(length))
    for number in reversed(range(length)):
        assert str(found) == f"number {number}"
        found = found.__cause__
    assert repr(found) == "OSError('deepest')"
    size, longer = (len(pickle.dumps(chain_of(length + more))) for more in (0, 10))
    assert longer < size + 10 * 400


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("way", [through, copy.copy, copy.deepcopy])
def test_a_circle_comes_to_an_end(way: Any, length: int) -> None:
    """And stays a circle."""
    errors = [ServerError(str(number)) for number in range(length)]
    for error, cause in zip(errors, [*errors[1:], errors[0]], strict=True):
        error.__cause__ = cause
    found = way(errors[0])
    walked = found
    for _ in range(length):
        walked = walked.__cause__
    assert str(walked) == "0"
    if way is through:
        assert walked is found


def test_a_circle_that_begins_further_down() -> None:
    """It leads back to where it began."""
    outer, inner, innermost = (ServerError(each) for each in "abc")
    outer.__cause__, inner.__cause__, innermost.__cause__ = inner, innermost, inner
    found: Any = through(outer)
    assert found.__cause__.__cause__.__cause__ is found.__cause__


@pytest.mark.parametrize("way", [through, copy.deepcopy])
def test_an_error_that_is_part_of_itself(way: Any) -> None:
    """It can be hung on itself, or on one that hangs on it."""
    error, other = ServerError("a"), ServerError("b")
    vars(error).update(me=error, other=other)
    vars(other).update(back=error)
    found = way(error)
    assert found.me is found
    assert str(found.other) == "b"


def test_attributes_that_are_shared_are_pickled_once() -> None:
    """Two attributes with two each with two each would be a million otherwise."""
    error = ServerError("deepest")
    for number in range(20):
        outer = ServerError(str(number))
        vars(outer).update(left=error, right=error)
        error = outer
    found: Any = through(error)
    assert str(found.left.right.left) == "16"


def test_an_attribute_that_is_also_a_cause_stays_the_same_object() -> None:
    """As the last error of a circuit may be."""
    error, cause = ServerError("a"), ServerError("b")
    error.__cause__ = cause
    vars(error).update(last_error=cause)
    found: Any = through(error)
    assert found.last_error is found.__cause__


def test_an_attribute_whose_link_was_left_out_is_left_out_too() -> None:
    """What cannot be pickled ends the chain."""
    error, cause = ServerError("a"), _Stubborn()
    error.__cause__ = cause
    vars(error).update(last_error=cause)
    found: Any = through(error)
    assert found.__cause__ is None
    assert not hasattr(found, "last_error")


class _Stubborn(Exception):  # noqa: N818 - it only refuses
    def __reduce__(self) -> Any:
        raise TypeError("never")


def test_an_error_of_a_class_that_nobody_can_import_says_so() -> None:
    """As pickle does of any class."""

    class LocalError(ServerError):
        """Within a function."""

    with pytest.raises(pickle.PicklingError, match="Local"):
        pickle.dumps(LocalError("a"))


@every_family
def test_no_request_is_pickled_with_its_secrets(module: Any) -> None:
    """Neither that of a cause, nor that of an answer, nor those before a redirect."""
    request = module.Request("POST", URL, headers=HEADERS, json={"password": S})
    earlier = module.Response(302, headers={"Location": "/there"}, request=request)
    response = module.Response(
        503, headers={"Set-Cookie": S, "X-Kept": "kept"}, text="kept", request=request
    )
    response.history = [earlier]
    response.next_request = request
    error = ServerError("it failed", response=response)
    inner = APINetworkError("inner")
    inner.__cause__ = module.LocalProtocolError(f"Illegal header value b'{S}'", request=request)
    vars(error).update(request=request)
    error.__cause__ = inner
    data = pickle.dumps(error)
    assert S.encode() not in data
    found: Any = pickle.loads(data)  # noqa: S301 - our own
    assert (found.response.text, found.response.headers["X-Kept"]) == ("kept", "kept")
    assert found.response.request.url == found.request.url == "https://api.example/items"
    assert found.response.history[0].request.method == "POST"
    cause = found.__cause__.__cause__
    assert (str(cause), cause.request.method) == ("Illegal header value", "POST")
    assert error.response.request is request


def test_a_group_of_causes_is_pickled_without_secrets_too() -> None:
    """As anyio raises them."""
    request = httpx.Request("POST", URL, headers=HEADERS)
    error = APINetworkError("it failed")
    error.__cause__ = ExceptionGroup("all failed", [httpx.ReadError(f"'{S}'", request=request)])
    data = pickle.dumps(error)
    assert S.encode() not in data
    found: Any = pickle.loads(data)  # noqa: S301 - our own
    assert isinstance(found.__cause__.exceptions[0], httpx.ReadError)


def test_what_looks_like_a_request_and_is_none_is_left_out() -> None:
    """A stand-in of that name, or a class that is made otherwise."""

    class Request(httpx.Request):
        """Of an SDK."""

        def __init__(self) -> None:
            super().__init__("GET", URL)

    error = ServerError("it failed")
    vars(error).update(request=Request())
    assert not hasattr(through(error), "request")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[SSL: BAD_RECORD_MAC] bad record mac (_ssl.c:2580)",
            "[SSL: BAD_RECORD_MAC] bad record mac",
        ),
        ("[Errno 104] Connection reset by peer", "[Errno 104] Connection reset by peer"),
        (f"Illegal header value b'{S}'", "Illegal header value"),
        (
            "peer closed connection (received 3 bytes, expected 10)",
            "peer closed connection (received 3 bytes, expected 10)",
        ),
        (f"peer closed connection (received {S})", "peer closed connection"),
        (
            "Only Transfer-Encoding: chunked is supported",
            "Only Transfer-Encoding: chunked is supported",
        ),
        (f"Only Transfer-Encoding: {S}", "Only Transfer-Encoding"),
    ],
)
def test_a_library_s_own_words_are_kept(text: str, expected: str) -> None:
    """And those of the system, whole; not what is quoted."""
    assert own_words(text) == expected


def shown(error: BaseException) -> str:
    """A traceback, without lines of code."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join(line for line in lines if not line.startswith("  "))


def test_causes_and_their_contexts_are_scrubbed_in_place() -> None:
    """They stay the objects they are, with their classes."""
    cause, context = httpx.LocalProtocolError(f"value b'{S}'"), KeyError(S)
    cause.__context__ = context
    error = APINetworkError("it failed")
    error.__cause__ = cause
    context.__cause__ = UnicodeEncodeError("ascii", S, 0, 1, "ordinal not in range")
    scrub(error)
    assert error.__cause__ is cause
    assert cause.__context__ is context
    assert S not in shown(error)
    assert S not in repr(context.__cause__)


def test_what_the_caller_was_handling_is_left_alone() -> None:
    """It is his, though Python shows it as a context."""
    error = APINetworkError("it failed")
    with pytest.raises(ValueError, match="his: own") as caught:
        int_of("his: own")
    error.__context__ = caught.value
    scrub(error)
    assert str(caught.value) == "his: own"


def int_of(text: str) -> None:
    """Raise something of the caller's."""
    raise ValueError(text)


def test_what_cannot_be_cut_is_taken_out_of_the_chain() -> None:
    """A class of a library may make its text of anything."""

    class Stubborn(httpx.ReadError):
        def __str__(self) -> str:
            return f"'{S}'"

    Stubborn.__module__ = "httpx"
    error = APINetworkError("it failed")
    error.__cause__ = Stubborn(f"'{S}'")
    scrub(error)
    assert error.__cause__ is None


def test_a_group_gets_a_safe_text() -> None:
    """Its own cannot be changed, so another takes its place."""
    error = APINetworkError("it failed")
    error.__cause__ = ExceptionGroup(f"about '{S}'", [ValueError(f"'{S}'")])
    scrub(error)
    assert isinstance(error.__cause__, ExceptionGroup)
    assert S not in shown(error)


def test_causes_in_a_circle_are_scrubbed_once() -> None:
    """Python shows each of them once, too."""
    error, cause = APINetworkError("it failed"), ValueError(f"'{S}'")
    error.__cause__, cause.__cause__ = cause, error
    scrub(error)
    assert error.__cause__ is cause
    assert S not in shown(error)


def test_a_copy_for_the_log_has_neither_cause_nor_secret() -> None:
    """And one that cannot be made is told of by the name of its class."""
    error = httpx.LocalProtocolError(f"value b'{S}'")
    error.__cause__ = ValueError(S)
    copied = alone(error)
    assert (type(copied), str(copied), copied.__cause__) == (type(error), "value", None)

    class UnmakeableError(ValueError):
        def __new__(cls, text: str) -> Any:
            if text == S:
                raise LookupError
            return super().__new__(cls, text)

    error = UnmakeableError("it")
    error.args = (S,)
    assert S not in str(alone(error))
    assert "UnmakeableError" in str(alone(error))
