"""The proof fails exactly when the ledger or the events contradict what the callers were told."""

import pytest

from client.program.demo.proof import prove
from client.program.demo.record import Operation, Outcome
from tests.demo.builders import Entry, HandMadeLedger, ended

HONEST = {"id-1": Entry(1, 1), "id-2": Entry(3, 0)}
CLAIMS = {
    "nothing lost: successful operations without an effect",
    "nothing doubled: operations with more than one effect",
    "nothing let through: rejected operations that arrived",
    "same story: operations whose events and outcome differ",
    "ledger complete: entries evicted",
}


def a_run() -> list[Operation]:
    """A success, a failure, and one turned away by each of the layers."""
    return [
        ended(1),
        ended(2, "ServerError", 3),
        ended(3, "CircuitOpenError", 0),
        ended(4, "PoolTimeoutError", 0),
    ]


def failing(ledger: HandMadeLedger, evicted_before: int = 0) -> list[str]:
    """The checks that do not hold, as they are shown."""
    return [str(check) for check in prove(a_run(), ledger, evicted_before) if not check.holds]


def test_an_honest_ledger_proves_the_run() -> None:
    """Every claim is made, with what was found."""
    checks = prove(a_run(), HandMadeLedger(HONEST))
    assert {check.claim for check in checks} == CLAIMS
    assert all(check.holds for check in checks)
    assert str(checks[0]) == ("nothing lost: successful operations without an effect: none (of 1)")
    assert [check.found for check in checks] == [
        "none (of 1)",
        "none (of 4)",
        "none (of 2)",
        "none (of 4)",
        "0",
    ]


@pytest.mark.parametrize(
    ("doctored", "complaint"),
    [
        ({"id-1": Entry(1, 0)}, "nothing lost: successful operations without an effect: id-1"),
        ({"id-1": Entry(2, 2)}, "nothing doubled: operations with more than one effect: id-1"),
        ({"id-2": Entry(3, 2)}, "nothing doubled: operations with more than one effect: id-2"),
        ({"id-3": Entry(1, 0)}, "nothing let through: rejected operations that arrived: id-3"),
        ({"id-4": Entry(1, 0)}, "nothing let through: rejected operations that arrived: id-4"),
    ],
)
def test_a_doctored_ledger_is_found_out(doctored: dict[str, Entry], complaint: str) -> None:
    """And the offender is named."""
    (found,) = failing(HandMadeLedger(HONEST | doctored))
    assert found.startswith(complaint)
    assert found.endswith("expected none")


def test_what_the_ledger_does_not_know_is_lost() -> None:
    """Not even an arrival is on record."""
    (found,) = failing(HandMadeLedger({}))
    assert found.startswith("nothing lost")


def test_what_the_cache_answered_had_no_effect_to_lose() -> None:
    """The server need not have heard of it."""
    kept = ended(5)
    kept.was_kept = True
    checks = prove([*a_run(), kept], HandMadeLedger(HONEST))
    assert all(check.holds for check in checks)
    assert checks[0].found == "none (of 1)"


def test_other_callers_of_the_server_do_not_matter() -> None:
    """Whatever they double."""
    assert failing(HandMadeLedger(HONEST | {"foreign": Entry(5, 5)})) == []


def test_only_what_was_evicted_during_the_run_weakens_the_proof() -> None:
    """A server that runs for long has evicted before."""
    assert failing(HandMadeLedger(HONEST, evicted=7), evicted_before=7) == []
    assert failing(HandMadeLedger(HONEST, evicted=7), evicted_before=6) == [
        "ledger complete: entries evicted: 1; expected 0"
    ]


@pytest.mark.parametrize("told", [Outcome("success", 2), Outcome("ServerError", 1), None])
def test_events_that_contradict_the_outcome_are_found_out(told: Outcome | None) -> None:
    """In kind, in attempts, or by their absence."""
    operation = ended(1)
    operation.outcome = told
    checks = {check.claim: check for check in prove([operation], HandMadeLedger(HONEST))}
    assert checks["same story: operations whose events and outcome differ"].found == "id-1 (of 1)"
