"""Drop-in clients and transports count as the facade does."""

from typing import Any

import pytest

from client.metrics.instruments import (
    ATTEMPT_DURATION,
    OPERATION_DURATION,
    OPERATION_TIMEOUT,
    OPERATIONS_ACTIVE,
    RETRIES,
)
from client.metrics.targets import OTHER
from tests.behaviour.telemetry.test_sinks import Keeping
from tests.drop_in.kits import URL, Kit
from tests.drop_in.test_transports import behind
from tests.unit.metrics.reading import Reading

TARGET = "http://server.test"


async def test_a_call_and_its_retries_are_counted(kit: Kit) -> None:
    """By target, method and outcome."""
    reading = Reading()
    client = kit.client(503, "ReadTimeout", 200, name="orders", telemetry=[reading])
    await client.get(URL + "x?secret")
    assert reading.source.snapshot().client == "orders"
    assert reading.counts(OPERATION_DURATION) == {(TARGET, "GET", "success"): 1}
    assert reading.counts(ATTEMPT_DURATION) == {
        (TARGET, "GET", "server_error", "first"): 1,
        (TARGET, "GET", "read_timeout", "again"): 1,
        (TARGET, "GET", "success", "again"): 1,
    }
    assert reading.counts(RETRIES)[TARGET, "read_timeout", "succeeded"] == 1
    assert reading.counts(OPERATIONS_ACTIVE) == {}
    targets = client.stats().targets
    assert targets[TARGET].operations == {"success": 1}


async def test_how_long_a_call_may_take_is_told(kit: Kit) -> None:
    """Where that is bounded."""
    reading = Reading()
    kit.client(200, max_total_time=7, telemetry=[reading])
    assert reading.points(OPERATION_TIMEOUT) == {(): 7.0}
    kit.client(200, telemetry=[reading])
    assert reading.points(OPERATION_TIMEOUT) == {}


async def test_an_answer_that_is_an_error_is_one(kit: Kit) -> None:
    """Though httpx returns it, and so does the client."""
    reading = Reading()
    client = kit.client(404, telemetry=[reading])
    assert (await client.get(URL)).status_code == 404
    assert reading.counts(OPERATION_DURATION) == {(TARGET, "GET", "client_error"): 1}


async def test_a_call_with_settings_of_its_own_is_counted_with_the_others(kit: Kit) -> None:
    """It is the same client."""
    reading = Reading()
    client = kit.client(500, 200, telemetry=[reading])
    await client.get(URL, max_retries=0)
    await client.request("BREW", URL)
    assert reading.counts(OPERATION_DURATION) == {
        (TARGET, "GET", "server_error"): 1,
        (TARGET, OTHER, "success"): 1,
    }


async def test_a_transport_counts_too(kit: Kit) -> None:
    """Up to the head of the answer."""
    reading = Reading()
    client = behind(kit, 503, 200, telemetry=[reading])
    await client.get(URL)
    assert reading.counts(ATTEMPT_DURATION) == {
        (TARGET, "GET", "server_error", "first"): 1,
        (TARGET, "GET", "success", "again"): 1,
    }


async def test_a_transport_that_is_used_again_goes_on_counting(kit: Kit) -> None:
    """After it was closed."""
    reading = Reading()
    client = behind(kit, 200, telemetry=[reading])
    await client.get(URL)
    client._transport._drop_in.end_waits()
    await client.get(URL)
    assert reading.counts(OPERATION_DURATION) == {(TARGET, "GET", "success"): 2}


async def test_closing_exports_what_was_counted(kit: Kit) -> None:
    """A client's close, and a transport's, which may be used again."""
    sink = Keeping()
    client = kit.client(200, telemetry=[sink])
    await client.get(URL)
    await client.close()
    assert sink.operations() == 1
    other = Keeping()
    client = behind(kit, 200, telemetry=[other])
    transport = client._transport
    for expected in (1, 2):
        await client.get(URL)
        if kit.is_async:
            await transport.aclose()
        else:
            transport.close()
        assert other.operations() == expected


@pytest.mark.parametrize("given", [None, 3], ids=["nothing", "number"])
def test_what_is_no_telemetry_is_refused(given: Any) -> None:
    """As a collection, and as a part of one."""
    kit = Kit("httpx", is_async=False)
    with pytest.raises(TypeError):
        kit.ours_of(telemetry=given)
    with pytest.raises(TypeError, match="give objects such as PrometheusMetrics"):
        kit.ours_of(telemetry=[given])
