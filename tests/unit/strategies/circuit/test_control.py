"""What is isolated by hand: the circuits beneath, the table, the arguments, and who is told."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

import pybreaker
import pytest

from client.config.models import CircuitBreakerConfig
from client.engine.engine import Engine
from client.engine.notifiers import Notifiers
from client.engine.operation import Call
from client.engine.plan import Plan
from client.events import (
    CircuitClosed,
    CircuitHalfOpened,
    CircuitIsolated,
    CircuitOpened,
    CircuitReleased,
)
from client.exceptions import CircuitIsolatedError, ServerError
from client.metrics.instruments import CIRCUIT_STATE, CIRCUIT_TRANSITIONS, REJECTIONS
from client.metrics.stats import CircuitStats
from client.ports.blocking_ports import BLOCKING
from client.strategies.circuit import isolation
from client.strategies.circuit.audience import Audience, Member
from client.strategies.circuit.circuit import Circuit, CircuitState
from client.strategies.circuit.circuit_breaker import CircuitBreaker
from client.strategies.circuit.control import CircuitControl
from client.strategies.circuit.scopes import Breaker
from tests.eventually import PATIENCE_SECONDS
from tests.unit.strategies.circuit.circuits import (
    admitted,
    fail,
    fail_times,
    rejected,
    succeed,
)
from tests.unit.threads import together

if TYPE_CHECKING:
    from collections.abc import Callable

CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN
ISOLATED = CircuitState.ISOLATED
A, B = "https://a.example:443", "https://b.example:443"
STORY: list[type[object]] = [CircuitIsolated, CircuitReleased, CircuitClosed]
EPOCH = 1_800_000_000.0


class Scene:
    """A control over circuits of a client, its time, and what its listener hears."""

    def __init__(self, scope: str | None = "client", **settings: Any) -> None:
        self.time = 1_000.0
        self.heard: list[Any] = []
        usual: dict[str, Any] = {"failure_threshold": 1, "recovery_timeout": 10.0, "scope": scope}
        self.breaker = (
            None
            if scope is None
            else Breaker(
                CircuitBreakerConfig(**usual | settings),
                wall_clock=self.wall_clock,
            )
        )
        self.control = CircuitControl(self.breaker, self)
        self.engine = Engine(BLOCKING.make_ports())
        self.member = Member(Notifiers([self.heard.append]), self.engine.metrics)
        self.measured = self.control.join(self.member)

    def now(self) -> float:
        """Return the time."""
        return self.time

    def wall_clock(self) -> float:
        """Return the seconds since the epoch."""
        return EPOCH + self.time

    @property
    def circuit(self) -> Circuit:
        """The one circuit."""
        assert self.breaker is not None
        assert self.breaker.single is not None
        return self.breaker.single

    def of(self, origin: str) -> Circuit:
        """The circuit of an origin."""
        assert self.breaker is not None
        circuit = self.breaker.circuit_for(origin)
        assert circuit is not None
        return circuit

    def call(self, url: str = "https://a.example/x") -> Call:
        """A call."""
        plan = Plan((), Notifiers(()), None, self.control.isolations)
        call = Call(method="GET", target=url, host=self.engine, plan=plan, total=None)
        call.counted_as = "https://a.example"
        return call

    def refused(self, url: str = "https://a.example/x") -> CircuitIsolatedError | None:
        """The error of a call, or None."""
        make = self.control.isolations.refusal(self.call(url))
        return None if make is None else make()

    @property
    def kinds(self) -> list[type[object]]:
        """What was heard, as kinds of events."""
        return [type(event) for event in self.heard]

    @property
    def transitions(self) -> dict[tuple[str, ...], int]:
        """What was counted."""
        return self.engine.metrics.snapshot().counts(CIRCUIT_TRANSITIONS)


# The states.


def test_nothing_is_isolated_at_first() -> None:
    """And a look at the flag is all that a call has to do."""
    scene = Scene()
    assert scene.control.isolations.is_on is False
    assert scene.refused() is None
    assert (scene.control.state, scene.control.states) == (CLOSED, {"client": CLOSED})
    assert scene.control.stats() == (
        CircuitStats(scope="client", state=CLOSED, since=EPOCH + 1000),
    )


def test_everything_is_isolated_until_it_is_released() -> None:
    """With its reason and since when; nobody else ends it."""
    scene = Scene()
    scene.time += 5
    scene.control.isolate("maintenance")
    scene.time += 10_000
    error = scene.refused()
    assert error is not None
    assert (error.reason, error.retry_after, error.request_sent) == ("maintenance", None, False)
    assert "Circuit breaker is OPEN: isolated by hand: maintenance" in str(error)
    [stats] = scene.control.stats()
    assert (stats.state, stats.since, stats.reason) == (ISOLATED, EPOCH + 1005, "maintenance")
    scene.control.release()
    assert scene.refused() is None
    assert scene.control.isolations.is_on is False
    [stats] = scene.control.stats()
    assert (stats.state, stats.since, stats.reason) == (CLOSED, EPOCH + 11_005, None)
    assert admitted(scene.circuit, scene.time).is_probe is False


def test_its_time_ends_it_half_open() -> None:
    """Then a probe decides. To look at the state ends nothing."""
    scene = Scene()
    scene.control.isolate("maintenance", seconds=60)
    scene.time += 59
    error = scene.refused()
    assert error is not None
    assert error.retry_after == 1
    assert "isolated by hand, for 1 s more: maintenance" in str(error)
    scene.time += 1
    del scene.heard[:]
    for _ in range(2):
        assert scene.control.stats() == (
            CircuitStats(scope="client", state=HALF_OPEN, since=EPOCH + 1060),
        )
    assert scene.heard == []
    scene.time += 7
    assert scene.refused() is None
    assert scene.control.state is HALF_OPEN
    probe = admitted(scene.circuit, scene.time)
    assert (probe.is_probe, probe.half_opened) == (True, False)
    rejected(scene.circuit, scene.time)
    transition = succeed(scene.circuit, probe, scene.time)
    assert transition is not None
    assert (transition.state, transition.seconds) == (CLOSED, 67)
    assert scene.kinds == [CircuitReleased, CircuitHalfOpened, CircuitClosed]
    assert [event.cause for event in scene.heard[1:]] == ["manual", "local"]


def test_to_isolate_twice_replaces_reason_and_time() -> None:
    """The longer, or the shorter."""
    scene = Scene()
    scene.control.isolate("first", seconds=10)
    scene.control.isolate("second")
    scene.time += 20
    error = scene.refused()
    assert error is not None
    assert error.reason == "second"
    scene.control.isolate("third", seconds=1)
    scene.time += 1
    assert scene.refused() is None


@pytest.mark.parametrize("how", ["release", "reset"])
def test_an_open_circuit_is_closed_by_that(how: str) -> None:
    """Whatever it was before."""
    scene = Scene()
    fail_times(scene.circuit, 1, scene.time)
    scene.control.isolate("maintenance")
    assert scene.control.states == {"client": ISOLATED}
    getattr(scene.control, how)()
    assert scene.control.states == {"client": CLOSED}
    assert admitted(scene.circuit, scene.time).is_probe is False


def test_to_release_what_is_not_isolated_does_nothing() -> None:
    """An open circuit stays so; `reset` closes it."""
    scene = Scene()
    fail_times(scene.circuit, 1, scene.time)
    scene.control.release()
    assert scene.control.state is OPEN
    scene.control.reset()
    assert scene.control.state is CLOSED
    assert scene.kinds == [CircuitOpened, CircuitClosed]
    assert scene.heard[1].cause == "manual"
    assert scene.control.stats()[0].last_error is None


def test_a_probe_that_is_out_changes_nothing() -> None:
    """Nor does any other outcome of before, while it is isolated and after."""
    scene = Scene(success_threshold=1)
    early = admitted(scene.circuit, scene.time)
    fail_times(scene.circuit, 1, scene.time)
    scene.time += 10
    probe = admitted(scene.circuit, scene.time)
    scene.control.isolate("maintenance")
    assert succeed(scene.circuit, probe, scene.time) is None
    assert fail(scene.circuit, early, scene.time) is None
    assert scene.control.state is ISOLATED
    scene.control.release()
    assert fail(scene.circuit, early, scene.time) is None
    assert scene.control.state is CLOSED


def test_a_call_that_is_let_in_in_that_moment_gets_no_leave() -> None:
    """It had looked at the flag just before."""
    scene = Scene()
    scene.control.isolate("maintenance")
    rejected(scene.circuit, scene.time)
    assert scene.circuit.peek(scene.time) is None


def test_a_storage_ends_nothing() -> None:
    """Whatever others put into it; released, it is closed for them as well."""
    storage = pybreaker.CircuitMemoryStorage("closed")
    scene = Scene(storage=lambda _scope: storage)
    permit = admitted(scene.circuit, scene.time)
    scene.control.isolate("maintenance")
    del scene.heard[:]
    storage.state = "open"
    assert scene.circuit.has_opened_since(permit, scene.time)
    assert (scene.control.state, scene.heard) == (ISOLATED, [])
    scene.control.release()
    assert (storage.state, scene.control.state) == ("closed", CLOSED)


def test_what_a_storage_does_is_told_with_its_cause() -> None:
    """Each of the three states."""
    storage = pybreaker.CircuitMemoryStorage("closed")
    scene = Scene(storage=lambda _scope: storage)
    for state in ("open", "half-open", "closed"):
        scene.time += 1
        storage.state = state
        scene.circuit.admit(scene.time)
    assert scene.kinds == [CircuitOpened, CircuitHalfOpened, CircuitClosed]
    assert {event.cause for event in scene.heard} == {"storage"}
    assert {event.request_id for event in scene.heard} == {None}
    assert (scene.heard[0].recovery_timeout, scene.heard[2].open_seconds) == (10.0, 2.0)


# Without a circuit.


def test_it_works_where_no_circuit_is_configured() -> None:
    """Its end is simply an end."""
    scene = Scene(None)
    assert (scene.control.state, scene.control.states) == (None, {})
    scene.control.isolate("maintenance", seconds=5)
    assert scene.refused() is not None
    assert (scene.control.state, scene.control.states) == (ISOLATED, {"client": ISOLATED})
    scene.time += 5
    assert (scene.control.state, scene.control.states) == (None, {})
    assert scene.refused() is None
    scene.control.isolate("again")
    scene.control.reset()
    assert scene.refused() is None
    assert scene.kinds == [CircuitIsolated, CircuitReleased] * 2
    assert [event.seconds for event in scene.heard] == [5, 5, None, 0]
    assert scene.transitions == {
        ("client", "isolated", "manual"): 2,
        ("client", "closed", "manual"): 2,
    }


# By origin.


@pytest.mark.parametrize("scope", ["client", "origin", None])
def test_one_origin_is_isolated_alone(scope: str | None) -> None:
    """However circuits are kept."""
    scene = Scene(scope)
    scene.control.isolate("maintenance", scope="https://A.example")
    assert scene.refused() is not None
    assert scene.refused("https://b.example/x") is None
    assert scene.control.states[A] is ISOLATED
    scene.control.release("https://a.example:443/")
    assert scene.refused() is None
    assert scene.control.states.get(A) is (CLOSED if scope == "origin" else None)


def test_an_origin_without_a_circuit_of_its_own_simply_goes_on() -> None:
    """Its circuit is that of all others, which was never touched."""
    scene = Scene("client")
    scene.control.isolate("maintenance", scope=A, seconds=5)
    scene.time += 5
    assert scene.control.states == {"client": CLOSED}
    assert scene.refused() is None
    assert scene.kinds == [CircuitIsolated, CircuitReleased]


def test_the_reason_of_everything_comes_first() -> None:
    """Where an origin has one of its own besides."""
    scene = Scene("origin")
    scene.control.isolate("one", scope=A)
    scene.control.isolate("all")
    assert {each.reason for each in scene.control.stats()} == {"all"}
    error = scene.refused()
    assert error is not None
    assert error.reason == "all"


def test_an_origin_with_a_circuit_of_its_own_goes_on_half_open() -> None:
    """Though it was never called before."""
    scene = Scene("origin")
    scene.control.isolate("maintenance", scope=A, seconds=5)
    scene.time += 5
    assert scene.control.states == {A: HALF_OPEN}
    assert scene.refused() is None
    assert admitted(scene.of(A), scene.time).is_probe


def test_all_origins_are_isolated_those_to_come_too() -> None:
    """Each circuit goes on by itself."""
    scene = Scene("origin")
    early = admitted(scene.of(A), scene.time)
    scene.control.isolate("maintenance", seconds=5)
    assert scene.refused("https://new.example/") is not None
    assert fail(scene.of(B), early, scene.time) is None, "of a call that was under way"
    assert scene.control.states == {A: ISOLATED, B: ISOLATED, "client": ISOLATED}
    scene.time += 5
    assert scene.control.states == {A: HALF_OPEN, B: HALF_OPEN}
    assert scene.refused() is None
    assert scene.kinds == [CircuitIsolated, CircuitReleased, CircuitHalfOpened, CircuitHalfOpened]
    assert [event.scope for event in scene.heard] == ["client", "client", A, B]


def test_an_origin_stays_isolated_when_all_others_are_released_by_time() -> None:
    """It has a reason of its own; and the other way round."""
    scene = Scene("origin")
    scene.of(B)
    scene.control.isolate("all", seconds=5)
    scene.control.isolate("one", scope=A)
    scene.time += 5
    assert scene.refused("https://b.example/") is None
    error = scene.refused()
    assert error is not None
    assert error.reason == "one"
    assert scene.control.states == {A: ISOLATED, B: HALF_OPEN}
    scene.control.isolate("all")
    del scene.heard[:]
    scene.control.release(A)
    error = scene.refused()
    assert error is not None
    assert error.reason == "all"
    assert scene.kinds == [CircuitReleased]
    assert scene.control.states[A] is ISOLATED
    with pytest.raises(ValueError, match=r"together with everything else: release\(\) without"):
        scene.control.release(A)
    scene.control.isolate("one", scope=A)
    scene.control.release()
    assert scene.control.isolations.is_on is False


def test_reset_of_one_origin_leaves_the_others() -> None:
    """Open or not."""
    scene = Scene("origin")
    for origin in (A, B):
        fail_times(scene.of(origin), 1, scene.time)
    scene.control.reset("https://b.example")
    assert scene.control.states == {A: OPEN, B: CLOSED}
    scene.control.reset("https://unknown.example")
    scene.control.reset()
    assert scene.control.states == {A: CLOSED, B: CLOSED}


def test_an_isolated_circuit_is_not_forgotten() -> None:
    """The least recently used closed one goes, and not that."""
    scene = Scene("origin")
    scene.breaker = Breaker(CircuitBreakerConfig(scope="origin"), 1)
    scene.control = CircuitControl(scene.breaker, scene)
    scene.control.isolate("maintenance", scope=A)
    assert scene.breaker.circuit_for(B) is None
    scene.control.isolate("goes without a circuit", scope=B)
    scene.control.release(B)
    scene.control.release(A)
    assert scene.breaker.circuit_for(B) is not None


def test_the_table_of_origins_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is over makes room first; everything can always be isolated."""
    monkeypatch.setattr(isolation, "_MOST_SCOPES", 2)
    scene = Scene(None)
    scene.control.isolate("x", scope=A, seconds=5)
    scene.control.isolate("x", scope=B)
    with pytest.raises(RuntimeError, match="2 origins are isolated already: release some"):
        scene.control.isolate("x", scope="https://c.example")
    scene.control.isolate("again", scope=B)
    scene.control.isolate("all")
    scene.control.release("https://b.example")
    scene.time += 5
    scene.control.isolate("x", scope="https://c.example")


