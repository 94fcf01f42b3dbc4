"""All that a run has found, and the form in which it is written out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.soak.histogram import PERCENTILES
from benchmarks.soak.verdict import MEMORY_BOUND, MEMORY_SECONDS

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from benchmarks.soak.holdings import Holdings
    from benchmarks.soak.journal import Journal, PhaseTally
    from benchmarks.soak.ledger_proof import Proof
    from benchmarks.soak.plan import Phase, Plan
    from benchmarks.soak.samples import Sample, Slope
    from benchmarks.soak.verdict import Outage, Verdict
    from server.testing import ProxyStatistics

__all__ = ["Findings", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """When a phase was: seconds since the run began.

    Attributes:
        phase: Which.
        begins: Its beginning.
        ends: Its end.
        arrived: Calls that reached the server in it.
    """

    phase: Phase
    begins: float
    ends: float
    arrived: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """One run, over."""

    plan: Plan
    seconds: float
    journal: Journal
    proof: Proof
    spans: Sequence[Span]
    outages: Sequence[Outage]
    baseline: Holdings
    end: Holdings
    proxy: ProxyStatistics
    samples: Sequence[Sample]
    slope: Slope
    verdict: Verdict

    @property
    def server_faults(self) -> dict[str, int]:
        """How often the server answered with each status that is a failure."""
        statuses = sorted(self.proof.statuses.items())
        return {
            str(status): count for status, count in statuses if not httpx.codes.is_success(status)
        }

    @property
    def errors(self) -> Counter[str]:
        """What callers were told, by outcome."""
        return self.journal.total().outcomes

    def to_json(self) -> dict[str, Any]:
        """Return everything, in what JSON can hold."""
        journal, verdict = self.journal, self.verdict
        return {
            "plan": {**asdict(self.plan), "stages": [asdict(each) for each in self.plan.stages]},
            "seconds": self.seconds,
            "verdict": {
                **asdict(verdict),
                "leaked": verdict.leaked,
                "passed": verdict.passed,
            },
            "phases": [
                {"phase": phase, "lane": lane, **_tally_json(tally)}
                for (phase, lane), tally in journal.phases.items()
            ],
            "spans": [asdict(span) for span in self.spans],
            "outages": [asdict(outage) for outage in self.outages],
            "faults": {"wire": self.proxy.applied, "server": self.server_faults},
            "proxy": asdict(self.proxy),
            "proof": asdict(self.proof),
            "unclassified": [asdict(each) for each in journal.unclassified],
            "circuit_transitions": [asdict(each) for each in journal.transitions],
            "circuit_transition_count": journal.transition_count,
            "baseline": asdict(self.baseline),
            "end": asdict(self.end),
            "memory": {
                **asdict(self.slope),
                "bound_megabytes_per_hour": MEMORY_BOUND,
                "bound_applies_from_seconds": MEMORY_SECONDS,
            },
            "samples": [asdict(sample) for sample in self.samples],
            "buckets": [asdict(bucket) for bucket in journal.buckets],
        }


def _tally_json(tally: PhaseTally) -> dict[str, Any]:
    latency = zip(PERCENTILES, tally.latency.percentiles(), strict=True)
    return {
        "calls": tally.calls,
        "attempts": tally.attempts,
        "retries": tally.retries,
        "outcomes": dict(tally.outcomes),
        "latency_seconds": {f"p{percent}": seconds for percent, seconds in latency},
    }
