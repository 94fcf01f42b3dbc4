"""Drop-in clients and transports trace as the facade does."""

import asyncio
import gc
import weakref
from typing import Any

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler, SamplingResult

import client
from tests.drop_in.kits import URL, Kit
from tests.drop_in.test_transports import arrivals, behind, protecting
from tests.drop_in.wire import Reply
from tests.unit.telemetry.spans import Spans, attribute, traceparent


def carried(requests: Any) -> list[Any]:
    """The `traceparent` of each."""
    return [each.headers.get("traceparent") for each in requests]


async def test_three_attempts_are_one_trace(kit: Kit) -> None:
    """The caller's own request is as it was."""
    spans = Spans()
    client = kit.client(503, "ReadTimeout", 200, name="orders", telemetry=[spans.tracing()])
    request = client.build_request("GET", URL + "x?secret")
    await client.send(request)
    assert [span.name for span in spans.operations] == ["GET orders"]
    assert [attribute(span, "http.request.resend_count") for span in spans.attempts] == [None, 1, 2]
    assert [attribute(span, "url.full") for span in spans.attempts] == [URL + "x"] * 3
    assert carried(client._transport.arrivals) == [traceparent(span) for span in spans.attempts]
    assert "traceparent" not in request.headers


@pytest.mark.parametrize("seconds", [None, 60], ids=["no-deadline", "deadline"])
async def test_an_operation_has_the_name_in_its_extensions(kit: Kit, seconds: Any) -> None:
    """Httpx hands them through."""
    spans = Spans()
    client = kit.client(200, telemetry=[spans.tracing()], max_total_time=seconds)
    await client.get(URL, extensions={"operation": "fetch order"})
    assert [span.name for span in spans.operations] == ["fetch order"]
    assert carried(client._transport.arrivals) == [traceparent(spans.attempts[0])]


async def test_a_redirect_to_another_origin_carries_nothing(kit: Kit) -> None:
    """Within the origin it does."""
    spans = Spans()
    there = Reply(302, headers={"Location": "/there"})
    away = Reply(302, headers={"Location": "http://b.example/"})
    client = kit.client(there, away, 200, telemetry=[spans.tracing()], follow_redirects=True)
    await client.get(URL)
    [attempt] = spans.attempts
    mine = traceparent(attempt)
    assert carried(client._transport.arrivals) == [mine, mine, None]


async def test_what_an_auth_flow_asks_elsewhere_carries_nothing(kit: Kit) -> None:
    """Though it is the first of the attempt's requests."""

    class Token(kit.module.Auth):  # type: ignore[name-defined,misc] # the module is a value
        """Asks elsewhere for a token first."""

        def auth_flow(self, request: Any) -> Any:
            """Ask, and go on."""
            yield kit.module.Request("POST", "http://token.example/")
            yield request

    spans = Spans()
    client = kit.client(200, 200, telemetry=[spans.tracing()])
    await client.get(URL, auth=Token())
    assert carried(client._transport.arrivals) == [None, traceparent(spans.attempts[0])]


async def test_a_transport_traces_too(kit: Kit) -> None:
    """Up to the head of the answer."""
    spans = Spans()
    client = behind(kit, 503, 200, telemetry=[spans.tracing()])
    await client.get(URL)
    assert len(spans.operations) == 1
    assert carried(arrivals(client)) == [traceparent(span) for span in spans.attempts]


@pytest.mark.parametrize("sampler", [ALWAYS_ON, ALWAYS_OFF], ids=["on", "off"])
async def test_nothing_is_left_to_the_garbage_collector(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, sampler: Sampler
) -> None:
    """What follows a call goes with the last reference to it."""
    followed: list[weakref.ref[Any]] = []
    tracing = Spans(sampler=sampler).tracing()
    begin = tracing.begin_operation

    def watched(call: Any) -> Any:
        followed.append(weakref.ref(trace := begin(call)))
        return trace

    monkeypatch.setattr(tracing, "begin_operation", watched)
    client = kit.client(503, 200, telemetry=[tracing])
    gc.disable()
    try:
        await client.get(URL)
        assert [each() for each in followed] == [None]
    finally:
        gc.enable()


async def test_a_redirect_through_a_transport_carries_nothing_elsewhere(kit: Kit) -> None:
    """Though each hop is an operation of its own."""
    away = Reply(302, headers={"Location": "http://b.example/"})
    transport = protecting(kit, away, 200, telemetry=[Spans().tracing()])
    client = kit.plain(transport=transport, follow_redirects=True)
    await client.get(URL)
    here, there = carried(arrivals(client))
    assert here is not None
    assert there is None


def test_a_function_through_a_client_is_traced_once() -> None:
    """The function makes the attempts."""
    spans = Spans()
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    with client.Client(transport=transport, telemetry=[spans.tracing()]) as through:
        client.get(URL, client=through)
    assert (len(spans.operations), len(spans.attempts)) == (1, 1)


class Counting(Sampler):
    """Counts the spans that are asked for."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self.asked = 0

    def should_sample(self, *args: Any, **options: Any) -> SamplingResult:
        """Count, and leave the decision to another."""
        self.asked += 1
        return self._sampler.should_sample(*args, **options)

    def get_description(self) -> str:
        """Return its name."""
        return "counting"


@pytest.mark.parametrize("sampler", [ALWAYS_ON, ALWAYS_OFF], ids=["on", "off"])
@pytest.mark.parametrize("is_ours", [True, False], ids=["ours", "passed-in"])
def test_a_transport_in_a_facade_is_a_part_of_it(sampler: Sampler, *, is_ours: bool) -> None:
    """One CLIENT span, which the request carries; the operation has events of its own alone."""
    counting = Counting(sampler)
    spans = Spans(sampler=counting)
    tracing = spans.tracing()
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404)

    inner = client.ResilientTransport(
        httpx.MockTransport(answer), max_retries=0, telemetry=[tracing]
    )
    how: dict[str, Any] = (
        {"transport": inner} if is_ours else {"http_client": httpx.Client(transport=inner)}
    )
    with (
        client.SyncResilientClient(telemetry=[tracing], **how) as facade,
        pytest.raises(client.NotFoundError),
    ):
        facade.get(URL)
    is_recorded = sampler is ALWAYS_ON
    assert counting.asked == 1 + is_recorded
    assert [len(span.events) for span in spans.operations] == [1] * is_recorded
    assert (len(spans.operations), len(spans.attempts)) == (is_recorded, is_recorded)
    [sent] = carried(seen)
    assert sent is not None
    assert not is_recorded or sent == traceparent(spans.attempts[0])


async def hang(_request: httpx.Request) -> httpx.Response:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


def test_a_call_closed_elsewhere_leaves_the_span_there_alone() -> None:
    """Whoever collects it has a context of its own."""
    spans = Spans()

    async def story() -> None:
        through = client.AsyncClient(
            transport=httpx.MockTransport(hang), telemetry=[spans.tracing()]
        )
        call = through.get(URL)

        async def begin() -> None:
            call.send(None)

        await asyncio.create_task(begin())
        with spans.provider.get_tracer("test").start_as_current_span("mine") as mine:
            call.close()
            assert trace.get_current_span() is mine
        await through.aclose()

    asyncio.run(story())
    assert {attribute(span, "resilient_http.outcome") for span in spans.attempts} == {"cancelled"}