# What is not allowed.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"reason": ""}, "reason is '': give 1 to 200 characters"),
        ({"reason": "  "}, "give 1 to 200 characters"),
        ({"reason": "x" * 201}, "give 1 to 200 characters"),
        ({"reason": "a\nb"}, "no line breaks or other control characters"),
        ({"reason": "a\x85b"}, "control characters"),
        ({"reason": None}, "reason is a NoneType: give a text"),
        ({"reason": "x", "seconds": 0}, "seconds is 0: give a number above 0"),
        ({"reason": "x", "seconds": -1.5}, "seconds is -1.5"),
        ({"reason": "x", "seconds": float("inf")}, "seconds is inf"),
        ({"reason": "x", "seconds": 10**400}, "seconds is 1000"),
        ({"reason": "half of \ud83d"}, "reason is"),
        ({"reason": "turned \u202earound"}, "reason is"),
        ({"reason": "x", "seconds": float("nan")}, "seconds is nan"),
        ({"reason": "x", "seconds": True}, "seconds is True"),
        ({"reason": "x", "seconds": "5"}, "seconds is '5'"),
        ({"reason": "x", "scope": "server"}, "give an origin such as 'https://api.example', or"),
        ({"reason": "x", "scope": ""}, r"None \(or 'client'\) for everything"),
        ({"reason": "x", "scope": "https://a.example/path"}, "scope is 'https://a.example/path'"),
        ({"reason": "x", "scope": "https://u:s3cret@a.example"}, "scope is 'https://a.example'"),
        ({"reason": "x", "scope": "ftp://a.example"}, "scope is"),
        ({"reason": "x", "scope": "https://a.example:99x"}, "scope is"),
        ({"reason": "x", "scope": "https://:443"}, "scope is"),
        ({"reason": "x", "scope": b"https://a.example"}, "scope is a bytes"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, Any], said: str) -> None:
    """Each says what is allowed, and nothing is isolated."""
    scene = Scene()
    with pytest.raises(ValueError, match=said) as caught:
        scene.control.isolate(**arguments)
    assert "s3cret" not in str(caught.value)
    assert scene.control.isolations.is_on is False
    assert scene.heard == []


