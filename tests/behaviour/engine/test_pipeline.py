"""The shape of a client: a strategy of somebody else's is a gate or a layer, and a line."""

from __future__ import annotations

import gc
import re
import threading
import weakref
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from client import CircuitOpenError, RateLimitError, ServerError, UnexpectedStatusError
from client.engine.layer import WAIT, Failure, Gate, Refusal
from client.engine.notifiers import Notifiers
from client.engine.plan import Plan
from client.faces.facade import session
from client.pipeline import pipeline
from client.runtime.forking import fork_safe
from tests.behaviour.twins import ONLY_BLOCKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from client.engine.layer import Exchange, Inner, Layer, Sending, Wait
    from client.engine.operation import Call
    from client.exceptions import MyAPIError
    from tests.behaviour.world import World


class OfficeHours(Gate):
    """Lets a call in every ten seconds; the one that comes in between waits, or is refused."""

    def __init__(self, longest_wait: float) -> None:
        self.longest_wait = longest_wait
        self.opens_at = 0.0
        self.inside: list[str | None] = []

    def enter(self, call: Call) -> MyAPIError | Wait | None:
        """Let it in, or have it wait."""
        call.grants.append((self, call.request_id))
        if call.host.ports.now() < self.opens_at:
            return WAIT
        self.opens_at = call.host.ports.now() + 10
        self.inside.append(call.request_id)
        return None

    async def wait(self, call: Call) -> MyAPIError | None:
        """Wait until the next opening, unless that is too long."""
        seconds = self.opens_at - call.host.ports.now()
        if seconds > self.longest_wait:
            errors = call.host.errors
            return errors.make(UnexpectedStatusError, call, "we are closed", request_sent=False)
        await call.host.ports.sleep(seconds)
        self.inside.append(call.request_id)
        return None

    def leave(self, call: Call, grant: str, error: BaseException | None) -> None:
        """Note that it has gone; a second time does nothing."""
        if grant in self.inside:
            self.inside.remove(grant)


class Fallback:
    """Answers with what was good the last time where the call fails."""

    def __init__(self) -> None:
        self.good: Any = None
        self.failures: list[MyAPIError | None] = []

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Any:
        """Go further in, and mend what comes out."""
        result = await inner(call, exchange)
        if isinstance(result, Failure):
            self.failures.append(result.error)
            return result if self.good is None else self.good
        self.good = result
        return result


class Stored:
    """Answers with what another layer has kept, while that has something to mend."""

    def __init__(self, kept: Fallback) -> None:
        self.kept = kept

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Any:
        """Send only what is not stored."""
        if self.kept.failures:
            return self.kept.good
        result = await inner(call, exchange)
        if not isinstance(result, Failure):
            self.kept.good = result
        return result


class Counted:
    """Counts what is sent, behind everything else."""

    def __init__(self) -> None:
        self.sent = 0

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Any:
        """Count, and go on."""
        self.sent += 1
        return await inner(call, exchange)


class Dawdling:
    """Takes two seconds of a call that has a deadline, before each attempt."""

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Any:
        """Wait, and go on."""
        if call.deadline is not None:
            await call.host.ports.sleep(2)
        return await inner(call, exchange)


def put_in(
    monkeypatch: pytest.MonkeyPatch, *, before: tuple[Any, ...] = (), behind: tuple[Any, ...] = ()
) -> None:
    """Have the facade's clients built with more in their pipeline."""

    def longer(**parts: Any) -> tuple[Gate | Layer | Sending, ...]:
        return (*before, *pipeline(**parts), *behind)

    monkeypatch.setattr(session, "pipeline", longer)


