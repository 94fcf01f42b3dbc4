"""What is kept is found, whose it is, and is gone after a write; in storages of every kind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from client.cache import MemoryStorage
from client.runtime.coroutines import run_to_end
from client.strategies.cache.fields import Fields
from client.strategies.cache.keeping import writes
from client.strategies.cache.keeping.keys import Keys
from client.strategies.cache.keeping.records import kept_under
from client.strategies.cache.keeping.variants import Index, variant_key
from client.strategies.cache.keeping.writes import Tombstone, mark_of
from tests.unit.strategies.cache.entries import an_entry
from tests.unit.strategies.cache.keeping.worlds import KINDS, Awaited, InThread, Plain, World

if TYPE_CHECKING:
    from client.strategies.cache.entry import Entry
    from client.strategies.cache.keeping.store import Place, Store

URL = "http://server.test/a?b=c"
ONE, TWO = Fields([("Accept", "1")]), Fields([("Accept", "2")])
VARY = ("accept",)

every_kind = pytest.mark.parametrize("kind", KINDS)
everybodys_or_not = pytest.mark.parametrize("partition", [None, "me"], ids=["everybody's", "mine"])


async def kept(store: Store, place: Place, request: Fields, entry: Entry) -> Entry:
    """Keep an answer, and return it."""
    assert await store.keep(place, request, entry, store.began())
    return entry


@every_kind
@everybodys_or_not
def test_what_is_kept_is_found_until_it_is_forgotten(
    world: World, kind: str, partition: str | None
) -> None:
    """By the same URL, however it is written, and not by another or for another method."""

    async def story() -> None:
        store = world.store(world.storage(kind))
        place = store.place(URL, partition)
        assert await store.find(place, ONE) is None
        entry = await kept(store, place, ONE, an_entry())
        assert await store.find(store.place("HTTP://Server.test:80/a?b=c", partition), TWO) == entry
        assert await store.find(store.place(URL + "d", partition), ONE) is None
        assert await store.find(store.place(URL, partition, "HEAD"), ONE) is None
        newer = await kept(store, place, ONE, an_entry(b"newer"))
        assert await store.find(place, ONE) == newer
        await store.forget("http://server.test:80/a?b=c")
        assert await store.find(place, ONE) is None
        await kept(store, place, ONE, entry)
        assert await store.find(place, ONE) == entry
        await store.close()

    world.tell(story)
    assert world.warnings == []


@every_kind
@everybodys_or_not
def test_variants_stand_side_by_side(world: World, kind: str, partition: str | None) -> None:
    """Each for requests that say the same in the fields that its `Vary` names."""

    async def story() -> None:
        store = world.store(world.storage(kind))
        place = store.place(URL, partition)
        plain = await kept(store, place, ONE, an_entry(b"plain"))
        one = await kept(store, place, ONE, an_entry(b"one", VARY))
        assert await store.find(place, ONE) == one
        two = await kept(store, place, TWO, an_entry(b"two", VARY))
        assert await store.find(place, ONE) == one
        assert await store.find(place, TWO) == two
        assert await store.find(place, Fields()) is None  # the plain one was before all that
        await kept(store, place, ONE, plain)
        assert await store.find(place, Fields()) == plain
        assert await store.find(place, ONE) == one
        for body in (b"newer", b"newest"):
            newer = await kept(store, place, ONE, an_entry(body, VARY))
            assert await store.find(place, ONE) == newer
        await store.forget(URL)
        for request in (ONE, TWO, Fields()):
            assert await store.find(place, request) is None
        await store.close()

    world.tell(story)
    assert world.warnings == []


@every_kind
def test_the_oldest_variants_are_given_up(world: World, kind: str) -> None:
    """They take no room any more."""

    async def story() -> None:
        storage = world.storage(kind)
        store = world.store(storage, max_variants=2)
        place = store.place(URL)
        requests = [Fields([("accept", str(number))]) for number in range(4)]
        for number, request in enumerate(requests):
            await kept(store, place, request, an_entry(str(number).encode(), VARY))
        found = [await store.find(place, request) for request in requests]
        assert [each and each.body for each in found] == [None, None, b"2", b"3"]
        count = len(storage.kept) if hasattr(storage, "kept") else len(storage)
        assert count == 3
        await store.close()

    world.tell(story)


@every_kind
def test_nobody_finds_what_is_anothers(world: World, kind: str) -> None:
    """Nor what is everybody's as his, or his as everybody's."""

    async def story() -> None:
        store = world.store(world.storage(kind))
        partitions = (None, "me", "you", "")
        for partition in partitions:
            text = str(partition).encode()
            await kept(store, store.place(URL, partition), ONE, an_entry(text))
        found = [await store.find(store.place(URL, each), ONE) for each in partitions]
        # What was everybody's before the first part gives way once.
        assert [each and each.body for each in found] == [None, b"me", b"you", b""]
        await kept(store, store.place(URL), ONE, an_entry(b"all"))
        found = [await store.find(store.place(URL, each), ONE) for each in partitions]
        assert [each and each.body for each in found] == [b"all", b"me", b"you", b""]
        await store.forget(URL)
        found = [await store.find(store.place(URL, each), ONE) for each in partitions]
        assert found == [None] * 4
        await kept(store, store.place(URL, "you"), ONE, an_entry(b"new"))
        found = [await store.find(store.place(URL, each), ONE) for each in partitions]
        assert [each and each.body for each in found] == [None, None, b"new", None]
        await store.close()

    world.tell(story)


@every_kind
def test_variants_that_are_everybodys_stay_beside_what_is_somebodys(
    world: World, kind: str
) -> None:
    """Those that were there before it, too."""

    async def story() -> None:
        store = world.store(world.storage(kind))
        one = await kept(store, store.place(URL), ONE, an_entry(b"one", VARY))
        mine = await kept(store, store.place(URL, "me"), ONE, an_entry(b"mine"))
        assert await store.find(store.place(URL), ONE) == one
        assert await store.find(store.place(URL, "me"), ONE) == mine
        await store.close()

    world.tell(story)


@every_kind
@everybodys_or_not
def test_what_was_asked_for_before_a_write_is_not_kept_after_it(
    world: World, kind: str, partition: str | None
) -> None:
    """By whichever client of the process; of another resource it is."""

    async def story() -> None:
        storage = world.storage(kind)
        store, other = world.store(storage), world.store(storage)
        place, elsewhere = (
            store.place(URL, partition),
            store.place("http://server.test/", partition),
        )
        began = store.began()
        await other.forget(URL)
        assert not await store.keep(place, ONE, an_entry(), began)
        assert await store.find(place, ONE) is None
        assert await store.keep(elsewhere, ONE, an_entry(), began)
        await kept(store, place, ONE, an_entry())
        await store.close()
        await other.close()

    world.tell(story)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_other_processes_that_write_are_heeded(world: World, kind: str) -> None:
    """By the mark that they leave, with the time of the wall clock."""

    async def story() -> None:
        storage = world.storage(kind)
        store = world.store(storage)
        place = store.place(URL)
        began = store.began()
        world.wall += 1.0
        theirs = Tombstone(b"another process!", world.wall)
        await store._guard.run(lambda access: access.set(mark_of(place.resource), theirs))
        assert not await store.keep(place, ONE, an_entry(), began)
        assert not await store.keep(place, ONE, an_entry(), store.began())  # the same moment
        world.wall += 0.1
        await kept(store, place, ONE, an_entry())
        await store.close()

    world.tell(story)


class Meddling(Plain):
    """Does something in between, once a key of a kind is set."""

    def __init__(self) -> None:
        super().__init__()
        self.meddle: Any = None

    def set(self, key: str, value: bytes) -> None:
        """Keep something, and do it."""
        super().set(key, value)
        if self.meddle is not None and key[0] in "rv":
            meddle, self.meddle = self.meddle, None
            meddle()


@pytest.mark.parametrize("vary", [(), VARY], ids=["plain", "vary"])
def test_a_write_between_the_look_and_the_keeping_is_seen_after_it(
    tmp_path: Any, vary: tuple[str, ...]
) -> None:
    """And what was kept is gone again."""
    world, storage = World("blocking", tmp_path), Meddling()
    mine, theirs = world.store(storage), world.store(storage)
    place = mine.place(URL)
    storage.meddle = lambda: run_to_end(theirs.forget(URL))
    assert not run_to_end(mine.keep(place, ONE, an_entry(vary=vary), mine.began()))
    assert run_to_end(mine.find(place, ONE)) is None
    assert [key for key in storage.kept if key[0] != "w"] == []


class MeddlingAtMarks(Plain):
    """Does something before the mark of a write is set."""

    meddle: Any = None

    def set(self, key: str, value: bytes) -> None:
        """Do it, and keep something."""
        if self.meddle is not None and key[0] == "w":
            meddle, self.meddle = self.meddle, None
            meddle()
        super().set(key, value)


def test_what_another_process_keeps_before_it_sees_the_mark_is_deleted(tmp_path: Any) -> None:
    """It has looked too early, and whoever writes looks once more."""
    world, storage, theirs = World("blocking", tmp_path), MeddlingAtMarks(), Plain()
    theirs.kept = storage.kept  # a process of its own counts by itself
    writing, reading = world.store(storage), world.store(theirs)
    place, began, kept_there = writing.place(URL), reading.began(), []
    storage.meddle = lambda: kept_there.append(
        run_to_end(reading.keep(place, ONE, an_entry(b"old"), began))
    )
    run_to_end(writing.forget(URL))
    assert kept_there == [True]
    assert run_to_end(reading.find(place, ONE)) is None


def test_an_index_that_a_write_has_deleted_is_not_put_back(tmp_path: Any) -> None:
    """Or all that is somebody's would be within reach again."""
    world, storage = World("blocking", tmp_path), Meddling()
    store = world.store(storage)
    mine, everybodys = store.place(URL, "me"), store.place(URL)
    run_to_end(kept(store, mine, ONE, an_entry(b"mine")))
    began = store.began()
    storage.meddle = lambda: run_to_end(store.forget(URL))
    assert not run_to_end(store.keep(everybodys, ONE, an_entry(b"all"), began))
    assert run_to_end(store.find(mine, ONE)) is None


