"""What users of httpx rely on without a word: patched verbs, pickled answers, layers in layers."""

from __future__ import annotations

import asyncio
import pickle
import threading
from typing import Any
from unittest.mock import patch

import pytest

import client as package
from client import CircuitBreaker, CircuitOpenError, ExponentialBackoff
from tests.drop_in.kits import URL, Kit
from tests.drop_in.wire import Reply
from tests.eventually import PATIENCE_SECONDS


@pytest.mark.parametrize("verb", ["get", "options", "head", "delete", "post", "put", "patch"])
async def test_a_patched_verb_of_httpx_is_seen(kit: Kit, verb: str) -> None:
    """A test that patches what it calls goes on working."""
    answer = kit.module.Response(299)
    theirs = kit.module.AsyncClient if kit.is_async else kit.module.Client
    client = kit.client(200)
    with patch.object(theirs, verb, return_value=answer):
        assert await getattr(client, verb)(URL) is answer
    assert client._transport.arrivals == []


async def test_a_verb_without_a_body_takes_none(kit: Kit) -> None:
    """Httpx's own `TypeError`."""
    with pytest.raises(TypeError, match="json"):
        await kit.client(200).get(URL, json={})


async def test_an_answer_that_was_read_can_be_pickled(kit: Kit) -> None:
    """Also where the body was held to a total time."""
    client = kit.client(Reply(200, (b"abc",)), max_total_time=5)
    async with client.stream() as response:
        await kit.awaited(response.aread if kit.is_async else response.read)()
    assert pickle.loads(pickle.dumps(response)).content == b"abc"  # noqa: S301 - our own


async def test_a_circuit_further_in_turns_a_call_away_at_once(kit: Kit) -> None:
    """Its rejection is not retried, and keeps its name."""
    kind = kit.ours.AsyncResilientTransport if kit.is_async else kit.ours.ResilientTransport
    breaker = CircuitBreaker(failure_threshold=1)
    wire = kit.wire(503, 200)
    protected = kind(wire, max_retries=0, circuit_breaker=breaker)
    theirs = kit.module.AsyncClient if kit.is_async else kit.module.Client
    plain = theirs(transport=protected)
    assert (await kit.awaited(plain.get)(URL)).status_code == 503
    waits: list[object] = []
    ours = kit.ours.AsyncClient if kit.is_async else kit.ours.Client
    mine = ours(transport=protected, backoff_factor=0, on_retry=waits.append)
    with pytest.raises(CircuitOpenError):
        await kit.awaited(mine.get)(URL)
    assert (waits, len(wire.arrivals)) == ([], 1)
    call = package.get_async if kit.is_async else package.get
    with pytest.raises(CircuitOpenError, match="Circuit breaker is OPEN"):
        await kit.awaited(call)(URL, client=plain)


async def test_notes_do_not_pile_up(kit: Kit) -> None:
    """On an exception that a test raises again and again."""
    error = kit.module.ReadError("x")
    error.add_note("of the user's")
    client = kit.client(*[error] * 9, max_retries=0)
    for _ in range(3):
        with pytest.raises(kit.module.ReadError):
            await client.get(URL)
    assert error.__notes__[0] == "of the user's"
    assert len(error.__notes__) == 2


async def test_a_listed_status_that_is_no_error_may_ask_for_time(kit: Kit) -> None:
    """A 202 with `Retry-After`, as a job that is not done yet answers."""
    pending = Reply(202, headers={"Retry-After": "7"})
    client = kit.client(pending, 200, status_forcelist=[202])
    assert (await client.get(URL)).status_code == 200
    assert kit.clock.waits == [7]


async def test_a_cancelled_call_is_no_failure(kit: Kit) -> None:
    """The callback hears of what the server did."""
    heard: list[object] = []

    def interrupt(_request: object) -> None:
        raise KeyboardInterrupt

    client = kit.client(interrupt, on_failure=heard.append)
    with pytest.raises(KeyboardInterrupt):
        await client.get(URL)
    assert heard == []


async def other(_value: object) -> None:
    """An async function, where a plain one is wanted."""


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"status_forcelist": 500}, "500 is not allowed: give a list of statuses"),
        ({"circuit_breaker": True}, "True is not allowed: give a CircuitBreaker or None"),
        ({"backoff_strategy": other}, "give a Backoff, a tenacity wait object, or None"),
        ({"backoff_strategy": ExponentialBackoff}, "give a Backoff, a tenacity wait object"),
    ],
)
async def test_a_wrong_setting_is_shown_with_what_is_allowed(
    kit: Kit, settings: dict[str, Any], says: str
) -> None:
    """In the constructor and in a call."""
    with pytest.raises(ValueError, match=says):
        kit.client(200, **settings)
    with pytest.raises(ValueError, match=says):
        await kit.client(200).get(URL, **settings)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"name": 3}, "name is 3: give a text"),
        ({"on_state_change": 3}, "on_state_change is 3: give a plain function or None"),
        ({"on_state_change": other}, "give a plain function or None"),
    ],
)
def test_a_wrong_circuit_breaker(settings: dict[str, Any], says: str) -> None:
    """Is refused where it is made."""
    with pytest.raises(ValueError, match=says):
        CircuitBreaker(**settings)


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_a_function_uses_what_a_client_of_ours_overrides(family: str) -> None:
    """A signature that its `send` adds must not be lost, and attempts do not multiply."""
    kit = Kit(family, is_async=False)

    class Signing(kit.ours.Client):  # type: ignore[misc, name-defined] # of whichever family
        def send(self, request: Any, **options: Any) -> Any:
            request.headers["X-Signature"] = "s"
            return super().send(request, **options)

    wire = kit.wire(503, 503, 200)
    with Signing(transport=wire, backoff_factor=0) as client:
        assert package.get(URL, client=client).status_code == 200
    assert [arrival.headers["x-signature"] for arrival in wire.arrivals] == ["s"] * 3


class Waits:
    """Stands in for a wait, and tells when somebody waits."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def __call__(self, _retry: object) -> None:
        """Note it."""
        self.begun.set()


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_closing_a_protected_transport_ends_its_waits(family: str) -> None:
    """And no further attempt is made; afterwards it can be used again, as httpx's own can."""
    kit = Kit(family, is_async=False)
    waits, wire = Waits(), kit.wire(503, 200)
    transport = kit.ours.ResilientTransport(wire, backoff_factor=60, on_retry=waits)
    plain = kit.module.Client(transport=transport)
    raised: list[BaseException] = []

    def call() -> None:
        try:
            plain.get(URL)
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    waits.begun.wait(PATIENCE_SECONDS)
    plain.close()
    thread.join(10)
    assert not thread.is_alive()
    assert "closed" in str(raised[0])
    assert len(wire.arrivals) == 1
    with kit.module.Client(transport=transport) as again:
        assert again.get(URL).status_code == 200


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_closing_a_protected_async_transport_ends_its_waits(family: str) -> None:
    """The same."""
    kit = Kit(family, is_async=True)
    wire = kit.wire(503, 200)
    waits = Waits()
    transport = kit.ours.AsyncResilientTransport(wire, backoff_factor=60, on_retry=waits)

    async def story() -> None:
        plain = kit.module.AsyncClient(transport=transport)
        task = asyncio.create_task(plain.get(URL))
        await asyncio.to_thread(waits.begun.wait, 10)
        await asyncio.sleep(0)
        await plain.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await task
        assert len(wire.arrivals) == 1
        async with kit.module.AsyncClient(transport=transport) as again:
            assert (await again.get(URL)).status_code == 200

    asyncio.run(story())
