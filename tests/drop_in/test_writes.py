"""A write is never doubled by the switch: what is sent again, for each method and failure."""

from typing import Any

import pytest

from tests.drop_in.kits import URL, Face, Kit
from tests.drop_in.wire import Reply

IDEMPOTENT = ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY")
OTHERS = ("POST", "PATCH", "LOCK")
NEVER_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError")
UNCERTAIN = (
    "ReadTimeout",
    "WriteTimeout",
    "ReadError",
    "WriteError",
    "CloseError",
    "RemoteProtocolError",
    "TransportError",
    Reply(200, (b"half", "ReadError")),
    TimeoutError("slow"),
    ConnectionError("gone"),
)
NOT_ACTED_UPON = (429, 503)
ACTED_UPON = (500, 502, 504)
KEY = "Idempotency-Key"
IDS = (KEY, "X-Request-ID")
MOVED = {"Location": "/there"}


async def sendings(client: Face, method: str, **options: Any) -> int:
    """How often a request was sent that failed once."""
    await client.kit.outcome(client.request(method, URL, **options))
    return len(client._transport.arrivals)


async def sendings_by_method(kit: Kit, methods: tuple[str, ...], failure: Any) -> dict[str, int]:
    """How often a request of each method was sent that failed once."""
    return {method: await sendings(kit.client(failure, 200), method) for method in methods}


@pytest.mark.parametrize("failure", [*NEVER_SENT, *UNCERTAIN, *NOT_ACTED_UPON, *ACTED_UPON])
async def test_an_idempotent_request_is_sent_again(kit: Kit, failure: Any) -> None:
    """Whatever became of it: sending it twice is sending it once."""
    assert await sendings_by_method(kit, IDEMPOTENT, failure) == dict.fromkeys(IDEMPOTENT, 2)


@pytest.mark.parametrize("failure", [*NEVER_SENT, *NOT_ACTED_UPON])
async def test_any_other_is_sent_again_where_it_did_nothing(kit: Kit, failure: Any) -> None:
    """It never left this machine, or the server says that it did not act upon it."""
    assert await sendings_by_method(kit, OTHERS, failure) == dict.fromkeys(OTHERS, 2)


@pytest.mark.parametrize("failure", [*UNCERTAIN, *ACTED_UPON])
async def test_any_other_is_sent_once_where_its_fate_is_unknown(kit: Kit, failure: Any) -> None:
    """And the failure is the caller's to judge."""
    assert await sendings_by_method(kit, OTHERS, failure) == dict.fromkeys(OTHERS, 1)


async def test_each_attempt_counts_by_itself(kit: Kit) -> None:
    """One that never left is repeated, whatever the server said to the one before."""
    client = kit.client(503, "ConnectError", 429, 200)
    assert (await client.post(URL)).status_code == 200
    client = kit.client("ConnectError", 503, "ReadError", 200)
    assert type(await kit.outcome(client.post(URL))) is kit.error("ReadError")


@pytest.mark.parametrize("failure", [*UNCERTAIN, *NOT_ACTED_UPON, *ACTED_UPON])
async def test_an_idempotency_key_makes_it_as_good_as_an_idempotent_one(
    kit: Kit, failure: Any
) -> None:
    """From the call or from the client, in any case."""
    for method in OTHERS:
        assert await sendings(kit.client(failure, 200), method, headers={KEY.lower(): "k"}) == 2
        assert await sendings(kit.client(failure, 200, headers={KEY: "k"}), method) == 2


@pytest.mark.parametrize("failure", [*UNCERTAIN, *ACTED_UPON])
async def test_a_correlation_id_is_no_leave(kit: Kit, failure: Any) -> None:
    """Most of those who send one say nothing by it but whose request it is."""
    for method in OTHERS:
        client = kit.client(failure, 200, headers={"X-Request-ID": "r"})
        assert await sendings(client, method) == 1


@pytest.mark.parametrize("headers", [{KEY: ""}, {"X-Idempotency": "k"}])
async def test_an_empty_key_and_another_header_are_none(kit: Kit, headers: Any) -> None:
    """The server would not know the request again."""
    assert await sendings(kit.client("ReadError", 200), "POST", headers=headers) == 1


@pytest.mark.parametrize("failure", ["ReadError", 500])
@pytest.mark.parametrize("names", ["X-Request-ID", ["x-request-id"], ("X-Other", "X-Request-ID")])
async def test_the_caller_may_name_the_header_that_says_so(
    kit: Kit, failure: Any, names: Any
) -> None:
    """For the client or for the call; it stands in place of the usual one."""
    headers = {"X-Request-ID": "r"}
    client = kit.client(failure, 200, headers=headers, idempotency_headers=names)
    assert await sendings(client, "POST") == 2
    client = kit.client(failure, 200, headers=headers)
    assert await sendings(client, "POST", idempotency_headers=names) == 2
    client = kit.client(failure, 200, headers={KEY: "k"}, idempotency_headers=names)
    assert await sendings(client, "POST") == 1