async def test_a_gate_of_somebody_else_s(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lets in, makes wait, turns away, and is told of every end."""
    gate = OfficeHours(longest_wait=9)
    put_in(monkeypatch, before=(gate,))
    client = world.client(200)
    await client.get(request_id="a")
    assert gate.inside == []
    with pytest.raises(UnexpectedStatusError, match="we are closed"):
        await client.get(request_id="b")
    await world.sleep(4)
    begun = world.now()
    await client.get(request_id="c")
    assert world.now() - begun == 6
    assert gate.inside == []
    assert client.wire.ids == ["a", "c"]


async def test_a_gate_behind_one_that_was_waited_for_is_told_the_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At which a call comes to it, and not at which it began."""
    entered: list[float] = []

    class Watch(Gate):
        def enter(self, call: Call) -> None:
            entered.append(call.entered)

    put_in(monkeypatch, before=(OfficeHours(longest_wait=60), Watch()))
    client = world.client(200)
    await client.get()
    await client.get()
    assert entered == [world.now() - 10, world.now()]


class Again:
    """Makes another call of one that failed, outside of the gates."""

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Any:
        """Go further in, twice where it must be."""
        result = await inner(call, exchange)
        return await inner(call, exchange) if isinstance(result, Failure) else result


@pytest.mark.parametrize(("threshold", "state"), [(1, "open"), (2, "closed")])
async def test_gates_hear_of_each_time_that_a_layer_outside_comes(
    world: World, monkeypatch: pytest.MonkeyPatch, threshold: int, state: str
) -> None:
    """A call that it sends once more is two to them: a failure, and what came of it then."""
    put_in(monkeypatch, before=(Again(),))
    opens = {"failure_threshold": threshold}
    client = world.client([503, 200], circuit_breaker=opens, retry=None, bulkhead=None)
    if state == "open":
        with pytest.raises(CircuitOpenError):
            await client.get()
    else:
        assert (await client.get()).status_code == 200
    assert client.circuit_state == state
    assert client.stats().operations == 1


async def test_a_layer_outside_that_comes_again_has_given_back_its_slot(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And does not wait for itself."""
    put_in(monkeypatch, before=(Again(),))
    slots = {"max_concurrency": 1, "acquisition_timeout": 5}
    client = world.client([503, 200], bulkhead=slots, retry=None)
    begun = world.now()
    assert (await client.get()).status_code == 200
    assert world.now() == begun
    assert client.stats().slots_in_use == 0


async def test_a_layer_outside_that_has_waited_comes_at_that_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To a circuit whose break has ended meanwhile, say."""

    class Later:
        async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Any:
            result = await inner(call, exchange)
            if not isinstance(result, Failure) or not isinstance(result.error, CircuitOpenError):
                return result
            await call.host.ports.sleep(31)
            return await inner(call, exchange)

    put_in(monkeypatch, before=(Later(),))
    breaks = {"failure_threshold": 1, "recovery_timeout": 30}
    client = world.client([503, 200], circuit_breaker=breaks, retry=None)
    with pytest.raises(ServerError):
        await client.get()
    assert (await client.get()).status_code == 200
    assert client.circuit_state == "closed"


class Clumsy(Gate):
    """Raises where it should give back."""

    def __init__(self) -> None:
        self.closes = True

    def enter(self, call: Call) -> None:
        """Let everybody in."""
        call.grants.append((self, None))

    def leave(self, call: Call, grant: None, error: BaseException | None) -> None:
        """Fail."""
        raise LookupError("a bug")

    def close(self) -> None:
        """Fail, the first time."""
        self.closes, is_first = False, self.closes
        if is_first:
            raise LookupError("a bug")


@pytest.mark.parametrize("answer", [200, 503])
async def test_a_gate_that_raises_keeps_no_other_from_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: int
) -> None:
    """Its bug comes out, and all else is as after any other call."""
    put_in(monkeypatch, before=(Clumsy(),))
    client = world.client(answer, bulkhead={"max_concurrency": 1}, retry=None)
    for _ in range(2):
        with pytest.raises(LookupError, match="a bug"):
            await client.get()
    stats = client.stats()
    assert (stats.slots_in_use, stats.operations) == (0, 2)
    with pytest.raises(LookupError, match="a bug"):
        await client.close()
    assert client.wire.closings == 1


async def test_a_gate_that_raises_between_two_entries_ends_the_call(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The layer outside does not come in again behind it, and nothing is lost."""
    gate = Clumsy()
    gate.closes = False
    put_in(monkeypatch, before=(Again(), gate))
    client = world.client([503, 200], retry=None, bulkhead={"max_concurrency": 1})
    with pytest.raises(LookupError, match="a bug"):
        await client.get()
    assert len(client.wire.arrivals) == 1
    assert client.stats().slots_in_use == 0


async def test_an_answer_that_nothing_was_sent_for_says_nothing_of_the_server(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cache behind the circuit neither closes it nor keeps it from opening."""
    cache = Fallback()
    put_in(monkeypatch, behind=(Stored(cache),))
    breaks = {"failure_threshold": 2, "recovery_timeout": 30}
    client = world.client([200, 503, 503], circuit_breaker=breaks, retry=None)
    await client.get()
    for is_cached in (False, True, False):
        cache.failures = [None] * is_cached
        if is_cached:
            await client.get()
        else:
            with pytest.raises(ServerError):
                await client.get()
    assert client.circuit_state == "open"
    await world.sleep(31)
    cache.failures = [None]
    await client.get()
    assert client.circuit_state != "closed"


async def test_what_a_layer_outside_cannot_mend_is_freed_with_its_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, though the gates had to hear of it."""
    put_in(monkeypatch, before=(Counted(),))
    client = world.client([503], retry=None)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(ServerError) as caught:
            await client.get()
        error = weakref.ref(caught.value)
        del caught
        assert error() is None
    finally:
        gc.enable()


def test_only_a_gate_that_says_so_is_asked_before_a_call_is_prepared() -> None:
    """To the others that would cost too much, and none is asked from within a layer."""

    class Early(Gate):
        is_early = True

    early, fallback = Early(), Fallback()
    assert Plan((Gate(), early), Notifiers(()), None).early == (early,)
    assert Plan((fallback, early), Notifiers(()), None).early == ()


async def test_layers_of_somebody_else_s(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of the gates, where it mends what they turn away, and inside of the retries."""
    fallback, counted = Fallback(), Counted()
    put_in(monkeypatch, before=(fallback,), behind=(counted,))
    opens = {"failure_threshold": 1, "recovery_timeout": 30}
    client = world.client([200, 503, 503, 503], circuit_breaker=opens, bulkhead=None)
    good = await client.get()
    assert counted.sent == 1
    assert await client.get() is good
    assert counted.sent == 4
    assert client.circuit_state == "open"
    assert await client.get() is good
    assert counted.sent == 4
    assert [type(each).__name__ for each in fallback.failures] == [
        "ServiceUnavailableError",
        "CircuitOpenError",
    ]
    stats = client.stats()
    assert (stats.operations, stats.failures) == (3, {})


async def test_a_layer_outside_is_given_every_failure(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also that the time is used up before an attempt, and that the client was closed in a wait."""
    fallback = Fallback()
    put_in(monkeypatch, before=(fallback,), behind=(Dawdling(),))
    client = world.client([200, 503, 200], retry={"min_wait_seconds": 5, "jitter": False})
    good = await client.get()
    assert await client.get(deadline=1) is good
    call = world.start(client.get())
    await world.sleep(3)
    await client.close()
    assert await call.result() is good
    assert [type(each).__name__ for each in fallback.failures] == [
        "DeadlineExceededError",
        "ClientClosedError",
    ]


async def test_a_stream_that_a_gate_ends_carries_no_drained_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error alone is left, where the gate has none of its own."""

    class Second(Gate):
        asked = 0

        def enter(self, call: Call) -> None:
            call.grants.append((self, None))

        def objection(self, call: Call, grant: None) -> Refusal | None:
            self.asked += 1
            return None if self.asked == 1 else Refusal("later", "not any more")

    put_in(monkeypatch, before=(Second(),))
    client = world.client([503, 200])
    with pytest.raises(ServerError) as caught:
        async with client.stream("GET", "/"):
            pass
    assert caught.value.response is None
    assert caught.value.__notes__ == ["no other attempt was made: not any more"]


async def test_a_gate_may_object_to_another_attempt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the circuit does; the error says why."""

    class Once(Gate):
        def enter(self, call: Call) -> None:
            call.grants.append((self, None))

        def objection(self, call: Call, grant: None) -> Refusal:
            return Refusal("once", "once is enough")

    put_in(monkeypatch, before=(Once(),))
    client = world.client([503, 200])
    with pytest.raises(ServerError) as caught:
        await client.get()
    assert caught.value.__notes__ == ["no other attempt was made: once is enough"]


@ONLY_BLOCKING
async def test_a_layer_that_suspends_is_a_bug_in_the_blocking_world(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is said to be one."""

    class Suspends:
        def __await__(self) -> Generator[None]:
            yield

        async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Any:
            await self
            return await inner(call, exchange)

    put_in(monkeypatch, before=(Suspends(),))
    client = world.client(200)
    with pytest.raises(RuntimeError, match=r"^a blocking call suspended: one of its ports awaits"):
        await client.get()


async def test_the_example_for_contributors(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs as it stands in CONTRIBUTING.md."""
    text = (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text("utf-8")
    [block] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict[str, Any] = {
        "Gate": Gate,
        "RateLimitError": RateLimitError,
        "deque": deque,
        "fork_safe": fork_safe,
        "threading": threading,
    }
    exec("from __future__ import annotations\n" + block, names)  # noqa: S102 - our own document
    put_in(monkeypatch, before=(names["PerSecond"](2),))
    client = world.client(200)
    await client.get()
    await client.get()
    with pytest.raises(RateLimitError, match="too many calls in a second"):
        await client.get()
    await world.sleep(1)
    await client.get()
    assert len(client.wire.arrivals) == 3


def test_gates_stand_side_by_side() -> None:
    """One behind a layer would be entered once for each attempt."""
    with pytest.raises(TypeError, match="gates stand side by side"):
        Plan((Gate(), Counted(), Gate()), Notifiers(()), None)
