"""What statuses and httpx's exceptions mean, by the tables of the contract."""

import ssl
from itertools import pairwise
from types import ModuleType

import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.exceptions import (
    APINetworkError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
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
from client.http.family import family_named
from client.http.verdicts import Classifier, Refused, Verdict, error_for_status, status_phrase

SECRET = "s3cret"  # noqa: S105 - a stand-in that must not be found again
NAMED = {
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
FAMILIES = {"httpx": httpx, "httpx2": httpx2}
every_family = pytest.mark.parametrize("module", FAMILIES.values(), ids=FAMILIES)


# What each exception of httpx means: the error, whether the request may have been sent, and why.
ROWS: list[tuple[str, type[MyAPIError], bool, str]] = [
    ("ConnectTimeout", APITimeoutError, False, "connecting took too long"),
    ("PoolTimeout", APITimeoutError, False, "no connection of the pool came free in time"),
    ("ReadTimeout", APITimeoutError, True, "the server stayed silent too long"),
    ("WriteTimeout", APITimeoutError, True, "the server took the request too slowly"),
    ("ConnectError", APINetworkError, False, "ConnectError: it"),
    ("ProxyError", APINetworkError, False, "ProxyError"),
    ("ReadError", APINetworkError, True, "ReadError: it"),
    ("WriteError", APINetworkError, True, "WriteError: it"),
    ("CloseError", APINetworkError, True, "CloseError: it"),
    ("RemoteProtocolError", APINetworkError, True, "RemoteProtocolError: it"),
    (
        "UnsupportedProtocol",
        InvalidRequestError,
        False,
        "the URL is not an absolute http:// or https:// URL",
    ),
    (
        "LocalProtocolError",
        InvalidRequestError,
        False,
        "the request breaks the protocol, in a header or the length of its body",
    ),
    ("TransportError", APINetworkError, True, "TransportError: it"),
    ("TimeoutException", APITimeoutError, True, "TimeoutException"),
    ("NetworkError", APINetworkError, True, "NetworkError: it"),
    ("ProtocolError", APINetworkError, True, "ProtocolError: it"),
    ("DecodingError", ResponseError, True, "the body is not encoded as its Content-Encoding says"),
    ("TooManyRedirects", ResponseError, True, "the redirects do not end"),
    ("RequestError", APINetworkError, True, "RequestError"),
    ("InvalidURL", InvalidRequestError, False, "the URL is malformed"),
]


def classifier_of(module: ModuleType = httpx) -> Classifier:
    """The tables, bound to a family."""
    return Classifier(family_named(module.__name__))


@every_family
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("407", "the proxy refused to connect: 407 Proxy Authentication Required"),
        ("407 s3cret\x00\r\n", "the proxy refused to connect: 407 Proxy Authentication Required"),
        ("599 s3cret", "the proxy refused to connect: 599"),
        ("4070 s3cret", "ProxyError"),
        ("Proxy Server could not connect: s3cret", "ProxyError"),
    ],
)
def test_of_a_proxys_refusal_only_the_status_is_shown(
    module: ModuleType, text: str, reason: str
) -> None:
    """What else it says may be anything; a SOCKS proxy tells no status."""
    verdict = classifier_of(module).verdict(module.ProxyError(text))
    assert verdict is not None
    assert (verdict.reason, verdict.request_sent) == (reason, False)


def verdict_on(error: Exception) -> Verdict:
    """What an exception means, which must be something."""
    found = classifier_of().verdict(error)
    assert found is not None
    return found


def test_two_and_three_hundreds_are_no_errors() -> None:
    """They are returned."""
    assert [status for status in range(200, 400) if error_for_status(status) is not None] == []


@pytest.mark.parametrize(("hundred", "others"), [(400, UnexpectedStatusError), (500, ServerError)])
def test_four_and_five_hundreds_have_their_errors(hundred: int, others: type[Exception]) -> None:
    """The named ones their own, all others one by hundreds."""
    statuses = range(hundred, hundred + 100)
    found = {status: error_for_status(status) for status in statuses}
    assert found == {status: NAMED.get(status, others) for status in statuses}


@pytest.mark.parametrize("status", [-1, 0, 42, 99, 100, 101, 199, 600, 999, 10_000])
def test_any_other_status_is_unexpected(status: int) -> None:
    """An answer all the same, and none worth retrying."""
    found = error_for_status(status)
    assert found is UnexpectedStatusError
    assert issubclass(found, APIStatusError)


@pytest.mark.parametrize(
    ("status", "expected"), [(503, "503 Service Unavailable"), (499, "499"), (999, "999")]
)
def test_a_status_is_shown_with_its_name(status: int, expected: str) -> None:
    """Where it has one."""
    assert status_phrase(status) == expected


@every_family
@pytest.mark.parametrize(
    ("name", "kind", "request_sent", "reason"), ROWS, ids=[row[0] for row in ROWS]
)
def test_every_exception_of_httpx_has_its_meaning(
    module: ModuleType, name: str, kind: type[MyAPIError], reason: str, *, request_sent: bool
) -> None:
    """The same in both families, and never with what a peer may have put into the text."""
    error = getattr(module, name)('it\'s "broken" (5)')
    expected = Verdict(kind, request_sent=request_sent, reason=reason)
    assert classifier_of(module).verdict(error) == expected


@every_family
def test_no_exception_of_httpx_is_left_out(module: ModuleType) -> None:
    """Those of a request, and the one of a URL; the rest come from misuse of httpx itself."""
    for name in dir(module):
        found = getattr(module, name)
        if isinstance(found, type) and issubclass(found, module.RequestError):
            assert classifier_of(module).verdict(found("x")) is not None, name


