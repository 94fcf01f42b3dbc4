"""What follows a call from within is as the protocols say, and is let go of whatever happens."""

import sys
from types import ModuleType
from typing import Any

import httpx
import pytest
from opentelemetry import context
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    Sampler,
    SamplingResult,
)
from opentelemetry.trace import SpanKind

from client import SyncResilientClient
from client.engine import tracing as protocols
from client.engine.engine import Engine
from client.engine.operation import Attempt
from client.events import SlotWaited
from client.http.outcomes import outcome_of
from client.telemetry import OpenTelemetryTracing
from client.telemetry.opentelemetry import traces
from tests.unit.calls import call_of
from tests.unit.telemetry.spans import Spans


def members(protocol: type) -> set[str]:
    """What a protocol asks for."""
    return {name for name in (*vars(protocol), *protocol.__annotations__) if name[0] != "_"}


@pytest.mark.parametrize("kind", [traces.Recorded, traces.Unrecorded])
def test_ours_has_what_the_engine_asks_for(kind: type) -> None:
    """Every method and attribute."""
    assert members(protocols.Tracing) <= {*dir(OpenTelemetryTracing)}
    sampler = ALWAYS_ON if kind is traces.Recorded else ALWAYS_OFF
    trace = Spans(sampler=sampler).tracing().begin_operation(call_of())
    assert trace is not None
    trace.leave()
    assert isinstance(trace, kind)
    assert members(protocols.Trace) <= {*dir(trace)}


@pytest.fixture(params=[False, True], ids=["alone", "beside others"])
def has_others(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether instrumentations are there; else it would hang on what other tests have imported."""
    name = "opentelemetry.instrumentation"
    is_there: bool = request.param
    if is_there:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    else:
        monkeypatch.delitem(sys.modules, name, raising=False)
    return is_there


@pytest.mark.usefixtures("has_others")
@pytest.mark.parametrize("sampler", [ALWAYS_ON, ALWAYS_OFF], ids=["sampled", "unsampled"])
def test_a_request_of_no_attempt_is_left_alone(sampler: Sampler) -> None:
    """As one that a tool sends from elsewhere."""
    call = call_of()
    before = context.get_current()
    trace = Spans(sampler=sampler).tracing().begin_operation(call)
    assert trace is not None
    trace.begin_request(Attempt(call))
    trace.end_request(Attempt(call))
    trace.leave_attempt(Attempt(call))
    trace.end_attempt(Attempt(call), "success", None, None)
    trace.leave()
    assert context.get_current() == before


SUPPRESSED = "_SUPPRESS_HTTP_INSTRUMENTATION_KEY"


def are_others_silenced() -> bool:
    """Whether instrumentations of HTTP clients would make no span now."""
    return bool(context.get_value(getattr(context, SUPPRESSED)))


@pytest.mark.parametrize("sees_requests", [True, False], ids=["requests", "attempts alone"])
@pytest.mark.parametrize("sampler", [ALWAYS_ON, ALWAYS_OFF], ids=["sampled", "unsampled"])
def test_others_are_silenced_while_a_request_is_on_the_wire(
    sampler: Sampler, *, has_others: bool, sees_requests: bool
) -> None:
    """Where it is not told when that is, and where nobody sees spans, for the whole attempt."""
    call = call_of()
    attempt = Attempt(call)
    before = context.get_current()
    trace = Spans(sampler=sampler).tracing().begin_operation(call)
    assert trace is not None
    trace.begin_attempt(attempt, sees_requests=sees_requests)
    is_whole = not sees_requests or sampler is ALWAYS_OFF
    assert are_others_silenced() == (has_others and is_whole)
    if sees_requests:
        trace.begin_request(attempt)
        assert are_others_silenced() == has_others
        trace.end_request(attempt)
        assert are_others_silenced() == (has_others and is_whole)
    trace.leave_attempt(attempt)
    assert not are_others_silenced()
    trace.end_attempt(attempt, "success", None, None)
    trace.leave()
    assert context.get_current() == before


class WithoutAttempts(Sampler):
    """Records operations and none of their attempts."""

    def should_sample(self, *args: Any, **options: Any) -> SamplingResult:
        """Decide by the kind of a span."""
        kind = options.get("kind", args[3] if len(args) > 3 else None)
        is_attempt = kind is SpanKind.CLIENT
        return SamplingResult(Decision.DROP if is_attempt else Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        """Return its name."""
        return "without attempts"


def test_an_attempt_may_not_be_recorded_though_its_operation_is() -> None:
    """A sampler decides about each span."""
    spans = Spans(sampler=WithoutAttempts())
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    with SyncResilientClient(transport=transport, telemetry=[spans.tracing()]) as client:
        client.get("http://a.example/")
    assert (len(spans.operations), len(spans.attempts)) == (1, 0)


class Trace:
    """Notes how an operation ended."""

    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def end(self, _call: object, error: BaseException, _response: object = None) -> None:
        """Note it."""
        self.outcomes.append(outcome_of(error, None))


def test_what_an_interrupt_broke_off_is_counted_and_no_longer_followed() -> None:
    """Its attempt had ended well; the operation is called cancelled."""
    call, trace = call_of(), Trace()
    engine: Any = call.host
    assert isinstance(engine, Engine)
    followed: Any = trace
    call.trace = followed
    call.uncounted = Attempt(call)
    call.uncounted.note_end(None)
    engine.give_back(call)
    engine.give_back(call)
    assert trace.outcomes == ["cancelled"]
    assert vars(call)["uncounted"] is None
    [target] = engine.metrics.snapshot().metrics[0].points
    assert target == ("https://api.example", "GET", "success", "first")


@pytest.mark.parametrize("is_own", [True, False], ids=["own", "another's"])
def test_only_its_own_events_are_noted_in_its_span(*, is_own: bool) -> None:
    """Not those of a client further in, which is a part of it."""
    spans, call = Spans(), call_of()
    tracing = spans.tracing()
    trace = tracing.begin_operation(call)
    assert trace is not None
    about = call.about()
    if not is_own:
        about["operation_id"] = "another"
    tracing(SlotWaited(seconds=1.0, **about))
    trace.leave()
    trace.end(call, None)
    assert len(spans.operations[0].events) == is_own
