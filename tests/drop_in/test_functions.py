"""The functions: one protected call, whose every failure is an error of our tree."""

import inspect
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import pytest

import client
from client import (
    APINetworkError,
    CircuitBreaker,
    CircuitOpenError,
    HttpRequestError,
    InvalidRequestError,
    NotFoundError,
    ServiceUnavailableError,
)
from client.faces.drop_in.arguments import FunctionOptions
from client.faces.drop_in.options import RetrySettings
from tests.drop_in.kits import URL, Kit
from tests.drop_in.wire import Reply

VERBS = ("delete", "get", "head", "options", "patch", "post", "put")
NAMES = (*VERBS, "request")
QUICK: dict[str, Any] = {"backoff_factor": 0}


def function(kit: Kit, name: str) -> Any:
    """A function by its name, for this world, made awaitable."""
    return kit.awaited(getattr(client, f"{name}_async" if kit.is_async else name))


async def called(kit: Kit, name: str, *, through: Any, **options: Any) -> Any:
    """Call a function by its name with a client to reuse."""
    method = ("PATCH",) if name == "request" else ()
    return await function(kit, name)(*method, URL, client=through.real, **QUICK | options)


@pytest.mark.parametrize("name", NAMES)
def test_each_has_two_names_and_two_kinds(name: str) -> None:
    """The long name says what it does."""
    for suffix in ("", "_async"):
        short = getattr(client, f"{name}{suffix}")
        assert getattr(client, f"{name}_with_automatic_retry{suffix}") is short
        assert inspect.iscoroutinefunction(short) is bool(suffix)
        assert short.__doc__


@pytest.mark.parametrize("name", NAMES)
async def test_it_makes_its_call_and_retries_it(kit: Kit, name: str) -> None:
    """With a client of httpx, or one of ours."""
    for make in (kit.plain, kit.client):
        through = make(503, 200)
        response = await called(kit, name, through=through)
        assert response.status_code == 200
        assert type(response) is kit.module.Response
        method = "PATCH" if name == "request" else name.upper()
        assert through._transport.methods == [method] * 2
        assert not through.real.is_closed


async def test_a_final_status_of_400_and_above_is_an_error(kit: Kit) -> None:
    """With the answer, read; below it is an answer."""
    for status, kind in [(404, NotFoundError), (503, ServiceUnavailableError)]:
        through = kit.plain(Reply(status, (b"why",)))
        with pytest.raises(HttpRequestError) as caught:
            await called(kit, "get", through=through)
        assert type(caught.value) is kind
        assert caught.value.status_code == status
        assert caught.value.response.content == b"why"
        assert caught.value.attempts == (4 if status == 503 else 1)
    for status in (200, 204, 302, 304):
        assert (await called(kit, "get", through=kit.plain(status))).status_code == status


async def test_a_failure_of_the_network_is_an_error_of_the_tree(kit: Kit) -> None:
    """With httpx's as its cause."""
    with pytest.raises(APINetworkError) as caught:
        await called(kit, "get", through=kit.plain("ConnectError"))
    assert isinstance(caught.value.__cause__, kit.error("ConnectError"))
    assert caught.value.attempts == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://server.test:port/"},
        {"url": "/relative"},
        {"url": "ftp://server.test/"},
        {"headers": {"X-Bad": "ä€"}},
    ],
)
async def test_a_request_that_httpx_refuses_is_one_too(kit: Kit, wrong: dict[str, Any]) -> None:
    """Nothing was sent, and httpx's refusal is the cause."""
    options = {"url": URL, "client": kit.plain().real, **wrong}
    with pytest.raises(InvalidRequestError, match=r"^GET .* failed: ") as caught:
        await function(kit, "get")(**options)
    assert caught.value.request_sent is False
    assert caught.value.__cause__ is not None
    assert (caught.value.method, caught.value.url) == ("GET", options["url"])


