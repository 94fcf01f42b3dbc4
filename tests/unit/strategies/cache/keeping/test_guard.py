"""A storage that raises, is slow, hangs, or says nonsense: as if nothing were kept."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import anyio
import pytest

from client.cache import MemoryStorage
from client.runtime.coroutines import run_to_end
from client.strategies.cache.keeping import guard as module
from client.strategies.cache.keeping.records import kept_under
from client.strategies.cache.keeping.writes import Tombstone
from tests.eventually import eventually
from tests.unit.strategies.cache.entries import an_entry
from tests.unit.strategies.cache.keeping.worlds import KINDS, Awaited, InThread, Plain, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.strategies.cache.keeping.access import Access, Kept

SHORT = 0.01
KEPT = kept_under("a", an_entry().to_bytes())
"""Seconds; a storage that hangs is given no more."""


async def read(access: Access) -> Kept | str:
    """Return what stands under a key, or that there is nothing."""
    return await access.get("a") or "nothing"


async def write(access: Access) -> bool:
    """Keep something, and something else no longer."""
    await access.set("a", an_entry())
    await access.delete("b")
    return True


def alive(storage: InThread) -> int:
    """Return how many of the threads that have called a storage there are yet."""
    return sum(each.ident in storage.threads for each in threading.enumerate())


@pytest.mark.parametrize("kind", KINDS)
def test_a_storage_of_any_kind_keeps_and_gives(world: World, kind: str) -> None:
    """What it gives is what it was given."""

    async def story() -> None:
        storage = world.storage(kind)
        guard = world.guard(storage)
        assert await guard.run(read) == "nothing"
        assert await guard.run(write)
        assert await guard.run(read) == an_entry()
        await guard.close()

    world.tell(story)
    assert world.warnings == []


def test_a_storage_that_may_block_is_called_in_threads(world: World) -> None:
    """And one that says that it does not, where the call is made."""

    async def story() -> None:
        blocking, plain = InThread(), Plain()
        for storage in (blocking, plain):
            guard = world.guard(storage)
            await guard.run(read)
            await guard.close()
        assert threading.get_ident() not in blocking.threads
        assert plain.threads == {threading.get_ident()}

    world.tell(story)


def test_the_one_in_memory_gives_bytes_that_it_was_given_as_what_they_mean(world: World) -> None:
    """Somebody may have filled it by its public methods."""

    async def story() -> None:
        storage = MemoryStorage()
        guard = world.guard(storage)
        storage.set("a", KEPT)
        assert await guard.run(read) == an_entry()
        storage.set("a", b"nonsense")
        assert await guard.run(read) == "nothing"

    world.tell(story)
    assert len(world.warnings) == 1


class Failing(InThread):
    """Raises what it is told to."""

    error: BaseException | None = ConnectionError("redis://user:password@server")

    def get(self, key: str) -> Any:
        """Raise it, or do what it is there for."""
        if self.error is not None:
            raise self.error
        return super().get(key)


class FailingPlain(Failing):
    """Raises it where the call is made."""

    is_blocking = False


class FailingAsync(Awaited):
    """Raises it when it is awaited."""

    error: BaseException | None = Failing.error

    async def get(self, key: str) -> Any:
        """Raise it, or do what it is there for."""
        if self.error is not None:
            raise self.error
        return await super().get(key)


def failing(world: World, *, is_awaited: bool = False, is_blocking: bool = True) -> Any:
    """Return a storage that fails."""
    if is_awaited and world.is_async:
        return FailingAsync()
    return Failing() if is_blocking else FailingPlain()


every_kind = pytest.mark.parametrize(
    "options", [{}, {"is_blocking": False}, {"is_awaited": True}], ids=["thread", "plain", "async"]
)


@every_kind
def test_what_a_storage_raises_is_as_if_nothing_were_kept(
    world: World, options: dict[str, bool]
) -> None:
    """It is told once a minute, by its kind alone: the text may hold a password."""

    async def story() -> None:
        storage = failing(world, **options)
        guard = world.guard(storage)
        for _ in range(2):
            assert await guard.run(read) is None
        name = type(storage).__name__
        said = f"the cache goes on as if its {name} were empty: ConnectionError"
        assert world.warnings == [said]
        world.time += 59.9
        assert await guard.run(read) is None
        assert world.warnings == [said]
        world.time += 10.2
        assert await guard.run(read) is None
        assert world.warnings == [said] * 2

    world.tell(story)


def test_what_sqlite_says_is_told(world: World) -> None:
    """As that the disk is full, which whoever reads it can do something about."""

    async def story() -> None:
        storage = Failing()
        storage.error = sqlite3.OperationalError("database or disk is full")
        assert await world.guard(storage).run(read) is None

    world.tell(story)
    assert world.warnings[0].endswith("OperationalError: database or disk is full")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()], ids=["interrupt", "exit"])
def test_an_interrupt_in_a_thread_of_its_own_is_a_failure_like_others(
    world: World, error: BaseException
) -> None:
    """It is nobody's who waits for it."""

    async def story() -> None:
        storage = Failing()
        storage.error = error
        assert await world.guard(storage).run(read) is None

    world.tell(story)
    assert len(world.warnings) == 1