@pytest.mark.parametrize("how", ["release", "reset"])
def test_scopes_are_checked_everywhere(how: str) -> None:
    """A misspelt one would release nothing."""
    with pytest.raises(ValueError, match=r"scope is 'a\.example'"):
        getattr(Scene().control, how)("a.example")


# Calls under way.


def test_a_call_under_way_makes_no_further_attempt() -> None:
    """And may have been sent."""
    scene = Scene(None)
    call, stop = scene.call(), scene.control.isolations
    assert stop.objection(call) is None
    scene.control.isolate("maintenance")
    refusal = stop.objection(call)
    assert refusal is not None
    assert (refusal.reason, refusal.text) == ("circuit", "the circuit was isolated")
    assert refusal.ending is not None
    assert refusal.ending(call).request_sent is True


def test_only_those_are_woken_who_are_concerned() -> None:
    """Another would make its next attempt too early."""
    scene, woken = Scene(None), list[str]()
    stop = scene.control.isolations
    other = scene.call("https://b.example/")
    with (
        stop.waking(scene.call(), lambda: woken.append("a")),
        stop.waking(other, lambda: woken.append("b")),
    ):
        scene.control.isolate("maintenance", scope=A)
        assert woken == ["a"]
        scene.control.isolate("maintenance")
        assert woken == ["a", "a", "b"]
    scene.control.isolate("maintenance")
    assert woken == ["a", "a", "b"]
    with stop.waking(other, lambda: woken.append("late")):
        assert woken[3:] == ["late"]


