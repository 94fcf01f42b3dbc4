"""`ResilientTransport` and `AsyncResilientTransport`: for code that only lets a transport in."""

import gc
import inspect
from typing import Any

import pytest

from client import CircuitBreaker, CircuitOpenError, DeadlineExceededError
from tests.drop_in.kits import ON_EACH_KIT, URL, Face, Kit, VirtualPorts
from tests.drop_in.wire import Reply


def protecting(kit: Kit, *answers: Any, **options: Any) -> Any:
    """A transport of ours around a server made of answers, on virtual time."""
    name = "AsyncResilientTransport" if kit.is_async else "ResilientTransport"
    wire = kit.wire(*answers) if answers else None
    transport = getattr(kit.ours, name)(wire, **{"backoff_factor": 0, **options})
    transport._drop_in._engine.ports = VirtualPorts(kit.clock)
    return transport


def behind(kit: Kit, *answers: Any, **options: Any) -> Face:
    """A client of httpx that speaks through one."""
    return kit.plain(transport=protecting(kit, *answers, **options))


def arrivals(client: Face) -> Any:
    """What came to the server."""
    return client._transport._transport.arrivals


@ON_EACH_KIT
async def test_it_is_a_transport(kit: Kit) -> None:
    """For the clients of its family, and for whoever asks with `isinstance`."""
    transport = protecting(kit, 200)
    base = kit.module.AsyncBaseTransport if kit.is_async else kit.module.BaseTransport
    assert isinstance(transport, base)
    parameters = inspect.signature(type(transport)).parameters
    assert next(iter(parameters)) == "transport"


@pytest.mark.parametrize("failure", [503, 500, "ConnectError", "ReadTimeout"])
async def test_it_retries_like_the_client_does(kit: Kit, failure: Any) -> None:
    """Up to the head of the answer, three times."""
    client = behind(kit, failure, failure, failure, 200)
    response = await client.get(URL)
    assert (response.status_code, response.content) == (200, b"ok")
    assert response.extensions["resilience"].attempts == 4
    client = behind(kit, failure, 200)
    await kit.outcome(client.post(URL))
    assert len(arrivals(client)) == (2 if failure in (503, "ConnectError") else 1)


async def test_what_outlives_its_retries_comes_out_as_httpx_makes_it(kit: Kit) -> None:
    """An answer whole, an exception with the request that httpx puts in."""
    client = behind(kit, Reply(503, (b"why",)), max_retries=1)
    assert (await client.get(URL)).content == b"why"
    client = behind(kit, "ReadError", max_retries=1)
    with pytest.raises(kit.error("ReadError")) as caught:
        await client.get(URL)
    error: Any = caught.value
    assert error.request.url == URL
    assert error.__notes__[0].startswith("2 attempts were made")


async def test_a_body_that_breaks_is_beyond_its_reach(kit: Kit) -> None:
    """It is read when the transport has done its work."""
    client = behind(kit, Reply(200, (b"half", "ReadError")), 200)
    with pytest.raises(kit.error("ReadError")):
        await client.get(URL)
    assert len(arrivals(client)) == 1


async def test_answers_on_the_way_are_closed(kit: Kit) -> None:
    """Or the pool would run out of connections."""
    client = behind(kit, 503, Reply(503, (b"x" * 99_999,)), 200)
    await client.get(URL)
    assert client._transport._transport.left_open == 0


async def test_redirects_are_separate_exchanges(kit: Kit) -> None:
    """Each is protected by itself."""
    moved = Reply(302, (b"",), {"Location": "/there"})
    client = behind(kit, moved, 503, 200)
    await client.get(URL, follow_redirects=True)
    assert [each.path for each in arrivals(client)] == ["/", "/there", "/there"]


async def test_it_takes_the_added_arguments_and_no_others(kit: Kit) -> None:
    """With the same checks."""
    breaker = CircuitBreaker(failure_threshold=1)
    client = behind(kit, 503, max_retries=0, circuit_breaker=breaker)
    await client.get(URL)
    with pytest.raises(CircuitOpenError) as caught:
        await client.get(URL)
    assert isinstance(caught.value, kit.error("TransportError"))
    with pytest.raises(TypeError, match="'max_retires'; did you mean 'max_retries'"):
        protecting(kit, 200, max_retires=1)
    with pytest.raises(TypeError, match="'timeout'"):
        protecting(kit, 200, timeout=1)
    with pytest.raises(ValueError, match="max_retries"):
        protecting(kit, 200, max_retries=-1)


async def test_its_time_limit_bounds_head_and_body(kit: Kit) -> None:
    """And cuts the timeouts that came with the request, for the transport alone."""
    client = behind(kit, Reply(takes=3), Reply(200, (b"a",) * 9, drips=1), max_total_time=5)
    response = await client.get(URL, timeout=9)
    assert response.content == b"ok"
    assert response.request.extensions["timeout"]["read"] == 9
    assert arrivals(client)[0].timeouts["read"] == 5
    with pytest.raises(DeadlineExceededError):
        await client.get(URL)
    client = behind(kit, Reply(takes=6), max_total_time=5)
    with pytest.raises(DeadlineExceededError):
        await client.get(URL)


async def test_it_is_no_witness_for_what_was_sent(kit: Kit) -> None:
    """Its last failure to connect may have had a predecessor that did reach the server."""
    key = {"Idempotency-Key": "k"}
    transport = protecting(kit, "ReadTimeout", "ConnectError", max_retries=1)
    client = kit.client(transport=transport, max_retries=0)
    await kit.outcome(client.post(URL, headers=key, retry_if=None, max_retries=3))
    assert len(transport._transport.arrivals) == 8
    transport = protecting(kit, "ConnectError", max_retries=0)
    await kit.outcome(kit.client(transport=transport).post(URL))
    assert len(transport._transport.arrivals) == 1


async def test_it_closes_what_it_protects(kit: Kit) -> None:
    """With the client, or by itself, and in a `with` statement."""
    client = behind(kit, 200)
    await client.close()
    assert client._transport._transport.is_closed
    transport = protecting(kit, 200)
    wire = transport._transport
    if kit.is_async:
        async with transport as entered:
            assert wire.entered == 1
        with pytest.raises(LookupError):
            async with transport:
                raise LookupError
    else:
        with transport as entered:
            assert wire.entered == 1
        with pytest.raises(LookupError), transport:
            raise LookupError
    assert entered is transport
    assert [kind for kind, *_ in wire.left] == [None, LookupError]


async def test_without_a_transport_it_protects_one_of_httpx_s_own(kit: Kit) -> None:
    """With httpx's defaults."""
    transport = protecting(kit)
    name = "AsyncHTTPTransport" if kit.is_async else "HTTPTransport"
    assert type(transport._transport) is getattr(kit.module, name)
    await kit.face(kit.theirs_of(transport=transport)).close()
    gc.collect()


async def test_it_refuses_what_is_no_transport_of_its_kind(kit: Kit) -> None:
    """Of the other family, of the other world, or nothing of the sort."""
    other = Kit({"httpx": "httpx2", "httpx2": "httpx"}[kit.family], is_async=kit.is_async)
    module, base = kit.module.__name__, "AsyncBaseTransport" if kit.is_async else "BaseTransport"
    make = getattr(kit.ours, "AsyncResilientTransport" if kit.is_async else "ResilientTransport")
    own_of_other_world = kit.module.HTTPTransport() if kit.is_async else None
    for wrong in (other.wire(200), object(), own_of_other_world or 5):
        with pytest.raises(TypeError, match=f"give a {module}.{base}$"):
            make(wrong)