@every_kind
def test_one_that_fails_again_and_again_is_left_alone_for_a_second(
    world: World, options: dict[str, bool]
) -> None:
    """Then one call tries, and when that succeeds it is in use again."""
    asked: list[float] = []

    async def ask(access: Access) -> Any:
        asked.append(world.time)
        return await read(access)

    async def story() -> None:
        storage = failing(world, **options)
        guard = world.guard(storage)
        for _ in range(5):
            assert await guard.run(ask) is None
        assert len(asked) == 3
        world.time += 1.0
        for _ in range(3):
            assert await guard.run(ask) is None
        assert len(asked) == 4
        world.time += 1.0
        storage.error = None
        for _ in range(3):
            assert await guard.run(ask) == "nothing"
        storage.error = Failing.error
        assert await guard.run(ask) is None
        assert len(asked) == 8
        storage.error = None
        assert await guard.run(ask) == "nothing"

    world.tell(story)


class Hanging(InThread):
    """Hangs until it is freed."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.hanging = 0

    def get(self, key: str) -> Any:
        """Hang."""
        self.threads.add(threading.get_ident())
        self.hanging += 1
        self.gate.wait()
        return super().get(key)


def test_one_that_hangs_keeps_few_threads_and_no_call(world: World) -> None:
    """What it brings late is dropped, and once it is freed it is in use again."""
    storage = Hanging()

    async def story() -> None:
        storage.kept["a"] = KEPT
        guard, patient = world.guard(storage, SHORT), world.guard(storage)
        after = 0
        while after < 5:  # a thread that begins late finds nothing to do
            after += storage.hanging == 4
            assert await guard.run(read) is None
            world.time += 2.0
        assert alive(storage) == storage.hanging == 4
        storage.gate.set()
        assert await patient.run(read) == an_entry()
        assert storage.hanging == 5  # what was given up while it waited is not done
        await guard.close()
        await patient.close()

    world.tell(story)
    eventually(lambda: alive(storage) == 0)
    assert world.warnings == ["the cache goes on as if its Hanging were empty: it took too long"]


class HangingAsync(Awaited):
    """Never answers."""

    async def get(self, key: str) -> Any:
        """Hang."""
        await anyio.sleep_forever()


def test_an_async_one_that_hangs_keeps_no_call(tmp_path: Any) -> None:
    """It is cancelled."""
    for name in ("asyncio", "trio"):
        world = World(name, tmp_path)

        async def story(world: World = world) -> None:
            assert await world.guard(HangingAsync(), SHORT).run(read) is None

        world.tell(story)
        assert len(world.warnings) == 1


class Odd(InThread):
    """Returns what is none of a storage's."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        super().__init__()
        self.answer = answer

    def get(self, key: str) -> Any:
        """Return it."""
        return self.answer()