def test_who_waits_in_a_loop_that_has_ended_is_passed_over() -> None:
    """And in a parent process."""
    scene, woken = Scene(None), list[str]()

    def gone() -> None:
        raise RuntimeError("Event loop is closed")

    stop = scene.control.isolations
    with stop.waking(scene.call(), gone), stop.waking(scene.call(), lambda: woken.append("x")):
        scene.control.isolate("maintenance")
        assert woken == ["x"]
        stop.begin_anew()
        scene.control.isolate("maintenance")
        assert woken == ["x"]


def test_a_rejection_is_counted() -> None:
    """As one by the circuit."""
    scene = Scene()
    scene.control.isolate("maintenance")
    scene.refused()
    assert scene.engine.metrics.snapshot().counts(REJECTIONS) == {
        ("https://a.example", "circuit"): 1
    }


# Who is told.


def test_events_and_counts_of_an_isolation() -> None:
    """Isolated, released, closed."""
    scene = Scene()
    scene.control.isolate("maintenance", seconds=60)
    scene.time += 30
    scene.control.release()
    nobody: dict[str, Any] = {"request_id": None, "method": None, "url": None, "scope": "client"}
    assert scene.heard == [
        CircuitIsolated(reason="maintenance", seconds=60, **nobody),
        CircuitReleased(reason="maintenance", seconds=30, **nobody),
        CircuitClosed(open_seconds=30, cause="manual", **nobody),
    ]
    assert scene.transitions == {
        ("client", "isolated", "manual"): 1,
        ("client", "closed", "manual"): 1,
    }


