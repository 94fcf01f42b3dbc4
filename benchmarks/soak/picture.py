"""The picture of a run: throughput, latency and circuits over time, with the phases shaded."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, Final

from benchmarks.soak.histogram import PERCENTILES
from benchmarks.soak.journal import CANCELLED, REJECTED, SUCCESS
from benchmarks.soak.plan import Phase
from benchmarks.soak.svg import Drawing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from benchmarks.soak.findings import Findings, Span
    from benchmarks.soak.journal import Bucket, Transition
    from benchmarks.soak.svg import Point

__all__ = ["draw", "draw_run"]

_WIDTH: Final = 1000.0
_LEFT: Final = 76.0
_RIGHT: Final = 16.0
_THROUGHPUT: Final = (78.0, 170.0)
"""Where a panel begins, and its height."""
_LATENCY: Final = (294.0, 170.0)
_CIRCUIT: Final = (510.0, 90.0)
_HEIGHT: Final = 650.0
_COLOURS: Final = ("#2da44e", "#d1442f", "#8957e5", "#bf8700")
_SHADES: Final = {
    Phase.WARM_UP: "#8b949e",
    Phase.MIXED: "#d29922",
    Phase.ERRORS: "#f85149",
    Phase.REFUSED: "#a40e26",
    Phase.RECOVERY: "#3fb950",
    Phase.IDLE: "#58a6ff",
}
_STATES: Final = ("closed", "half-open", "open")
_TICKS: Final = 8


class _Panel:
    """One set of axes.

    Args:
        drawing: Where it is drawn.
        place: Where it begins, and its height.
        seconds: What its width stands for.
        top: The value at its upper edge, 1 by default.
    """

    def __init__(
        self, drawing: Drawing, place: tuple[float, float], seconds: float, top: float = 1.0
    ) -> None:
        self.drawing = drawing
        self.y, self.height = place
        self._seconds = max(seconds, 1e-9)
        self._top = top

    def at(self, seconds: float, value: float) -> Point:
        """Return where a value stands."""
        share = min(max(value / self._top, 0.0), 1.0)
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(seconds / self._seconds, 0.0), 1.0)
        return x, self.y + self.height * (1 - share)

    def shade(self, spans: Iterable[Span]) -> None:
        """Show the phases."""
        for span in spans:
            (left, top), (right, _) = self.at(span.begins, self._top), self.at(span.ends, 0)
            colour = _SHADES[span.phase]
            self.drawing.shade((left, top), right - left, self.height, colour, span.phase)

    def label(self, title: str, names: Sequence[str]) -> None:
        """Write what it shows, and which colour is what."""
        self.drawing.text(_LEFT, self.y - 8, title, kind="title")
        x = _WIDTH - _RIGHT
        for number, name in reversed(list(enumerate(names))):
            x -= 7.0 * len(name)
            self.drawing.text(x, self.y - 8, name)
            x -= 20
            colour = _COLOURS[number % len(_COLOURS)]
            self.drawing.line([(x, self.y - 12), (x + 14, self.y - 12)], colour)
            x -= 16

    def rule(self, value: float, text: str) -> None:
        """Draw a line across at a value."""
        x, y = self.at(0, value)
        self.drawing.grid((x, y), (_WIDTH - _RIGHT, y))
        self.drawing.text(_LEFT - 8, y + 4, text, anchor="end")

    def time_axis(self, *, is_labelled: bool = False) -> None:
        """Draw the seconds."""
        step = nice(self._seconds / _TICKS)
        for number in range(int(self._seconds / step) + 1):
            x, y = self.at(number * step, 0)
            self.drawing.grid((x, y), (x, y + 5))
            if is_labelled:
                self.drawing.text(x, y + 20, f"{number * step:g}", anchor="middle")
        if is_labelled:
            middle = (_LEFT + _WIDTH - _RIGHT) / 2
            self.drawing.text(
                middle, self.y + self.height + 40, "seconds since the start", anchor="middle"
            )


def draw(findings: Findings) -> str:
    """Return the picture of a run as SVG."""
    plan, verdict = findings.plan, findings.verdict
    title = (
        f"Soak of {findings.seconds:.0f} s, {plan.callers} callers, seed {plan.seed}: "
        f"lost {verdict.lost}, doubled {verdict.doubled}, "
        f"unclassified {verdict.unclassified}, leaked {verdict.leaked}"
    )
    with_circuit = [outage.lane for outage in findings.outages if outage.has_circuit]
    journal = findings.journal
    return draw_run(title, findings.spans, journal.buckets, journal.transitions, with_circuit)


def draw_run(
    title: str,
    spans: Sequence[Span],
    buckets: Sequence[Bucket],
    transitions: Sequence[Transition],
    lanes: Sequence[str],
) -> str:
    """Return the picture of these numbers as SVG.

    Args:
        title: What stands above it.
        spans: The phases.
        buckets: Throughput and latency.
        transitions: When circuits moved.
        lanes: The clients that have a circuit.
    """
    drawing = Drawing(_WIDTH, _HEIGHT, title)
    drawing.text(_LEFT, 24, title, kind="title")
    seconds = spans[-1].ends if spans else 1.0
    _draw_throughput(drawing, spans, buckets, seconds)
    _draw_latency(drawing, spans, buckets, seconds)
    _draw_circuits(drawing, spans, transitions, lanes, seconds)
    _draw_phase_names(drawing, spans)
    return drawing.finish()


def _draw_throughput(
    drawing: Drawing, spans: Sequence[Span], buckets: Sequence[Bucket], seconds: float
) -> None:
    kinds: dict[str, Callable[[Mapping[str, int]], int]] = {
        "success": lambda outcomes: outcomes.get(SUCCESS, 0),
        "error": _errors,
        "rejected by the circuit": lambda outcomes: outcomes.get(REJECTED, 0),
        "cancelled": lambda outcomes: outcomes.get(CANCELLED, 0),
    }
    rates = {
        name: [(each.ends, count(each.outcomes) / each.seconds) for each in buckets]
        for name, count in kinds.items()
    }
    most = max((rate for series in rates.values() for _, rate in series), default=0.0)
    step = nice(max(most, 1.0) / 4)
    panel = _Panel(drawing, _THROUGHPUT, seconds, top=step * math.ceil(max(most, 1.0) / step))
    panel.shade(spans)
    panel.label("calls that ended, a second", list(rates))
    for number in range(math.ceil(max(most, 1.0) / step) + 1):
        panel.rule(number * step, f"{number * step:g}/s")
    panel.time_axis()
    for series, colour in zip(rates.values(), _COLOURS, strict=True):
        drawing.line([panel.at(*point) for point in series], colour)


def _errors(outcomes: Mapping[str, int]) -> int:
    other = (SUCCESS, REJECTED, CANCELLED)
    return sum(count for outcome, count in outcomes.items() if outcome not in other)


def _draw_latency(
    drawing: Drawing, spans: Sequence[Span], buckets: Sequence[Bucket], seconds: float
) -> None:
    """Draw percentiles on a scale of powers of ten from 1 ms to 10 s."""
    panel = _Panel(drawing, _LATENCY, seconds, top=4.0)
    panel.shade(spans)
    panel.label("latency (not of rejected or cancelled)", [f"p{each}" for each in PERCENTILES])
    for power, text in enumerate(("1 ms", "10 ms", "100 ms", "1 s", "10 s")):
        panel.rule(power, text)
    panel.time_axis()
    for number in range(len(PERCENTILES)):
        for is_known, run in groupby(buckets, lambda each: each.latency[0] is not None):
            points = [
                panel.at(each.ends, math.log10(max((each.latency[number] or 0) * 1000, 1.0)))
                for each in run
            ]
            # A gap stays a gap: where nothing was answered there is no latency.
            drawing.line(points if is_known else (), _COLOURS[number])


def _draw_circuits(
    drawing: Drawing,
    spans: Sequence[Span],
    transitions: Sequence[Transition],
    lanes: Sequence[str],
    seconds: float,
) -> None:
    panel = _Panel(drawing, _CIRCUIT, seconds, top=len(_STATES) - 1)
    panel.shade(spans)
    panel.label("circuit", lanes)
    for level, state in enumerate(_STATES):
        panel.rule(level, state)
    panel.time_axis(is_labelled=True)
    for number, lane in enumerate(lanes):
        level, steps = 0, [(0.0, 0)]
        for each in transitions:
            if each.lane == lane:
                steps.append((each.at, level))
                level = _STATES.index(each.state)
                steps.append((each.at, level))
        steps.append((seconds, level))
        # Side by side, where two circuits are in the same state.
        points = [panel.at(at, value) for at, value in steps]
        shifted = [(x, y - 2.0 * number) for x, y in points]
        drawing.line(shifted, _COLOURS[number % len(_COLOURS)])


def _draw_phase_names(drawing: Drawing, spans: Sequence[Span]) -> None:
    x = _LEFT
    for span in spans:
        drawing.shade((x, 34), 12, 12, _SHADES[span.phase], span.phase)
        drawing.shade((x, 34), 12, 12, _SHADES[span.phase], span.phase)
        drawing.text(x + 18, 44, span.phase)
        x += 46 + 7.0 * len(span.phase)


def nice(step: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step)
