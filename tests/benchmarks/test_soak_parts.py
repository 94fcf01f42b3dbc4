"""The parts of the soak that need no server."""

from __future__ import annotations

import random
from xml.etree import ElementTree as ET

import pytest

from benchmarks.soak.calls import WrongAnswerError, check_answer, draw_call
from benchmarks.soak.findings import Span
from benchmarks.soak.histogram import Histogram
from benchmarks.soak.journal import CANCELLED, SUCCESS, Bucket, Journal, Transition
from benchmarks.soak.picture import draw_run, nice
from benchmarks.soak.plan import CALLS_PER_SECOND, Phase, Plan
from benchmarks.soak.program import main
from benchmarks.soak.report import table
from benchmarks.soak.samples import Sample, memory_slope, slope_of
from client import events

SVG = "{http://www.w3.org/2000/svg}"


def dice_of(seed: str) -> random.Random:
    """Return the chance of a caller."""
    return random.Random(seed)  # noqa: S311 - not for secrets


def plan(minutes: float = 8.0, callers: int = 48) -> Plan:
    """Return a plan."""
    return Plan(minutes=minutes, seed=1, callers=callers)


@pytest.mark.parametrize("minutes", [0.2, 1.0, 8.0, 60.0])
def test_the_phases_fill_the_time_in_their_order(minutes: float) -> None:
    """None is left out, and together they last as long as was asked for."""
    stages = plan(minutes).stages
    assert [stage.phase for stage in stages] == list(Phase)
    assert sum(stage.seconds for stage in stages) == pytest.approx(minutes * 60)


def test_eight_minutes_hold_an_idle_one() -> None:
    """As long as pools and timers need to show what they keep."""
    assert {stage.phase: stage.seconds for stage in plan().stages}[Phase.IDLE] == 60


@pytest.mark.parametrize("callers", [4, 48, 400])
def test_the_rate_of_all_callers_is_bounded(callers: int) -> None:
    """More callers rest longer."""
    assert callers / plan(callers=callers).pause_seconds <= CALLS_PER_SECOND


@pytest.mark.parametrize("minutes", [0.2, 60.0])
def test_a_window_leaves_the_ledger_far_from_full(minutes: float) -> None:
    """It holds a hundred thousand."""
    assert plan(minutes).window_seconds * CALLS_PER_SECOND < 5_000


