"""What is remembered of writes."""

from __future__ import annotations

from client.strategies.cache.keeping.writes import Ledger
from tests.unit.threads import together


def test_what_was_asked_for_before_a_write_is_not_allowed_after_it() -> None:
    """What was asked for since is, and what is of another resource."""
    ledger = Ledger()
    before = ledger.began(1.0)
    assert ledger.allows("r1", before)
    ledger.note("r1", 1.0)
    assert not ledger.allows("r1", before)
    assert ledger.allows("r2", before)
    assert ledger.allows("r1", ledger.began(1.0))


def test_after_very_many_writes_nothing_from_before_them_is_allowed() -> None:
    """It is not known any more whether one was to that resource."""
    ledger = Ledger()
    ledger.note("r0", 1.0)
    before, since = ledger.began(1.0), None
    for number in range(1, 4098):
        ledger.note(f"r{number}", 1.0)
        since = since or ledger.began(1.0)
    assert not ledger.allows("another", before)
    assert since is not None
    assert ledger.allows("another", since)
    assert ledger.allows("r0", since)  # forgotten, and before that
    assert not ledger.allows("r2", since)


def test_a_write_is_settled_by_its_own_count() -> None:
    """One that came since is not."""
    ledger = Ledger()
    first = ledger.note("r1", 1.0)
    second = ledger.note("r1", 1.0)
    ledger.settle("r1", first)
    assert set(ledger.undone) == {"r1"}
    ledger.settle("r1", second)
    ledger.settle("r1", second)
    assert set(ledger.undone) == set()


def test_what_too_many_writes_left_undone_is_not_trusted() -> None:
    """Whatever was received until then may be one of it."""
    ledger = Ledger()
    assert ledger.distrusted < 0
    for number in range(4097):
        ledger.note(f"r{number}", 100.0 - number % 2)
    assert len(ledger.undone) == 4096
    assert ledger.distrusted == 100.0
    ledger.note("another", 50.0)
    assert ledger.distrusted == 100.0


def test_threads_count_together() -> None:
    """No write is lost."""
    ledger = Ledger()

    def write() -> None:
        for number in range(50):
            ledger.settle(f"r{number}", ledger.note(f"r{number}", 1.0))

    together(write)
    assert ledger.began(1.0).writes == 16 * 50
