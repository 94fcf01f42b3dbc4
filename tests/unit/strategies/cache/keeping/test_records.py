"""Indexes and marks as bytes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.cache.fields import Fields
from client.strategies.cache.keeping.keys import PROCESS, Keys
from client.strategies.cache.keeping.records import INDEX, TOMBSTONE, opened, sealed
from client.strategies.cache.keeping.variants import Index, Variant, variant_key
from client.strategies.cache.keeping.writes import Began, Tombstone, mark_of

NAMES = st.lists(st.text("abc-", min_size=1, max_size=5), max_size=3).map(tuple)
VARIANTS = st.builds(Variant, st.text("v0123456789abcdef", max_size=41), NAMES)
INDEXES = st.builds(Index, st.lists(VARIANTS, max_size=4).map(tuple), st.binary(max_size=8))


@given(INDEXES)
def test_an_index_survives_as_bytes(index: Index) -> None:
    """All of it."""
    kind, payload = opened(index.to_bytes())
    assert (kind, Index.from_payload(payload)) == (INDEX, index)


@given(st.binary(max_size=60))
def test_a_payload_of_anything_is_an_index_or_refused(payload: bytes) -> None:
    """There is no third."""
    try:
        index = Index.from_payload(memoryview(payload))
    except ValueError:
        return
    assert bytes(opened(index.to_bytes())[1]) == payload


def test_an_index_that_is_cut_off_is_refused() -> None:
    """Wherever it is."""
    index = Index((Variant("v1", ("a",)), Variant("v2", ())), b"12345678")
    payload = bytes(opened(index.to_bytes())[1])
    whole = {len(payload), 9, len(payload) - 6}  # one variant less is an index, too
    for length in range(len(payload)):
        if length not in whole:
            with pytest.raises(ValueError, match="damaged"):
                Index.from_payload(memoryview(payload[:length]))


def test_names_that_do_not_fit_into_a_record_are_refused() -> None:
    """Rather than cut off."""
    with pytest.raises(ValueError, match="too long"):
        Index((Variant("v", ("a" * 0x10000,)),)).to_bytes()


def test_the_oldest_variants_are_given_up() -> None:
    """One that is kept anew is the newest."""
    first, second, third = (Variant(f"v{number}", ("a",)) for number in range(3))
    index, dropped = Index((first, second), b"g").with_one(first, 2)
    assert (index, dropped) == (Index((second, first), b"g"), ())
    index, dropped = index.with_one(third, 2)
    assert (index, dropped) == (Index((first, third), b"g"), (second,))


def test_the_newest_that_matches_is_the_best_and_one_without_names_the_last() -> None:
    """A field that is absent matches an absent one only."""
    keys, request = Keys(), Fields([("a", "1")])

    def variant(*names: str, of: Fields = request) -> Variant:
        return Variant(variant_key(keys, "r", names, of), names)

    plain, old, new = variant(), variant("a"), variant("a", "b")
    others = variant("a", of=Fields([("a", "2")])), variant("b", of=Fields([("b", "")]))
    index = Index((old, new, *others, plain))
    assert list(index.matching(keys, "r", request)) == [new, old, plain]
    assert list(index.matching(keys, "r", Fields([("a", "2")]))) == [others[0], plain]
    assert index.footprint > Index().footprint > 0


def test_a_mark_survives_as_bytes() -> None:
    """And a damaged one is refused."""
    mark = Tombstone(PROCESS, 12.5)
    kind, payload = opened(mark.to_bytes())
    assert (kind, Tombstone.from_payload(payload)) == (TOMBSTONE, mark)
    assert mark.footprint > 0
    with pytest.raises(ValueError, match="damaged"):
        Tombstone.from_payload(payload[:-1])
    with pytest.raises(ValueError, match="at no time"):
        Tombstone.from_payload(opened(Tombstone(PROCESS, math.nan).to_bytes())[1])


def test_a_mark_speaks_of_what_was_asked_for_before_it() -> None:
    """At the same moment it does only where another process wrote: this one has counted."""
    mine, theirs = Tombstone(PROCESS, 5.0), Tombstone(b"another process!", 5.0)
    assert [mine.precedes(Began(0, moment)) for moment in (4.9, 5.0, 5.1)] == [False, True, True]
    assert [theirs.precedes(Began(0, moment)) for moment in (4.9, 5.0, 5.1)] == [False, False, True]


def test_resources_share_few_marks() -> None:
    """So that they take no room."""
    keys = Keys()
    marks = {mark_of(keys.resource("GET", f"http://a/{number}")) for number in range(5_000)}
    assert len(marks) == 256


@pytest.mark.parametrize(
    "record", [b"", b"RHC\x01", sealed(INDEX, b"")[:-1], b"RHC\x02" + bytes(9)]
)
def test_what_is_no_record_is_refused(record: bytes) -> None:
    """Too short, or of a version to come."""
    with pytest.raises(ValueError, match="not a record"):
        opened(record)
