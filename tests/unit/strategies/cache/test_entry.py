"""Answers as values and as bytes, and header fields to be looked up."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.cache.entry import Entry
from client.strategies.cache.fields import Fields
from client.strategies.cache.keeping.records import ENTRY, INDEX, opened, sealed
from tests.unit.strategies.cache.entries import ENTRIES, an_entry

DAMAGED = "damaged"


@given(ENTRIES)
def test_an_entry_survives_as_bytes(entry: Entry) -> None:
    """Each of its parts does, empty or not."""
    again = Entry.from_bytes(entry.to_bytes())
    assert again == entry
    assert again.fields == entry.fields


@given(ENTRIES, st.data())
def test_what_is_damaged_is_no_entry(entry: Entry, data: st.DataObject) -> None:
    """One byte that differs, or an end that is missing, is noticed."""
    record = entry.to_bytes()
    place = data.draw(st.integers(0, len(record) - 1))
    changed = record[:place] + bytes([record[place] ^ 0x40]) + record[place + 1 :]
    for wrong in (changed, record[:place], record + b"x"):
        with pytest.raises(ValueError, match=DAMAGED):
            Entry.from_bytes(wrong)


@given(st.binary(max_size=300))
def test_a_payload_of_anything_is_refused_in_one_way(payload: bytes) -> None:
    """Whoever writes to a storage may know the checksum, too."""
    record = sealed(ENTRY, payload)
    try:
        entry = Entry.from_bytes(record)
    except ValueError:
        return
    assert entry.to_bytes() == record


@given(ENTRIES, st.data())
def test_lengths_that_are_wrong_are_refused(entry: Entry, data: st.DataObject) -> None:
    """Whatever stands in the fixed part."""
    payload = bytes(opened(entry.to_bytes())[1])
    place = data.draw(st.integers(0, 49))
    changed = payload[:place] + data.draw(st.binary(min_size=1, max_size=1)) + payload[place + 1 :]
    record = sealed(ENTRY, changed)
    try:
        entry = Entry.from_bytes(record)
    except ValueError:
        return
    assert Entry.from_bytes(entry.to_bytes()) == entry


@pytest.mark.parametrize("name", ["requested", "received"])
def test_a_moment_that_is_no_number_is_refused(name: str) -> None:
    """Nothing could be compared with it."""
    wrong: dict[str, Any] = {name: float("nan")}
    entry = replace(an_entry(), **wrong)
    with pytest.raises(ValueError, match=DAMAGED):
        Entry.from_bytes(entry.to_bytes())


def test_a_record_of_another_kind_is_no_entry() -> None:
    """An index, say, whose checksum is right."""
    with pytest.raises(ValueError, match=DAMAGED):
        Entry.from_bytes(sealed(INDEX, bytes(opened(an_entry().to_bytes())[1])))


def test_what_does_not_fit_into_a_record_is_refused() -> None:
    """Rather than cut off."""
    fields = ((b"a", b"b"),) * 0x10000
    with pytest.raises(ValueError, match="too long"):
        replace(an_entry(), headers=fields).to_bytes()


@pytest.mark.parametrize(("fields", "length"), [(0, 0), (10, 0), (10, 5_000), (40, 200)])
def test_the_footprint_is_about_what_python_needs(fields: int, length: int) -> None:
    """Neither half of it nor twice as much: a storage in memory counts by it."""
    many = 200

    def make(number: int) -> Entry:
        text = b"%06d" % number
        headers = tuple((b"x-name-%d-" % each + text, text * 3) for each in range(fields))
        return Entry(status=200, headers=headers, body=text * (length // 6), received=number * 1.5)

    make(0)
    gc.collect()
    tracemalloc.start()
    try:
        kept = [make(number) for number in range(many)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    counted = sum(each.footprint for each in kept)
    assert 0.5 < counted / taken < 2


def test_fields_are_looked_up_by_lower_case_names() -> None:
    """Lines stay apart, and can be had as one."""
    fields = Fields(
        [(b"Vary", b"Accept"), ("X-One", "1"), (b"vary", b"Cookie"), (b"x-\xe9", b"\xff")]
    )
    assert fields.get("vary") == "Accept, Cookie"
    assert fields.lines("vary") == ("Accept", "Cookie")
    assert fields.get("x-one") == "1"
    assert fields.get("x-\xe9") == "\xff"
    assert (fields.get("absent"), fields.lines("absent")) == (None, ())
    assert ("vary" in fields, "absent" in fields) == (True, False)
    assert list(fields) == ["vary", "x-one", "x-\xe9"]
    assert len(fields) == 3


def test_fields_are_equal_by_what_they_say() -> None:
    """And so are their hashes; nothing else is equal to them."""
    one, two = Fields([(b"A", b"1"), (b"b", b"2")]), Fields([("b", "2"), ("a", "1")])
    assert one == two
    assert hash(one) == hash(two)
    assert one != Fields([("a", "1")])
    assert one != "a"


def test_fields_show_no_value() -> None:
    """It may be a credential."""
    assert repr(Fields([("authorization", "secret"), ("a", "b")])) == "Fields(authorization, a)"
