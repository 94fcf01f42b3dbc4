"""The snapshot that `client.stats()` returns, read from what was counted."""

import dataclasses
import json
import pickle

import pytest

from client.exceptions import NotFoundError, ServerError
from client.metrics.instruments import REJECTIONS
from client.metrics.stats import CircuitStats, ClientStats, TargetStats, take_stats
from tests.unit.metrics.counting import TARGET, Counting, Operation

OPEN = CircuitStats(scope="client", state="open", since=5000.0, last_error="ServerError")


def test_of_a_fresh_client_nothing_has_happened() -> None:
    """There is no target, and no limit in force."""
    assert take_stats(Counting().metrics, []) == ClientStats(
        client="orders",
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
    counting = Counting()
    counting.operation(attempts=1)
    counting.operation("server_error", attempts=3, error=ServerError())
    counting.operation("circuit_open", attempts=0, error=NotFoundError(), target="http://b.example")
    counting.metrics.add(REJECTIONS, ("http://b.example", "circuit"))
    found = take_stats(counting.metrics, [OPEN])
    assert (found.operations, found.attempts, found.retries) == (3, 4, 2)
    assert found.failures == {"ServerError": 1, "NotFoundError": 1}
    assert found.rejections == {"circuit": 1}
    assert found.circuits == {"client": "open"}


def test_each_target_has_counts_of_its_own() -> None:
    """By outcome, with the percentiles of the last minute."""
    counting = Counting()
    counting.operation(attempts=2)
    counting.operation("server_error")
    counting.operation("bulkhead_full", attempts=0, target="http://b.example")
    counting.standing.active[Operation("http://c.example")] = None
    found = take_stats(counting.metrics, []).targets
    assert found["http://b.example"] == TargetStats(operations={"bulkhead_full": 1})
    assert found["http://c.example"] == TargetStats(active=1)
    api = found[TARGET]
    assert api.operations == {"success": 1, "server_error": 1}
    assert api.attempts == {"success": 2, "server_error": 1}
    assert [api.p50, api.p90, api.p99] == [pytest.approx(0.02, rel=0.13)] * 3


def test_a_snapshot_does_not_change() -> None:
    """What happens later is in the next one."""
    counting, circuits = Counting(), [OPEN]
    counting.operation("server_error", error=ServerError())
    found = take_stats(counting.metrics, circuits)
    counting.operation("server_error", error=ServerError())
    circuits.clear()
    assert (found.operations, found.failures) == (1, {"ServerError": 1})
    assert found.circuits == {"client": "open"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.operations = 5  # type: ignore[misc] # that is the test


def test_a_snapshot_can_go_into_json_and_to_other_processes() -> None:
    """That is what it is for."""
    counting = Counting()
    counting.operation("server_error", attempts=2, error=ServerError())
    found = take_stats(counting.metrics, [OPEN])
    told = json.loads(json.dumps(dataclasses.asdict(found)))
    assert told["failures"] == {"ServerError": 1}
    assert told["targets"][TARGET]["operations"] == {"server_error": 1}
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - our own


def test_a_target_shows_the_circuit_that_its_calls_go_through() -> None:
    """The one of its origin, or else that of the client."""
    counting = Counting()
    counting.operation()
    counting.operation(target="http://b.example")
    closed = CircuitStats(scope="https://api.example:443", state="closed", since=5001.0)
    found = take_stats(counting.metrics, [closed, OPEN]).targets
    assert found[TARGET].circuit == closed
    assert found["http://b.example"].circuit == OPEN
    assert take_stats(counting.metrics, []).targets[TARGET].circuit is None