def test_a_write_that_the_storage_did_not_hear_of_is_made_up_for(world: World) -> None:
    """Nothing of it is found meanwhile, nor when the storage is back."""

    async def story() -> None:
        storage = InThread()
        store = world.store(storage)
        place, other = store.place(URL), store.place("http://server.test/other")
        await kept(store, place, ONE, an_entry(b"old"))
        await kept(store, other, ONE, an_entry(b"other"))

        def failing(key: str) -> None:
            raise OSError(key)

        with patch.object(storage, "delete", failing):
            await store.forget(URL)
            for _ in range(2):
                assert await store.find(place, ONE) is None
            assert not await store.keep(place, ONE, an_entry(b"new"), store.began())
        world.time += 2.0
        assert await store.find(place, ONE) is None
        assert await store.find(other, ONE) is not None
        new = await kept(store, place, ONE, an_entry(b"new"))
        assert await store.find(place, ONE) == new
        await store.close()

    world.tell(story)


def test_who_keeps_something_next_makes_up_for_it_too(world: World) -> None:
    """What stood there goes first, and the new one with it."""

    async def story() -> None:
        storage = InThread()
        store = world.store(storage)
        place = store.place(URL)
        await kept(store, place, ONE, an_entry(b"one", VARY))
        await kept(store, place, TWO, an_entry(b"two", VARY))
        with patch.object(storage, "delete", None):
            await store.forget(URL)
        assert not await store.keep(place, ONE, an_entry(b"new", VARY), store.began())
        assert set(storage.kept) == {mark_of(place.resource)}
        new = await kept(store, place, ONE, an_entry(b"new", VARY))
        assert await store.find(place, ONE) == new
        assert await store.find(place, TWO) is None
        await store.close()

    world.tell(story)


