"""The slots between threads, and what wakes those who queue."""

from __future__ import annotations

import asyncio
import threading

from client.ports.asyncio_ports import AsyncioBell
from client.ports.blocking_ports import BlockingBell
from client.runtime.coroutines import run_to_end
from client.strategies.bulkhead.slots import Slots
from tests.eventually import PATIENCE_SECONDS


class TwoAtOnce(set[object]):
    """Holders among whom another thread stands whenever one is added."""

    other: object = "other"

    def add(self, holder: object) -> None:
        """Add both."""
        super().add(self.other)
        super().add(holder)


def test_of_two_who_take_the_last_slot_at_once_one_queues() -> None:
    """Neither has taken a lock: each sees that they are too many, and the first to look gives way.

    The other keeps its slot.
    """
    slots = Slots(1, BlockingBell)
    slots._holders = TwoAtOnce()
    assert slots.take("one") is False
    assert (slots.holds("one"), slots.holds("other")) == (False, True)
    assert slots._keeps("other") is True
    slots.release("other")
    assert slots.in_use == 0


def test_who_comes_in_the_middle_of_a_handing_over_does_not_overtake() -> None:
    """The slot is given back, and not yet handed to whoever queues."""
    slots = Slots(1, BlockingBell)
    assert slots.take("first")
    slots.join("queueing", 5)
    slots._holders.discard("first")  # as far as another thread has come
    assert slots.take("newcomer") is False
    slots.release("first")
    assert slots.holds("queueing")


def test_threads_lose_no_slot() -> None:
    """However many take, queue, give back, and change the limit."""
    slots, most, over = Slots(3, BlockingBell), 0, threading.Lock()
    running: set[object] = set()

    def work() -> None:
        nonlocal most
        for number in range(200):
            holder = object()
            if not slots.take(holder):
                place = slots.join(holder, number % 3)
                while not slots.holds(holder) and place.refusal is None:
                    run_to_end(place.bell.wait(PATIENCE_SECONDS))
            if slots.holds(holder):
                with over:
                    running.add(holder)
                    most = max(most, len(running))
                    running.remove(holder)
            slots.release(holder)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for limit in (1, 3, 2, 3) * 50:
        slots.set_limit(limit)
    for each in threads:
        each.join(PATIENCE_SECONDS)
    assert (slots.in_use, slots.waiting) == (0, 0)
    assert most <= 3


def test_a_bell_of_a_loop_is_rung_from_any_thread() -> None:
    """As by somebody who raises the limit."""

    async def main() -> None:
        bell = AsyncioBell()
        thread = threading.Thread(target=bell.ring)
        thread.start()
        await bell.wait(PATIENCE_SECONDS)
        thread.join()

    asyncio.run(main())


def test_a_bell_of_a_loop_that_has_ended_is_rung_for_nobody() -> None:
    """Whoever waited ended with it."""

    async def make() -> AsyncioBell:
        return AsyncioBell()

    bell = asyncio.run(make())
    bell.ring()
    assert bell._rung.locked()


def test_a_bell_that_was_rung_before_does_not_keep_anybody() -> None:
    """It is remembered, once."""
    bell = BlockingBell()
    bell.ring()
    bell.ring()
    run_to_end(bell.wait(PATIENCE_SECONDS))

    async def main() -> None:
        rung = AsyncioBell()
        rung.ring()
        await rung.wait(PATIENCE_SECONDS)

    asyncio.run(main())
