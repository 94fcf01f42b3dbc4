"""An interrupt (Ctrl-C, a signal handler that raises) in our code loses no slot and no probe.

Python delivers one where a function is entered and where a call has come back, so that is where it
is raised here, at each such place in turn.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import client
from client import (
    BulkheadConfig,
    CircuitBreakerConfig,
    ClientConfig,
    RetryConfig,
    SyncResilientClient,
)
from client.engine.operation import under_way
from client.events import AttemptStarted, BulkheadWaiting
from client.exceptions import MyAPIError, ServerError
from client.ports.blocking_ports import BlockingBell, _ring
from client.runtime.coroutines import run_to_end
from client.strategies.bulkhead.slots import Place, Slots
from tests.eventually import PATIENCE_SECONDS
from tests.unit.calls import call_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

OURS = str(Path(client.__file__).parent)
# Broken off before it began, a coroutine has done nothing.
pytestmark = pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
URL = "http://service.example/"
MOST_PLACES = 2_000
_INTERRUPTIBLE = ("call", "c_return")


class Interrupter:
    """Raises KeyboardInterrupt at the n-th place of our code that is come by."""

    def __init__(self, place: int) -> None:
        self.left = place

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        """Count, and raise when it is time."""
        if event not in _INTERRUPTIBLE or not frame.f_code.co_filename.startswith(OURS):
            return
        self.left -= 1
        if self.left == 0:
            sys.setprofile(None)
            raise KeyboardInterrupt


def interrupted(place: int, work: Callable[[], object]) -> bool:
    """Do some work that is interrupted at one place; tell whether it came that far.

    No attempt is left under way, wherever that was: later calls would count as parts of it.
    """
    before = sys.getprofile()
    interrupter = Interrupter(place)
    with suppress(KeyboardInterrupt, MyAPIError):
        try:
            sys.setprofile(interrupter)
            work()
        finally:
            sys.setprofile(before)
    assert under_way.get() is None, place
    return interrupter.left <= 0


def request(face: SyncResilientClient) -> None:
    """An answer read whole."""
    face.get(URL, request_id="r")


def stream(face: SyncResilientClient) -> None:
    """An answer that is streamed."""
    with face.stream("GET", URL, request_id="r") as response:
        response.read()


def fail(face: SyncResilientClient) -> None:
    """An answer that is an error."""
    face.get(f"{URL}broken", request_id="r")


def answer(asked: httpx.Request) -> httpx.Response:
    """Answer what the path asks for."""
    return httpx.Response(500 if asked.url.path == "/broken" else 200, text="hello")


@pytest.mark.parametrize("work", [request, stream, fail])
def test_no_slot_is_lost(work: Callable[[Any], None]) -> None:
    """Whatever the interrupt breaks off: taking the slot, giving it back, or anything between."""
    bulkhead = BulkheadConfig(max_concurrency=1)
    config = ClientConfig(bulkhead=bulkhead, circuit_breaker=None, retry=None)
    with SyncResilientClient(config, transport=httpx.MockTransport(answer)) as face:
        request(face)
        places = 0
        for place in range(1, MOST_PLACES):
            came_so_far = interrupted(place, lambda: work(face))
            assert face.stats().slots_in_use == 0, place
            if not came_so_far:
                break
            places += 1
        assert places > 50


def test_no_wait_is_left_behind() -> None:
    """An interrupt in the wait before another attempt costs nothing but its own call."""
    retry = RetryConfig(max_attempts=2, min_wait_seconds=0, multiplier=0, budget=None)
    config = ClientConfig(circuit_breaker=None, retry=retry)
    with SyncResilientClient(config, transport=httpx.MockTransport(answer)) as face:
        ports: Any = face._session.engine.ports
        with suppress(ServerError):
            fail(face)
        places = 0
        while interrupted(places + 1, lambda: fail(face)) and places < MOST_PLACES:
            assert not ports._sleepers
            places += 1
        assert places > 50


def test_a_signal_handler_may_call_and_close() -> None:
    """In the middle of taking a slot or of giving one back, in the thread that does so."""
    slots = Slots(1, BlockingBell)
    with slots._lock:  # where the signal comes
        assert slots.take("handler")
        slots.join("queueing", 5)
        slots.release("handler")
        slots.close()
        slots.set_limit(1)
    slots.release("queueing")
    assert slots.take("next")


@pytest.mark.parametrize("bulkhead", [BulkheadConfig(), None], ids=["slots", "no-slots"])
@pytest.mark.parametrize("work", [request, stream])
def test_no_probe_is_lost(work: Callable[[Any], None], bulkhead: BulkheadConfig | None) -> None:
    """The circuit lets the next one through at once, not after the lease of the lost one."""
    breaker = CircuitBreakerConfig(failure_threshold=1, recovery_timeout=1e-9)
    config = ClientConfig(circuit_breaker=breaker, bulkhead=bulkhead, retry=None)
    with SyncResilientClient(config, transport=httpx.MockTransport(answer)) as face:
        places = 0
        for place in range(1, MOST_PLACES):
            with pytest.raises(ServerError):
                fail(face)
            came_so_far = interrupted(place, lambda: work(face))
            request(face)
            if not came_so_far:
                break
            places += 1
        assert places > 50


def test_a_handing_over_that_was_broken_off_is_brought_to_its_end() -> None:
    """The slot was handed over, and whoever got it does not know yet."""
    slots = Slots(1, BlockingBell)
    assert slots.take("giver")
    place = slots.join("taker", 5)
    slots._holders.add("taker")  # as far as the first try came
    slots.release("giver")
    run_to_end(place.bell.wait(PATIENCE_SECONDS))
    assert slots.holds("taker")
    assert (slots.in_use, slots.waiting) == (1, 0)


@pytest.mark.parametrize("comes_free", [True, False], ids=["handed over", "in vain"])
def test_no_slot_is_lost_in_the_queue(comes_free: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Wherever the interrupt comes: entering the queue, leaving it, or being handed a slot."""
    bulkhead = BulkheadConfig(max_concurrency=1, acquisition_timeout=1e-6)
    config = ClientConfig(bulkhead=bulkhead, circuit_breaker=None, retry=None)
    taken: list[Slots] = []

    def let_go(_event: object) -> None:
        if comes_free:
            taken[0].release("holder")

    vars(let_go)["listens_to"] = [BulkheadWaiting]
    transport = httpx.MockTransport(answer)
    with SyncResilientClient(config, transport=transport, listeners=[let_go]) as face:
        assert face._session.bulkhead is not None
        taken.append(face._session.bulkhead.slots)
        places = 0
        for place in range(1, MOST_PLACES):
            assert taken[0].take("holder"), place
            came_so_far = interrupted(place, lambda: request(face))
            taken[0].release("holder")
            assert (taken[0].in_use, taken[0].waiting) == (0, 0), place
            if not came_so_far:
                break
            places += 1
        assert places > 50


