"""Spans of operations and attempts, and what goes out with a request."""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    Sampler,
    SamplingResult,
)
from opentelemetry.trace import SpanKind, StatusCode

from client import MyAPIError, NotFoundError, PoolTimeoutError, events
from client.telemetry import OpenTelemetryTracing
from tests.behaviour.wire import Answer
from tests.unit.telemetry.spans import Spans, attribute, traceparent

if TYPE_CHECKING:
    from collections.abc import Generator

    from opentelemetry.sdk.trace import ReadableSpan

    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import World

EXACT = {"jitter": False}


async def a_second(arrival: Arrival) -> int:
    """A server that takes one."""
    await arrival.takes(1)
    return 200


def carried(client: Any) -> list[str | None]:
    """The `traceparent` of each request that came."""
    return [arrival.request.headers.get("traceparent") for arrival in client.wire.arrivals]


def told(span: ReadableSpan) -> list[str]:
    """The names of a span's events."""
    return [event.name for event in span.events]


async def test_a_hedge_has_a_span_beside_that_of_the_first(world: World) -> None:
    """Under that of the operation, which says what was sent and what lost."""
    spans = Spans()
    client = world.client(telemetry=[spans.tracing()], hedge={"delay": 2, "max_extra_load": 1})

    async def server(arrival: Arrival) -> int:
        await arrival.takes(3.5 if len(client.wire.arrivals) == 1 else 1)
        return 200

    client.wire._server = server
    await client.get()
    await world.sleep(1)
    [operation] = spans.operations
    assert told(operation) == ["hedge sent", "hedge lost"]
    assert operation.context is not None
    found = {
        attribute(each, "http.request.resend_count"): (
            attribute(each, "resilient_http.is_hedge"),
            attribute(each, "resilient_http.is_lost"),
            attribute(each, "resilient_http.outcome"),
            each.parent is not None and each.parent.span_id == operation.context.span_id,
        )
        for each in spans.attempts
    }
    assert found == {
        None: (None, True, "success", True),
        1: (True, None, "success", True),
    }
    assert len({*carried(client)}) == 2


async def test_three_attempts_are_one_trace(world: World) -> None:
    """One span for the operation, and one each under it, which its request carries."""
    spans = Spans()
    client = world.client(
        [503, httpx.ReadTimeout, 200], name="orders", retry=EXACT, telemetry=[spans.tracing()]
    )
    await client.get("/x?secret=1", request_id="r")
    [operation] = spans.operations
    assert operation.name == "GET orders"
    assert dict(operation.attributes or {}) == {
        "resilient_http.client": "orders",
        "resilient_http.request_id": "r",
        "resilient_http.attempts": 3,
        "resilient_http.outcome": "success",
    }
    assert operation.status.status_code is StatusCode.UNSET
    assert told(operation) == ["retry scheduled", "retry scheduled"]
    assert [dict(span.attributes or {}) for span in spans.attempts] == [
        {**of_attempt("server_error"), "http.response.status_code": 503, "error.type": "503"},
        {
            **of_attempt("read_timeout"),
            "http.request.resend_count": 1,
            "error.type": "httpx.ReadTimeout",
        },
        {
            **of_attempt("success"),
            "http.request.resend_count": 2,
            "http.response.status_code": 200,
        },
    ]
    assert [span.status.status_code.name for span in spans.attempts] == ["ERROR", "ERROR", "UNSET"]
    assert {span.name for span in spans.attempts} == {"GET"}
    assert operation.context is not None
    for span in spans.attempts:
        assert span.parent is not None
        assert span.parent.span_id == operation.context.span_id
    assert carried(client) == [traceparent(span) for span in spans.attempts]


def of_attempt(outcome: str) -> dict[str, object]:
    """The attributes that all attempts of the story have."""
    return {
        "http.request.method": "GET",
        "url.full": "http://server.test/x",
        "server.address": "server.test",
        "server.port": 80,
        "resilient_http.outcome": outcome,
    }


async def test_an_attempt_ends_with_the_head_of_its_answer(world: World) -> None:
    """Whatever the body takes; the operation of a stream ends when it is left."""
    spans = Spans()
    client = world.client(Answer(200, (b"x", 5.0, b"y")), telemetry=[spans.tracing()])
    async with client.stream("GET", "/") as response:
        [attempt] = spans.attempts
        assert spans.operations == []
        await client.read(response)
    [operation] = spans.operations
    assert attempt.end_time is not None
    assert operation.end_time is not None
    assert attempt.end_time <= operation.end_time


