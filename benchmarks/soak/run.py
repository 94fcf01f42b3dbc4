"""Conducts a run: phase by phase, window by window, and counts before and after."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from benchmarks.soak.calls import Call
from benchmarks.soak.findings import Findings, Span
from benchmarks.soak.holdings import count_holdings, resident_bytes
from benchmarks.soak.journal import SUCCESS, Journal
from benchmarks.soak.lanes import BUDGET, AsyncLane, build_lanes
from benchmarks.soak.ledger_proof import Proof
from benchmarks.soak.load import Load, perform, perform_blocking
from benchmarks.soak.plan import Phase
from benchmarks.soak.samples import Sample, memory_slope
from benchmarks.soak.verdict import Outage, Verdict, allowed_retries, find_leaks
from benchmarks.soak.weather import Controls, Weather
from client import CircuitState
from server.testing import FailureServer, WireProxy

if TYPE_CHECKING:
    from collections.abc import Generator

    from benchmarks.soak.holdings import Holdings
    from benchmarks.soak.lanes import Lane
    from benchmarks.soak.plan import Plan, Stage

__all__ = ["Progress", "soak"]

_PROBES: Final = 3
"""Calls that each client must make after the idle phase, one after the other."""
_SETTLE_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.1
_BUDGET_WINDOW_SECONDS: Final = 10.0
_GRACE_SECONDS: Final = 90.0
"""On top of half as long again as was planned, before a run that hangs is given up."""


class Progress(Protocol):
    """What shows how far a run has come."""

    def __call__(self, journal: Journal, sample: Sample) -> None:
        """Show it."""


async def soak(plan: Plan, progress: Progress) -> Findings:
    """Start the server and the proxy, make the run, and return what it found.

    Raises:
        TimeoutError: The run hangs.
        FailureServerError: The server or the proxy does not start or answer.
    """
    async with asyncio.timeout(plan.seconds * 1.5 + _GRACE_SECONDS), AsyncExitStack() as stack:
        server = await stack.enter_async_context(FailureServer(subprocess=True))
        proxy = await stack.enter_async_context(
            WireProxy(server.url, subprocess=True, seed=plan.seed)
        )
        controls = Controls()
        stack.callback(controls.close)
        journal = Journal()
        lanes = build_lanes(proxy.url, plan, journal)
        for lane in lanes:
            if isinstance(lane, AsyncLane):
                await stack.enter_async_context(lane.client)
            else:
                stack.enter_context(lane.client)
        load = Load(lanes, plan, journal)
        stack.push_async_callback(load.stop)
        stack.enter_context(_complaints_to(journal))
        run = _Run(
            plan=plan,
            server=server,
            proxy=proxy,
            controls=controls,
            journal=journal,
            lanes=lanes,
            load=load,
            progress=progress,
        )
        return await run.conduct()


@dataclass(kw_only=True)
class _Run:
    """The parts of a run, put together in one place."""

    plan: Plan
    server: FailureServer
    proxy: WireProxy
    controls: Controls
    journal: Journal
    lanes: list[Lane]
    load: Load
    progress: Progress
    _spans: list[Span] = field(default_factory=list[Span])
    _samples: list[Sample] = field(default_factory=list[Sample])

    def __post_init__(self) -> None:
        self._proof = Proof()
        self._weather = Weather(self.server, self.proxy, self.plan, self.controls)

    async def conduct(self) -> Findings:
        """Play all phases and judge them."""
        self.load.start()
        sampler = asyncio.create_task(self._sample_on_and_on())
        try:
            return await self._conduct()
        finally:
            sampler.cancel()
            await asyncio.gather(sampler, return_exceptions=True)

    async def _conduct(self) -> Findings:
        first, *others = self.plan.stages
        await self._play(first)
        baseline = await self._settle()
        for stage in others:
            await self._play(stage)
        stuck = await self._probe()
        end = await self._settle()
        statistics = await self.controls(self.proxy.statistics)
        slope = memory_slope(self._samples)
        leaks = find_leaks(
            baseline, end, open_at_proxy=statistics.open, stuck_permits=stuck, slope=slope
        )
        outages = [self._outage(lane) for lane in self.lanes]
        return Findings(
            plan=self.plan,
            seconds=self.journal.now(),
            journal=self.journal,
            proof=self._proof,
            spans=self._spans,
            outages=outages,
            baseline=baseline,
            end=end,
            proxy=statistics,
            samples=self._samples,
            slope=slope,
            verdict=Verdict(
                lost=self._proof.lost_count,
                doubled=self._proof.doubled_count,
                unclassified=self.journal.unclassified_count,
                leaks=leaks,
                broken=[text for outage in outages for text in outage.broken_promises],
            ),
        )

    async def _play(self, stage: Stage) -> None:
        """Let one phase pass, with a pause after each window of its load."""
        journal = self.journal
        journal.phase = stage.phase
        begins, arrived_before = journal.now(), self._proof.arrived
        ends = begins + stage.seconds
        if stage.phase is Phase.IDLE:
            await asyncio.sleep(stage.seconds)
        else:
            windows = max(1, round(stage.seconds / self.plan.window_seconds))
            for number in range(1, windows + 1):
                await self._weather.begin(stage.phase)
                self.load.open()
                window_ends = begins + stage.seconds * number / windows
                await asyncio.sleep(max(0.0, min(window_ends, ends) - journal.now()))
                await self.load.pause()
                await self._weather.end()
                await self._read_ledger()
        arrived = self._proof.arrived - arrived_before
        self._spans.append(Span(stage.phase, begins, journal.now(), arrived))

    async def _read_ledger(self) -> None:
        """Compare the window that has just ended with the ledger, and empty both."""
        await self._wait_for_stragglers()
        ledger = await self.controls(self.server.ledger)
        await self.controls(self.server.clear)
        self._proof.add(self.journal.take_operations(), ledger)

    async def _wait_for_stragglers(self) -> None:
        """Wait until no byte moves on the wire: what was cancelled may still be on its way."""
        give_up_at = self.journal.now() + _SETTLE_SECONDS
        before = -1
        while self.journal.now() < give_up_at:
            statistics = await self.controls(self.proxy.statistics)
            if statistics.bytes_up == before:
                return
            before = statistics.bytes_up
            await asyncio.sleep(_LOOK_SECONDS)

    async def _probe(self) -> int:
        """Call with each client; return the circuits that are not closed and the calls failed."""
        # What a server closed while it lay idle is found out by use.
        failed = 0
        for lane in self.lanes:
            for _ in range(_PROBES):
                call = Call("GET", "/msg", {})
                if isinstance(lane, AsyncLane):
                    operation = await perform(lane, call, self.journal)
                else:
                    operation = await self.controls(perform_blocking, lane, call, self.journal)
                failed += operation.outcome != SUCCESS
            failed += lane.client.circuit_state not in {None, CircuitState.CLOSED}
        await self._read_ledger()
        return failed

    async def _settle(self) -> Holdings:
        """Count what is held, once it does not change any more."""
        give_up_at = self.journal.now() + _SETTLE_SECONDS
        before: object = None
        while True:
            gc.collect()
            statistics = await self.controls(self.proxy.statistics)
            holdings = count_holdings(self.lanes)
            is_steady = before == (holdings, statistics.open)
            if is_steady or self.journal.now() > give_up_at:
                return holdings
            before = (holdings, statistics.open)
            await asyncio.sleep(_LOOK_SECONDS)

    def _outage(self, lane: Lane) -> Outage:
        spans = [span for span in self._spans if span.phase.is_outage]
        begins, ends = spans[0].begins, spans[-1].ends
        tallies = [
            tally
            for (phase, name), tally in self.journal.phases.items()
            if phase.is_outage and name == lane.name
        ]
        calls = sum(tally.calls for tally in tallies)
        before = begins - _BUDGET_WINDOW_SECONDS - self.plan.bucket_seconds
        calls_before = sum(
            bucket.calls.get(lane.name, 0)
            for bucket in self.journal.buckets
            if before < bucket.ends <= begins + self.plan.bucket_seconds
        )
        return Outage(
            lane=lane.name,
            has_circuit=lane.client.config.circuit_breaker is not None,
            opened=any(
                each.lane == lane.name and each.state == "open" and begins <= each.at <= ends
                for each in self.journal.transitions
            ),
            calls=calls,
            attempts=sum(tally.attempts for tally in tallies),
            retries=sum(tally.retries for tally in tallies),
            allowed=allowed_retries(
                ratio=BUDGET.ratio,
                minimum_per_second=BUDGET.minimum_per_second,
                calls=calls,
                calls_before=calls_before,
                seconds=ends - begins,
            ),
        )

    async def _sample_on_and_on(self) -> None:
        while True:
            await asyncio.sleep(self.plan.bucket_seconds)
            bucket = self.journal.close_bucket()
            holdings = count_holdings(self.lanes)
            sample = Sample(
                at=bucket.ends,
                phase=self.journal.phase,
                resident_bytes=resident_bytes(),
                descriptors=holdings.descriptors,
                threads=holdings.threads,
                tasks=holdings.tasks,
                slots_in_use=holdings.slots_in_use,
            )
            self._samples.append(sample)
            self.progress(self.journal, sample)


@contextmanager
def _complaints_to(journal: Journal) -> Generator[None]:
    """Record what a loop, a thread or a destructor can tell nobody else."""
    loop = asyncio.get_running_loop()

    def of_loop(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        journal.complain(f"event loop: {context.get('message')} {context.get('exception')!r}")

    def of_destructor(unraisable: sys.UnraisableHookArgs) -> None:
        journal.complain(f"destructor: {unraisable.exc_value!r} in {unraisable.object!r}")

    def of_thread(arguments: threading.ExceptHookArgs) -> None:
        journal.complain(f"thread: {arguments.exc_value!r}")

    hooks = sys.unraisablehook, threading.excepthook
    loop.set_exception_handler(of_loop)
    sys.unraisablehook, threading.excepthook = of_destructor, of_thread
    try:
        yield
    finally:
        loop.set_exception_handler(None)
        sys.unraisablehook, threading.excepthook = hooks
