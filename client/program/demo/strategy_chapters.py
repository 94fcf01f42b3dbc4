"""The rest of the story: a pause for all, a limit that adapts, an endpoint that dies, a cache."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ... import events
from .failure_server import open_doors
from .pace import THRESHOLD
from .proof import Check, arrivals, expect
from .report import Chapter

if TYPE_CHECKING:
    from .caller import Caller
    from .failure_server import FailureServer, Ledger
    from .record import ChapterRecord

__all__ = ["STRATEGY_CHAPTERS"]

_REFUSING_SECONDS: Final = 0.9
_PAUSE_SECONDS: Final = 1
"""Longer than the server refuses: whoever comes before the pause is over is refused, too."""
_BEHIND: Final = 5
_LIMIT: Final = 20
_ROUNDS: Final = 3
"""Of calls while the server is well."""
_CROWD: Final = 3 * _LIMIT
"""Calls at once when it is not: somebody queues until nearly all are served."""
_NO_HURRY: Final = {"total": 300, "read": 60}
"""Or on a slow machine those who queue last are turned away, for too little time would be left."""
_TIMES_SLOWER: Final = 6
_SLOWER_AT_LEAST: Final = 0.15
_NEWS: Final = "/news"
_OUTAGE_SECONDS: Final = 60.0
_READS: Final = THRESHOLD + 3
"""During the outage: until the circuit is open, and some more."""
_DOORS: Final = 3
_TURNS: Final = 2
"""Of calls to each of them, once one is shut."""


async def _be_told_to_wait(caller: Caller, server: FailureServer) -> None:
    with caller.configured(rate_limit={"rate": 20}):
        server.fail_duration(_REFUSING_SECONDS, status=429, retry_after=str(_PAUSE_SECONDS))
        first = asyncio.create_task(caller.call())
        await caller.until(events.RateLimitPaused, first)
        await caller.at_once(_BEHIND)
        await first


def _nobody_asked_during_the_pause(record: ChapterRecord, ledger: Ledger) -> list[Check]:
    pauses = [event for event in record.events if isinstance(event, events.RateLimitPaused)]
    return [
        expect("outcomes", f"{1 + _BEHIND} success", record.outcomes),
        expect("pauses", 1, len(pauses)),
        expect("requests that arrived", 2 + _BEHIND, arrivals(record.operations, ledger)),
    ]


async def _slow_down(caller: Caller, server: FailureServer) -> None:
    adaptive = {
        "initial_limit": _LIMIT,
        "window": 0.05,
        "minimum_samples": _LIMIT // 2,
        "smoothing": 0.5,
    }
    settings = {"max_concurrency": _LIMIT, "acquisition_timeout": 300, "adaptive": adaptive}
    with caller.configured(bulkhead=settings, timeout=_NO_HURRY):
        for _ in range(_ROUNDS):
            await caller.at_once(_LIMIT)
        seconds = max(_SLOWER_AT_LEAST, _TIMES_SLOWER * caller.mean_seconds)
        server.latency(1000 * seconds)
        await caller.at_once(_CROWD)
    server.reset()


def _fewer_at_once_and_all_served(record: ChapterRecord, ledger: Ledger) -> list[Check]:
    calls = _LIMIT * _ROUNDS + _CROWD
    limits = [event.limit for event in record.events if isinstance(event, events.LimitChanged)]
    last = limits[-1] if limits else _LIMIT
    found = f"{_LIMIT} at first, {last} at last"
    return [
        expect("outcomes", f"{calls} success", record.outcomes),
        Check("slots", found, last < _LIMIT, "fewer at last"),
        expect("requests that arrived", calls, arrivals(record.operations, ledger)),
    ]


async def _be_late_once(caller: Caller, server: FailureServer) -> None:
    delay = caller.pace.slow_answer
    with caller.configured(hedge={"delay": delay, "max_extra_load": 1}):
        server.latency(1000 * _TIMES_SLOWER * delay)
        late = asyncio.create_task(caller.call())
        while not late.done() and not arrivals(caller.operations, server.ledger()):  # noqa: ASYNC110 - it is asked
            await asyncio.sleep(0.005)
        server.reset()
        await late


def _overtaken_by_its_hedge(record: ChapterRecord, ledger: Ledger) -> list[Check]:
    lost = [event.attempt for event in record.events if isinstance(event, events.HedgeLost)]
    return [
        expect("outcomes", "1 success", record.outcomes),
        expect("attempts", 2, record.attempts),
        expect("attempts that lost", "[1]", str(lost)),
        expect("requests that arrived", 2, arrivals(record.operations, ledger)),
    ]


async def _lose_an_endpoint(caller: Caller, server: FailureServer) -> None:
    async with (
        open_doors(server.url, _DOORS) as doors,
        caller.of_endpoints(
            [door.url for door in doors],
            policy="round_robin",
            outliers={"consecutive_failures": 1},
        ) as callers,
    ):
        await callers.one_by_one(_DOORS)
        await doors[0].shut()
        await callers.one_by_one(_DOORS * _TURNS)


def _all_served_by_the_others(record: ChapterRecord, ledger: Ledger) -> list[Check]:
    calls = _DOORS * (1 + _TURNS)
    left_out = [event for event in record.events if isinstance(event, events.EndpointEjected)]
    return [
        expect("outcomes", f"{calls} success", record.outcomes),
        expect("attempts", calls + 1, record.attempts),
        expect("endpoints left out", 1, len(left_out)),
        expect("requests that arrived", calls, arrivals(record.operations, ledger)),
    ]


async def _read_through_an_outage(caller: Caller, server: FailureServer) -> None:
    keep = {"Cache-Control": "max-age=0, stale-if-error=600"}
    server.route(_NEWS, json={"news": "none"}, headers=keep)
    async with caller.with_another(cache={}) as reader:
        await reader.call(path=_NEWS)
        server.fail_duration(_OUTAGE_SECONDS, status=503)
        await reader.one_by_one(_READS, _NEWS)
    server.reset()


def _answered_from_what_is_kept(record: ChapterRecord, ledger: Ledger) -> list[Check]:
    kept = [operation for operation in record.operations if operation.was_kept]
    return [
        expect("outcomes", f"{1 + _READS} success", record.outcomes),
        expect("transitions of the circuit", "opened", record.transitions),
        expect("answers from the cache", _READS, len(kept)),
        expect("requests that arrived after it opened", 0, arrivals(kept[THRESHOLD:], ledger)),
    ]


STRATEGY_CHAPTERS: Final = (
    Chapter(
        name="pause",
        title="A refusal that pauses everybody",
        text="The server has had enough and answers 429: come back in a second. One caller is told "
        "so, and five more come right then. With a rate limit they all should wait, and then go "
        "one by one: who asks during the pause only makes it longer.",
        play=_be_told_to_wait,
        promises=_nobody_asked_during_the_pause,
    ),
    Chapter(
        name="adapting",
        title="A limit that follows the server",
        text="Twenty calls come at once, again and again, and then sixty, to a server that has "
        "become slow. Nobody has said how many it bears. The limit should come down by itself, "
        "and everybody be served all the same.",
        play=_slow_down,
        promises=_fewer_at_once_and_all_served,
    ),
    Chapter(
        name="hedge",
        title="A slow answer, overtaken by its hedge",
        text="One answer is late, for no reason that concerns the caller. After a while the same "
        "request goes out once more, and the first good answer wins: two arrive, one has an "
        "effect, and nobody waits for the late one.",
        play=_be_late_once,
        promises=_overtaken_by_its_hedge,
    ),
    Chapter(
        name="endpoints",
        title="One endpoint of three dies",
        text="The service has three addresses, and calls go to each in turn. One of them dies. A "
        "single attempt should find that out, the call be sent again elsewhere, and from then on "
        "nobody be sent there: all are served, and each has its effect once.",
        play=_lose_an_endpoint,
        promises=_all_served_by_the_others,
    ),
    Chapter(
        name="cache",
        title="A cache that carries readers through an outage",
        text="Something is read once, and kept. Then every request is answered 503. The readers "
        "should not notice: they get what was kept, which the server allows for ten minutes. The "
        "failures behind it open the circuit all the same, so that the server is left in peace.",
        play=_read_through_an_outage,
        promises=_answered_from_what_is_kept,
    ),
)