async def test_a_name_of_the_callers(world: World) -> None:
    """In place of the method and the client."""
    spans = Spans()
    client = world.client(200, telemetry=[spans.tracing()])
    await client.get("/orders/17", operation="fetch order")
    assert [span.name for span in spans.operations] == ["fetch order"]


@pytest.mark.parametrize("name", ["", "x" * 129, "a\nb", 3], ids=["empty", "long", "line", "int"])
async def test_a_name_that_cannot_be_shown_is_refused(world: World, name: Any) -> None:
    """Before anything is sent."""
    client = world.client(200)
    with pytest.raises(ValueError, match="give 1-128 printable characters, or None"):
        await client.get("/", operation=name)
    await client.get("/", operation=None)
    assert len(client.wire.arrivals) == 1


async def test_a_method_that_is_not_http_s_is_another(world: World) -> None:
    """There is no end to them."""
    spans = Spans()
    client = world.client(200, telemetry=[spans.tracing()])
    await client.request("BREW", "/")
    assert [span.name for span in spans.operations] == ["_OTHER default"]
    [attempt] = spans.attempts
    assert attempt.name == "HTTP"
    assert attribute(attempt, "http.request.method_original") == "BREW"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("/x?a=1&sig=secret&b=", "http://server.test/x?a=1&sig=REDACTED&b="),
        ("/x", "http://server.test/x"),
    ],
    ids=["with", "without"],
)
async def test_the_query_is_shown_where_somebody_asks(world: World, url: str, shown: str) -> None:
    """But for signatures."""
    spans = Spans()
    client = world.client(200, telemetry=[spans.tracing(query=True)])
    await client.get(url)
    assert attribute(spans.attempts[0], "url.full") == shown


async def test_an_operation_that_fails(world: World) -> None:
    """Is an error, and so is its attempt; the text of neither is told."""
    spans = Spans()
    client = world.client(404, telemetry=[spans.tracing()])
    with pytest.raises(NotFoundError):
        await client.get()
    [operation] = spans.operations
    assert operation.status.status_code is StatusCode.ERROR
    assert operation.status.description == "NotFoundError"
    assert attribute(operation, "resilient_http.outcome") == "client_error"
    assert told(operation) == ["retry refused"]
    [attempt] = spans.attempts
    assert attribute(attempt, "error.type") == "404"
    assert attempt.status.description is None  # the status says it


async def test_a_cancelled_call_is_an_error(world: World) -> None:
    """Both its spans end."""
    spans = Spans()
    client = world.client(a_second, telemetry=[spans.tracing()])
    call = world.start(client.get())
    await world.sleep(0.5)
    call.cancel()
    await world.outcome(call)
    assert [span.status.status_code for span in (*spans.operations, *spans.attempts)] == [
        StatusCode.ERROR
    ] * 2
    assert attribute(spans.operations[0], "resilient_http.outcome") == "cancelled"
    assert attribute(spans.attempts[0], "error.type") == (
        "asyncio.exceptions.CancelledError" if world.is_async else "KeyboardInterrupt"
    )


async def test_waits_for_a_turn_are_told_in_the_span(world: World) -> None:
    """And that none would come in time."""
    spans = Spans()
    client = world.client(
        200,
        rate_limit={"rate": 1, "acquisition_timeout": 1.5},
        telemetry=[spans.tracing()],
    )
    await world.gather(*(client.get(operation=name) for name in "abc"))
    assert {span.name: told(span) for span in spans.operations} == {
        "a": [],
        "b": ["rate limit waited"],
        "c": ["rate limit rejected"],
    }


