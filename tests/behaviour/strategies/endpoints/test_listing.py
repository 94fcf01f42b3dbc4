"""A list of endpoints that a function says: read at calls, never in their way once there is one."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from client import APIConnectionError, ClientClosedError, DeadlineExceededError, Endpoint
from tests.behaviour.strategies.endpoints.lists import ONE, REFRESH, TWO, asking
from tests.behaviour.twins import ONLY_ASYNCIO, ONLY_BLOCKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.behaviour.blocking_world import BlockingWorld
    from tests.behaviour.world import World


class Awaitable:
    """Something that can be awaited, and not closed."""

    def __await__(self) -> Generator[None]:
        """Return nothing."""
        yield


async def test_it_is_read_at_the_first_call(world: World) -> None:
    """And not before, nor again as long as it is fresh."""
    asked = asking(world, ONE)
    assert (asked.listing.known, asked.registry.asked) == (None, 0)
    assert await asked.urls() == ONE
    await world.sleep(REFRESH - 1)
    assert await asked.urls() == ONE
    assert asked.registry.asked == 1


async def test_first_calls_wait_for_one_reading(world: World) -> None:
    """All of them for the same."""
    asked = asking(world, 1.0, TWO)
    tasks = [world.start(asked.urls()) for _ in range(5)]
    assert [await task.result() for task in tasks] == [TWO] * 5
    assert asked.registry.asked == 1


async def test_it_is_read_again_beside_a_call_when_it_is_due(world: World) -> None:
    """That call has the old one, at once; a later one the new."""
    asked = asking(world, ONE, 5.0, TWO)
    await asked.urls()
    await world.sleep(REFRESH)
    began = world.now()
    assert await asked.urls() == ONE
    assert world.now() == began
    await world.sleep(6)
    assert await asked.urls() == TWO
    assert asked.registry.asked == 2


async def test_nothing_is_read_between_calls(world: World) -> None:
    """A client that nobody uses does nothing."""
    asked = asking(world, ONE)
    await asked.urls()
    await world.sleep(100 * REFRESH)
    assert asked.registry.asked == 1


async def test_one_reading_at_a_time(world: World) -> None:
    """However many calls find it due while one is under way."""
    asked = asking(world, ONE, 5.0, TWO)
    await asked.urls()
    await world.sleep(REFRESH)
    for _ in range(4):
        assert await asked.urls() == ONE
        await world.sleep(1)
    assert (asked.registry.asked, asked.registry.most_at_once) == (2, 1)
    await world.sleep(5)


async def test_the_same_list_stays_the_same_object(world: World) -> None:
    """So that whoever goes by it need not look into it."""
    asked = asking(world, ONE)
    await asked.urls()
    before = asked.listing.known
    await world.sleep(REFRESH)
    await asked.urls()
    await asked.settled()
    assert asked.registry.asked == 2
    assert asked.listing.known is before


async def test_endpoints_may_be_given_in_any_of_their_forms(world: World) -> None:
    """As in a list that stands."""
    given = [Endpoint("http://a.test", weight=2), {"url": "http://b.test"}, "http://c.test"]
    asked = asking(world, given)
    assert await asked.urls() == ["http://a.test", "http://b.test", "http://c.test"]
    known = asked.listing.known
    assert known is not None
    assert known[0].weight == 2


RUBBISH: dict[str, tuple[Any, str]] = {
    "raises": (OSError("secret"), "OSError was raised"),
    "times-out": (TimeoutError("secret"), "it took too long"),
    "empty": ([], "it returned an empty list"),
    "none": (None, "it returned None, and no list"),
    "function": (len, "it returned a function, and no list"),
    "text": ("http://a.test", "it returned a text, and no list"),
    "no-url": (
        ["nowhere"],
        "it returned what is no endpoint: 'nowhere' is not allowed",
    ),
    "twice": (
        ["http://a.test", "http://a.test"],
        "it returned what is no list of endpoints: http://a.test is given more than once",
    ),
    "unusable": (["http://a.unusable"], "http://a.unusable cannot be used"),
    "numbers": (
        [1, 2],
        "it returned what is no list of endpoints: 1 is not allowed: give an Endpoint",
    ),
}
each_rubbish = pytest.mark.parametrize(("step", "why"), RUBBISH.values(), ids=RUBBISH)


@each_rubbish
async def test_a_bad_reading_keeps_the_last_list(world: World, step: Any, why: str) -> None:
    """And is told."""
    asked = asking(world, ONE, step, TWO)
    await asked.urls()
    await world.sleep(REFRESH)
    await asked.urls()
    await asked.settled()
    assert await asked.urls() == ONE
    [told] = asked.warnings
    assert told.startswith(f"the endpoints could not be read, and the last list is kept: {why}")
    await world.sleep(REFRESH)
    await asked.urls()
    await asked.settled()
    assert await asked.urls() == TWO


@each_rubbish
async def test_a_bad_first_reading_fails_the_call(world: World, step: Any, why: str) -> None:
    """With an error of the tree; the next call reads again."""
    asked = asking(world, step, ONE)
    error = await asked.failure()
    assert type(error) is APIConnectionError
    assert f"the endpoints could not be read: {why}" in str(error)
    assert "secret" not in str(error)
    assert (error.request_sent, asked.warnings) == (False, [])
    assert await asked.urls() == ONE


@ONLY_ASYNCIO  # the threads of the other world lead back to themselves
async def test_the_error_has_what_the_function_raised_as_its_cause(world: World) -> None:
    """And nothing keeps the two alive."""
    asked = asking(world, OSError)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(APIConnectionError) as failed:
            await asked.urls()
        assert isinstance(failed.value.__cause__, OSError)
        del failed
        await asked.settled()
        left = [each for each in gc.get_objects() if isinstance(each, OSError)]
        assert left == []
    finally:
        gc.enable()


async def test_trouble_is_told_once_a_minute(world: World) -> None:
    """However often it is met."""
    asked = asking(world, ONE, OSError(), refresh=1.0)
    await asked.urls()
    for _ in range(59):
        await world.sleep(1)
        await asked.urls()
        await asked.settled()
    assert (asked.registry.asked, len(asked.warnings)) == (60, 1)
    await world.sleep(2)
    await asked.urls()
    await asked.settled()
    assert len(asked.warnings) == 2


async def test_a_reading_that_hangs_keeps_the_last_list(world: World) -> None:
    """An async one is ended, and the next one may begin; a plain one cannot be."""
    asked = asking(world, ONE, 1000.0, TWO)
    await asked.urls()
    await world.sleep(REFRESH)
    for _ in range(39):
        assert await asked.urls() == ONE
        await world.sleep(1)
    assert len(asked.warnings) == 1
    assert asked.registry.most_at_once == 1
    assert asked.registry.asked == 2
    assert ("too long" if world.is_async else "going on for 10 s") in asked.warnings[0]
    await world.sleep(2)
    await asked.urls()
    await asked.settled()
    assert await asked.urls() == (TWO if world.is_async else ONE)
    await world.sleep(1000)
    assert await asked.urls() == TWO


async def test_a_first_reading_that_hangs_fails_the_call(world: World) -> None:
    """After ten seconds; a plain one goes on, and what it says at last is taken."""
    asked = asking(world, 15.0, ONE)
    began = world.now()
    error = await asked.failure()
    assert world.now() - began == 10
    assert type(error) is APIConnectionError
    assert "the endpoints could not be read: " in str(error)
    await world.sleep(6)
    assert (asked.listing.known is None) is world.is_async
    assert await asked.urls() == ONE


async def test_a_call_waits_no_longer_than_its_deadline(world: World) -> None:
    """The reading goes on for others."""
    asked = asking(world, 5.0, ONE)
    began = world.now()
    error = await asked.failure(total=2.0)
    assert (world.now() - began, type(error)) == (2.0, DeadlineExceededError)
    await world.sleep(4)
    assert await asked.urls() == ONE
    assert asked.registry.asked == 1


async def test_a_call_that_is_broken_off_takes_the_reading_of_nobody(world: World) -> None:
    """By a cancellation, or by Ctrl-C."""
    asked = asking(world, 5.0, ONE)
    first, second = world.start(asked.urls()), world.start(asked.urls())
    await world.sleep(1)
    first.cancel()
    assert isinstance(await world.outcome(first), world.cancellation)
    assert await second.result() == ONE
    assert asked.registry.asked == 1


async def test_closing_ends_a_reading(world: World) -> None:
    """Whoever waits for it hears of the close; a function that blocks is not waited for long."""
    asked = asking(world, 100.0, ONE)
    task = world.start(asked.urls())
    await world.sleep(1)
    began = world.now()
    await asked.close()
    await asked.close()
    assert world.now() - began == (0 if world.is_async else 1)
    assert isinstance(await world.outcome(task), ClientClosedError)
    assert isinstance(await asked.failure(), ClientClosedError)
    if world.is_async:
        assert world.left_behind() == 0
    await world.sleep(100)


async def test_a_closed_list_is_not_read_again(world: World) -> None:
    """A call that is on its way yet has the last one."""
    asked = asking(world, ONE)
    await asked.urls()
    await asked.close()
    await world.sleep(REFRESH)
    assert await asked.urls() == ONE
    await asked.settled()
    assert asked.registry.asked == 1


async def test_a_list_that_begins_anew_is_read_at_the_next_call(world: World) -> None:
    """In a forked child, and in another event loop: the old one stands until then."""
    asked = asking(world, ONE, TWO)
    await asked.urls()
    asked.listing.begin_anew()
    assert await asked.urls() == ONE
    await asked.settled()
    assert await asked.urls() == TWO


@ONLY_ASYNCIO
async def test_a_reading_that_somebody_cancels_is_made_again(world: World) -> None:
    """As the end of a loop does, which closes nothing."""
    asked = asking(world, 5.0, ONE)
    task = world.start(asked.urls())
    await world.sleep(1)
    reading = asked.listing._reading
    assert reading is not None
    reading.task.cancel()
    error = await world.outcome(task)
    assert type(error) is APIConnectionError
    assert "reading them was broken off" in str(error)
    assert await asked.urls() == ONE


@ONLY_BLOCKING
async def test_without_threads_nothing_is_read(world: BlockingWorld) -> None:
    """At the end of the interpreter there are none to be had."""
    asked = asking(world, ONE)
    world.lacks_threads = True
    assert "reading them was broken off" in str(await asked.failure())
    world.lacks_threads = False
    assert await asked.urls() == ONE


async def test_an_interrupt_while_a_reading_begins(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next call begins one."""
    asked = asking(world, ONE)

    def interrupts() -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(asked.ports, "task", interrupts)
        with pytest.raises(KeyboardInterrupt):
            await asked.urls()
    assert await asked.urls() == ONE


async def test_what_must_be_awaited_is_no_list_in_a_blocking_client(world: World) -> None:
    """A plain function may return it in an async one."""
    asked = asking(world, ONE)
    asked.listing._read = asked.registry.answer
    if world.is_async:
        assert await asked.urls() == ONE
        return
    for read in (asked.registry.answer, Awaitable):
        asked.listing._read = read
        error = await asked.failure()
        assert "it returned what must be awaited: a blocking client needs a list" in str(error)
