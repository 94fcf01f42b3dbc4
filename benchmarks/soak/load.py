"""The callers: tasks and threads that call, rest and call again, and pause when they are told."""

from __future__ import annotations

import asyncio
import random
import threading
from typing import TYPE_CHECKING, Final

from benchmarks.soak.calls import call_async, call_blocking, draw_call
from benchmarks.soak.journal import CANCELLED, SUCCESS
from benchmarks.soak.lanes import AsyncLane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.soak.calls import Call
    from benchmarks.soak.journal import Journal, Operation
    from benchmarks.soak.lanes import Lane, SyncLane
    from benchmarks.soak.plan import Plan

__all__ = ["Load", "perform"]

_PATIENCE_SECONDS: Final = 15.0
"""For calls under way to end; none of them may take longer than its four seconds."""
_LOOK_SECONDS: Final = 0.01


class Load:
    """All callers of all lanes.

    Args:
        lanes: The clients, each with its number of callers.
        plan: The run.
        journal: Where every call is recorded.
    """

    def __init__(self, lanes: Sequence[Lane], plan: Plan, journal: Journal) -> None:
        self._lanes = lanes
        self._plan = plan
        self._journal = journal
        self._busy = 0
        self._lock = threading.Lock()
        self._is_open = False
        self._task_gate = asyncio.Event()
        self._thread_gate = threading.Event()
        self._stopped = threading.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Let the callers come; they begin when the gate opens."""
        for lane in self._lanes:
            for number in range(lane.callers):
                dice = random.Random(f"{self._plan.seed}/{lane.name}/{number}")  # noqa: S311 - not for secrets
                if isinstance(lane, AsyncLane):
                    task = asyncio.create_task(self._be_task(lane, dice))
                    task.add_done_callback(self._miss)
                    self._tasks.append(task)
                else:
                    thread = threading.Thread(target=self._be_thread, args=(lane, dice))
                    thread.daemon = True
                    thread.start()
                    self._threads.append(thread)

    def open(self) -> None:
        """Let them call."""
        with self._lock:
            self._is_open = True
        self._task_gate.set()
        self._thread_gate.set()

    async def pause(self) -> None:
        """Let no more calls begin, and return once all that are under way have ended."""
        self._task_gate.clear()
        self._thread_gate.clear()
        with self._lock:
            self._is_open = False
        give_up_at = self._journal.now() + _PATIENCE_SECONDS
        while self._busy:
            if self._journal.now() > give_up_at:
                self._journal.complain(f"{self._busy} calls hang")
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def stop(self) -> None:
        """Send the callers home."""
        self._stopped.set()
        self._thread_gate.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for thread in self._threads:
            await asyncio.to_thread(thread.join, _PATIENCE_SECONDS)

    def _miss(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._journal.complain(f"a caller went away: {error!r}")

    async def _be_task(self, lane: AsyncLane, dice: random.Random) -> None:
        await asyncio.sleep(self._rest(dice))
        while True:
            await self._task_gate.wait()
            if self._enter():
                try:
                    await perform(lane, draw_call(dice), self._journal)
                finally:
                    self._leave()
            await asyncio.sleep(self._rest(dice))

    def _be_thread(self, lane: SyncLane, dice: random.Random) -> None:
        self._stopped.wait(self._rest(dice))
        while not self._stopped.is_set():
            self._thread_gate.wait()
            if self._enter():
                try:
                    perform_blocking(lane, draw_call(dice), self._journal)
                finally:
                    self._leave()
            self._stopped.wait(self._rest(dice))

    def _rest(self, dice: random.Random) -> float:
        return dice.uniform(0.5, 1.5) * self._plan.pause_seconds

    def _enter(self) -> bool:
        with self._lock:
            self._busy += self._is_open
            return self._is_open

    def _leave(self) -> None:
        with self._lock:
            self._busy -= 1


async def perform(lane: AsyncLane, call: Call, journal: Journal) -> Operation:
    """Make a call in a task of its own, cancel it where that is planned, and record its end."""
    operation = journal.begin(lane.name)
    task = asyncio.create_task(call_async(lane.client, call, operation))
    cancelled: list[bool] = []
    timer = None
    if call.cancel_after is not None:
        timer = asyncio.get_running_loop().call_later(
            call.cancel_after, lambda: cancelled.append(task.cancel())
        )
    try:
        await asyncio.wait({task})
    finally:
        if timer is not None:
            timer.cancel()
        if not task.done():  # the run itself was interrupted
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    _record(operation, task, journal, was_cancelled=any(cancelled))
    return operation


def _record(
    operation: Operation, task: asyncio.Task[None], journal: Journal, *, was_cancelled: bool
) -> None:
    if task.cancelled():
        if not was_cancelled:
            journal.complain(f"{operation.request_id} was cancelled by nobody")
        journal.end(operation, CANCELLED)
        return
    error = task.exception()
    if was_cancelled:
        journal.complain(f"{operation.request_id} was cancelled and ended with {error!r}")
    if error is None:
        journal.end(operation, SUCCESS)
    else:
        journal.end_in_error(operation, error)


def perform_blocking(lane: SyncLane, call: Call, journal: Journal) -> Operation:
    """Make a call in this thread and record its end."""
    operation = journal.begin(lane.name)
    try:
        call_blocking(lane.client, call, operation)
    except BaseException as error:  # noqa: BLE001 - recorded, whatever it is
        journal.end_in_error(operation, error)
    else:
        journal.end(operation, SUCCESS)
    return operation
