"""The bounded store behind the ledger, against a model that forgets nothing it should keep."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from server.stores.ledger import Ledger, LedgerEntry
from server.stores.ledger_store import TRACE_LENGTH, Arrival, LedgerStore


def numbered() -> Iterator[str]:
    """Message ids that tell which came first."""
    return (f"message-{n}" for n in count(1))


@pytest.fixture
def store() -> LedgerStore:
    """An empty store with room for two request ids."""
    return LedgerStore(capacity=2, new_message_id=numbered().__next__)


def entry_of(store: LedgerStore, request_id: str) -> LedgerEntry:
    """The entry of a request id that is known."""
    entry = store.find(request_id)
    assert entry is not None
    return entry


def test_a_repeated_call_takes_effect_once(store: LedgerStore) -> None:
    """Its second arrival gets the message of the first."""
    first, second = store.arrive("a", "POST"), store.arrive("a", "POST")
    assert [first.ordinal, second.ordinal] == [1, 2]
    assert [store.perform(first), store.perform(second)] == ["message-1"] * 2
    assert (entry_of(store, "a").arrived, entry_of(store, "a").took_effect) == (2, 1)


def test_without_deduplication_a_repeated_call_is_doubled(store: LedgerStore) -> None:
    """The ledger shows it, and the newest message is the one that is remembered."""
    arrivals = [store.arrive("a", "POST") for _ in range(3)]
    messages = [store.perform(arrival, dedupe=False) for arrival in arrivals[:2]]
    assert messages == ["message-1", "message-2"]
    assert store.perform(arrivals[2]) == "message-2"
    assert store.snapshot().doubled() == ("a",)


def test_an_entry_tells_the_whole_story(store: LedgerStore) -> None:
    """Methods and bodies once each, statuses in the order they were given."""
    for method, body, status in (("POST", "x", 500), ("POST", "x", 503), ("PUT", "y", 200)):
        arrival = store.arrive("a", method)
        store.receive(arrival, body)
        store.answer(arrival, status)
    store.abandon(store.arrive("a", "PUT"))
    store.perform(arrival)
    assert store.snapshot().requests == {
        "a": LedgerEntry(
            request_id="a",
            message_id="message-1",
            arrived=4,
            took_effect=1,
            abandoned=1,
            methods=("POST", "PUT"),
            statuses=(500, 503, 200),
            bodies=("x", "y"),
            truncated=False,
        )
    }


@pytest.mark.parametrize("trace", ["methods", "statuses", "bodies"])
def test_an_entry_is_bounded(store: LedgerStore, trace: str) -> None:
    """What has no room is left out, and the entry says so."""
    for n in range(TRACE_LENGTH + 1):
        assert not (known := store.find("a")) or not known.truncated
        arrival = store.arrive("a", f"METHOD-{n if trace == 'methods' else 0}")
        store.receive(arrival, f"body-{n if trace == 'bodies' else 0}")
        if trace == "statuses":
            store.answer(arrival, 300 + n)
    entry = entry_of(store, "a")
    assert entry.truncated
    assert len(getattr(entry, trace)) == TRACE_LENGTH


def test_the_id_unseen_for_longest_is_evicted(store: LedgerStore) -> None:
    """With its message: should it return, it is a new call, and the totals have kept count."""
    for request_id in ("a", "b", "a", "c"):
        store.perform(store.arrive(request_id, "GET"))
    assert list(store.snapshot().requests) == ["a", "c"]
    assert store.find("b") is None
    assert store.perform(store.arrive("b", "GET")) == "message-4"
    ledger = store.snapshot()
    assert (ledger.arrived, ledger.took_effect, ledger.evicted) == (5, 4, 2)


def test_an_evicted_id_is_not_brought_back_by_its_straggler(store: LedgerStore) -> None:
    """Its late effect shows in the totals only."""
    straggler = store.arrive("a", "POST")
    for request_id in ("b", "c"):
        store.arrive(request_id, "GET")
    store.receive(straggler, "x")
    store.perform(straggler)
    store.answer(straggler, 200)
    store.abandon(straggler)
    ledger = store.snapshot()
    assert list(ledger.requests) == ["b", "c"]
    assert ledger.took_effect == 1


def test_what_was_in_flight_when_it_was_cleared_is_not_recorded(store: LedgerStore) -> None:
    """Not even if the same id has arrived again since: one test's calls never show in the next."""
    straggler = store.arrive("a", "POST")
    store.clear()
    assert store.snapshot() == Ledger(requests={}, arrived=0, took_effect=0, evicted=0)
    store.arrive("a", "POST")
    store.receive(straggler, "x")
    store.perform(straggler)
    store.answer(straggler, 200)
    store.abandon(straggler)
    entry = entry_of(store, "a")
    assert (entry.arrived, entry.took_effect, entry.abandoned) == (1, 0, 0)
    assert (entry.statuses, entry.bodies) == ((), ())
    assert (store.snapshot().arrived, store.snapshot().took_effect) == (1, 0)