def test_gauges_show_each_state() -> None:
    """Of each target; of those that are counted as one the worst."""
    scene = Scene("origin")
    scene.control.isolate("maintenance", scope=A)
    fail_times(scene.of("no origin at all"), 1, scene.time)
    scene.of("nor this")
    found = {labels: value for _, labels, value in scene.measured.gauges(scene.time)}
    assert {labels for labels, value in found.items() if value} == {
        ("https://a.example", "isolated"),
        ("_OTHER", "open"),
    }
    assert len(found) == 8
    assert all(instrument is CIRCUIT_STATE for instrument, *_ in scene.measured.gauges(0.0))


def test_on_state_change_hears_of_it_and_pybreaker_does_not() -> None:
    """It is no state of pybreaker's."""
    told: list[tuple[str, str]] = []
    lines: list[str] = []

    class Diary(pybreaker.CircuitBreakerListener):
        def state_change(self, cb: object, old_state: object, new_state: Any) -> None:
            lines.append(new_state.name)

    breaker = CircuitBreaker(
        1, on_state_change=lambda *states: told.append(states), listeners=[Diary()], name="payments"
    )
    breaker.isolate("x")
    assert told == [(CLOSED, ISOLATED)]
    breaker.isolate("y", scope="payments")
    assert told == [(CLOSED, ISOLATED)]
    breaker.release()
    breaker.isolate("x", scope="https://a.example")
    assert breaker.state is CLOSED
    breaker.reset()
    assert told == [(CLOSED, ISOLATED), (ISOLATED, CLOSED)]
    assert lines == []
    assert breaker.control.states == {"payments": CLOSED}


