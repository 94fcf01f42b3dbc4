"""The story: what each chapter says, does and promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .pace import THRESHOLD
from .proof import arrivals, expect
from .report import Chapter
from .strategy_chapters import STRATEGY_CHAPTERS

if TYPE_CHECKING:
    from .caller import Caller
    from .failure_server import FailureServer, Ledger
    from .proof import Check
    from .record import ChapterRecord

__all__ = ["CHAPTERS"]

_OUTAGE_SECONDS: Final = 60.0
_CALLS: Final = 3
_PROBING: Final = 5
_CROWD: Final = 12


async def _call_a_healthy_server(caller: Caller, _server: FailureServer) -> None:
    await caller.one_by_one(_CALLS)


def _nothing_is_in_the_way(record: ChapterRecord, ledger: Ledger) -> list[Check]:
    return [
        expect("outcomes", f"{_CALLS} success", record.outcomes),
        expect("attempts", _CALLS, record.attempts),
        expect("requests that arrived", _CALLS, arrivals(record.operations, ledger)),
    ]


async def _fail_twice(caller: Caller, server: FailureServer) -> None:
    server.fail_count(2)
    await caller.call()


def _one_success_in_three_attempts(record: ChapterRecord, ledger: Ledger) -> list[Check]:
    return [
        expect("outcomes", "1 success", record.outcomes),
        expect("attempts", 3, record.attempts),
        expect("requests that arrived", 3, arrivals(record.operations, ledger)),
        expect("transitions of the circuit", "none", record.transitions),
    ]


async def _break_down(caller: Caller, server: FailureServer) -> None:
    server.fail_duration(_OUTAGE_SECONDS, status=503)
    await caller.one_by_one(THRESHOLD + _CALLS)


def _opened_and_failed_fast(record: ChapterRecord, ledger: Ledger) -> list[Check]:
    late = record.operations[THRESHOLD:]
    outcomes = f"{THRESHOLD} ServiceUnavailableError, {_CALLS} CircuitOpenError"
    return [
        expect("outcomes", outcomes, record.outcomes),
        expect("transitions of the circuit", "opened", record.transitions),
        expect("requests that arrived after it opened", 0, arrivals(late, ledger)),
    ]


async def _recover(caller: Caller, server: FailureServer) -> None:
    server.reset()
    await caller.sit_out_the_break()
    await caller.at_once(1 + _PROBING, slow_answer=caller.pace.slow_answer)
    await caller.one_by_one(_CALLS)


def _recovered_by_one_probe(record: ChapterRecord, ledger: Ledger) -> list[Check]:
    crowd = record.operations[: 1 + _PROBING]
    outcomes = f"{1 + _CALLS} success, {_PROBING} CircuitOpenError"
    return [
        expect("outcomes", outcomes, record.outcomes),
        expect("transitions of the circuit", "half-opened, closed", record.transitions),
        expect("requests that arrived before it closed", 1, arrivals(crowd, ledger)),
    ]


async def _overload(caller: Caller, _server: FailureServer) -> None:
    await caller.at_once(_CROWD, slow_answer=caller.pace.slow_answer)


def _some_served_some_turned_away(record: ChapterRecord, ledger: Ledger) -> list[Check]:
    kinds = ", ".join(sorted({str(operation.kind) for operation in record.operations}))
    rejected = [operation for operation in record.operations if operation.was_rejected]
    return [
        expect("kinds of outcome", "PoolTimeoutError, success", kinds),
        expect("requests that arrived of those turned away", 0, arrivals(rejected, ledger)),
        expect("transitions of the circuit", "none", record.transitions),
    ]


async def _write(caller: Caller, server: FailureServer) -> None:
    server.fail_count(1, when="after")
    await caller.call("POST", json={"transfer": 100})


def _written_once(record: ChapterRecord, ledger: Ledger) -> list[Check]:
    entry = ledger.requests.get(record.operations[0].request_id)
    found = (entry.arrived, len(entry.bodies), entry.took_effect) if entry else (0, 0, 0)
    arrived, bodies, effects = found
    return [
        expect("outcomes", "1 success", record.outcomes),
        expect("requests that arrived", 2, arrived),
        expect("different bodies among them", 1, bodies),
        expect("effects", 1, effects),
    ]


CHAPTERS: Final = (
    Chapter(
        name="healthy",
        title="Healthy calls",
        text="Three calls to a server that is well. Each should take one attempt: while nothing "
        "is wrong, protection must not be in the way.",
        play=_call_a_healthy_server,
        promises=_nothing_is_in_the_way,
    ),
    Chapter(
        name="retries",
        title="Two failures that retries absorb",
        text="The next two requests are answered 500. The client waits after each, with jitter so "
        "that many clients do not come back in step, and its caller should see a success.",
        play=_fail_twice,
        promises=_one_success_in_three_attempts,
    ),
    Chapter(
        name="outage",
        title="An outage opens the circuit",
        text="Every request is answered 503. After three failed operations in a row the circuit "
        "should open: more calls then fail at once and never reach the server, which saves the "
        "callers' time and spares the server.",
        play=_break_down,
        promises=_opened_and_failed_fast,
    ),
    Chapter(
        name="recovery",
        title="Recovery through one probe",
        text="The server is well again, which the client cannot know. After the break six callers "
        "come at once: one should go through as the probe, the others be turned away until it is "
        "back. A server that has just got up must not be run over.",
        play=_recover,
        promises=_recovered_by_one_probe,
    ),
    Chapter(
        name="overload",
        title="Overload that the bulkhead turns away",
        text="The server has become slow, and twelve callers come at once for five slots. Some "
        "should be served, the others turned away once their patience is over, before they pile "
        "up and take the application down.",
        play=_overload,
        promises=_some_served_some_turned_away,
    ),
    Chapter(
        name="write",
        title="A write that is retried and not doubled",
        text="A POST takes effect, and then its answer is lost to a 500. The client cannot know, "
        "and sends the same bytes under the same request id again: it should happen once.",
        play=_write,
        promises=_written_once,
    ),
    *STRATEGY_CHAPTERS,
)