def test_no_slot_is_lost_where_it_is_given_back_to_the_next() -> None:
    """Wherever the interrupt comes: who is next has it, or it is free."""
    bulkhead = BulkheadConfig(max_concurrency=1)
    config = ClientConfig(bulkhead=bulkhead, circuit_breaker=None, retry=None)
    queueing: list[Place] = []
    following = call_of()

    def join(_event: object) -> None:
        queueing.append(slots.join(following, 5))

    vars(join)["listens_to"] = [AttemptStarted]
    transport = httpx.MockTransport(answer)
    with SyncResilientClient(config, transport=transport, listeners=[join]) as face:
        assert face._session.bulkhead is not None
        slots = face._session.bulkhead.slots
        places = 0
        for place in range(1, MOST_PLACES):
            came_so_far = interrupted(place, lambda: request(face))
            if queueing:
                run_to_end(queueing.pop().bell.wait(PATIENCE_SECONDS))
                assert slots.holds(following), place
            slots.release(following)
            assert (slots.in_use, slots.waiting) == (0, 0), place
            if not came_so_far:
                break
            places += 1
        assert places > 50


def test_who_was_woken_is_not_woken_again() -> None:
    """A lock must not be released twice."""
    bell = threading.Lock()
    bell.acquire()
    _ring(bell)
    _ring(bell)
    assert not bell.locked()