async def test_no_header_may_say_so_either(kit: Kit) -> None:
    """Where the caller wants none."""
    client = kit.client("ReadError", 200, headers={KEY: "k"}, idempotency_headers=())
    assert await sendings(client, "POST") == 1


@pytest.mark.parametrize("failure", UNCERTAIN)
@pytest.mark.parametrize(
    "choice",
    [
        {"status_forcelist": [500]},
        {"retry_methods": ["POST"]},
        {"retry_if": lambda _response, error: error is not None},
    ],
    ids=["status_forcelist", "retry_methods", "retry_if"],
)
async def test_the_caller_may_choose_to_send_it_again(
    kit: Kit, failure: Any, choice: dict[str, Any]
) -> None:
    """By any of the arguments that say what is to be retried, for the call or the client."""
    assert await sendings(kit.client(failure, 200), "POST", **choice) == 2
    assert await sendings(kit.client(failure, 200, **choice), "POST") == 2


async def test_other_arguments_are_no_choice(kit: Kit) -> None:
    """How often and how soon says nothing about what."""
    options = {"max_retries": 5, "backoff_factor": 0, "max_total_time": 60, "jitter_factor": 0.5}
    assert await sendings(kit.client("ReadTimeout", 200), "POST", **options) == 1


async def test_an_argument_given_as_none_is_no_choice(kit: Kit) -> None:
    """It stands for the default."""
    nothing = {"status_forcelist": None, "retry_methods": None, "retry_if": None}
    assert await sendings(kit.client("ReadTimeout", 200), "POST", **nothing) == 1


@pytest.mark.parametrize("name", NEVER_SENT)
async def test_a_transport_that_is_not_known_to_tell_is_not_believed(kit: Kit, name: str) -> None:
    """Some report a reset after the request was read as a failure to connect."""
    for answers in ([name, 200], [name]):
        client = kit.client(transport=kit.wire(*answers, tells_unsent=False))
        assert await sendings(client, "POST") == 1
    client = kit.client(transport=kit.wire(name, 200, tells_unsent=False))
    assert await sendings(client, "GET") == 2


async def test_one_such_transport_among_the_mounts_is_enough(kit: Kit) -> None:
    """A redirect may lead from one to the other."""
    mounts = {"http://elsewhere.test": kit.wire(200, tells_unsent=False)}
    client = kit.client("ConnectError", 200, mounts=mounts)
    assert await sendings(client, "POST") == 1
    client = kit.client("ConnectError", 200, mounts={"http://elsewhere.test": None})
    assert await sendings(client, "POST") == 2


async def test_a_transport_put_in_later_is_looked_at_too(kit: Kit) -> None:
    """Some tests and tools exchange it behind the client's back."""
    client = kit.client(200)
    # By httpx's private name, as such tools do: it has no public one.
    client.real._transport = kit.wire("ConnectError", 200, tells_unsent=False)
    assert await sendings(client, "POST") == 1


async def test_a_mock_transport_is_believed(kit: Kit) -> None:
    """It is how users of httpx test what happens when nobody is there."""
    calls: list[str] = []

    def handler(request: Any) -> Any:
        calls.append(request.method)
        if len(calls) == 1:
            raise kit.error("ConnectError")("nobody there")
        return kit.module.Response(200)

    client = kit.client(transport=kit.module.MockTransport(handler))
    assert (await client.post(URL)).status_code == 200
    assert calls == ["POST", "POST"]


async def test_httpx_s_own_transport_is_believed_unless_it_was_changed(kit: Kit) -> None:
    """A subclass that sends by itself, or an object whose method was replaced, is another one."""
    name = "AsyncHTTPTransport" if kit.is_async else "HTTPTransport"
    method = "handle_async_request" if kit.is_async else "handle_request"
    own: Any = getattr(kit.module, name)
    calls: list[Any] = []

    def fail(*given: Any) -> Any:
        calls.append(given)
        raise kit.error("ConnectError")("who knows")

    failing = kit.awaited_if_async(fail)

    class Harmless(own):  # type: ignore[misc] # the class is a value
        """Adds nothing to how a request is sent."""

    class Sending(own):  # type: ignore[misc] # likewise
        """Sends in its own way."""

    setattr(Sending, method, failing)
    patched = own()
    setattr(patched, method, failing)
    for transport in (Sending(), patched):
        calls.clear()
        await kit.outcome(kit.client(transport=transport).post(URL))
        assert len(calls) == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own, method, failing)  # as libraries do that record or mock all of httpx
        for transport in (own(), Harmless()):
            calls.clear()
            await kit.outcome(kit.client(transport=transport).post(URL))
            assert len(calls) == 4


