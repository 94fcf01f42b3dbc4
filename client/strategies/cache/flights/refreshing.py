"""Answers fetched anew while callers are served the old ones: stale-while-revalidate (RFC 5861, 3).

Nobody waits for it, so it waits for nobody either: it goes out where a slot and a turn are free
this moment, and harms no call whatever becomes of it. To all who count it is an operation.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Final

from ....runtime.forking import fork_safe, tell_in_child

if TYPE_CHECKING:
    from collections.abc import Hashable

    from ....engine.layer import Exchange, Inner
    from ....engine.operation import Call
    from ....engine.ports import Ports, Signal, Task

__all__ = ["Refreshes"]

_MOST: Final = 16
"""How many are under way at a time in one client, where its bulkhead allows that."""
_SECONDS: Final = 60.0
"""How long one may take, where nothing bounds the client's operations."""
_SETTLING: Final = 1.0
"""Seconds that a client which closes waits for them."""


class Refreshes:
    """Those of one client. Safe to share between threads.

    Args:
        most: How many are under way at a time.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lock = fork_safe(threading.RLock())
        self._under_way: dict[Hashable, Task] = {}
        self._emptied: Signal | None = None
        tell_in_child(self)

    def __len__(self) -> int:
        return len(self._under_way)

    def begin(self, key: Hashable, call: Call, exchange: Exchange, work: Inner) -> bool:
        """Fetch an answer beside its caller; return False where that is not done now.

        Args:
            key: What of there is one under way at most.
            call: The operation that was served the old answer.
            exchange: Its way to the wire.
            work: Fetches the new one, by another call and exchange, and keeps it.
        """
        host = call.host
        if host.is_closed:
            return False
        task = host.ports.task()
        with self._lock:
            if key in self._under_way or len(self._under_way) >= self._most:
                return False
            self._under_way[key] = task
        try:
            own = _own(call)
            if own.plan.refuses(own):
                self._end(key, task)
                return False
            twin = exchange.twin_for(own, is_first=False)
            run = partial(host.run_aside, own, twin, work)
            task.start(run, partial(self._end, key, task), is_bounded=False)
        except BaseException:
            self._end(key, task)
            raise
        return True

    def hang_up(self) -> None:
        """End them all."""
        with self._lock:
            tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()

    async def close(self, ports: Ports) -> None:
        """End them all, and wait until they have ended, but not for long."""
        emptied = self._emptied = ports.signal()
        self.hang_up()
        until = ports.now() + _SETTLING
        while len(self) and (left := until - ports.now()) > 0:
            await emptied.wait(left)

    def begin_anew(self) -> None:
        """Forget what was under way in an event loop that has ended, or in the parent process."""
        self._under_way.clear()

    def _end(self, key: Hashable, task: Task) -> None:
        with self._lock:
            if self._under_way.get(key) is task:
                del self._under_way[key]
        if self._emptied is not None:
            self._emptied.give()


def _own(call: Call) -> Call:
    """Return an operation for it, with a time of its own."""
    own = call.twin()
    del own.operation_id  # another one
    own.is_spare = True
    own.attempts = own.passed = 0
    own.waits, own.refusal, own.was_sent, own.trace = (), None, False, None
    own.total = own.plan.total if own.plan.total is not None else _SECONDS
    own.deadline = None
    return own