async def test_a_refused_url_is_shown_without_its_secrets(kit: Kit) -> None:
    """In the text and in the attribute."""
    with pytest.raises(InvalidRequestError) as caught:
        await function(kit, "get")(
            "http://user:password@server.test:port?key=secret", client=kit.plain(200).real
        )
    assert "password" not in f"{caught.value} {caught.value.url}"
    assert "secret" not in f"{caught.value} {caught.value.url}"


async def test_a_bug_in_an_argument_is_raised_as_it_is(kit: Kit) -> None:
    """It is nothing about the network."""
    with pytest.raises(TypeError):
        await function(kit, "get")(URL, client=kit.plain(200).real, headers=5)


async def test_the_arguments_of_httpx_reach_it(kit: Kit) -> None:
    """Those that build the request, and those that send it."""
    moved = Reply(302, (b"",), {"Location": "/there"})
    through = kit.plain(moved, 200)
    await called(
        kit,
        "post",
        through=through,
        params={"q": "1"},
        headers={"X-A": "b"},
        cookies={"c": "d"},
        json=[1],
        timeout=7,
        extensions={"trace": print},
        auth=("u", "p"),
        follow_redirects=True,
    )
    first, second = through._transport.arrivals
    assert (str(first.request.url), first.body) == (URL + "?q=1", b"[1]")
    sent = [first.headers.get(name) for name in ("x-a", "cookie", "authorization")]
    assert sent == ["b", "c=d", "Basic dTpw"]
    assert first.timeouts["read"] == 7
    assert first.request.extensions["trace"] is print
    assert (second.method, second.path) == ("GET", "/there")


async def test_the_settings_of_a_client_of_ours_hold_and_a_call_overrides_them(kit: Kit) -> None:
    """Attempts are made once, not multiplied by its own protection."""
    through = kit.client(503, max_retries=1)
    with pytest.raises(ServiceUnavailableError):
        await called(kit, "get", through=through)
    assert len(through._transport.arrivals) == 2
    with pytest.raises(ServiceUnavailableError):
        await called(kit, "get", through=through, max_retries=2)
    assert len(through._transport.arrivals) == 5


async def test_a_client_that_sends_in_its_own_way_is_asked_to(kit: Kit) -> None:
    """A subclass of httpx's own that adds something to `send`."""
    sent: list[Any] = []

    class Mine(kit.theirs_of):  # type: ignore[name-defined,misc] # the class is a value
        def send(self, request: Any, **options: Any) -> Any:
            sent.append(request)
            return super().send(request, **options)

    await called(kit, "get", through=kit.face(Mine(transport=kit.wire(503, 200))))
    assert len(sent) == 2


async def test_a_circuit_turns_calls_away(kit: Kit) -> None:
    """With an error of the tree, which is httpx's too."""
    breaker = CircuitBreaker(failure_threshold=1)
    options = {"circuit_breaker": breaker, "max_retries": 0}
    through = kit.plain("ConnectError")
    await kit.outcome(called(kit, "get", through=through, **options))
    with pytest.raises(CircuitOpenError) as caught:
        await called(kit, "get", through=through, **options)
    assert isinstance(caught.value, kit.error("TransportError"))


async def test_a_write_is_not_doubled_by_a_transport_that_cannot_tell(kit: Kit) -> None:
    """The client that was given has one of its own."""
    for make in (kit.plain, kit.client):
        through = make(transport=kit.wire("ConnectError", 200, tells_unsent=False))
        await kit.outcome(called(kit, "post", through=through))
        assert len(through._transport.arrivals) == 1


async def test_it_refuses_clients_of_another_kind(kit: Kit) -> None:
    """Of the other world, or no client at all."""
    own = kit.module.__name__
    wrong = kit.module.Client() if kit.is_async else httpx.AsyncClient()
    kind = own if kit.is_async else "httpx"
    with pytest.raises(TypeError, match=f"^client is a .*Client: give a {kind}.{kit.name}$"):
        await function(kit, "get")(URL, client=wrong)
    with pytest.raises(TypeError, match=f"^client is a str: give a httpx.{kit.name}$"):
        await function(kit, "get")(URL, client="http")


