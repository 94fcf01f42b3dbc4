"""One attempt of a race, which runs beside the others and beside whoever waits for them.

Rule 1  Who takes a lane's outcome is settled once, by whoever comes first (`_claim`): the lane that
        ends, and then the race has it, or the race that gives the lane up, and then the lane lets
        go of its answer by itself.
Rule 2  A lane tells the race by a signal. It decides nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ...engine.layer import Failure
from ...errors.urls import mask_url
from ...http.bodies.response_body import BodyLimit
from ...http.verdicts import OK

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.layer import Exchange, Inner
    from ...engine.operation import Attempt, Call
    from ...engine.ports import Task
    from ...http.shapes import Request, Response
    from .losers import Losers
    from .race import Finish

    _Base = Attempt
else:
    _Base = object

__all__ = ["Lane"]

_SMALL: Final = BodyLimit(64 * 1024)
"""A longer body is not read only to keep its connection."""
_HTTP_2: Final = b"HTTP/2"


class Lane:
    """What one attempt does, and what comes of it.

    Args:
        finish: What the race looks at.
        task: What it runs in.
        losers: Where it goes on when it has lost.
        is_hedge: Whether it is not the first of the race.

    Attributes:
        attempt: Once it has begun.
        result: What came of it, until the race, or nobody, has that.
        error: What it raised.
        is_over: Whether nothing more comes of it.
        is_given_up: Whether nobody waits for it.
        lets_go: Whether it lets go of its answer by itself, so that nobody else may.
        speaks_http2: Whether its answer came by HTTP/2.
    """

    def __init__(self, finish: Finish, task: Task, losers: Losers, *, is_hedge: bool) -> None:
        self.is_hedge = is_hedge
        self.task = task
        self.attempt: Attempt | None = None
        self.result: Response | Failure | None = None
        self.error: BaseException | None = None
        self.is_over: bool = True  # until it is started
        self.is_given_up: bool = False
        self.lets_go: bool = False
        self.speaks_http2: bool = False
        self._finish = finish
        self._losers = losers
        self._open = [True]

    def start(self, inner: Inner, call: Call, exchange: Exchange) -> None:
        """Begin."""
        twin = exchange.fork(self._begin_attempt, is_first=not self.is_hedge)
        self.is_over = False
        self.task.start(partial(self._run, inner, call, twin), self._end)

    def lose(self, *, is_drained: bool) -> bool:
        """Give it up because another won; return whether it was under way still.

        Args:
            is_drained: Whether its answer is read to its end.
        """
        if self.attempt is None:
            is_drained = False  # it has not begun, and need not
        else:
            self.attempt.is_lost = True
        return self._give_up(self._losers.drain if is_drained else self._losers.cancel)

    def break_off(self) -> None:
        """Give it up because the operation ends without it."""
        self._give_up(self._losers.cancel)

    def _give_up(self, hand_over: Callable[[Task], None]) -> bool:
        self.is_given_up = True
        is_under_way = self._claim()
        self.lets_go |= is_under_way  # it may be lost first, and broken off then
        hand_over(self.task)
        if self.is_over:
            self._losers.remove(self.task)
        return is_under_way

    def note_head(self, attempt: Attempt, response: Response) -> None:
        """Take note that the head of an answer has come, before its body is read."""
        if self.is_given_up:
            _SMALL.install(response)
        elif _is_good_end(attempt, response):
            self.speaks_http2 = is_http2(response)
            self._finish.note_head(self)

    def _begin_attempt(self, kind: type[Attempt], call: Call) -> Attempt:
        attempt = _raced(kind)(call)
        attempt.lane = self
        attempt.is_hedge = self.is_hedge
        self.attempt = attempt
        return attempt

    async def _run(self, inner: Inner, call: Call, exchange: Exchange) -> None:
        try:
            result = self.result = await inner(call, exchange)
            if not self._claim():
                self.result = None
                await _let_go(result, exchange)
        except BaseException as error:  # noqa: BLE001 - raised again by the race, unless it has lost
            if self._claim():
                self.error = error

    def _claim(self) -> bool:
        """Return True to whoever asks first."""
        try:
            return self._open.pop()
        except IndexError:
            return False

    def _end(self) -> None:
        self._claim()  # where it never began
        self.is_over = True
        if self.is_given_up:
            self._losers.remove(self.task)
        self._finish.note_end(self)


def is_http2(response: object) -> bool:
    """Return whether an answer came by HTTP/2, which can end one exchange of many."""
    told: object = getattr(response, "extensions", {}).get("http_version")
    return told == _HTTP_2


async def _let_go(result: Response | Failure, exchange: Exchange) -> None:
    """Read an answer that nobody wants, where that is little, or close it."""
    failure = result if isinstance(result, Failure) else Failure(None, result)
    try:
        await exchange.discard(failure)
    except BaseException:
        await exchange.abandon(failure)
        raise


def _is_good_end(attempt: Attempt, response: Response) -> bool:
    """Whether an answer is no failure, and surely the last of those that an attempt may get."""
    if response.status_code not in OK or response.has_redirect_location:
        return False
    return _is_own(attempt, response.request)


def _is_own(attempt: Attempt, request: Request) -> bool:
    """Whether a request is the operation's, and no redirect nor one of an auth flow."""
    call = attempt.call
    sent: object = getattr(attempt, "request", None)  # that of a drop-in client
    if sent is not None:
        return request is sent
    return request.method == call.method and mask_url(str(request.url)) == attempt.shown_url


class _Raced(_Base):
    """Before a kind of attempt among the bases: tells its lane of each head."""

    lane: Lane | None

    def note_head(self, response: Response) -> None:
        super().note_head(response)
        if self.lane is not None:
            self.lane.note_head(self, response)

    def note_end(self, response: Response | None) -> None:
        super().note_end(response)
        self.lane = None  # the two would keep each other alive


_kinds: Final[dict[object, type[_Raced]]] = {}


def _raced(kind: type[Attempt]) -> type[_Raced]:
    """Return a kind of attempt that tells its lane."""
    found = _kinds.get(kind)
    if found is None:
        found = _kinds[kind] = type(kind.__name__, (_Raced, kind), {})
    return found
