"""Servers that are late at times, and clients that send a second attempt then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import Phase

from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.behaviour.wire import Arrival, Step
    from tests.behaviour.world import Caller, World

LATE = 10.0
"""Seconds that an answer takes which should take one."""
QUICK = (Phase.reuse, Phase.generate)
"""Shrinking a failure takes longer than pytest lets a test run: add `Phase.shrink` by hand."""
AT_ONCE = {"min_wait_seconds": 0, "max_wait_seconds": 0}


class Scripted:
    """A server whose attempts take so many seconds each, and then get such an answer.

    Args:
        steps: A number of seconds for an answer with status 200, or seconds and a step. The last
            is repeated.
    """

    def __init__(self, *steps: float | tuple[float, Step]) -> None:
        self._steps = steps
        self.asked = 0

    async def __call__(self, arrival: Arrival) -> Step:
        """Answer the next attempt."""
        step = self._steps[min(self.asked, len(self._steps) - 1)]
        self.asked += 1
        number = self.asked
        seconds, answer = step if isinstance(step, tuple) else (step, None)
        await arrival.takes(seconds)
        if answer is not None:
            return answer
        return Answer(200, (b"answer to attempt %d" % number,))


def hedged(
    world: World, server: Callable[[Arrival], Coroutine[Any, Any, Step]], **more: Any
) -> Caller:
    """A client that sends a hedge after two seconds, as many as ten for a hundred calls."""
    settings: dict[str, Any] = {
        "hedge": {"delay": 2, "max_extra_load": 1},
        "retry": AT_ONCE,
        **more,
    }
    if isinstance(settings["hedge"], dict):
        settings["hedge"] = {"delay": 2, "max_extra_load": 1, **settings["hedge"]}
    return world.client(server, **settings)
