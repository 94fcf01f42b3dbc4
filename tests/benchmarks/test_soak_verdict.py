"""What a soak is judged by: each thing that may go wrong makes it fail."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.soak.journal import CANCELLED, Journal
from benchmarks.soak.ledger_proof import Proof
from benchmarks.soak.samples import Slope
from benchmarks.soak.verdict import (
    MEMORY_BOUND,
    MEMORY_SECONDS,
    allowed_retries,
    find_leaks,
    is_memory_leak,
)
from client.exceptions import CircuitOpenError
from server.testing import LedgerIncompleteError
from tests.benchmarks.soak_parts import (
    SHORT_SLOPE,
    entry,
    holdings,
    ledger,
    operation,
    outage,
    verdict,
)


def test_a_run_in_which_everything_held_passes() -> None:
    """Both operations succeeded, and each took effect once."""
    proof = Proof()
    proof.add({"a": operation("a"), "b": operation("b")}, ledger(entry("a"), entry("b")))
    assert (proof.lost, proof.doubled) == ([], [])
    assert (proof.operations, proof.arrived, proof.statuses) == (2, 2, {200: 2})
    assert verdict(lost=proof.lost_count, doubled=proof.doubled_count).exit_status == 0


def test_a_success_that_is_not_in_the_ledger_is_lost_and_fails_the_run() -> None:
    """The caller was told of what never happened."""
    proof = Proof()
    proof.add({"a": operation("a")}, ledger())
    assert proof.lost == ["a succeeded and had no effect"]
    assert verdict(lost=proof.lost_count).exit_status == 1


def test_a_success_with_the_message_of_another_is_lost() -> None:
    """Its own answer never came."""
    proof = Proof()
    proof.add({"a": operation("a", message_id="m-b")}, ledger(entry("a")))
    assert proof.lost == ["a was told of another message than the one made for it"]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"took_effect": 2}, "a took effect 2 times"),
        ({"arrived": 2}, "a arrived 2 times in 1 attempts"),
        ({"bodies": ("one", "two")}, "a arrived with 2 different bodies"),
    ],
)
def test_an_operation_done_twice_is_doubled_and_fails_the_run(
    changes: dict[str, Any], found: str
) -> None:
    """By effect, by arrivals that no attempt explains, or by what was sent."""
    proof = Proof()
    proof.add({"a": operation("a")}, ledger(entry("a", **changes)))
    assert proof.doubled == [found]
    assert verdict(doubled=proof.doubled_count).exit_status == 1


def test_a_cancelled_operation_is_not_lost_and_yet_must_not_be_doubled() -> None:
    """Nobody knows whether it took effect once."""
    proof = Proof()
    cancelled = {each: operation(each, outcome=CANCELLED, message_id=None) for each in "ab"}
    proof.add(cancelled, ledger(entry("b", took_effect=2)))
    assert (proof.lost_count, proof.doubled) == (0, ["b took effect 2 times"])


def test_an_arrival_under_an_id_that_nobody_gave_is_doubled() -> None:
    """An attempt that changed its id would look like this."""
    proof = Proof()
    proof.add({}, ledger(entry("a")))
    assert proof.doubled == ["a arrived, and no caller gave that id"]


def test_a_ledger_that_forgot_something_proves_nothing() -> None:
    """It must not pass for a proof."""
    with pytest.raises(LedgerIncompleteError):
        Proof().add({"a": operation("a")}, ledger(entry("a"), evicted=1))


def test_only_an_error_from_outside_the_tree_is_unclassified() -> None:
    """Those of the tree are what callers were promised."""
    journal = Journal()
    journal.end_in_error(journal.begin("async"), CircuitOpenError())
    assert journal.unclassified_count == 0
    journal.end_in_error(journal.begin("async"), KeyError("x"))
    assert [each.what for each in journal.unclassified] == [
        "soak-async-2 raised KeyError('x'), caused by None"
    ]
    assert verdict(unclassified=journal.unclassified_count).exit_status == 1


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"slots_in_use": 1}, "slots"),
        ({"slots_waiting": 1}, "slots"),
        ({"tasks": 11}, "tasks"),
        ({"threads": 6}, "threads"),
        ({"descriptors": 21}, "descriptors"),
        ({"connections_busy": 1}, "connections"),
        ({"pool_requests": 1}, "connections"),
    ],
)
def test_what_is_still_held_is_a_leak_and_fails_the_run(changes: dict[str, int], kind: str) -> None:
    """Each by its own kind."""
    leaks = find_leaks(
        holdings(), holdings(**changes), open_at_proxy=4, stuck_permits=0, slope=SHORT_SLOPE
    )
    assert {name for name, count in leaks.items() if count} == {kind}
    assert verdict(leaks=leaks).exit_status == 1


def test_more_connections_in_the_pools_than_before_are_no_leak() -> None:
    """They are there to be used again, and so are their sockets."""
    end = holdings(connections=7, descriptors=23)
    leaks = find_leaks(holdings(), end, open_at_proxy=7, stuck_permits=0, slope=SHORT_SLOPE)
    assert not any(leaks.values())
    assert verdict(leaks=leaks).exit_status == 0


def test_a_connection_that_no_pool_knows_is_a_leak() -> None:
    """The proxy still has it open."""
    leaks = find_leaks(holdings(), holdings(), open_at_proxy=6, stuck_permits=0, slope=SHORT_SLOPE)
    assert leaks["connections"] == 2


def test_a_circuit_that_does_not_close_again_is_a_leak() -> None:
    """Its half-open permit was never given back."""
    leaks = find_leaks(holdings(), holdings(), open_at_proxy=4, stuck_permits=1, slope=SHORT_SLOPE)
    assert leaks["permits"] == 1
    assert verdict(leaks=leaks).exit_status == 1


@pytest.mark.parametrize(
    ("slope", "leaks"),
    [
        (Slope(MEMORY_BOUND + 1, MEMORY_SECONDS, 100), True),
        (Slope(MEMORY_BOUND, MEMORY_SECONDS, 100), False),
        (Slope(MEMORY_BOUND * 10, MEMORY_SECONDS - 1, 100), False),
        (Slope(-MEMORY_BOUND * 10, MEMORY_SECONDS, 100), False),
        (Slope(None, 0.0, 0), False),
    ],
)
def test_memory_leaks_above_the_bound_in_a_run_that_is_long_enough(
    slope: Slope, *, leaks: bool
) -> None:
    """A short run shows only how the allocator breathes."""
    assert is_memory_leak(slope) is leaks


def test_an_outage_that_was_held_breaks_no_promise() -> None:
    """What has no circuit needs to open none."""
    assert outage().broken_promises == []
    assert outage(has_circuit=False, opened=False).broken_promises == []


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"opened": False}, "async: the circuit stayed closed in the outage"),
        ({"retries": 23}, "async: 23 retries in the outage, and the budget allows 22"),
    ],
)
def test_an_outage_that_was_not_held_fails_the_run(changes: dict[str, Any], broken: str) -> None:
    """The circuit must open, and retries must be paid for."""
    promises = outage(**changes).broken_promises
    assert promises == [broken]
    assert verdict(broken=promises).exit_status == 1


def test_the_budget_pays_a_share_of_the_calls_and_so_many_a_second() -> None:
    """With a second's worth in hand when the outage begins."""
    allowed = allowed_retries(
        ratio=0.2, minimum_per_second=2.0, calls=100, calls_before=50, seconds=4.0
    )
    assert allowed == pytest.approx(0.2 * 150 + 2 * 5)