async def test_waits_and_rejections_are_told_in_the_span(world: World) -> None:
    """Of the queue for a slot, and of an open circuit."""
    spans = Spans()
    client = world.client(
        [a_second, a_second, 500],
        bulkhead={"max_concurrency": 1, "acquisition_timeout": 1.5},
        circuit_breaker={"failure_threshold": 1},
        retry=None,
        telemetry=[spans.tracing()],
    )
    outcomes = await world.gather(*(client.get(operation=name) for name in "abc"))
    assert isinstance(outcomes[2], PoolTimeoutError)
    for name in "de":
        with pytest.raises(MyAPIError):
            await client.get(operation=name)
    assert {span.name: told(span) for span in spans.operations} == {
        "a": [],
        "b": ["slot waited"],
        "c": ["bulkhead rejected"],
        "d": [],
        "e": ["circuit rejected"],
    }
    [rejected] = next(span for span in spans.operations if span.name == "c").events
    assert rejected.attributes == {"reason": "timeout"}
    assert len(spans.attempts) == 3


async def test_a_redirect_to_another_origin_carries_nothing(world: World) -> None:
    """Within the origin it does."""
    spans = Spans()
    there = Answer(302, headers={"Location": "/there"})
    away = Answer(302, headers={"Location": "http://b.example/"})
    client = world.client([there, away, 200], telemetry=[spans.tracing()])
    await client.get("/here")
    [attempt] = spans.attempts
    assert carried(client) == [traceparent(attempt), traceparent(attempt), None]


class Token(httpx.Auth):
    """Asks elsewhere for a token first."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Ask, and go on."""
        yield httpx.Request("POST", "http://token.example/")
        yield request


@pytest.mark.parametrize("sampler", [ALWAYS_ON, ALWAYS_OFF], ids=["on", "off"])
async def test_what_an_auth_flow_asks_elsewhere_carries_nothing(
    world: World, sampler: Sampler
) -> None:
    """Though it is the first of the attempt's requests."""
    client = world.client([200, 200], telemetry=[Spans(sampler=sampler).tracing()])
    outer = context.get_current()
    context.attach(baggage.set_baggage("tenant", "t-1"))
    await client.get("/x", auth=Token(), params={"a": 1})
    context.attach(outer)
    sent = [arrival.request.headers.get("baggage") for arrival in client.wire.arrivals]
    assert sent == [None, "tenant=t-1"]
    assert [each is None for each in carried(client)] == [True, False]


@pytest.mark.parametrize("sampler", [ALWAYS_ON, ALWAYS_OFF], ids=["on", "off"])
async def test_baggage_is_looked_up_for_each_attempt(world: World, sampler: Sampler) -> None:
    """A listener may have put something in meanwhile; it ends with the operation."""

    def add(event: events.Event) -> None:
        if isinstance(event, events.RetryScheduled):
            context.attach(baggage.set_baggage("again", "1"))

    client = world.client(
        [503, 200],
        telemetry=[Spans(sampler=sampler).tracing()],
        listeners=[add],
        retry=EXACT,
    )
    outer = context.get_current()
    await client.get()
    assert context.get_current() == outer
    sent = [arrival.request.headers.get("baggage") for arrival in client.wire.arrivals]
    assert sent == [None, "again=1"]


async def test_the_baggage_of_others_goes_along(world: World) -> None:
    """As that of a tool which writes it into each request; also where that is redirected."""

    def add(request: httpx.Request) -> httpx.Request:
        request.headers["baggage"] = "theirs=1"
        return request

    client = world.client(
        [Answer(302, headers={"Location": "/there"}), 200], telemetry=[Spans().tracing()]
    )
    outer = context.get_current()
    context.attach(baggage.set_baggage("tenant", "t-1"))
    await client.get("/here", auth=add)
    context.attach(outer)
    sent = [arrival.request.headers["baggage"] for arrival in client.wire.arrivals]
    assert sent == ["theirs=1,tenant=t-1"] * 2


async def test_baggage_and_the_callers_span_go_along(world: World) -> None:
    """The operation is part of the caller's trace, and leaves his context as it was."""
    spans = Spans()
    client = world.client(200, telemetry=[spans.tracing()])
    tracer = spans.provider.get_tracer("test")
    outer = context.get_current()
    with tracer.start_as_current_span("handler", baggage.set_baggage("tenant", "t-1")) as handler:
        context.attach(baggage.set_baggage("tenant", "t-1"))
        await client.get()
        assert trace.get_current_span() is handler
    context.attach(outer)
    [operation] = [span for span in spans.operations if span.name == "GET default"]
    assert operation.parent is not None
    assert operation.parent.span_id == handler.get_span_context().span_id
    assert client.wire.arrivals[0].request.headers["baggage"] == "tenant=t-1"