async def test_an_application_in_this_process_is_not_believed(kit: Kit) -> None:
    """A `ConnectError` of its own, from a call it made, passes through the transport."""
    calls: list[str] = []

    async def asgi(_scope: Any, _receive: Any, _send: Any) -> None:
        calls.append("acted")
        raise kit.error("ConnectError")("of the application's own call")

    def wsgi(_environ: Any, _start_response: Any) -> list[bytes]:
        calls.append("acted")
        raise kit.error("ConnectError")("of the application's own call")

    module = kit.module
    transport = module.ASGITransport(asgi) if kit.is_async else module.WSGITransport(wsgi)
    with pytest.raises(kit.error("ConnectError")):
        await kit.client(transport=transport).post(URL)
    assert calls == ["acted"]


@pytest.mark.parametrize("failure", [*NEVER_SENT, *NOT_ACTED_UPON])
@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_failure_behind_a_redirect_says_nothing_about_the_write_before_it(
    kit: Kit, status: int, failure: Any
) -> None:
    """The POST took effect, and what failed is the GET that its answer asked for."""
    client = kit.client(Reply(status, (b"",), MOVED), failure, 200)
    await kit.outcome(client.post(URL, follow_redirects=True))
    assert client._transport.methods == ["POST", "GET"]


async def test_a_key_or_the_caller_s_choice_holds_behind_a_redirect_too(kit: Kit) -> None:
    """Then the whole way is gone again."""
    for options in ({"headers": {"Idempotency-Key": "k"}}, {"status_forcelist": [503]}):
        client = kit.client(Reply(303, (b"",), MOVED), 503, Reply(303, (b"",), MOVED), 200)
        response = await client.post(URL, follow_redirects=True, **options)
        assert response.status_code == 200
        assert client._transport.methods == ["POST", "GET"] * 2


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_that_takes_the_write_along_leaves_its_answer_in_force(
    kit: Kit, status: int
) -> None:
    """A 503 is then the answer to the POST itself."""
    moved = Reply(status, (b"",), MOVED)
    client = kit.client(moved, 503, moved, 200)
    assert (await client.post(URL, content=b"x", follow_redirects=True)).status_code == 200
    assert client._transport.methods == ["POST"] * 4


async def test_but_a_failure_to_connect_behind_it_is_one_too_many(kit: Kit) -> None:
    """The first server was reached, and what it did before it passed the write on is unknown."""
    client = kit.client(Reply(307, (b"",), MOVED), "ConnectError", 200)
    await kit.outcome(client.post(URL, follow_redirects=True))
    assert client._transport.methods == ["POST", "POST"]


async def test_a_failure_behind_a_redirect_of_a_get_is_retried(kit: Kit) -> None:
    """Nothing was written on the way."""
    moved = Reply(302, (b"",), MOVED)
    client = kit.client(moved, "ConnectError", moved, 503, moved, 200)
    assert (await client.get(URL, follow_redirects=True)).status_code == 200
    assert len(client._transport.arrivals) == 6


async def test_a_failure_of_an_auth_flow_s_own_request_is_not_that_of_the_write(kit: Kit) -> None:
    """Nobody knows what such a flow sent before."""

    class Late(kit.module.Auth):  # type: ignore[name-defined,misc] # the module is a value
        def auth_flow(self, request: Any) -> Any:
            yield request
            yield kit.request("GET", URL + "audit")

    client = kit.client(200, "ConnectError", 200, auth=Late())
    await kit.outcome(client.post(URL))
    assert client._transport.methods == ["POST", "GET"]


async def test_the_fate_of_a_write_is_known_under_a_time_limit_too(kit: Kit) -> None:
    """Where every attempt sends a copy of the request."""
    assert await sendings(kit.client("ConnectError", 200), "POST", max_total_time=60) == 2
    client = kit.client(Reply(303, (b"",), MOVED), "ConnectError", 200)
    await kit.outcome(client.post(URL, follow_redirects=True, max_total_time=60))
    assert client._transport.methods == ["POST", "GET"]


@pytest.mark.parametrize("name", IDS)
async def test_a_header_that_a_hook_adds_to_each_attempt_is_no_leave(kit: Kit, name: str) -> None:
    """It is another each time, so that no server knows the request again by it."""
    sent: list[str] = []

    def trace(request: Any) -> None:
        sent.append(f"id-{len(sent)}")
        request.headers[name] = sent[-1]

    hooks = {"request": [kit.awaited_if_async(trace)]}
    client = kit.client("ReadTimeout", 200, event_hooks=hooks)
    assert await sendings(client, "POST") == 1
    assert sent == ["id-0"]