def test_very_many_writes_that_the_storage_did_not_hear_of(world: World) -> None:
    """What was received before them is not found any more, whatever it is of."""

    async def story() -> None:
        storage = Plain()
        store = world.store(storage)
        place = store.place(URL)
        old = replace(an_entry(), received=world.wall)
        await kept(store, place, ONE, old)
        with patch.object(writes, "_MOST", 2), patch.object(storage, "delete", None):
            for number in range(3):
                await store.forget(f"http://server.test/{number}")
        world.time += 2.0
        assert await store.find(place, ONE) is None
        new = replace(old, received=world.wall + 0.1)
        await kept(store, place, ONE, new)
        assert await store.find(place, ONE) == new
        await store.close()

    world.tell(story)


def test_a_cancelled_write_forgets_all_the_same(tmp_path: Any) -> None:
    """At whichever turn of the loop it is cancelled."""
    for turns in range(1, 13):
        world, storage = World("asyncio", tmp_path), Awaited()

        async def story(
            turns: int = turns, world: World = world, storage: Awaited = storage
        ) -> None:
            store = world.store(storage)
            place = store.place(URL)
            await kept(store, place, ONE, an_entry(vary=VARY))
            await cancelled_after(turns, store.forget(URL))
            assert await store.find(place, ONE) is None
            await store.close()

        world.tell(story)


