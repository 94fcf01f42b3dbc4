"""`reconfigure` of drop-in clients and transports: other arguments for one at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic_core import PydanticCustomError

from client import CircuitBreaker, ConstantBackoff, HedgeConfig
from client.events import AttemptStarted, Reconfigured
from client.testing import EventRecorder
from tests.drop_in.kits import ON_EACH_KIT, URL, Face, Kit

if TYPE_CHECKING:
    from client import Event


async def attempts(client: Face, **options: Any) -> int:
    """How many attempts one call makes."""
    before = len(client._transport.arrivals)
    await client.kit.outcome(client.get(URL, **options))
    return len(client._transport.arrivals) - before


@ON_EACH_KIT
async def test_calls_go_by_other_arguments_from_then_on(kit: Kit) -> None:
    """What is not named stays; streams keep to one attempt."""
    recorder = EventRecorder(Reconfigured)
    client = kit.client(503, listeners=[recorder], name="ledger")
    assert await attempts(client) == 4
    client.real.reconfigure(max_retries=1, backoff_strategy=ConstantBackoff(7))
    assert await attempts(client) == 2
    assert kit.clock.waits[-1] == 7
    assert await attempts(client, max_retries=2) == 3
    client.real.reconfigure(max_retries=0, jitter_factor=0)
    assert await attempts(client) == 1
    [first, second] = recorder.of(Reconfigured)
    assert first.changed == ("backoff_strategy", "max_retries")
    assert (second.changed, second.client) == (("max_retries",), "ledger")
    assert (second.operation_id, second.request_id, second.method, second.url) == (None,) * 4


async def test_a_stream_tries_again_once_somebody_has_said_how_often(kit: Kit) -> None:
    """As if that had been said when the client was made."""
    client = kit.client(503)
    async with client.stream():
        pass
    client.real.reconfigure(max_retries=2)
    async with client.stream():
        pass
    assert len(client._transport.arrivals) == 1 + 3


async def test_a_call_under_way_keeps_its_arguments(kit: Kit) -> None:
    """It is in the middle of its first attempt."""
    told: list[Event] = []

    def change(_request: Any) -> int:
        client.real.reconfigure(max_retries=0)
        return 503

    client = kit.client(change, listeners=[told.append])
    await client.get(URL)
    assert len(client._transport.arrivals) == 4
    assert await attempts(client) == 1


@pytest.mark.parametrize(
    "settings", [{}, {"max_retries": 3}, {"status_forcelist": None}], ids=["none", "same", "off"]
)
async def test_what_is_so_already_is_not_told(kit: Kit, settings: dict[str, Any]) -> None:
    """Nothing has changed."""
    recorder = EventRecorder(Reconfigured)
    client = kit.client(503, listeners=[recorder])
    client.real.reconfigure(**settings)
    assert len(recorder) == 0
    assert await attempts(client) == 4


@pytest.mark.parametrize(
    ("settings", "kind", "says"),
    [
        ({"nonsense": 1}, PydanticCustomError, "there is no setting 'nonsense'"),
        ({"timeout": 1}, PydanticCustomError, "there is no setting 'timeout'"),
        ({"name": "x"}, PydanticCustomError, "there is no setting 'name'"),
        ({"allow_chaos": True}, PydanticCustomError, "there is no setting 'allow_chaos'"),
        ({"max_total_time": 0}, ValueError, "0 is not allowed: give a number of seconds above 0"),
        ({"circuit_breaker": CircuitBreaker()}, ValueError, "because others may share it: make"),
        ({"fallback": 5}, TypeError, "fallback is 5: give a httpx"),
        ({"chaos": {"faults": []}}, ValueError, "give a list of faults"),
    ],
    ids=["unknown", "httpx", "name", "allow", "bound", "circuit", "fallback", "chaos"],
)
async def test_what_is_refused_changes_nothing(
    kit: Kit, settings: dict[str, Any], kind: type[Exception], says: str
) -> None:
    """Nor does what was given with it."""
    recorder = EventRecorder(Reconfigured)
    client = kit.client(503, listeners=[recorder])
    with pytest.raises(kind, match=says):
        client.real.reconfigure(max_retries=0, **settings)
    assert len(recorder) == 0
    assert await attempts(client) == 4


async def test_its_circuit_stays_where_it_has_one(kit: Kit) -> None:
    """The very same is no other."""
    breaker = CircuitBreaker(failure_threshold=2)
    client = kit.client(500, circuit_breaker=breaker, max_retries=0)
    await attempts(client)
    client.real.reconfigure(circuit_breaker=breaker, max_retries=1)
    assert await attempts(client) == 2
    assert await attempts(client) == 0
    with pytest.raises(ValueError, match="circuit_breaker of a client cannot be changed"):
        client.real.reconfigure(circuit_breaker=None)


async def test_a_part_is_laid_over_what_it_has(kit: Kit) -> None:
    """As a dict; as an object it takes its place."""
    recorder = EventRecorder(Reconfigured)
    client = kit.client(200, hedge={"delay": 1}, listeners=[recorder])
    settings = client.real._drop_in.config
    client.real.reconfigure(hedge={"percentile": 0.5})
    assert client.real._drop_in.config.hedge == HedgeConfig(delay=1, percentile=0.5)
    client.real.reconfigure(hedge=HedgeConfig(delay=2))
    assert client.real._drop_in.config.hedge == HedgeConfig(delay=2)
    client.real._drop_in.reconfigure({}, settings)
    assert client.real._drop_in.config.hedge == HedgeConfig(delay=1)
    assert [event.changed for event in recorder.of(Reconfigured)] == [("hedge",)] * 3


async def test_what_is_code_may_change_too(kit: Kit) -> None:
    """A fallback, and callbacks."""
    calls: list[str] = []
    client = kit.client(503, max_retries=0, on_request=lambda _: calls.append("before"))
    await client.get(URL)
    client.real.reconfigure(
        fallback=kit.module.Response(203), on_request=lambda _: calls.append("after")
    )
    assert (await client.get(URL)).status_code == 203
    assert calls == ["before", "after"]


async def test_chaos_may_begin(kit: Kit) -> None:
    """Where it is allowed."""
    client = kit.client(200, allow_chaos=True)
    client.real.reconfigure(chaos={"faults": [{"status": 299}], "injection_rate": 1})
    assert (await client.get(URL)).status_code == 299
    client.real.reconfigure(chaos=None)
    assert (await client.get(URL)).status_code == 200


async def test_whoever_listens_later_is_told(kit: Kit) -> None:
    """Of what the settings that came before them bring about, and those that come."""
    client = kit.client(503, max_retries=0)
    client.real.reconfigure(max_retries=1)
    recorder = EventRecorder(AttemptStarted)
    client.real._drop_in.listen(recorder)
    await client.get(URL)
    client.real.reconfigure(max_retries=2)
    await client.get(URL)
    async with client.stream():
        pass
    assert len(recorder) == 2 + 3 + 3


@ON_EACH_KIT
async def test_a_transport_takes_other_arguments(kit: Kit) -> None:
    """As the clients do."""
    recorder = EventRecorder(Reconfigured)
    name = "AsyncResilientTransport" if kit.is_async else "ResilientTransport"
    wire = kit.wire(503)
    transport = getattr(kit.ours, name)(wire, backoff_factor=0, listeners=[recorder])
    client = kit.plain(transport=transport)
    await client.get(URL)
    transport.reconfigure(max_retries=0)
    await client.get(URL)
    assert len(wire.arrivals) == 4 + 1
    assert [event.changed for event in recorder.of(Reconfigured)] == [("max_retries",)]
