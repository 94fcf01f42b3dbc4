"""What is retried, and what the caller gets in the end: what httpx would have given him."""

from typing import Any

import pytest

from tests.drop_in.kits import URL, Kit
from tests.drop_in.wire import Reply

RETRIED = (429, 500, 502, 503, 504)
UNCERTAIN = ("ReadTimeout", "WriteTimeout", "ReadError", "WriteError", "RemoteProtocolError")
NEVER_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout")


@pytest.mark.parametrize("failure", [*RETRIED, *UNCERTAIN, *NEVER_SENT])
async def test_a_get_survives_failures(kit: Kit, failure: Any) -> None:
    """Three retries are enough for three failures."""
    client = kit.client(failure, failure, failure, Reply(200, (b"good",)))
    response = await client.get(URL)
    assert (response.status_code, response.content) == (200, b"good")
    assert len(client._transport.arrivals) == 4


@pytest.mark.parametrize("status", RETRIED)
async def test_a_status_that_outlives_its_retries_is_returned(kit: Kit, status: int) -> None:
    """With its body read, as after any call of httpx."""
    client = kit.client(Reply(status, (b"why",)))
    response = await client.get(URL)
    assert (response.status_code, response.content) == (status, b"why")
    assert len(client._transport.arrivals) == 4


@pytest.mark.parametrize("status", [200, 204, 302, 304, 400, 401, 403, 404, 408, 409, 422, 501])
async def test_any_other_status_is_returned_at_once(kit: Kit, status: int) -> None:
    """An error that another attempt would not cure is one attempt's answer."""
    client = kit.client(status)
    assert (await client.get(URL)).status_code == status
    assert len(client._transport.arrivals) == 1


@pytest.mark.parametrize("name", [*UNCERTAIN, *NEVER_SENT])
async def test_a_failure_that_outlives_its_retries_is_raised_as_it_was(kit: Kit, name: str) -> None:
    """The last attempt's own exception: same class, text and request, and nothing of ours in it."""
    client = kit.client(name)
    with pytest.raises(kit.error(name)) as caught:
        await client.get(URL)
    error: Any = caught.value
    assert type(error) is kit.error(name)
    assert str(error) == f"{name} number 4"
    assert (error.request.method, str(error.request.url)) == ("GET", URL)
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize(("retries", "said"), [(0, "1 attempt was"), (2, "3 attempts were")])
async def test_a_raised_exception_has_a_note_of_the_attempts(
    kit: Kit, retries: int, said: str
) -> None:
    """One note, with the seconds that all of them took."""
    client = kit.client("ConnectError", max_retries=retries, backoff_factor=1)
    with pytest.raises(kit.error("ConnectError")) as caught:
        await client.get(URL)
    assert caught.value.__notes__ == [f"{said} made in {3 if retries else 0} s"]


async def test_the_failure_of_an_earlier_attempt_does_not_become_the_context(kit: Kit) -> None:
    """A traceback shows what ended the call, not the way there."""
    client = kit.client(503, "ReadTimeout", "ConnectError", max_retries=2)
    error = await kit.outcome(client.get(URL))
    assert type(error) is kit.error("ConnectError")
    assert error.__context__ is None


@pytest.mark.parametrize("name", ["ReadTimeout", "ReadError", "RemoteProtocolError"])
async def test_a_body_that_breaks_is_a_failed_attempt(kit: Kit, name: str) -> None:
    """`send` reads the body, so that a failure in it is retried like one of the head."""
    client = kit.client(Reply(200, (b"half", name)), Reply(200, (b"half", b"whole")))
    response = await client.get(URL)
    assert response.content == b"halfwhole"
    assert client._transport.left_open == 0


async def test_a_body_that_stays_broken_raises(kit: Kit) -> None:
    """The exception of httpx, after as many attempts as any other failure."""
    client = kit.client(Reply(200, (b"half", "ReadError")))
    with pytest.raises(kit.error("ReadError"), match="ReadError in the body"):
        await client.get(URL)
    assert len(client._transport.arrivals) == 4


@pytest.mark.parametrize("name", ["DecodingError", "UnsupportedProtocol", "LocalProtocolError"])
async def test_what_another_attempt_would_not_cure_is_raised_at_once(kit: Kit, name: str) -> None:
    """As httpx raises it."""
    client = kit.client(name)
    with pytest.raises(kit.error(name)):
        await client.get(URL)
    assert len(client._transport.arrivals) == 1


async def test_what_is_not_about_the_exchange_passes_through(kit: Kit) -> None:
    """Untouched, without a note, and never retried."""
    bug = LookupError("a bug in a transport")
    client = kit.client(bug)
    with pytest.raises(LookupError) as caught:
        await client.get(URL)
    assert caught.value is bug
    assert not hasattr(bug, "__notes__")
    assert len(client._transport.arrivals) == 1


@pytest.mark.parametrize(
    ("error", "sendings"), [(TimeoutError("slow"), 4), (ConnectionResetError("gone"), 4)]
)
async def test_the_standard_errors_of_a_foreign_transport_count_too(
    kit: Kit, error: Exception, sendings: int
) -> None:
    """And are raised as they were."""
    client = kit.client(error)
    with pytest.raises(type(error)) as caught:
        await client.get(URL)
    assert caught.value is error
    assert len(client._transport.arrivals) == sendings


@pytest.mark.parametrize("retries", [0, 1, 5])
async def test_max_retries_counts_the_attempts_beyond_the_first(kit: Kit, retries: int) -> None:
    """None at all means one attempt."""
    client = kit.client(500, max_retries=retries)
    await client.get(URL)
    assert len(client._transport.arrivals) == retries + 1


async def test_a_hook_that_raises_for_status_is_understood(kit: Kit) -> None:
    """What it raises stands for the answer: retried as that, raised as it was."""

    def check(response: Any) -> None:
        response.raise_for_status()

    client = kit.client(503, 200, event_hooks={"response": [kit.awaited_if_async(check)]})
    assert (await client.get(URL)).status_code == 200
    client = kit.client(503, event_hooks={"response": [kit.awaited_if_async(check)]})
    with pytest.raises(kit.error("HTTPStatusError")) as caught:
        await client.get(URL)
    error: Any = caught.value
    assert error.response.status_code == 503
    assert error.__notes__[0].startswith("4 attempts were made")
    assert client._transport.left_open == 0


async def test_an_answer_tells_how_its_call_went(kit: Kit) -> None:
    """In the extension `resilience`."""
    client = kit.client(503, "ReadError", 200, backoff_factor=0.5)
    response = await client.get(URL, headers={"X-Request-ID": "mine"})
    report = response.extensions["resilience"]
    assert (report.attempts, report.waits, report.elapsed) == (3, (0.5, 1.0), 1.5)
    assert report.request_id == "mine"
    assert (await client.get(URL)).extensions["resilience"].request_id is None


async def test_an_answer_is_what_a_users_test_made_of_it(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test that replaces the `send` of httpx may answer with anything that has a status."""

    class Stub:
        def __init__(self, status: int) -> None:
            self.status_code = status

    def send(*_args: Any, **_options: Any) -> Any:
        sent.append(len(sent))
        return stubs[sent[-1]]

    sent: list[int] = []
    stubs = [Stub(503), Stub(503), Stub(200), Stub(404)]
    monkeypatch.setattr(kit.theirs_of, "send", kit.awaited_if_async(send))
    client = kit.client(200)
    assert await client.post(URL) is stubs[2]
    assert await client.get(URL) is stubs[3]