@pytest.mark.parametrize(
    "arguments",
    [
        ["--minutes", "0.1"],
        ["--minutes", "61"],
        ["--minutes", "nan"],
        ["--minutes", "many"],
        ["--callers", "3"],
        ["--callers", "401"],
        ["--callers", "4.5"],
        ["--seed", "x"],
        ["--seed", str(2**31)],
    ],
)
def test_an_argument_out_of_bounds_is_refused_and_named(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is started."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert arguments[1] in capsys.readouterr().err


def test_the_same_seed_draws_the_same_calls() -> None:
    """So that a run can be made again."""
    dice, again = dice_of("7"), dice_of("7")
    assert [draw_call(dice) for _ in range(100)] == [draw_call(again) for _ in range(100)]


def test_a_write_to_a_server_that_does_not_deduplicate_is_never_retried() -> None:
    """Else the soak itself would double it."""
    dice = dice_of("1")
    careless = [call for _ in range(500) if "dedupe=false" in (call := draw_call(dice)).url]
    assert careless
    for call in careless:
        retry = call.options.get("retry")
        assert isinstance(retry, dict)
        assert call.method not in retry["methods"]


def test_an_answer_that_belongs_to_another_call_is_refused() -> None:
    """So is one that was cut short."""
    answer = b'{"request_id": "a", "message_id": "m"}'
    assert check_answer(answer, "a") == "m"
    with pytest.raises(WrongAnswerError, match="b was given the answer of a"):
        check_answer(answer, "b")
    with pytest.raises(WrongAnswerError, match="a was answered"):
        check_answer(answer[:20], "a")


def test_the_slope_of_a_line_is_its_own() -> None:
    """Of too few points, or of one moment, there is none."""
    assert slope_of([(x, 3.0 * x + 7) for x in range(10)]) == pytest.approx(3.0)
    assert slope_of([(0.0, 1.0), (1.0, 2.0)]) is None
    assert slope_of([(1.0, 1.0)] * 3) is None


def test_memory_is_measured_where_the_load_is_steady() -> None:
    """Neither while pools fill nor in another phase."""
    mixed = [sample(at, Phase.MIXED, 100 + at / 3600) for at in range(25, 100)]
    filling = [sample(at, Phase.MIXED, 10 * at) for at in range(25)]
    elsewhere = [sample(at, Phase.ERRORS, 900) for at in range(100, 150)]
    slope = memory_slope([*filling, *mixed, *elsewhere])
    assert slope.megabytes_per_hour == pytest.approx(1.0, rel=0.01)
    assert (slope.seconds, slope.samples) == (74, 75)
    assert memory_slope([]).megabytes_per_hour is None


def sample(at: float, phase: Phase, megabytes: float) -> Sample:
    """Return a measurement."""
    return Sample(
        at=at,
        phase=phase,
        resident_bytes=round(megabytes * 1024 * 1024),
        descriptors=10,
        threads=1,
        tasks=1,
        slots_in_use=0,
    )


def test_percentiles_are_within_their_class() -> None:
    """Classes are 5 % wide; of nothing there are none."""
    latency = Histogram()
    assert latency.percentiles() == (None, None, None)
    for milliseconds in range(1, 101):
        latency.add(milliseconds / 1000)
    assert latency.percentiles() == pytest.approx((0.050, 0.095, 0.099), rel=0.03)


def test_the_journal_counts_by_phase_and_by_bucket() -> None:
    """Attempts of others are not counted, and operations are taken once."""
    times = iter(range(100))
    journal = Journal(clock=lambda: float(next(times)))
    listener = journal.listener("async")
    first, second = journal.begin("async"), journal.begin("async")
    for attempt in (1, 2):
        listener(attempt_of(first.request_id, attempt))
    listener(attempt_of("of somebody else", 1))
    journal.end(first, SUCCESS)
    journal.end(second, CANCELLED)
    tally = journal.phases[Phase.WARM_UP, "async"]
    assert (tally.calls, tally.attempts, tally.retries) == (2, 2, 1)
    bucket = journal.close_bucket()
    assert (bucket.calls, bucket.outcomes) == ({"async": 2}, {SUCCESS: 1, CANCELLED: 1})
    assert journal.take_operations() == {each.request_id: each for each in (first, second)}
    assert journal.take_operations() == {}


def attempt_of(request_id: str, attempt: int) -> events.AttemptStarted:
    """Return the event of an attempt."""
    return events.AttemptStarted(request_id=request_id, method="GET", url="/", attempt=attempt)


def test_the_picture_is_well_formed_and_shows_every_phase() -> None:
    """In each panel, and with its name; axes have their units."""
    seconds = 10.0
    spans = [Span(phase, n * seconds, (n + 1) * seconds, 0) for n, phase in enumerate(Phase)]
    buckets = [
        Bucket(at, 1.0, {"async": 3}, {SUCCESS: 2, "ServerError": 1}, (0.01, 0.1, 0.2))
        for at in range(1, 60)
    ]
    moves = [Transition(20.0, "async", "open"), Transition(42.0, "async", "closed")]
    drawn = draw_run("<a title> & more", spans, buckets, moves, ["async", "threads"])
    root = ET.fromstring(drawn)  # noqa: S314 - it was made in the line above
    assert root.tag == f"{SVG}svg"
    assert root.findtext(f"{SVG}title") == "<a title> & more"
    panels = 3
    shades = [each.findtext(f"{SVG}title") for each in root.iter(f"{SVG}rect")]
    texts = [each.text for each in root.iter(f"{SVG}text")]
    for phase in Phase:
        assert shades.count(phase) >= panels
        assert phase in texts
    for expected in ("100 ms", "half-open", "p99", "success", "seconds since the start", "1/s"):
        assert expected in texts


def test_the_picture_of_nothing_is_well_formed() -> None:
    """Such as that of a run that ended at once."""
    ET.fromstring(draw_run("nothing", [], [], [], []))  # noqa: S314 - likewise


@pytest.mark.parametrize(("step", "expected"), [(0.3, 0.5), (1.0, 1.0), (6.0, 10.0), (17.0, 20.0)])
def test_axes_count_in_ones_twos_and_fives(step: float, expected: float) -> None:
    """As people do."""
    assert nice(step) == pytest.approx(expected)


def test_a_table_is_aligned() -> None:
    """Names to the left, numbers to the right."""
    assert table([["a", "bb"], ["ccc", "d"]]) == ["a    bb", "ccc   d"]
