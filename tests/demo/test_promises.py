"""Each chapter keeps its promises in one way, and breaks each of them in another."""

import pytest

from client.program.demo.chapters import CHAPTERS
from tests.demo.builders import Run

OK = ("success", 1, 1, 1)
ABSORBED = ("success", 3, 3, 1)
DOWN = ("ServiceUnavailableError", 3, 3, 0)
OPEN = ("CircuitOpenError", 0, 0, 0)
FULL = ("PoolTimeoutError", 0, 0, 0)
SNEAKED = 1  # a request of an operation that was turned away, and that arrived all the same

OUTCOMES, ATTEMPTS, ARRIVED = "outcomes", "attempts", "requests that arrived"
CIRCUIT = "transitions of the circuit"
LEFT_OUT = "endpoints left out"


def broken_promises(chapter: str, run: Run) -> set[str]:
    """The claims that do not hold."""
    promises = {each.name: each.promises for each in CHAPTERS}[chapter]
    return {check.claim for check in promises(run.record(), run.ledger()) if not check.holds}


@pytest.mark.parametrize(
    ("chapter", "run"),
    [
        ("healthy", Run([OK] * 3)),
        ("retries", Run([ABSORBED])),
        ("outage", Run([DOWN] * 3 + [OPEN] * 3, ["opened"])),
        ("recovery", Run([OK] + [OPEN] * 5 + [OK] * 3, ["half-opened", "closed"])),
        ("overload", Run([OK] * 10 + [FULL] * 2)),
        ("write", Run([("success", 2, 2, 1)])),
        ("pause", Run([("success", 2, 2, 1)] + [OK] * 5, ["paused"])),
        ("adapting", Run([OK] * 120, ["fewer slots"])),
        ("hedge", Run([("success", 2, 2, 1)], ["first lost"])),
        ("endpoints", Run([OK] * 8 + [("success", 2, 1, 1)], ["left out"])),
    ],
)
def test_a_run_that_goes_well_keeps_every_promise(chapter: str, run: Run) -> None:
    """As it does with a healthy library."""
    assert broken_promises(chapter, run) == set()


@pytest.mark.parametrize(
    ("chapter", "run", "broken"),
    [
        ("healthy", Run([OK] * 2 + [DOWN]), {OUTCOMES, ATTEMPTS, ARRIVED}),
        ("healthy", Run([OK] * 2 + [("success", 1, 2, 1)]), {ARRIVED}),
        ("healthy", Run([OK] * 2 + [("success", 2, 1, 1)]), {ATTEMPTS}),
        ("healthy", Run([OK] * 2), {OUTCOMES, ATTEMPTS, ARRIVED}),
        ("retries", Run([DOWN]), {OUTCOMES}),
        ("retries", Run([OK]), {ATTEMPTS, ARRIVED}),
        ("retries", Run([ABSORBED], ["opened"]), {CIRCUIT}),
        (
            "outage",
            Run([DOWN] * 6, ["opened"]),
            {OUTCOMES, "requests that arrived after it opened"},
        ),
        ("outage", Run([DOWN] * 3 + [OPEN] * 3), {CIRCUIT}),
        ("outage", Run([DOWN] * 2 + [OPEN] * 4, ["opened"]), {OUTCOMES}),
        (
            "outage",
            Run([DOWN] * 3 + [OPEN] * 2 + [("CircuitOpenError", 0, SNEAKED, 0)], ["opened"]),
            {"requests that arrived after it opened"},
        ),
        (
            "recovery",
            Run([OK] * 2 + [OPEN] * 4 + [OK] * 3, ["half-opened", "closed"]),
            {OUTCOMES, "requests that arrived before it closed"},
        ),
        ("recovery", Run([OK] + [OPEN] * 5 + [OK] * 3, ["half-opened"]), {CIRCUIT}),
        (
            "recovery",
            Run([OPEN] * 6 + [OK] * 3),
            {OUTCOMES, CIRCUIT, "requests that arrived before it closed"},
        ),
        ("overload", Run([OK] * 12), {"kinds of outcome"}),
        ("overload", Run([FULL] * 12), {"kinds of outcome"}),
        ("overload", Run([OK] * 9 + [DOWN] + [FULL] * 2), {"kinds of outcome"}),
        (
            "overload",
            Run([OK] * 10 + [FULL, ("PoolTimeoutError", 0, SNEAKED, 0)]),
            {"requests that arrived of those turned away"},
        ),
        ("overload", Run([OK] * 10 + [FULL] * 2, ["opened"]), {CIRCUIT}),
        ("write", Run([DOWN]), {OUTCOMES, ARRIVED, "effects"}),
        ("write", Run([("success", 2, 2, 2)]), {"effects"}),
        ("write", Run([("success", 2, 2, 1)], bodies=2), {"different bodies among them"}),
        (
            "write",
            Run([("success", 2, 0, 0)]),
            {ARRIVED, "different bodies among them", "effects"},
        ),
        ("pause", Run([OK] * 6), {ARRIVED, "pauses"}),
        ("pause", Run([("success", 2, 2, 1)] * 2 + [OK] * 4, ["paused"]), {ARRIVED}),
        ("pause", Run([("success", 2, 2, 1)] + [DOWN] * 5, ["paused"]), {OUTCOMES, ARRIVED}),
        ("adapting", Run([OK] * 120), {"slots"}),
        ("adapting", Run([OK] * 120, ["fewer slots", "more slots"]), {"slots"}),
        ("adapting", Run([OK] * 119 + [FULL], ["fewer slots"]), {OUTCOMES, ARRIVED}),
        ("hedge", Run([OK]), {ATTEMPTS, ARRIVED, "attempts that lost"}),
        ("hedge", Run([("success", 2, 2, 1)], ["second lost"]), {"attempts that lost"}),
        ("hedge", Run([DOWN], ["first lost"]), {OUTCOMES, ATTEMPTS, ARRIVED}),
        ("endpoints", Run([OK] * 9), {ATTEMPTS, LEFT_OUT}),
        ("endpoints", Run([OK] * 8 + [("success", 2, 2, 2)], ["left out"]), {ARRIVED}),
        (
            "endpoints",
            Run([OK] * 8 + [DOWN], ["left out"] * 2),
            {OUTCOMES, ATTEMPTS, ARRIVED, LEFT_OUT},
        ),
    ],
)
def test_a_run_that_goes_wrong_breaks_them(chapter: str, run: Run, broken: set[str]) -> None:
    """Exactly those that it concerns."""
    assert broken_promises(chapter, run) == broken


def test_a_check_says_what_it_found() -> None:
    """Success is never a fixed text, and a failure names what was expected."""
    healthy = CHAPTERS[0].promises
    good, bad = Run([OK] * 3), Run([OK] * 2 + [DOWN])
    assert str(healthy(good.record(), good.ledger())[0]) == "outcomes: 3 success"
    assert str(healthy(bad.record(), bad.ledger())[0]) == (
        "outcomes: 2 success, 1 ServiceUnavailableError; expected 3 success"
    )
