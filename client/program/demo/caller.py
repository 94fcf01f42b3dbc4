"""Makes the calls of a chapter and notes what each caller was left with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ...exceptions import MyAPIError
from .record import SUCCESS, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...faces.facade.clients import ResilientClient
    from .pace import Pace
    from .record import Journal

__all__ = ["Caller"]

_MARGIN: Final = 0.01
"""Seconds by which the loop's timers may be early."""


class Caller:
    """Whoever calls the server in the story.

    Args:
        client: What is called with.
        journal: Where the operations are recorded.
        pace: How fast the calls follow each other.
        show: Called whenever there is something new to be seen.
    """

    def __init__(
        self, client: ResilientClient, journal: Journal, pace: Pace, show: Callable[[], None]
    ) -> None:
        self.pace = pace
        self._client = client
        self._journal = journal
        self._show = show

    async def call(
        self, method: str = "GET", *, slow_answer: float = 0.0, json: object = None
    ) -> None:
        """Make one call; an error of the library is an outcome like any other."""
        operation = self._journal.begin(method)
        try:
            response = await self._client.request(
                method,
                "/msg",
                request_id=operation.request_id,
                params={"delay": f"{slow_answer * 1000:.0f}"} if slow_answer else None,
                json=json,
            )
        except MyAPIError as error:
            operation.outcome = Outcome.of_error(error)
        else:
            report = response.extensions["resilience"]
            operation.outcome = Outcome(SUCCESS, report.attempts)
        self._show()

    async def one_by_one(self, count: int) -> None:
        """Make so many calls, each after the one before has ended."""
        for _ in range(count):
            await asyncio.sleep(self.pace.between)
            await self.call()

    async def at_once(self, count: int, *, slow_answer: float) -> None:
        """Make so many calls at the same moment."""
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self.call(slow_answer=slow_answer))

    async def sit_out_the_break(self) -> None:
        """Wait until the open circuit is due to let a probe through."""
        left = self._journal.break_ends_at - self._journal.now()
        await asyncio.sleep(left + _MARGIN)