def test_clearing_forgets_the_messages_too(store: LedgerStore) -> None:
    """An id used again after it is a new call with an effect of its own."""
    store.perform(store.arrive("a", "POST"))
    store.clear()
    assert store.perform(store.arrive("a", "POST")) == "message-2"
    assert entry_of(store, "a").took_effect == 1


def test_threads_do_not_race() -> None:
    """However many arrive at once, one takes effect and every arrival is counted."""
    store = LedgerStore(capacity=10)

    def call(_: int) -> str:
        return store.perform(store.arrive("a", "POST"))

    with ThreadPoolExecutor(8) as threads:
        messages = set(threads.map(call, range(2_000)))
    assert len(messages) == 1
    assert (entry_of(store, "a").arrived, entry_of(store, "a").took_effect) == (2_000, 1)


CAPACITY = 3


class StoreAgainstModel(RuleBasedStateMachine):
    """Random histories, with a model of plain lists: (id, arrived, took effect), oldest first."""

    arrivals = Bundle[Arrival]("arrivals")

    def __init__(self) -> None:
        super().__init__()
        self.store = LedgerStore(capacity=CAPACITY)
        self.model: list[list[int | str]] = []
        self.totals = {"arrived": 0, "took_effect": 0, "evicted": 0}
        self.cleared = 0

    def known(self, request_id: str) -> list[int | str] | None:
        """The model's row of a request id."""
        return next((row for row in self.model if row[0] == request_id), None)

    @rule(target=arrivals, request_id=st.sampled_from("abcde"))
    def arrive(self, request_id: str) -> Arrival:
        """A call comes in; the oldest id may have to go."""
        row = self.known(request_id) or [request_id, 0, 0]
        row[1] = int(row[1]) + 1
        self.model = [*(other for other in self.model if other is not row), row]
        self.totals["arrived"] += 1
        if len(self.model) > CAPACITY:
            self.model.pop(0)
            self.totals["evicted"] += 1
        return self.store.arrive(request_id, "POST")

    @rule(arrival=arrivals, dedupe=st.booleans())
    def perform(self, arrival: Arrival, *, dedupe: bool) -> None:
        """A call takes effect, if it is not a repeated one."""
        self.store.perform(arrival, dedupe=dedupe)
        if arrival.generation != self.cleared:
            return
        row = self.known(arrival.request_id)
        if row is None or not dedupe or not row[2]:
            self.totals["took_effect"] += 1
            if row:
                row[2] = int(row[2]) + 1

    @rule()
    def clear(self) -> None:
        """All is forgotten."""
        self.store.clear()
        self.model = []
        self.totals = dict.fromkeys(self.totals, 0)
        self.cleared += 1

    @invariant()
    def agrees(self) -> None:
        """The ledger says what the model says, in the same order."""
        ledger = self.store.snapshot()
        assert [[e.request_id, e.arrived, e.took_effect] for e in ledger.requests.values()] == (
            self.model
        )
        assert {name: getattr(ledger, name) for name in self.totals} == self.totals


TestStoreAgainstModel = StoreAgainstModel.TestCase
