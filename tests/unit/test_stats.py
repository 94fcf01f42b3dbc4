"""The counters and their snapshots."""

import dataclasses
import json
import pickle

import pytest

from client.exceptions import NotFoundError
from client.stats import ClientStats, Tally
from tests.unit.calls import server_error
from tests.unit.threads import together


def snapshot_of(tally: Tally) -> ClientStats:
    """A snapshot where nothing else stands."""
    return tally.snapshot(slots_in_use=0, slots_waiting=0, circuits={})


def test_a_fresh_tally_is_empty() -> None:
    """Nothing has happened."""
    assert snapshot_of(Tally()) == ClientStats(
        operations=0,
        attempts=0,
        retries=0,
        failures={},
        slots_in_use=0,
        slots_waiting=0,
        circuits={},
    )


def test_operations_attempts_and_failures_are_counted() -> None:
    """An attempt that is not the first is a retry; one that was turned away made none."""
    tally = Tally()
    tally.count(1, None)
    tally.count(3, server_error())
    tally.count(3, server_error())
    tally.count(0, NotFoundError())
    found = snapshot_of(tally)
    assert (found.operations, found.attempts, found.retries) == (4, 7, 4)
    assert found.failures == {"ServerError": 2, "NotFoundError": 1}


def test_a_cancellation_is_counted_by_its_name() -> None:
    """It is an ending like any other."""
    tally = Tally()
    tally.count(1, KeyboardInterrupt())
    assert snapshot_of(tally).failures == {"KeyboardInterrupt": 1}


def test_what_stands_now_is_handed_in() -> None:
    """Slots and circuits keep their own numbers."""
    found = Tally().snapshot(slots_in_use=3, slots_waiting=2, circuits={"client": "open"})
    assert (found.slots_in_use, found.slots_waiting) == (3, 2)
    assert found.circuits == {"client": "open"}


def test_a_snapshot_does_not_change() -> None:
    """What happens later is in the next one."""
    tally, circuits = Tally(), {"client": "closed"}
    tally.count(1, server_error())
    found = tally.snapshot(slots_in_use=0, slots_waiting=0, circuits=circuits)
    tally.count(1, server_error())
    circuits["client"] = "open"
    assert (found.operations, found.failures) == (1, {"ServerError": 1})
    assert found.circuits == {"client": "closed"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.operations = 5  # type: ignore[misc] # that is the test


def test_a_snapshot_can_go_into_json_and_to_other_processes() -> None:
    """That is what it is for."""
    tally = Tally()
    tally.count(2, server_error())
    found = tally.snapshot(slots_in_use=1, slots_waiting=0, circuits={"client": "closed"})
    assert json.loads(json.dumps(dataclasses.asdict(found)))["failures"] == {"ServerError": 1}
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - our own


def test_threads_lose_no_count() -> None:
    """They share a client."""
    tally = Tally()

    def count_many() -> None:
        for _ in range(200):
            tally.count(2, server_error())

    together(count_many, threads=8)
    found = snapshot_of(tally)
    assert (found.operations, found.attempts, found.retries) == (1600, 3200, 1600)
    assert found.failures == {"ServerError": 1600}