@every_family
def test_a_family_s_exceptions_mean_nothing_to_the_other(module: ModuleType) -> None:
    """Never mix their objects."""
    other = httpx2 if module is httpx else httpx
    assert classifier_of(module).verdict(other.ReadError("x")) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "ReadError"),
        ("[Errno 104] Connection reset by peer", "ReadError: [Errno 104] Connection reset by peer"),
        ("'quoted at once'", "ReadError"),
        (f"illegal header line: bytearray(b'{SECRET}')", "ReadError: illegal header line"),
        (f'illegal status line "{SECRET}"', "ReadError: illegal status line"),
        (f"peer closed (received {SECRET})", "ReadError: peer closed"),
        (f"unexpected {{{SECRET}}}", "ReadError: unexpected"),
        (f"two lines: first\n{SECRET}", "ReadError: two lines"),
    ],
)
def test_a_peer_s_words_are_cut_from_the_reason(text: str, reason: str) -> None:
    """They follow a colon, or stand in quotes or brackets."""
    assert verdict_on(httpx.ReadError(text)).reason == reason


@given(st.text())
def test_nothing_after_a_quote_is_ever_shown(text: str) -> None:
    """Whatever stood before it."""
    found = verdict_on(httpx.RemoteProtocolError(f"{text}'{SECRET}"))
    assert SECRET not in found.reason


@pytest.mark.parametrize(
    "text",
    [
        "Too little data for declared Content-Length",
        "Too much data for declared Content-Length",
    ],
)
def test_a_body_of_the_wrong_length_is_found_after_the_head_was_sent(text: str) -> None:
    """h11 counts as it goes; everything else about a request it checks before."""
    assert verdict_on(httpx.LocalProtocolError(text)).request_sent is True
    assert verdict_on(httpx.LocalProtocolError("Illegal header value")).request_sent is False


def chained(*errors: Exception, by: str) -> Exception:
    """The first, caused by the second, caused by the third."""
    for error, cause in pairwise(errors):
        setattr(error, by, cause)
    return errors[0]


@pytest.mark.parametrize("by", ["__cause__", "__context__"])
@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ReadError, httpx.ConnectTimeout])
def test_a_refused_certificate_is_found_below_any_exception(
    kind: type[httpx.TransportError], by: str
) -> None:
    """It comes up through httpcore."""
    refused = ssl.SSLCertVerificationError("certificate verify failed: self-signed certificate")
    found = verdict_on(chained(kind("x"), OSError("between"), refused, by=by))
    reason = "the server's certificate was refused"
    assert found == Verdict(TLSVerificationError, request_sent=False, reason=reason)


def test_another_failure_of_tls_is_one_of_the_network() -> None:
    """A connection that broke in the handshake may come about the next time."""
    found = verdict_on(chained(httpx.ConnectError("x"), ssl.SSLError("eof"), by="__cause__"))
    assert found.kind is APINetworkError


def test_a_circle_of_causes_comes_to_an_end() -> None:
    """Python allows it."""
    first, second = httpx.ConnectError("x"), OSError("y")
    first.__cause__, second.__cause__ = second, first
    assert verdict_on(first).kind is APINetworkError


@pytest.mark.parametrize(
    ("error", "kind", "request_sent", "reason"),
    [
        (TimeoutError(), APITimeoutError, True, "it took too long"),
        (ConnectionResetError(SECRET), APINetworkError, True, "ConnectionResetError"),
        (BrokenPipeError(SECRET), APINetworkError, True, "BrokenPipeError"),
        (
            UnicodeEncodeError("ascii", SECRET, 0, 1, "ordinal not in range"),
            InvalidRequestError,
            False,
            "the URL or a header cannot be encoded",
        ),
        (
            OverflowError("port must be 0-65535"),
            InvalidRequestError,
            False,
            "the URL or a header cannot be encoded",
        ),
    ],
    ids=["timeout", "reset", "pipe", "unicode", "overflow"],
)
def test_python_s_own_exceptions_have_their_meaning(
    error: Exception, kind: type[MyAPIError], reason: str, *, request_sent: bool
) -> None:
    """Transports of others raise them; what one of those did not say may have been sent."""
    assert verdict_on(error) == Verdict(kind, request_sent=request_sent, reason=reason)


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError("x"), httpx.CookieConflict("x"), RuntimeError("x")]
)
def test_what_is_not_about_the_exchange_has_no_verdict(error: Exception) -> None:
    """A bug in what the caller handed in, which he should see as it is."""
    assert classifier_of().verdict(error) is None


def test_a_hook_of_ours_brings_its_verdict_along() -> None:
    """It knows better than any table."""
    verdict = Verdict(ResponseError, request_sent=True, reason="a redirect is not followed")
    error = Refused(verdict)
    assert classifier_of().verdict(error) is verdict
    assert str(error) == "a redirect is not followed"


@every_family
def test_the_response_is_found_in_a_status_error(module: ModuleType) -> None:
    """Somebody's hook calls `raise_for_status`."""
    request = module.Request("GET", "https://api.example/")
    response = module.Response(503, request=request)
    error = module.HTTPStatusError("503", request=request, response=response)
    assert classifier_of(module).response_in(error) is response


def test_no_response_is_found_in_another_error() -> None:
    """Not even one that has an attribute of that name."""
    error = ServerError("503", response=httpx.Response(503))
    assert classifier_of().response_in(error) is None
