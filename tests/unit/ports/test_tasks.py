"""Work beside a caller: it ends once, is cancelled at any time, and wakes who waits for it."""

from __future__ import annotations

import asyncio
import contextvars
import math
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio

from client.ports.asyncio_tasks import AsyncioSignal, AsyncioTask
from client.ports.blocking_tasks import BlockingSignal, BlockingTask
from client.runtime import trio_time
from client.runtime.coroutines import run_to_end
from client.transports.httpcore.interrupts import Interrupt
from client.transports.httpcore.thread_deadline import (
    bounds,
    check_deadline_of_this_thread,
    check_interrupt_of_this_thread,
    cut_to_deadline,
    deadline_of_this_thread,
    interruptible_thread,
    time_left,
    waking_this_thread,
)
from tests.eventually import PATIENCE_SECONDS, eventually

if TYPE_CHECKING:
    from collections.abc import Callable


async def nothing() -> None:
    """End at once."""


def test_a_task_that_is_cancelled_before_it_begins_never_does() -> None:
    """Whoever waits for its end hears of it all the same."""
    ended: list[str] = []

    async def story() -> None:
        task = AsyncioTask()
        task.cancel()
        task.cancel_in(1)  # of nothing
        task.start(nothing, partial(ended.append, "never made"))
        task = AsyncioTask()
        task.start(partial(note, "begun"), partial(ended.append, "never run"))
        task.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        task.cancel_in(1)

    async def note(word: str) -> None:
        ended.append(word)

    asyncio.run(story())
    assert ended == ["never made", "never run"]


def test_a_signal_that_came_before_is_not_waited_for() -> None:
    """It is given but once, however often that was."""

    async def story() -> None:
        signal = AsyncioSignal()
        signal.give()
        signal.give()
        await signal.wait(None)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await signal.wait(0.001)
        waiting = asyncio.create_task(signal.wait(None))
        await asyncio.sleep(0)
        signal.give()
        signal.give()
        await waiting

    asyncio.run(story())
    signal = BlockingSignal()
    signal.give()
    signal.give()
    run_to_end(signal.wait(None))
    run_to_end(signal.wait(0.001))


def test_a_thread_that_is_interrupted_before_it_begins_never_does() -> None:
    """And its end is told."""
    over = threading.Event()
    begun: list[bool] = []

    async def work() -> None:
        begun.append(True)

    task = BlockingTask()
    task.cancel()
    task.start(work, over.set)
    assert over.wait(PATIENCE_SECONDS)
    assert begun == []


def test_a_thread_has_the_context_and_the_deadline_of_whoever_starts_it() -> None:
    """Both as they were then."""
    variable = contextvars.ContextVar("variable", default="none")
    variable.set("mine")
    over = threading.Event()
    seen: list[object] = []

    async def work() -> None:
        seen.extend([variable.get(), bounds.deadline])
        variable.set("its own")

    with deadline_of_this_thread(1e9):
        BlockingTask().start(work, over.set)
    assert over.wait(PATIENCE_SECONDS)
    assert seen == ["mine", 1e9]
    assert variable.get() == "mine"


def test_a_thread_apart_has_neither() -> None:
    """It is nobody's in particular."""
    variable = contextvars.ContextVar("variable", default="none")
    variable.set("mine")
    over = threading.Event()
    seen: list[object] = []

    async def work() -> None:
        seen.extend([variable.get(), bounds.deadline])

    with deadline_of_this_thread(1e9):
        BlockingTask().start(work, over.set, is_apart=True)
    assert over.wait(PATIENCE_SECONDS)
    assert seen == ["none", math.inf]


def test_a_task_apart_has_a_context_of_its_own() -> None:
    """On asyncio, and on trio."""
    variable = contextvars.ContextVar("variable", default="none")
    seen: list[str] = []

    async def work() -> None:
        seen.append(variable.get())

    async def on_asyncio() -> None:
        variable.set("mine")
        over = asyncio.Event()
        for is_apart in (True, False):
            over.clear()
            AsyncioTask().start(work, over.set, is_apart=is_apart)
            await over.wait()

    async def on_trio() -> None:
        variable.set("mine")
        for is_apart in (True, False):
            over = trio.Event()
            trio_time.Task().start(work, over.set, is_apart=is_apart)
            await over.wait()

    asyncio.run(on_asyncio())
    trio.run(on_trio)
    assert seen == ["none", "mine"] * 2


def test_a_thread_that_is_over_is_not_kept_for_its_end_to_be_forced() -> None:
    """What waits for that ends with it."""
    over = threading.Event()
    task = BlockingTask()
    task.start(nothing, over.set)
    assert over.wait(PATIENCE_SECONDS)
    before = threading.active_count()
    task.cancel_in(3600)
    eventually(lambda: threading.active_count() <= before)


@pytest.mark.parametrize(
    "wait",
    [
        check_deadline_of_this_thread,
        check_interrupt_of_this_thread,
        lambda: time_left(TimeoutError),
        lambda: cut_to_deadline(5, TimeoutError),
        lambda: waking_this_thread(lambda: None).__enter__(),
    ],
    ids=["deadline", "interrupt", "left", "cut", "wake"],
)
def test_an_interrupted_thread_goes_no_further(wait: Callable[[], object]) -> None:
    """Wherever it would begin to wait; and it has no bound besides, where it was given none."""
    interrupt = Interrupt()
    with interruptible_thread(interrupt, None):
        assert cut_to_deadline(5, TimeoutError) == 5
        assert cut_to_deadline(None, TimeoutError) is None
        check_deadline_of_this_thread()
        assert check_interrupt_of_this_thread()
        interrupt.set()
        with pytest.raises(asyncio.CancelledError):
            wait()
    assert bounds.deadline is None
    assert not check_interrupt_of_this_thread()


def test_an_interrupt_wakes_whoever_waits() -> None:
    """Whatever the wait returns or raises then."""
    interrupt = Interrupt()
    woken: list[str] = []

    def wait(error: Exception | None) -> None:
        with interrupt.waking(partial(woken.append, "woken")):
            interrupt.set()
            if error is not None:
                raise error

    for error in (None, OSError("cut")):
        interrupt.is_set = False
        with pytest.raises(asyncio.CancelledError):
            wait(error)
    assert woken == ["woken"] * 2
    interrupt.is_set = False
    with pytest.raises(OSError, match="mine"), interrupt.waking(woken.clear):
        raise OSError("mine")
    with interrupt.waking(woken.clear):
        pass
    interrupt.set()
    assert woken == ["woken"] * 2
