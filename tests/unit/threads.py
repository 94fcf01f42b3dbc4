"""Threads that begin together, and are changed as often as Python can."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

T = TypeVar("T")


def together(work: Callable[[], T], threads: int = 16) -> list[T]:
    """Run the same work in threads that begin at once, and return what they returned.

    Python changes threads every few milliseconds. Here it does so at every chance, so that what may
    go wrong in between, does.
    """
    barrier = Barrier(threads)

    def begin() -> T:
        barrier.wait()
        return work()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(threads) as pool:
            return [found.result() for found in [pool.submit(begin) for _ in range(threads)]]
    finally:
        sys.setswitchinterval(interval)