def test_the_clock_of_a_circuit_breaker_is_that_of_all_clients() -> None:
    """Its isolation ends by itself."""
    breaker = CircuitBreaker()
    breaker.isolate("x", seconds=1e-9)
    assert breaker.state is HALF_OPEN
    assert repr(breaker) == "<CircuitBreaker 'circuit' half-open failures=0>"


def test_a_member_is_not_kept_alive() -> None:
    """Nor is who has left told of anything more."""
    audience, heard = Audience(), list[Any]()
    metrics = Engine(BLOCKING.make_ports()).metrics
    members = [Member(Notifiers([heard.append]), metrics) for _ in range(3)]
    deque(map(audience.join, members), maxlen=0)
    gone = weakref.ref(members.pop())
    gc.collect()
    assert gone() is None
    audience.leave(members[0])
    audience.tell(CircuitHalfOpened, {"scope": "client"})
    assert len(heard) == 1


def test_a_listener_may_call_back_in() -> None:
    """It waits for nobody, and everybody hears all of it in order."""
    scene = Scene()
    heard: list[type[object]] = []

    def release(event: object) -> None:
        if isinstance(event, CircuitIsolated):
            scene.control.release()
        heard.append(type(event))

    member = Member(Notifiers([release]), scene.engine.metrics)
    scene.control.join(member)
    scene.control.isolate("maintenance")
    assert scene.control.state is CLOSED
    assert heard == scene.kinds
    assert heard == STORY


def test_threads_isolate_and_release_in_one_order() -> None:
    """Nobody hears of a release before what it ends."""
    scene = Scene()

    def both() -> None:
        for _ in range(20):
            scene.control.isolate("maintenance", seconds=5)
            scene.refused()
            scene.control.release()

    together(both)
    scene.control.release()
    assert scene.control.state is CLOSED
    is_isolated = False
    for kind in scene.kinds:
        if kind is CircuitReleased:
            assert is_isolated
        is_isolated = kind is CircuitIsolated or (is_isolated and kind is not CircuitReleased)
    assert scene.kinds.count(CircuitReleased) == scene.kinds.count(CircuitClosed) > 0


def test_a_slow_listener_holds_up_no_control() -> None:
    """Another thread releases meanwhile; its notices wait their turn."""
    scene = Scene()
    told, go_on = threading.Event(), threading.Event()
    heard: list[type[object]] = []

    def slow(event: object) -> None:
        told.set()
        assert go_on.wait(30)
        heard.append(type(event))

    member = Member(Notifiers([slow]), scene.engine.metrics)
    scene.control.join(member)
    thread = threading.Thread(target=scene.control.isolate, args=("maintenance",))
    thread.start()
    assert told.wait(30)
    scene.control.release()
    assert scene.control.state is CLOSED
    assert heard == []
    go_on.set()
    thread.join()
    assert heard == STORY


# How a circuit stands.


