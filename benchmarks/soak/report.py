"""What is printed: how far a run has come, and what it found."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Final, TextIO

from benchmarks.soak.histogram import PERCENTILES
from benchmarks.soak.holdings import Holdings
from benchmarks.soak.journal import CANCELLED, SUCCESS, PhaseTally
from benchmarks.soak.plan import Phase
from benchmarks.soak.verdict import MEMORY_BOUND, MEMORY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.soak.findings import Findings, Span
    from benchmarks.soak.journal import Journal
    from benchmarks.soak.plan import Plan
    from benchmarks.soak.samples import Sample

__all__ = ["ProgressLines", "describe"]

_MEGABYTE: Final = 1024 * 1024
_SHOWN: Final = 10
_LINES: Final = 24
_LEAST_SECONDS: Final = 2.0


class ProgressLines:
    """A line now and then; on a terminal the same line again and again.

    Args:
        out: Where they go.
        plan: The run.
    """

    def __init__(self, out: TextIO, plan: Plan) -> None:
        self._out = out
        self._redraws = out.isatty()
        self._seconds = plan.seconds
        self._pause = 0.0 if self._redraws else max(_LEAST_SECONDS, plan.seconds / _LINES)
        self._next_at = 0.0
        self._width = 0

    def __call__(self, journal: Journal, sample: Sample) -> None:
        """Show it, if it is time."""
        if sample.at < self._next_at:
            return
        self._next_at = sample.at + self._pause
        total = journal.total()
        line = (
            f"{sample.at:6.1f} of {self._seconds:.0f} s  {sample.phase:<15}  "
            f"{total.calls} calls, {total.attempts} attempts, {total.outcomes[SUCCESS]} successes, "
            f"{journal.unclassified_count} unclassified, "
            f"{sample.resident_bytes / _MEGABYTE:.0f} MB, {sample.descriptors} descriptors"
        )
        if self._redraws:
            self._out.write(f"\r{line.ljust(self._width)}")
            self._width = len(line)
        else:
            self._out.write(f"{line}\n")
        self._out.flush()

    def end(self) -> None:
        """Go on to the next line."""
        if self._redraws:
            self._out.write("\n")


def describe(findings: Findings) -> list[str]:
    """Return the report, line by line."""
    return [
        *_headline(findings),
        "",
        *_phases(findings),
        "",
        *_outage(findings),
        "",
        *_counted("faults on the wire, by the proxy", findings.proxy.applied),
        *_counted("failures answered, by the server", findings.server_faults),
        *_counted("what callers were told", findings.errors),
        "",
        *_proof(findings),
        "",
        *_held(findings),
        *_memory(findings),
        "",
        *_verdict(findings),
    ]


def _headline(findings: Findings) -> list[str]:
    plan, total = findings.plan, findings.journal.total()
    calm = findings.journal.total(outages=False)
    return [
        f"soak of {findings.seconds:.0f} s, {plan.callers} callers, seed {plan.seed}",
        f"calls {total.calls}, attempts {total.attempts}, cancelled {total.outcomes[CANCELLED]}",
        (
            f"amplification {_ratio(total.attempts, total.calls)} attempts a call, "
            f"{_ratio(calm.attempts, calm.calls)} without the outage"
        ),
    ]


def _phases(findings: Findings) -> list[str]:
    names = [f"p{percent} ms" for percent in PERCENTILES]
    rows = [["phase", "seconds", "calls", "attempts", "success", "error", "cancelled", *names]]
    for span in findings.spans:
        tallies = [
            tally for (phase, _), tally in findings.journal.phases.items() if phase is span.phase
        ]
        rows.append(_row(span, tallies))
    return table(rows)


def _row(span: Span, tallies: Sequence[PhaseTally]) -> list[str]:
    calls = sum(tally.calls for tally in tallies)
    success = sum(tally.outcomes[SUCCESS] for tally in tallies)
    cancelled = sum(tally.outcomes[CANCELLED] for tally in tallies)
    all_of_them = sum((tally.latency for tally in tallies), start=PhaseTally().latency)
    return [
        span.phase,
        f"{span.ends - span.begins:.1f}",
        str(calls),
        str(sum(tally.attempts for tally in tallies)),
        str(success),
        str(calls - success - cancelled),
        str(cancelled),
        *("-" if each is None else f"{each * 1000:.0f}" for each in all_of_them.percentiles()),
    ]


def _outage(findings: Findings) -> list[str]:
    lines = ["outage, load that left the client over load that was offered:"]
    for each in findings.outages:
        circuit = "no circuit"
        if each.has_circuit:
            circuit = "circuit opened" if each.opened else "circuit did NOT open"
        lines.append(
            f"  {each.lane}: {each.attempts} attempts of {each.calls} calls "
            f"({_ratio(each.attempts, each.calls)}), {circuit}, "
            f"{each.retries} retries of {each.allowed:.0f} in the budget"
        )
    arrived = {span.phase: span.arrived for span in findings.spans}
    tallies = findings.journal.phases.items()
    offered = sum(tally.calls for (phase, _), tally in tallies if phase is Phase.ERRORS)
    seen = arrived[Phase.ERRORS]
    lines.append(f"  server, by its ledger: {seen} of {offered} ({_ratio(seen, offered)})")
    return lines


def _proof(findings: Findings) -> list[str]:
    proof = findings.proof
    return [
        (
            f"ledger: {proof.operations} operations compared, {proof.arrived} arrivals, "
            f"{proof.took_effect} effects, {proof.abandoned} abandoned by their caller"
        ),
        *_offenders("lost", proof.lost, proof.lost_count),
        *_offenders("doubled", proof.doubled, proof.doubled_count),
        *_offenders(
            "unclassified",
            [f"at {each.at:.1f} s: {each.what}" for each in findings.journal.unclassified],
            findings.journal.unclassified_count,
        ),
    ]


def _offenders(name: str, texts: Sequence[str], count: int) -> list[str]:
    lines = [f"  {name}: {text}" for text in texts[:_SHOWN]]
    return [*lines, f"  {name}: {count - _SHOWN} more"] if count > _SHOWN else lines


def _held(findings: Findings) -> list[str]:
    baseline, end = findings.baseline, findings.end
    names = [field.name for field in fields(Holdings)]
    head = ["held", *(name.replace("_", " ") for name in names)]
    return table(
        [
            head,
            ["after warm-up", *(str(getattr(baseline, name)) for name in names)],
            ["after idle", *(str(getattr(end, name)) for name in names)],
        ]
    )


def _memory(findings: Findings) -> list[str]:
    slope = findings.slope
    if slope.megabytes_per_hour is None:
        return ["memory: too few samples for a slope"]
    counts = "counts" if slope.seconds >= MEMORY_SECONDS else "too short to count"
    return [
        (
            f"memory: {slope.megabytes_per_hour:+.1f} MB an hour over {slope.seconds:.0f} s of "
            f"mixed faults ({slope.samples} samples, {counts}; a leak is more than "
            f"{MEMORY_BOUND:.0f} MB an hour over {MEMORY_SECONDS:.0f} s or longer)"
        )
    ]


def _verdict(findings: Findings) -> list[str]:
    verdict = findings.verdict
    leaks = ", ".join(f"{kind} {count}" for kind, count in verdict.leaks.items())
    return [
        (
            f"lost {verdict.lost}, doubled {verdict.doubled}, unclassified {verdict.unclassified}, "
            f"leaked {verdict.leaked} ({leaks})"
        ),
        *(f"broken: {text}" for text in verdict.broken),
        "PASSED" if verdict.passed else "FAILED",
    ]


def _counted(what: str, counts: Mapping[str, int]) -> list[str]:
    most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(f"{name} {count}" for name, count in most_first) or "none"
    return [f"{what}: {listed}"]


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "-"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as aligned lines, the first column to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines: list[str] = []
    for first, *others in rows:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return lines
