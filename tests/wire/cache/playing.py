"""Plays cases: an origin of raw sockets says what a case says, a client with a cache asks it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from tests.wire.cache.cases.case import filled

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.wire.cache.cases.case import Case, Step
    from tests.wire.scripted_server import Connection, Request

__all__ = ["Answer", "Ask", "Origin", "Pairs", "play"]

STEP: Final = "x-step"
"""The header field of a request that says of which step it is."""
NUMBER: Final = "x-number"
"""That of an answer."""
CONDITIONS: Final = frozenset({"if-none-match", "if-modified-since"})
WITHOUT_BODY: Final = frozenset({204, 304, 504})

Pairs = list[tuple[str, str]]


class Answer(Protocol):
    """What the caller gets, of either family."""

    @property
    def status_code(self) -> int:
        """The status."""
        ...

    @property
    def headers(self) -> Any:
        """The header fields."""
        ...

    @property
    def text(self) -> str:
        """The body, which has been read."""
        ...


class Ask(Protocol):
    """A client with a cache, of whatever kind."""

    def __call__(self, method: str, url: str, headers: Pairs, body: bytes) -> Answer | None:
        """Return an answer, read; None where the request failed."""
        ...


@dataclass
class Run:
    """A case that is played."""

    case: Case
    now: float = field(default_factory=lambda: float(int(time.time())))
    seen: list[tuple[int, Request]] = field(default_factory=list["tuple[int, Request]"])
    """What the origin was asked, and in which step."""

    def pairs(self, lines: Iterable[str]) -> Pairs:
        """Return lines of header fields, with their dates, as pairs."""
        parts = (filled(line, self.now).partition(":") for line in lines)
        return [(name, value.removeprefix(" ")) for name, _, value in parts]

    def text(self, number: int) -> str:
        """Return the body of the origin's answer to a step, counted from 1."""
        text = self.case.steps[number - 1].text
        return f"answer {number}" if text is None else text


class Origin:
    """Answers each request as the case says that it is of."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}

    def script(self, connection: Connection) -> None:
        """Answer one request on a connection, and close it: no case is about connections."""
        request = connection.read_request()
        run = self.runs[request.target.split("/")[1]]
        number = int(request.headers[STEP])
        run.seen.append((number, request))
        step = run.case.steps[number - 1]
        if not step.breaks:
            connection.send(_said(run, step, number, request))


def _said(run: Run, step: Step, number: int, request: Request) -> bytes:
    is_held = step.comes == "checked" and not CONDITIONS.isdisjoint(request.headers)
    status = 304 if is_held else step.status
    body = run.text(number).encode()
    pairs = [*run.pairs(step.says), ("Connection", "close")]
    if not is_held:
        if request.method != "HEAD":  # it may change what is kept, and that is of another step
            pairs.append((NUMBER, str(number)))
        if status not in WITHOUT_BODY or body:
            pairs.append(("Content-Length", str(len(body))))
    if status in {204, 304} or request.method == "HEAD":
        body = b""
    head = [f"HTTP/1.1 {status} Played", *(f"{name}: {value}" for name, value in pairs)]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def play(case: Case, ask: Ask, origin: Origin, url: str) -> None:
    """Make the requests of a case, one after another, and look at what comes of each."""
    run = origin.runs[case.slug] = Run(case)
    for number, step in enumerate(case.steps, 1):
        headers = [*run.pairs(step.asks), (STEP, str(number))]
        answer = ask(step.method, f"{url}/{case.slug}/{step.path}", headers, step.sends)
        where = f"request {number}"
        if step.comes == "nowhere":
            assert answer is None, where
            continue
        assert answer is not None, where
        _look_where_from(run, number, answer, where)
        _look_at_fields(run, step, answer, where)


def _look_where_from(run: Run, number: int, answer: Answer, where: str) -> None:
    step = run.case.steps[number - 1]
    found = answer.headers.get(NUMBER)
    asked = [request for of_step, request in run.seen if of_step == number]
    if step.comes == "origin":
        expected = None if step.method == "HEAD" else str(number)
        assert found == expected, f"{where} got the answer of {found}"
        assert len(asked) == 1, where
    elif found is not None:
        assert int(found) == step.number if step.number else int(found) < number, where
    else:
        assert answer.status_code in {304, 504}, where
    if step.comes == "cache":
        assert step.asks_too or not asked, f"{where} reached the origin"
    if step.comes == "checked":
        assert asked, f"{where} did not reach the origin"
        assert not CONDITIONS.isdisjoint(asked[0].headers), f"{where} had no condition"
    for name, value in run.pairs(step.sent):
        assert asked[0].headers.get(name.lower()) == value, f"{where}: {name}"
    of = int(found or number)
    status = step.gets or run.case.steps[of - 1].status
    assert answer.status_code == status, where
    is_empty = step.method == "HEAD" or status == 304 or (status == 504 and found is None)
    assert answer.text == ("" if is_empty else run.text(of)), where


def _look_at_fields(run: Run, step: Step, answer: Answer, where: str) -> None:
    for name, value in run.pairs(step.has):
        found = answer.headers.get(name)
        assert found is not None, f"{where} has no {name}"
        assert not value or found == value, f"{where}: {name}"
    for name in step.lacks:
        assert name not in answer.headers, f"{where} has {name}"
    if step.comes in {"cache", "checked"} and answer.status_code != 504:
        assert int(answer.headers["age"]) >= (step.age or 0), where