async def test_it_refuses_objects_of_the_other_family(kit: Kit) -> None:
    """Which follows from the client that is given."""
    other: Any = {"httpx": httpx2, "httpx2": httpx}[kit.family]
    with pytest.raises(TypeError, match=f"timeout is a {other.__name__}.Timeout.* {kit.family}$"):
        await called(kit, "get", through=kit.plain(200), timeout=other.Timeout(3))
    with pytest.raises(TypeError, match="url is a"):
        await function(kit, "get")(other.URL(URL), client=kit.plain(200).real)


async def test_it_refuses_what_nobody_knows_and_what_belongs_to_a_client(kit: Kit) -> None:
    """The latter only where a client was given."""
    with pytest.raises(TypeError, match="'max_retires'; did you mean 'max_retries'"):
        await called(kit, "get", through=kit.plain(200), max_retires=1)
    with pytest.raises(TypeError, match="http2, verify: set it on the client"):
        await called(kit, "get", through=kit.plain(200), verify=False, http2=True)
    with pytest.raises(ValueError, match="max_retries"):
        await called(kit, "get", through=kit.plain(200), max_retries=-1)


def test_the_typed_arguments_are_those_that_are_taken() -> None:
    """Of `httpx.request` all, ours all, and `client`."""
    typed = set(FunctionOptions.__annotations__)
    taken = set(inspect.signature(httpx.request).parameters) - {"method", "url"}
    assert typed >= taken | RetrySettings.defaults().keys() | {"client"}


@pytest.fixture
def made(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The clients that functions make for themselves, in place of whose wire is a script."""
    clients: list[Any] = []
    begin = httpx.AsyncClient.__init__ if kit.is_async else httpx.Client.__init__

    def init(self: Any, **options: Any) -> None:
        clients.append((self, options))
        begin(self, transport=wire, **options)

    own = Kit("httpx", is_async=kit.is_async)
    moved = Reply(302, (b"",), {"Location": "/there"})
    wire = own.wire(503, moved, 200)
    monkeypatch.setattr(own.theirs_of, "__init__", init)
    yield clients
    assert all(each.is_closed for each, _ in clients)
    assert wire.is_closed


@pytest.mark.parametrize("kit", ["httpx-blocking", "httpx-async"], indirect=True)
async def test_without_a_client_it_makes_one_and_closes_it(kit: Kit, made: list[Any]) -> None:
    """Of httpx, with what concerns the client."""
    settings = {"verify": False, "http1": True, "http2": False, "trust_env": False}
    response = await function(kit, "get")(
        URL, cookies={"c": "d"}, proxy=None, cert=None, **settings, **QUICK
    )
    assert response.status_code == 302
    ((own, options),) = made
    assert options == {"cookies": {"c": "d"}, "proxy": None, "cert": None, **settings}
    assert [each.headers["cookie"] for each in own._transport.arrivals] == ["c=d"] * 2


@pytest.mark.parametrize("kit", ["httpx-blocking", "httpx-async"], indirect=True)
async def test_its_client_takes_cookies_along_a_redirect(kit: Kit, made: list[Any]) -> None:
    """As `httpx.get` does, and is closed after a failure too."""
    await function(kit, "get")(URL, cookies={"c": "d"}, follow_redirects=True, **QUICK)
    assert [each.headers["cookie"] for each in made[0][0]._transport.arrivals] == ["c=d"] * 3
    with pytest.raises(InvalidRequestError):
        await function(kit, "get")("http://server.test:port/")
    with pytest.raises(ValueError, match="max_retries"):
        await function(kit, "get")(URL, max_retries=-1)
    assert len(made) == 3


@pytest.mark.parametrize("name", ["name", "listeners", "telemetry"])
@pytest.mark.parametrize("kit", ["httpx-blocking", "httpx-async"], indirect=True)
async def test_what_only_clients_take_is_refused(kit: Kit, name: str) -> None:
    """A function makes one call: there is nobody to have a name, or to be listened to."""
    with pytest.raises(TypeError, match=f"^{name} is given to a client or a transport, not to a"):
        await function(kit, "get")(URL, **{name: ()})
