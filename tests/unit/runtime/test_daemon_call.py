"""What may block is called in a thread that nobody has to wait for."""

from __future__ import annotations

import asyncio
import threading

import pytest

from client.runtime.daemon_call import call_in_daemon
from tests.eventually import PATIENCE_SECONDS


def test_it_runs_in_a_thread_of_its_own() -> None:
    """A daemon, so that the interpreter ends without it."""

    async def story() -> None:
        thread = await call_in_daemon(threading.current_thread)
        assert thread.daemon
        assert thread is not threading.current_thread()

    asyncio.run(story())


@pytest.mark.parametrize("kind", [OSError, StopIteration, KeyboardInterrupt])
def test_what_it_raises_is_raised_where_it_is_awaited(kind: type[BaseException]) -> None:
    """Also what no future may hold."""

    def raises() -> None:
        raise kind

    async def story() -> BaseException:
        try:
            await call_in_daemon(raises)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            return error
        raise AssertionError

    expected = RuntimeError if kind is StopIteration else kind
    assert isinstance(asyncio.run(story()), expected)


def test_it_is_left_behind_by_a_cancellation() -> None:
    """What it returns then is lost, and troubles nobody."""
    is_asked_for, goes_on = threading.Event(), threading.Event()

    def blocks() -> None:
        is_asked_for.set()
        assert goes_on.wait(PATIENCE_SECONDS)

    async def story(*, lives_on: bool) -> None:
        task = asyncio.create_task(call_in_daemon(blocks))
        await asyncio.to_thread(is_asked_for.wait, PATIENCE_SECONDS)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if lives_on:
            goes_on.set()
            await asyncio.to_thread(_join_daemons)
            await asyncio.sleep(0)

    asyncio.run(story(lives_on=True))
    is_asked_for.clear()
    goes_on.clear()
    asyncio.run(story(lives_on=False))
    goes_on.set()
    _join_daemons()


def _join_daemons() -> None:
    for thread in threading.enumerate():
        if thread.name == "resilient-client":
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()


def test_others_go_on_meanwhile() -> None:
    """It does not hold up the loop."""
    goes_on = threading.Event()

    async def story() -> None:
        task = asyncio.create_task(call_in_daemon(lambda: goes_on.wait(PATIENCE_SECONDS)))
        await asyncio.sleep(0.001)
        goes_on.set()
        assert await task

    asyncio.run(story())