async def something() -> bytes:
    """Return something, if it were awaited."""
    return b"something"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: 7, "TypeError"),
        (lambda: "text", "TypeError"),
        (something, "TypeError"),
        (threading.Event, "TypeError"),
        (lambda: b"nonsense", "something that it keeps is damaged"),
        (lambda: KEPT[:-1], "something that it keeps is damaged"),
        (lambda: b"", "something that it keeps is damaged"),
        (lambda: kept_under("b", an_entry().to_bytes()), "something that it keeps is damaged"),
    ],
    ids=["number", "text", "coroutine", "object", "nonsense", "cut", "empty", "another's"],
)
def test_what_is_none_of_a_storages_is_as_if_nothing_were_kept(
    world: World, answer: Callable[[], Any], said: str
) -> None:
    """Of a wrong kind, or damaged."""

    async def story() -> None:
        guard = world.guard(Odd(answer))
        assert await guard.run(read) in {None, "nothing"}

    world.tell(story)
    gc.collect()  # a coroutine that was never awaited would complain
    assert [warning.rpartition(": ")[2] for warning in world.warnings] == [said]


def test_a_plain_method_that_returns_a_future_is_refused() -> None:
    """It cannot be awaited in a thread, nor closed as a coroutine can."""
    world_of_story: list[str] = []

    async def story() -> None:
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        world = World("asyncio", None)  # type: ignore[arg-type] # no file is made
        assert await world.guard(Odd(lambda: future)).run(read) is None
        world_of_story.extend(world.warnings)

    asyncio.run(story())
    assert world_of_story[0].endswith("TypeError")


class Mixed(Awaited):
    """Has plain methods beside async ones, and other bytes than `bytes`."""

    def get(self, key: str) -> Any:
        """Return something at once."""
        return bytearray(KEPT)

    def close(self) -> None:  # type: ignore[override] # likewise
        """Count it."""
        self.closed += 1


def test_async_and_plain_methods_may_stand_side_by_side(tmp_path: Any) -> None:
    """Each is called as what it is."""
    world, storage = World("asyncio", tmp_path), Mixed()

    async def story() -> None:
        guard = world.guard(storage)
        assert await guard.run(read) == an_entry()
        assert await guard.run(write)
        await guard.close()

    world.tell(story)
    assert storage.closed == 1
    assert world.warnings == []


def test_an_async_storage_is_refused_where_nothing_can_be_awaited(tmp_path: Any) -> None:
    """At once, and not at the first call."""
    with pytest.raises(TypeError, match="Awaited has async methods, and this client blocks"):
        World("blocking", tmp_path).guard(Awaited())


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        (7, "storage is int and has no get, set, delete, close"),
        ({}, "storage is dict and has no set, delete, close"),
        (MemoryStorage, "storage is the class <class '.*MemoryStorage'>: give one that is made"),
    ],
    ids=["number", "dict", "class"],
)
def test_what_is_no_storage_is_refused(world: World, storage: object, said: str) -> None:
    """And the error says what is missing."""
    with pytest.raises(TypeError, match=said):
        world.guard(storage)


@pytest.mark.parametrize("kind", KINDS[2:])
def test_a_storage_is_closed_with_the_last_client_that_uses_it(world: World, kind: str) -> None:
    """Once, however often they are closed; and with the last one again that uses it later."""

    async def story() -> None:
        storage = world.storage(kind)
        one, other = world.guard(storage), world.guard(storage)
        await one.close()
        await one.close()
        assert storage.closed == 0
        await other.close()
        assert storage.closed == 1
        later = world.guard(storage)
        assert await later.run(write)
        await later.close()
        assert storage.closed == 2

    world.tell(story)