def test_a_cancelled_keeping_leaves_nothing_that_was_written_to_since(tmp_path: Any) -> None:
    """At whichever turn of the loop it is cancelled, and whenever the write comes."""
    for turns in range(1, 15):
        world, storage = World("asyncio", tmp_path), Awaited()

        async def story(
            turns: int = turns, world: World = world, storage: Awaited = storage
        ) -> None:
            store = world.store(storage)
            place = store.place(URL)
            await cancelled_after(
                turns, store.keep(place, ONE, an_entry(b"old"), store.began()), store.forget(URL)
            )
            assert await store.find(place, ONE) is None
            await store.close()

        world.tell(story)


async def cancelled_after(turns: int, work: Any, *beside: Any) -> None:
    """Begin works at once, and cancel the first after some turns of the loop."""
    task = asyncio.create_task(work)
    others = [asyncio.create_task(each) for each in beside]
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    for other in others:
        await other


def test_an_interrupted_keeping_is_not_trusted(tmp_path: Any) -> None:
    """Nobody has looked whether there was a write meanwhile."""
    world, storage = World("blocking", tmp_path), MemoryStorage()
    store = world.store(storage)
    place = store.place(URL)
    keep = storage.keep

    def interrupted(key: str, value: Any) -> None:
        keep(key, value)
        raise KeyboardInterrupt

    with patch.object(storage, "keep", interrupted), pytest.raises(KeyboardInterrupt):
        run_to_end(store.keep(place, ONE, an_entry(), store.began()))
    assert storage.find(place.resource) is not None
    assert run_to_end(store.find(place, ONE)) is None
    assert storage.find(place.resource) is None


def test_what_others_put_under_our_keys_is_no_answer(tmp_path: Any) -> None:
    """A mark where an answer should be, an answer where an index should be."""
    world, storage = World("blocking", tmp_path), Plain()
    store = world.store(storage)
    place, mine = store.place(URL), store.place(URL, "me")
    mark = Tombstone(b"another process!", 1.0).to_bytes()
    storage.kept[place.resource] = kept_under(place.resource, mark)
    assert run_to_end(store.find(place, ONE)) is None
    assert run_to_end(store.find(mine, ONE)) is None
    marked = mark_of(place.resource)
    storage.kept[marked] = kept_under(marked, an_entry().to_bytes())
    run_to_end(kept(store, place, ONE, an_entry()))
    assert run_to_end(store.find(place, ONE)) == an_entry()
    run_to_end(kept(store, place, ONE, an_entry(vary=VARY)))
    del storage.kept[variant_key(Keys(), place.resource, VARY, ONE)]
    assert run_to_end(store.find(place, ONE)) is None  # its index is all that there is
    assert isinstance(Index.from_payload(memoryview(b"\x00")), Index)


def test_a_url_that_is_none_has_a_place(world: World) -> None:
    """It is the server who has to say what is wrong with it."""

    async def story() -> None:
        store = world.store(world.storage("memory"))
        place = store.place("http://[broken")
        entry = await kept(store, place, ONE, an_entry())
        assert await store.find(place, ONE) == entry
        await store.forget("http://[broken")
        assert await store.find(place, ONE) is None

    world.tell(story)


def test_a_secret_is_what_processes_share(tmp_path: Any) -> None:
    """Two stores of one secret find what the other keeps; those of another do not."""
    world, storage = World("blocking", tmp_path), Plain()
    one, other = world.store(storage, secret=b"0" * 16), world.store(storage, secret="0" * 16)
    stranger = world.store(storage, secret=b"1" * 16)
    run_to_end(kept(one, one.place(URL, "me"), ONE, an_entry(vary=VARY)))
    assert run_to_end(other.find(other.place(URL, "me"), ONE)) is not None
    assert run_to_end(stranger.find(stranger.place(URL, "me"), ONE)) is None


def test_what_should_be_gone_is_not_looked_at(world: World) -> None:
    """A write was noted, and something kept what it made stale from being deleted."""

    async def story() -> None:
        store = world.store(MemoryStorage())
        place = store.place(URL, None)
        entry = await kept(store, place, ONE, an_entry())
        assert store.glance(place) == entry
        with (
            patch.object(MemoryStorage, "delete", side_effect=KeyboardInterrupt),
            pytest.raises(KeyboardInterrupt),
        ):
            await store.forget(URL)
        assert store.glance(place) is None
        assert await store.find(place, ONE) is None

    world.tell(story)
