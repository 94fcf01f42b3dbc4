"""Whose an exception is, told by where it was raised; and what had been sent by then."""

from typing import Any

import httpx
import pytest

from client import (
    APINetworkError,
    CircuitState,
    ClientConfig,
    InvalidRequestError,
    MyAPIError,
    ResponseError,
    ServerError,
    SyncResilientClient,
)
from client.http.family import family_named
from client.http.verdicts import Classifier
from tests.behaviour.wire import Answer
from tests.behaviour.world import World


class Digest(httpx.DigestAuth):
    """A subclass of the caller's, with a bug of its own."""

    def auth_flow(self, request: Any) -> Any:
        """Fail before anything is sent."""
        yield from ()
        raise KeyError("mine")


def challenge(text: str) -> Answer:
    """An answer that asks for a digest."""
    return Answer(401, headers={"WWW-Authenticate": text})


@pytest.mark.parametrize(
    "text",
    [
        'Digest realm="r", nonce="n", algorithm=s3cr3t',
        'Digest realm="r", nonce="n", qop="auth-int"',
        "Digest ,,,=",
    ],
)
async def test_a_challenge_that_cannot_be_answered(world: World, text: str) -> None:
    """The answer is at fault, and the request has arrived."""
    client = world.client(challenge(text), circuit_breaker={"failure_threshold": 1})
    with pytest.raises(ResponseError) as caught:
        await client.post("/", auth=httpx.DigestAuth("user", "password"))
    assert caught.value.request_sent is True
    assert caught.value.attempts == 1
    assert "s3cr3t" not in f"{caught.value}{caught.value.__cause__}"
    assert client.circuit_state is CircuitState.CLOSED


async def test_a_bug_in_an_auth_flow_of_the_callers_is_his(world: World) -> None:
    """Also where he built it on one of httpx's."""
    client = world.client(200)
    with pytest.raises(KeyError, match="mine"):
        await client.get("/", auth=Digest("user", "password"))


@pytest.mark.parametrize("location", ["http://xn--a.test/", "//:80", "http://h:99999/", "http://["])
async def test_what_was_redirected_had_been_sent(world: World, location: str) -> None:
    """However impossible the place is that it was redirected to."""
    client = world.client(Answer(303, headers={"Location": location}))
    with pytest.raises(MyAPIError) as caught:
        await client.post("/", json={"pay": 1})
    assert caught.value.request_sent is True
    assert not isinstance(caught.value, InvalidRequestError)


async def test_a_request_after_a_challenge_that_never_leaves(world: World) -> None:
    """The first one did."""
    asked = challenge('Digest realm="r", nonce="n"')
    client = world.client([asked, httpx.ConnectError("refused")], retry=None)
    with pytest.raises(APINetworkError) as caught:
        await client.post("/", auth=httpx.DigestAuth("user", "password"))
    assert caught.value.request_sent is True


async def test_an_url_that_a_hook_of_the_callers_makes_badly_is_his_bug(world: World) -> None:
    """Though httpx raises it."""

    def plain(_request: Any) -> None:
        httpx.URL("http://server.test:port/")

    async def hook(request: Any) -> None:
        plain(request)

    kind: Any = world.httpx_client
    wire = world.wire(200)
    http = kind(transport=wire, event_hooks={"request": [hook if world.is_async else plain]})
    client = world.client(http_client=http)
    with pytest.raises(httpx.InvalidURL):
        await client.get("http://server.test/")
    world.close_now(http.aclose if world.is_async else http.close)


async def test_an_error_of_another_client_is_no_failure_of_this_one(world: World) -> None:
    """It passes, is not retried, and the circuit stays closed."""
    error = ServerError("of a token server", status_code=503)

    class Token(httpx.Auth):
        """Asks somebody else, in vain."""

        def auth_flow(self, request: Any) -> Any:
            """Fail."""
            yield from ()
            raise error

    client = world.client(200, circuit_breaker={"failure_threshold": 1})
    with pytest.raises(ServerError) as caught:
        await client.get("/", auth=Token())
    assert caught.value is error
    assert client.circuit_state is CircuitState.CLOSED
    assert client.stats().retries == 0


def test_an_application_in_the_place_of_a_server_keeps_its_bugs() -> None:
    """Whatever it calls in turn."""

    def application(_environ: Any, _start: Any) -> Any:
        httpx.Response(200).raise_for_status()

    transport = httpx.WSGITransport(application)
    config = ClientConfig(base_url="http://server.test", retry=None)
    with (
        SyncResilientClient(config, transport=transport) as client,
        pytest.raises(RuntimeError, match="request"),
    ):
        client.get("/")


def test_a_tool_around_a_private_function_of_httpx_is_on_the_way_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As vcrpy stands there; what it raises itself is its own."""
    real = httpx.Client._send_single_request

    def around(self: Any, request: Any) -> Any:
        if request.url.path == "/own":
            raise LookupError("no cassette")
        return real(self, request)

    monkeypatch.setattr(httpx.Client, "_send_single_request", around)  # as vcrpy does
    config = ClientConfig(base_url="http://127.0.0.1:1", retry=None)
    with SyncResilientClient(config, transport=Broken()) as client:
        with pytest.raises(LookupError):
            client.get("/own")
        with pytest.raises(APINetworkError):
            client.get("/")


class Broken(httpx.HTTPTransport):
    """A transport of httpx over a pool that breaks."""

    def __init__(self) -> None:
        super().__init__(verify=False)
        pool: Any = self._pool
        pool._network_backend = self  # httpx has no argument for it

    def connect_tcp(self, *_: Any, **__: Any) -> Any:
        """Fail as no network does."""
        raise KeyError("fd")


@pytest.mark.parametrize("kind", [MemoryError, UserWarning])
def test_what_is_never_from_below(kind: type[Exception]) -> None:
    """It is of the machine, or of whoever made errors of warnings."""
    assert Classifier(family_named("httpx")).verdict(kind("x")) is None
