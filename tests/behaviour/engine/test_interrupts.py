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
from client.exceptions import ServerError
from client.ports.blocking_ports import BlockingSlots, _ring
from client.runtime.coroutines import run_to_end
from tests.eventually import PATIENCE_SECONDS, eventually

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
    with suppress(KeyboardInterrupt, ServerError):
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
    slots = BlockingSlots(1)
    with slots._lock:  # where the signal comes
        assert slots.take("handler")
        slots.close()
        slots.release("handler")
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
    slots = BlockingSlots(1)
    giver, taker = object(), object()
    assert run_to_end(slots.queue(giver, 0)) is True
    got: list[bool] = []
    waiting = threading.Thread(
        target=lambda: got.append(run_to_end(slots.queue(taker, PATIENCE_SECONDS)))
    )
    waiting.start()
    eventually(lambda: slots.waiting == 1)
    slots._holders.add(taker)  # as far as the first try came
    slots.release(giver)
    waiting.join(PATIENCE_SECONDS)
    assert got == [True]
    assert (slots.in_use, slots.waiting) == (1, 0)


def test_who_was_woken_is_not_woken_again() -> None:
    """A lock must not be released twice."""
    bell = threading.Lock()
    bell.acquire()
    _ring(bell)
    _ring(bell)
    assert not bell.locked()
    _ring(None)  # whoever was to be woken was turned away meanwhile
