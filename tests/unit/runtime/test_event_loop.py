"""The event loop that a client is at home in: what is done there, and from where."""

import asyncio
import threading
from typing import Any

import pytest

from client.ports.asyncio_ports import AsyncioPorts
from client.ports.blocking_ports import BlockingPorts
from client.runtime.event_loop import Home


def here() -> int:
    """The thread that asks."""
    return threading.get_ident()


def test_without_a_loop_work_is_done_here() -> None:
    """At once: before the first, and after it has ended."""
    home, done = Home(), list[int]()
    home.do(lambda: done.append(1))

    async def story() -> None:
        home.moved()

    asyncio.run(story())
    home.do(lambda: done.append(2))
    assert done == [1, 2]


def test_in_its_loop_work_is_done_at_once() -> None:
    """Nobody has to wait for a turn."""
    home, done = Home(), list[int]()

    async def story() -> None:
        home.moved()
        home.do(lambda: done.append(1))
        assert done == [1]

    asyncio.run(story())


def test_from_elsewhere_work_is_done_in_the_loop() -> None:
    """In its turn: from another thread, and from another loop."""
    home, done = Home(), list[int]()

    async def another() -> None:
        home.do(lambda: done.append(here()))

    async def story() -> None:
        home.moved()
        await asyncio.to_thread(home.do, lambda: done.append(here()))
        await asyncio.to_thread(asyncio.run, another())
        await asyncio.sleep(0)
        assert done == [here(), here()]

    asyncio.run(story())


def test_a_loop_that_ends_in_this_moment_loses_nothing() -> None:
    """The work is done here then."""

    class Ending:
        def is_running(self) -> bool:
            return True

        def call_soon_threadsafe(self, work: object) -> None:
            raise RuntimeError("Event loop is closed")

    home, done = Home(), list[int]()
    ending: Any = Ending()
    home._loop = ending
    home.do(lambda: done.append(1))
    assert done == [1]


@pytest.mark.parametrize("kind", [AsyncioPorts, BlockingPorts])
def test_both_worlds_have_a_home(kind: Any) -> None:
    """That of the blocking one is wherever somebody asks."""
    done: list[int] = []
    kind().at_home(lambda: done.append(here()))
    assert done == [here()]
