"""Turns one call into a batch of calls by so many callers at once, tasks or threads."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    from benchmarks.speed.contenders.contract import BlockingGet
    from benchmarks.speed.interleave import Batch

__all__ = ["by_tasks", "by_threads"]


def by_tasks(
    get: Callable[[str], Awaitable[object]], url: str, concurrency: int
) -> Callable[[int], Coroutine[None, None, None]]:
    """Return a batch whose calls are shared out among so many tasks."""

    async def worker(calls: int) -> None:
        for _ in range(calls):
            await get(url)

    async def batch(calls: int) -> None:
        if concurrency == 1:
            await worker(calls)
            return
        await asyncio.gather(*(worker(calls // concurrency) for _ in range(concurrency)))

    return batch


@contextmanager
def by_threads(concurrency: int) -> Generator[Callable[[BlockingGet, str], Batch]]:
    """Keep so many threads, and give what makes batches for them to share out.

    The event loop stands still meanwhile; nothing else runs in it.
    """
    with ThreadPoolExecutor(concurrency) as threads:

        def batch_of(get: BlockingGet, url: str) -> Batch:
            def worker(calls: int) -> None:
                for _ in range(calls):
                    get(url)

            def batch(calls: int) -> None:
                if concurrency == 1:
                    worker(calls)
                    return
                shares = [calls // concurrency] * concurrency
                for _ in threads.map(worker, shares):
                    pass

            return batch

        yield batch_of
