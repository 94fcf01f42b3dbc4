"""The added arguments per call: they win over the client's, for this one call."""

import threading
from typing import Any

from client import CircuitBreaker, ConstantBackoff, LinearBackoff
from tests.drop_in.kits import URL, Face, Kit
from tests.drop_in.wire import Reply


async def attempts(client: Face, **options: Any) -> int:
    """How many attempts one call makes."""
    before = len(client._transport.arrivals)
    await client.kit.outcome(client.get(URL, **options))
    return len(client._transport.arrivals) - before


async def test_an_override_holds_for_its_call_alone(kit: Kit) -> None:
    """The next one is the client's again."""
    client = kit.client(503, max_retries=1)
    assert [await attempts(client), await attempts(client, max_retries=4)] == [2, 5]
    assert await attempts(client) == 2


async def test_what_is_not_overridden_stays(kit: Kit) -> None:
    """A call names only what it wants otherwise."""
    client = kit.client(503, max_retries=1, backoff_strategy=ConstantBackoff(7))
    await client.get(URL, jitter_factor=0)
    assert kit.clock.waits == [7]


async def test_every_way_to_send_takes_them(kit: Kit) -> None:
    """The verbs, `request`, `send`, and `stream`."""
    client = kit.client(503)
    for verb in ("delete", "get", "head", "options", "patch", "post", "put"):
        await getattr(client, verb)(URL, max_retries=0)
    await client.request("GET", URL, max_retries=0)
    await client.send(kit.request(), max_retries=0)
    async with client.stream(max_retries=0):
        pass
    assert len(client._transport.arrivals) == 10


async def test_a_request_that_is_sent_again_does_not_remember(kit: Kit) -> None:
    """Neither settings, nor timeouts that a time limit has cut."""
    client = kit.client(Reply(503, takes=1), timeout=5, max_retries=0)
    request = client.build_request("GET", URL)
    extensions = dict(request.extensions)
    await client.send(request, max_retries=2, max_total_time=4)
    assert len(client._transport.arrivals) == 3
    await client.send(request)
    assert len(client._transport.arrivals) == 4
    assert [each.timeouts["read"] for each in client._transport.arrivals] == [4, 3, 2, 5]
    assert request.extensions == extensions


async def test_the_request_of_an_answer_does_not_remember_either(kit: Kit) -> None:
    """It is what a user sends who wants the same once more, also after a redirect."""
    moved = Reply(302, (b"",), {"Location": "/there"})
    client = kit.client(moved, 200, 200, timeout=5)
    response = await client.get(URL, max_total_time=3, follow_redirects=True)
    await client.send(response.request)
    assert [each.timeouts["read"] for each in client._transport.arrivals] == [3, 3, 5]


async def test_extensions_that_were_handed_in_are_left_alone(kit: Kit) -> None:
    """A user may keep one dict for all his calls."""
    extensions = {"trace": print}
    client = kit.client(503)
    assert await attempts(client, extensions=extensions, max_retries=1, max_total_time=9) == 2
    assert extensions == {"trace": print}


async def test_a_built_request_carries_what_its_extensions_say(kit: Kit) -> None:
    """Its own timeouts hold where the call has none, and a time limit cuts them."""
    client = kit.client(200, timeout=5)
    request = client.build_request("GET", URL, timeout=kit.module.Timeout(2, read=None))
    await client.send(request, max_total_time=3)
    sent = client._transport.arrivals[0].timeouts
    assert sent == {"connect": 2, "read": 3, "write": 2, "pool": 2}


async def test_a_request_without_timeouts_gets_those_of_the_client(kit: Kit) -> None:
    """As httpx does it, also where a time limit would leave more."""
    client = kit.client(200, timeout=5)
    await client.send(kit.request(), max_total_time=60)
    assert client._transport.arrivals[0].timeouts == dict.fromkeys(
        ("connect", "read", "write", "pool"), 5
    )


async def test_a_factor_replaces_the_strategy_of_the_client(kit: Kit) -> None:
    """The more particular wins; given together, the strategy does."""
    client = kit.client(503, max_retries=2, backoff_strategy=ConstantBackoff(7))
    await client.get(URL, backoff_factor=1)
    await client.get(URL, backoff_factor=1, backoff_strategy=LinearBackoff(3))
    assert kit.clock.waits == [1, 2, 3, 6]


async def test_a_layer_can_be_switched_off_for_a_call(kit: Kit) -> None:
    """With None, as in the constructor."""
    breaker = CircuitBreaker(failure_threshold=1)
    client = kit.client(503, max_retries=0, circuit_breaker=breaker)
    await client.get(URL)
    assert await attempts(client) == 0
    assert await attempts(client, circuit_breaker=None) == 1


async def test_calls_at_the_same_time_keep_their_own(kit: Kit) -> None:
    """Even if all of them send the same request object."""
    client = kit.client(503, timeout=5, max_retries=0)
    transport = client._transport
    request = client.build_request("GET", URL)
    inside: list[Any] = []

    def other_calls(_request: Any) -> int:
        """Make the calls that come in between, from another thread or a nested one."""
        if not inside:
            inside.append(True)
            thread = threading.Thread(target=nested)
            thread.start()
            thread.join()
        return 503

    def nested() -> None:
        Kit.tell(kit_of_thread, story())

    async def story() -> None:
        assert (await client.send(request)).status_code == 503

    kit_of_thread = Kit(kit.family, is_async=kit.is_async)
    transport.answers = (other_calls, 503)
    await client.send(request, max_retries=1, max_total_time=2)
    assert [each.timeouts["read"] for each in transport.arrivals] == [2, 5, 2]
    assert len(transport.arrivals) == 3


async def test_an_iterable_that_is_read_once_is_read_once(kit: Kit) -> None:
    """Statuses and methods may come from anywhere."""
    client = kit.client(503, 200, max_retries=1)
    statuses, methods = (each for each in (503,)), (each for each in ("GET",))
    response = await client.get(URL, status_forcelist=statuses, retry_methods=methods)
    assert response.status_code == 200