def test_a_circuit_whose_break_is_over_shows_as_half_open() -> None:
    """Though nobody calls; and the last failure's class by its name."""
    scene = Scene()
    fail(scene.circuit, admitted(scene.circuit, scene.time), scene.time, ServerError("x"))
    for passed, state, since in ((0, OPEN, 1000), (9.5, OPEN, 1000), (0.5, HALF_OPEN, 1010)):
        scene.time += passed
        [stats] = scene.control.stats()
        assert (stats.state, stats.since, stats.last_error) == (state, EPOCH + since, "ServerError")
    assert scene.circuit.state is OPEN
    assert scene.kinds == [CircuitOpened]
    probe = admitted(scene.circuit, scene.time + 5)
    scene.time += 6
    succeed(scene.circuit, probe, scene.time)
    [stats] = scene.control.stats()
    assert (stats.state, stats.since, stats.last_error) == (CLOSED, EPOCH + 1016, "ServerError")


def test_what_is_told_of_all_circuits_stands_in_one_row() -> None:
    """A slow listener hears of everything's release before a circuit is said to be closed."""
    scene, heard = Scene("origin"), list[type[object]]()
    scene.of(A)
    holds, go_on = threading.Event(), threading.Event()

    def slow(event: Any) -> None:
        if isinstance(event, CircuitIsolated):
            holds.set()
            assert go_on.wait(PATIENCE_SECONDS)

    def keep(event: Any) -> None:
        heard.append(type(event))

    member = Member(Notifiers([slow, keep]), scene.engine.metrics)
    scene.control.join(member)
    isolating = threading.Thread(target=scene.control.isolate, args=("migration",))
    isolating.start()
    assert holds.wait(PATIENCE_SECONDS)
    scene.control.release()
    go_on.set()
    isolating.join()
    assert heard == STORY


class Lost:
    """Makes storages on a machine that may be away."""

    def __init__(self) -> None:
        self.is_away = False

    def make(self, _scope: str) -> Any:
        """Make the storage of a circuit."""
        self.look()
        return _FarStorage(self)

    def look(self) -> None:
        """Fail where it is away."""
        if self.is_away:
            raise ConnectionError("the storage is away")


class _FarStorage(pybreaker.CircuitMemoryStorage):
    def __init__(self, lost: Lost) -> None:
        super().__init__(pybreaker.STATE_CLOSED)
        self._lost = lost

    def __getattribute__(self, name: str) -> Any:
        """Look whether it is there before anything is asked of it."""
        if not name.startswith("_"):
            self._lost.look()
        return super().__getattribute__(name)


@pytest.mark.parametrize("scope", [None, A])
def test_a_storage_that_is_away_keeps_nobody_from_isolating(
    scope: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor from seeing it: what is isolated is in no storage."""
    lost = Lost()
    scene = Scene("origin", storage=lost.make)
    scene.of(B)
    lost.is_away = True
    scene.control.isolate("migration", scope)
    assert scene.refused() is not None
    assert scene.kinds == [CircuitIsolated]
    scope_told = "client" if scope is None else A
    assert scene.heard[0].scope == scope_told
    assert scene.control.states[scope_told] is ISOLATED
    assert caplog.messages == ([] if scope is None else ["the storage of a circuit raised"])


@pytest.mark.parametrize("by_time", [False, True])
def test_a_storage_that_is_away_leaves_no_circuit_isolated(by_time: bool) -> None:  # noqa: FBT001 - of the test
    """Each ends, although each raises; who ended it is told."""
    lost = Lost()
    scene = Scene("origin", storage=lost.make)
    circuits = [scene.of(A), scene.of(B)]
    scene.control.isolate("migration", seconds=10)
    scene.control.isolate("wrong totals", B, seconds=10)
    lost.is_away = True
    scene.time += 10 * by_time
    ends: Callable[[], object] = scene.refused if by_time else scene.control.release
    with pytest.raises(ConnectionError):
        ends()
    assert scene.kinds[2:] == [CircuitReleased, CircuitReleased]
    lost.is_away = False
    assert scene.refused() is None
    for circuit in circuits:
        admitted(circuit, scene.time)
        assert not circuit.is_isolated


def test_a_circuit_that_is_isolated_is_not_reset_besides() -> None:
    """Somebody isolates it between the two steps of a reset: that holds, and nobody hears more."""
    scene = Scene()
    fail(scene.circuit, admitted(scene.circuit, scene.time), scene.time)
    scene.control.isolate("migration")
    scene.circuit.reset(scene.time)
    assert scene.kinds == [CircuitOpened, CircuitIsolated]
    assert scene.control.state is ISOLATED
