"""Makes the calls of a chapter and notes what each caller was left with."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

from ...exceptions import MyAPIError
from ...faces.facade.clients import ResilientClient
from .record import SUCCESS, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Sequence

    from .pace import Pace
    from .record import Journal, Operation

__all__ = ["Caller"]

_MARGIN: Final = 0.01
"""Seconds by which the loop's timers may be early."""
_LOOK: Final = 0.005
"""Seconds between two looks at what has been told."""


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

    async def at_once(self, count: int, *, slow_answer: float = 0.0) -> None:
        """Make so many calls at the same moment."""
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self.call(slow_answer=slow_answer))

    @contextmanager
    def configured(self, **parts: object) -> Generator[None]:
        """Go by other settings until the block is left."""
        before = {name: getattr(self._client.config, name) for name in parts}
        self._client.reconfigure(**parts)
        try:
            yield
        finally:
            self._client.reconfigure(**before)

    @asynccontextmanager
    async def of_endpoints(
        self, urls: Sequence[str], **balancing: object
    ) -> AsyncGenerator[Caller]:
        """Have a caller with another client, of several endpoints, until the block is left."""
        config = self._client.config.merged(base_url="", endpoints=urls, balancing=balancing)
        async with ResilientClient(config, listeners=[self._journal]) as client:
            yield Caller(client, self._journal, self.pace, self._show)

    async def until(self, kind: type[object], call: asyncio.Task[None]) -> None:
        """Wait until the library tells something in this chapter, or a call is over."""
        while not call.done() and not self._was_told(kind):  # noqa: ASYNC110 - a listener cannot await
            await asyncio.sleep(_LOOK)

    def _was_told(self, kind: type[object]) -> bool:
        return any(isinstance(event, kind) for event in self._journal.chapters[-1].events)

    @property
    def operations(self) -> Sequence[Operation]:
        """Those of this chapter."""
        return self._journal.chapters[-1].operations

    @property
    def mean_seconds(self) -> float:
        """How long an operation of this chapter took so far, on the average."""
        took = [operation.end.elapsed for operation in self.operations if operation.end]
        return sum(took) / len(took)

    async def sit_out_the_break(self) -> None:
        """Wait until the open circuit is due to let a probe through."""
        left = self._journal.break_ends_at - self._journal.now()
        await asyncio.sleep(left + _MARGIN)
