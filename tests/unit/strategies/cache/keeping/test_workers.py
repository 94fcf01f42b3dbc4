"""A few threads for what may block."""

from __future__ import annotations

import threading
from queue import Empty
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from client.strategies.cache.keeping import workers as module
from client.strategies.cache.keeping.workers import Job, Workers
from tests.eventually import PATIENCE_SECONDS, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "workers of a test"


def alive() -> int:
    """Return how many threads there are of them."""
    return sum(each.name == NAME for each in threading.enumerate())


def done(workers: Workers, work: Callable[[], object]) -> Job[object]:
    """Return a job that is over."""
    over = threading.Event()
    job = Job(work, over.set)
    workers.put(job)
    assert over.wait(PATIENCE_SECONDS)
    return job


def test_what_is_done_comes_back() -> None:
    """Its result, or what it raised, once; an interrupt is none of whoever waits."""
    workers = Workers(2, NAME)
    assert done(workers, lambda: 7).outcome() == 7
    with pytest.raises(ZeroDivisionError):
        done(workers, lambda: 1 // 0).outcome()

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(RuntimeError, match="KeyboardInterrupt"):
        done(workers, interrupt).outcome()
    workers.close()
    eventually(lambda: alive() == 0)


def test_there_are_no_more_threads_than_allowed() -> None:
    """What comes besides waits, and what nobody waits for any more is not done."""
    workers, gate = Workers(2, NAME), threading.Event()
    begun: list[int] = []

    def hang(number: int) -> int:
        begun.append(number)
        gate.wait()
        return number

    jobs = [Job(lambda number=number: hang(number), lambda: None) for number in range(4)]  # type: ignore[misc] # mypy sees no default
    for job in jobs:
        workers.put(job)
    eventually(lambda: len(begun) == 2)
    assert alive() == 2
    with pytest.raises(TimeoutError):
        jobs[0].outcome()
    jobs[2].abandon()
    gate.set()
    eventually(lambda: len(begun) == 3)
    workers.close()
    eventually(lambda: alive() == 0)
    assert sorted(begun) == [0, 1, 3]
    assert jobs[3].outcome() == 3
    with pytest.raises(TimeoutError):
        jobs[2].outcome()


def test_a_thread_is_used_again() -> None:
    """One that has nothing to do takes what comes."""
    workers = Workers(4, NAME)
    names = set()
    for _ in range(5):
        names.add(done(workers, threading.get_ident).outcome())
        eventually(lambda: workers._crew.idle == 1)
    assert len(names) == 1
    workers.close()
    eventually(lambda: alive() == 0)
    assert done(workers, lambda: 1).outcome() == 1  # by another
    workers.close()


def test_a_thread_ends_when_it_has_nothing_to_do() -> None:
    """And another begins when there is something again."""
    workers = Workers(1, NAME)
    with patch.object(module, "_IDLE_SECONDS", 0.0):
        assert done(workers, lambda: 1).outcome() == 1
        eventually(lambda: alive() == 0)
    assert workers._crew.size == 0
    assert done(workers, lambda: 2).outcome() == 2
    workers.close()


def test_what_comes_as_a_thread_is_about_to_end_is_done() -> None:
    """It looks once more, when nobody counts on it any longer."""
    workers = Workers(1, NAME)
    crew = workers._crew
    crew.size = 1  # as if this were its thread
    job = Job(lambda: 3, lambda: None)

    class Late:
        """Says that nothing has come, and then something has."""

        def __init__(self) -> None:
            self.jobs = [job]

        def get(self, timeout: float) -> Job[int]:
            raise Empty

        def get_nowait(self) -> Job[int]:
            if not self.jobs:
                raise Empty
            return self.jobs.pop()

    with patch.object(crew, "jobs", Late()):
        crew.work()
    assert job.outcome() == 3
    assert (crew.size, crew.idle) == (0, 0)


def test_without_threads_there_is_an_error_and_nothing_is_counted() -> None:
    """As at the end of the interpreter."""
    workers = Workers(1, NAME)
    with (
        patch.object(threading.Thread, "start", side_effect=RuntimeError("no threads")),
        pytest.raises(RuntimeError, match="no threads"),
    ):
        workers.put(Job(lambda: 1, lambda: None))
    assert done(workers, lambda: 2).outcome() == 2
    workers.close()


def test_a_forked_child_has_threads_of_its_own() -> None:
    """Those of the parent are not there."""
    workers = Workers(1, NAME)
    assert done(workers, lambda: 1).outcome() == 1
    crew = workers._crew
    workers.begin_anew()
    assert workers._crew is not crew
    assert done(workers, lambda: 2).outcome() == 2
    workers.close()
    for _ in range(crew.size):
        crew.jobs.put(None)