def test_a_client_that_is_gone_uses_nothing(world: World) -> None:
    """Also where nobody has closed it."""

    async def story() -> None:
        storage = world.storage("thread")
        world.guard(storage)
        gc.collect()
        await world.guard(storage).close()
        assert storage.closed == 1

    world.tell(story)


class Stubborn(InThread):
    """Cannot be closed."""

    def __init__(self, gate: threading.Event | None) -> None:
        super().__init__()
        self.gate = gate

    def close(self) -> None:
        """Hang, or raise."""
        if self.gate is None:
            raise ValueError("a secret")
        self.gate.wait()


def test_a_storage_that_cannot_be_closed_keeps_no_client_from_it(world: World) -> None:
    """It is told, and that is all."""
    gate = threading.Event()

    async def story() -> None:
        with patch.object(module, "_CLOSE_SECONDS", SHORT):
            await world.guard(Stubborn(gate)).close()
            await world.guard(Stubborn(None)).close()

    world.tell(story)
    gate.set()
    assert [warning.rpartition("empty: ")[2] for warning in world.warnings] == [
        "closing it failed: it took too long",
        "closing it failed: ValueError",
    ]


def test_a_cancelled_call_leaves_nothing_waiting(tmp_path: Any) -> None:
    """What it has asked for and has not begun is not done."""
    world, storage = World("asyncio", tmp_path), Hanging()

    async def story() -> None:
        guard = world.guard(storage)
        tasks = [asyncio.create_task(guard.run(read)) for _ in range(6)]
        await asyncio.sleep(0)  # they come as far as their wait
        await asyncio.to_thread(eventually, lambda: storage.hanging == 4)
        for task in tasks:
            task.cancel()
        assert [type(each) for each in await asyncio.gather(*tasks, return_exceptions=True)] == [
            asyncio.CancelledError
        ] * 6
        storage.gate.set()
        assert await guard.run(read) == "nothing"
        assert storage.hanging == 5
        await guard.close()

    world.tell(story)
    assert world.warnings == []


def test_an_interrupt_passes_and_leaves_nothing_waiting(tmp_path: Any) -> None:
    """As Ctrl-C, in the thread that waits."""
    world, storage = World("blocking", tmp_path), Hanging()
    guard = world.guard(storage)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with (
        patch("client.ports.blocking_ports.BlockingBell.wait", interrupted),
        pytest.raises(KeyboardInterrupt),
    ):
        run_to_end(guard.run(read))
    storage.gate.set()
    assert run_to_end(guard.run(read)) == "nothing"
    run_to_end(guard.close())
    assert world.warnings == []


def test_a_late_answer_finds_no_loop(tmp_path: Any) -> None:
    """Nobody is there who could be woken, and nothing is raised in the thread."""
    for name in ("asyncio", "trio"):
        world, storage = World(name, tmp_path), Hanging()

        async def story(world: World = world, storage: Hanging = storage) -> None:
            assert await world.guard(storage, SHORT).run(read) is None

        world.tell(story)
        storage.gate.set()
        eventually(lambda storage=storage: storage.threads)  # type: ignore[misc] # mypy sees no default


def test_threads_write_to_one_in_memory_one_after_the_other(tmp_path: Any) -> None:
    """What reads, changes and writes is not disturbed in between."""
    world, storage = World("blocking", tmp_path), MemoryStorage()
    storage.keep("a", Tombstone(b"", 0.0))

    async def add(access: Access) -> bool:
        before: Any = await access.get("a")
        time.sleep(0)  # noqa: ASYNC251 - a chance for other threads
        await access.set("a", Tombstone(b"", before.moment + 1))
        return True

    def use() -> None:
        guard = world.guard(storage)
        for _ in range(20):
            run_to_end(guard.run(add))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = storage.find("a")
    assert isinstance(kept, Tombstone)
    assert kept.moment == 160.0