async def test_what_is_logged_within_names_the_span(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Of the operation, or of the caller."""
    caplog.set_level(logging.DEBUG, "resilient_client")
    spans = Spans()
    client = world.client(
        [503, 404], telemetry=[spans.tracing()], retry=EXACT, logging={"level": "DEBUG"}
    )
    with pytest.raises(NotFoundError):
        await client.get()
    [operation] = spans.operations
    assert operation.context is not None
    lines = [record.getMessage() for record in caplog.records]
    named = [line for line in lines if f"trace_id='{operation.context.trace_id:032x}'" in line]
    assert ["event='retry'" in line for line in named].count(True) == 1
    assert ["event='operation failed'" in line for line in named].count(True) == 1
    assert all(f"span_id='{operation.context.span_id:016x}'" in line for line in named)


async def test_what_is_not_sampled_is_carried_all_the_same(world: World) -> None:
    """So that the next one knows that it is not."""
    spans = Spans(sampler=ALWAYS_OFF)
    client = world.client([503, 200], telemetry=[spans.tracing()], retry=EXACT)
    await client.get()
    assert spans.operations == spans.attempts == []
    flags = [str(each).rpartition("-")[2] for each in carried(client)]
    assert len(flags) == 2
    assert {int(each, 16) & 1 for each in flags} == {0}


class Broken:
    """A tracer provider whose tracer raises."""

    def get_tracer(self, *_args: object, **_options: object) -> Broken:
        """Return itself."""
        return self

    def start_span(self, *_args: object, **_options: object) -> None:
        """Break."""
        raise LookupError("no span today")


async def test_a_tracer_that_raises_harms_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged."""
    broken: Any = Broken()
    client = world.client(200, telemetry=[OpenTelemetryTracing(broken)])
    assert (await client.get()).status_code == 200
    assert "tracing raised" in caplog.text


class NoAttempts(Sampler):
    """Raises where an attempt begins."""

    def should_sample(self, *args: Any, **options: Any) -> SamplingResult:
        """Decide by the kind of a span."""
        if SpanKind.CLIENT in (*args, options.get("kind")):
            raise LookupError("no attempt today")
        return SamplingResult(Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        """Return its name."""
        return "no attempts"


async def test_a_sampler_that_raises_at_an_attempt_leaves_it_in_its_operation(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Whose context goes out instead."""
    spans = Spans(sampler=NoAttempts())
    client = world.client(200, telemetry=[spans.tracing()])
    await client.get()
    assert carried(client) == [traceparent(spans.operations[0])]
    assert spans.attempts == []
    assert "tracing raised" in caplog.text


class Recorder:
    """Takes in values as OpenTelemetry's histograms do, which keep the span as an example."""

    def __init__(self) -> None:
        self.spans: dict[str, str | None] = {}

    def attach(self, source: Any) -> None:
        """Ask to be told."""
        source.recorders = (*source.recorders, self)

    def record(self, instrument: Any, _labels: object, _value: float) -> None:
        """Note whose span is current."""
        self.spans[instrument.name] = getattr(trace.get_current_span(), "name", None)


async def test_what_is_measured_is_measured_within_the_span(world: World) -> None:
    """So that a histogram can point to it."""
    recorder = Recorder()
    client = world.client(200, telemetry=[Spans().tracing(), recorder])
    await client.get()
    assert recorder.spans["operation.duration"] == "GET default"


async def test_a_propagator_that_raises_harms_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The spans are there; the request carries nothing."""

    def raises(*_args: object, **_options: object) -> None:
        raise LookupError("no headers today")

    monkeypatch.setattr(propagate, "inject", raises)
    spans = Spans()
    client = world.client(200, telemetry=[spans.tracing()])
    assert (await client.get()).status_code == 200
    assert (len(spans.operations), len(spans.attempts)) == (1, 1)
    assert carried(client) == [None]
    assert "tracing raised" in caplog.text


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"tracer_provider": "provider"}, "give a TracerProvider"),
        ({"query": 1}, "give True or False"),
    ],
    ids=["provider", "query"],
)
def test_what_is_not_allowed_is_refused(options: dict[str, Any], text: str) -> None:
    """At once."""
    with pytest.raises(TypeError, match=text):
        OpenTelemetryTracing(**options)


async def test_two_tracers_are_refused(world: World) -> None:
    """Every span would come twice."""
    spans = Spans()
    with pytest.raises(TypeError, match="give one, or every span comes twice"):
        world.client(200, telemetry=[spans.tracing(), spans.tracing()])


class Hostile:
    """A propagator that gives what no request can carry."""

    fields: frozenset[str] = frozenset()

    def inject(self, carrier: Any, *_args: object, **_options: object) -> None:
        """Give it, and one header that is fine."""
        carrier |= {"x-line": "a\r\nb: c", "x-euro": "\u20ac", "x-int": 3, "x y": "z", "x-ok": "1"}


async def test_headers_that_cannot_be_sent_are_left_out(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are sent."""
    monkeypatch.setattr(propagate, "inject", Hostile().inject)
    client = world.client(200, telemetry=[Spans().tracing()])
    await client.get()
    sent = client.wire.arrivals[0].request.headers
    assert [name for name in sent if name.startswith("x-") and name != "x-request-id"] == ["x-ok"]
    assert "cannot be sent" in caplog.text


async def test_what_exports_spans_is_not_traced(world: World) -> None:
    """It would never end."""
    spans = Spans()
    client = world.client(200, telemetry=[spans.tracing()])
    outer = context.get_current()
    context.attach(context.set_value(context._SUPPRESS_INSTRUMENTATION_KEY, True))  # noqa: FBT003 - its own signature
    await client.get()
    context.attach(outer)
    assert spans.operations == spans.attempts == []


@pytest.mark.parametrize("follows", [True, False], ids=["follows", "not"])
async def test_a_client_of_the_callers_carries_nothing_where_redirects_lead(
    world: World, *, follows: bool
) -> None:
    """Nobody could tell where to."""
    wire = world.wire(200)
    theirs = world.httpx_client(transport=wire, follow_redirects=follows)
    client = world.client(http_client=theirs, telemetry=[Spans().tracing()])
    await client.get()
    async with client.stream():
        pass
    carries = ["traceparent" in arrival.request.headers for arrival in wire.arrivals]
    assert carries == [not follows] * 2


@pytest.mark.parametrize("sampler", [ALWAYS_ON, ALWAYS_OFF], ids=["on", "off"])
async def test_a_call_of_a_hook_s_own_is_seen_by_others(
    world: World, monkeypatch: pytest.MonkeyPatch, sampler: Sampler
) -> None:
    """Only the requests of an attempt are kept from them, where they could be at work."""
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation", ModuleType("theirs"))
    seen: list[bool] = []

    def look(request: httpx.Request) -> httpx.Request:
        seen.append(bool(context.get_value(context._SUPPRESS_HTTP_INSTRUMENTATION_KEY)))
        return request

    async def answer(_arrival: Arrival) -> int:
        seen.append(bool(context.get_value(context._SUPPRESS_HTTP_INSTRUMENTATION_KEY)))
        return 200

    outer = context.get_current()
    client = world.client(answer, telemetry=[Spans(sampler=sampler).tracing()])
    await client.get(auth=look)
    assert seen == [sampler is ALWAYS_OFF, True]  # beneath what is not sampled nothing is seen
    assert context.get_current() == outer


async def test_what_is_not_sampled_does_not_go_elsewhere_either(world: World) -> None:
    """Though its attempts have no spans of their own."""
    away = Answer(302, headers={"Location": "http://b.example/"})
    client = world.client([away, 200], telemetry=[Spans(sampler=ALWAYS_OFF).tracing()])
    await client.get()
    here, there = carried(client)
    assert here is not None
    assert there is None


async def test_a_hit_is_an_operation_without_an_attempt(world: World) -> None:
    """Its span says what the cache did."""
    spans = Spans()
    kept = Answer(200, (b"hello",), {"Cache-Control": "max-age=60"})
    client = world.client(kept, cache={}, telemetry=[spans.tracing()])
    await client.get()
    await client.get()
    async with client.stream() as response:
        assert await client.read(response) == b"hello"
    assert [attribute(each, "resilient_http.cache") for each in spans.operations] == [
        "miss",
        "hit",
        "hit",
    ]
    assert [attribute(each, "resilient_http.attempts") for each in spans.operations] == [1, 0, 0]
    assert len(spans.attempts) == 1
