"""What an operation passes: gates that let it in, and layers around its attempts.

Rule 1  Before a gate takes anything for a call, it notes itself and its grant on the call
        (`call.grants`), so that whatever an interrupt leaves behind is found and given back.
Rule 2  `Gate.leave` may come twice, and before anything was taken: it gives back what is there.
Rule 3  Inside, a failure is a value. It is raised once, at the outside, so that no frame and no
        error keep each other alive. What is raised inside is a cancellation, or somebody's bug.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias, cast

from ..exceptions import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Hashable, Iterable
    from contextlib import AbstractContextManager
    from typing import TypeGuard

    from ..exceptions import MyAPIError
    from ..http.shapes import Request, Response
    from ..metrics.aggregator import Gauge
    from ..runtime.coroutines import Waking
    from .operation import Attempt, Call

__all__ = [
    "NO_STOP",
    "WAIT",
    "Either",
    "Exchange",
    "Failure",
    "Gate",
    "Inner",
    "Layer",
    "Observer",
    "Outer",
    "Outlook",
    "Refusal",
    "Rescue",
    "Send",
    "Sending",
    "Stop",
    "Wait",
]


class Wait(Enum):
    """What a gate answers that cannot say yet."""

    WAIT = "wait"


WAIT: Final = Wait.WAIT

_TOO_MANY_REQUESTS: Final = 429

Inner: TypeAlias = "Callable[[Call, Exchange], Awaitable[Response | Failure]]"
"""What a layer is around: returns an answer, or a `Failure`."""

Send: TypeAlias = "Callable[[Attempt, Request], Awaitable[Response]]"
"""What sends the request of an attempt, and returns the answer or raises."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed, or that succeeded and is looked at by `retry_if`."""

    error: MyAPIError | None
    """Of the tree; None for an answer that is no error."""
    response: Response | None = None
    retry_after: float | None = None
    """Seconds that the answer asks to wait, whether or not that is heeded."""
    is_unsent: bool = False
    """Whether this attempt provably never left this machine, as a drop-in client found."""
    is_to_another: bool = False
    """Whether the answer is to a request that followed the caller's, as a drop-in client found."""
    attempt: Attempt | None = None
    """None where there was none: a gate turned the operation away."""

    @property
    def answer(self) -> Response:
        """The answer of an attempt that succeeded, or was answered with an error."""
        return cast("Response", self.response)

    @property
    def stands_for(self) -> int:
        """The status by which it is retried: 429 for every answer that asks to go slower."""
        error = self.error
        if isinstance(error, RateLimitError):
            return _TOO_MANY_REQUESTS
        status = None if error is None else error.status_code
        return self.answer.status_code if status is None else status

    @property
    def may_have_been_sent(self) -> bool:
        """Whether the request may have reached the server."""
        return getattr(self.error, "request_sent", True) is not False


class Refusal(NamedTuple):
    """Why an attempt that the retry policy wants is not made all the same."""

    reason: str
    """One word for logs and events."""
    text: str
    """What the note on the error says."""
    ending: Callable[[Call], MyAPIError] | None = None
    """Makes the error of an operation whose own failure is gone, as a streamed answer may be."""


class Outlook(NamedTuple):
    """What becomes of a request on its way to the wire, as far as that can be told before."""

    cookie: str | None
    """Its `Cookie` header, with what the client adds; None without one."""
    is_hidden: bool
    """Whether it gets more than can be told: an auth flow is run, or hooks of the caller's are."""
    follows: bool
    """Whether its redirects are followed, so that the answer is to another request."""
    default_encoding: Any = "utf-8"
    """Of the client, for texts without a charset."""
    redirect: Callable[[Request, Response], Request] | None = None
    """Makes the request that follows a redirect; None where a client further out sees to that."""


class Gate:
    """Lets operations in, one after the other, and hears how each ends.

    A base class: what a gate has nothing to say to, it inherits.
    """

    is_early: bool = False
    """Whether `peek` costs so little that it is asked before a call is prepared, too."""
    reads_request: bool = False
    """Whether it looks at `Call.request`; read when a plan is made."""

    def peek(self, call: Call) -> Callable[[], MyAPIError] | None:  # noqa: ARG002 - see the class
        """Return what makes the error, where `enter` would turn the call away for sure.

        Asked before anything is waited for. It takes nothing and tells nobody.
        """
        return None

    def enter(self, call: Call) -> MyAPIError | Wait | None:  # noqa: ARG002 - likewise
        """Admit a call: return None, or the error that rejects it, or `WAIT`."""
        return None

    async def wait(self, call: Call) -> MyAPIError | None:  # noqa: ARG002 - likewise
        """Admit a call that `enter` answered `WAIT`, or return the error that rejects it."""
        return None

    async def renew(self, call: Call, grant: Any) -> MyAPIError | None:  # noqa: ARG002 - likewise
        """Look again at what a call was granted, which has waited for another gate since.

        Returns:
            The error that rejects it after all, or None.
        """
        return None

    def leave(self, call: Call, grant: Any, error: BaseException | None) -> None:
        """Release what a call was granted, which ended with this error, or None.

        Where an interrupt broke the end of a call off, the error is a `KeyboardInterrupt`, however
        the call itself had ended: it says nothing about the server.
        """

    def let_go(self, grant: Any, response: Response) -> None:
        """Take back what was granted for an answer that is closed before its operation is over."""

    def objection(self, call: Call, grant: Any) -> Refusal | None:  # noqa: ARG002 - likewise
        """Return why this call may make no further attempt, or None."""
        return None

    def waking(self, grant: Any, wake: Callable[[], object]) -> AbstractContextManager[object]:  # noqa: ARG002 - likewise
        """Call `wake`, within the block, when an objection arises, from any thread.

        Also where `delay` would answer less than it did.
        """
        return nullcontext()

    def watch(self, call: Call) -> Waking | None:  # noqa: ARG002 - likewise
        """Return what wakes a call, that waits for another gate, where `peek` may have an answer.

        It holds for what happens from now on, before its block too. None for a gate that never has.
        """
        return None

    def error_for(self, call: Call, grant: Any, response: Response) -> type[MyAPIError] | None:  # noqa: ARG002 - likewise
        """Return the error that an answer amounts to, where that is not the one of its status."""
        return None

    def excuses(self, error: BaseException) -> bool:  # noqa: ARG002 - likewise
        """Return whether an operation that ended so says nothing of the server's health."""
        return False

    def delay(self, call: Call, grant: Any, wait: float) -> float | Refusal:  # noqa: ARG002 - likewise
        """Return how many seconds from now the next attempt may be made, or why it may not.

        Asked before the wait for a retry, and with a `wait` of 0.0 after it, until nothing is left.

        Args:
            call: The operation, which has made an attempt.
            grant: What it was let in with.
            wait: Seconds that it waits anyway; the answer is no less.
        """
        return wait

    def spare(self, call: Call, grant: Any) -> bool:  # noqa: ARG002 - likewise
        """Take what one more attempt needs, if that is free this moment; else return False.

        Asked before an attempt that goes out beside another, as a hedge does. What is not used up
        by an attempt is given back by `leave`, and asked for again is not taken twice.
        """
        return True

    def gauges(self, now: float) -> Iterable[Gauge]:  # noqa: ARG002 - likewise
        """Return what stands now, each with its instrument and labels; see `metrics`."""
        return ()

    def begin_anew(self) -> None:
        """Forget the calls that are in: they are of a parent process, or an ended event loop."""

    def close(self) -> None:
        """Release whoever waits: the client is closed."""


class Stop:
    """What turns calls away by hand, before and between the gates and whatever they say.

    A base class, and itself one that never does. While it is not on, that is all that is looked at.
    """

    is_on: bool = False

    def refusal(self, call: Call) -> Callable[[], MyAPIError] | None:  # noqa: ARG002 - see the class
        """Return what makes the error of a call that is turned away, or None."""
        return None

    def objection(self, call: Call) -> Refusal | None:  # noqa: ARG002 - likewise
        """Return why this call may make no further attempt, or None."""
        return None

    def waking(self, call: Call, wake: Callable[[], object]) -> AbstractContextManager[object]:  # noqa: ARG002 - likewise
        """Call `wake`, within the block, when an objection arises, from any thread."""
        return nullcontext()


NO_STOP: Final = Stop()


class Either(Stop):
    """Two that both turn calls away: of a client, and of what one call goes through besides."""

    def __init__(self, one: Stop, other: Stop) -> None:
        self._both = (one, other)

    @property
    def is_on(self) -> bool:  # type: ignore[override] # read, and never set
        """Whether one of them is."""
        return any(each.is_on for each in self._both)

    def refusal(self, call: Call) -> Callable[[], MyAPIError] | None:
        """Return what makes the error of the first that turns the call away."""
        return next(filter(None, (each.refusal(call) for each in self._both)), None)

    def objection(self, call: Call) -> Refusal | None:
        """Return what the first says that objects."""
        return next(filter(None, (each.objection(call) for each in self._both)), None)

    @contextmanager
    def waking(self, call: Call, wake: Callable[[], object]) -> Generator[None]:
        """Have both wake."""
        one, other = self._both
        with one.waking(call, wake), other.waking(call, wake):
            yield


class Layer(Protocol):
    """Goes around attempts, or around whatever is further in.

    An answer, or a `Failure` with one, that it neither returns nor has returned by anybody else is
    its own to close, by `exchange.abandon`, also where it is cancelled meanwhile: a streamed one
    would keep its connection.

    Outside the gates it awaits `inner` at most once at a time: each time asks the gates anew, and
    gives back what they granted the time before. Behind them it may do so several times at once.
    """

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Response | Failure:
        """Return an answer, or a `Failure`, by way of what is further in, or without it."""
        ...


class Outer:
    """A layer that stands outside of the gates, whether or not there are any; a base class."""

    changes_requests: bool = False
    """Whether it may hand on another request than the caller's; see `Exchange.take`."""

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Response | Failure:
        """Return an answer, or a `Failure`, as any layer does."""
        return await inner(call, exchange)


class Observer:
    """Hears of every attempt; a gate or a layer may be one besides.

    It must not raise, and may be told by two attempts of one operation in turn. An interrupt can
    keep the end of an attempt from being told.
    """

    def begin_attempt(self, call: Call, attempt: Attempt) -> None:
        """Take note that an attempt is about to be sent."""

    def end_attempt(
        self,
        call: Call,
        attempt: Attempt,
        response: Response | None,
        error: BaseException | None,
    ) -> None:
        """Take note of how it ended: with an answer, an error of the tree, or what cancelled it.

        Where an answer is an error, both are given.
        """


class Sending:
    """Goes around the sending of each attempt, inside the retries; a base class.

    The first is the outermost. It may answer itself, without `send`. What goes on to raise
    something else than `send` did notes that in `Attempt.left_with`.
    """

    reads_request: bool = False
    """Whether it looks at `Call.request`; read when a plan is made."""
    adds_credentials: bool = False
    """Whether it may put into a request what says whose that is."""

    async def send(
        self,
        send: Send,
        exchange: Exchange,  # noqa: ARG002 - for what asks it what an exception means
        attempt: Attempt,
        request: Request,
    ) -> Response:
        """Send the request of an attempt, which is its own to change, by way of what is inside."""
        return await send(attempt, request)


class Rescue(Protocol):
    """Comes after an operation that failed, once that is told, and may answer in its place."""

    def wants(self, error: BaseException, call: Call) -> TypeGuard[Exception]:
        """Whether it answers for an operation that ended so. It takes nothing."""
        ...

    async def run(self, call: Call, exchange: Exchange, error: Exception) -> Response:
        """Return the answer that the caller gets.

        Raises:
            Exception: There is none after all.
        """
        ...


class Exchange(Protocol):
    """One operation's way to the wire, and what its outcomes mean: supplied by a face.

    What belongs to one attempt is kept on the attempt: two may be under way at once.
    """

    @property
    def attempt_kind(self) -> type[Attempt]:
        """What the state of an attempt is kept in."""
        ...

    @property
    def sees_requests(self) -> bool:
        """Whether each request is told of that an attempt sends (`Attempt.note_request`)."""
        ...

    @property
    def is_streamed(self) -> bool:
        """Whether the caller is handed an answer whose body is still on the wire."""
        ...

    async def send(self, attempt: Any, left: float | None) -> Response:
        """Make an attempt, in at most `left` seconds where that is not None."""
        ...

    def take(self, request: Request) -> None:
        """Send this request from now on, in place of what the caller asked for.

        Raises:
            TypeError: Its URL or its body is none.
            RuntimeError: Its body is one for clients of the other world.
        """
        ...

    def request_for(self, attempt: Any) -> Request:
        """Return a request for an attempt alone, which may be changed before it is sent.

        For None it is what the caller asked for, and is not sent.
        """
        ...

    @property
    def likeness(self) -> Hashable:
        """What operations have in common whose requests say the same; None where that is not known.

        All of it, but for the id of the operation, and without credentials of the client's.
        """
        ...

    def own_request(self, like: Request) -> Request:
        """Return the request of this operation, which says the same as that of another."""
        ...

    def outlook(self, request: Request) -> Outlook:
        """Return what becomes of a request until it is on the wire."""
        ...

    async def send_request(self, attempt: Any, request: Request) -> Response:
        """Send the request of an attempt, within the time that is left."""
        ...

    async def discard(self, failure: Failure) -> None:
        """Release an answer that a retry replaces, so that its connection is free."""
        ...

    async def abandon(self, failure: Failure) -> None:
        """Close an answer, because the operation ends without it."""
        ...

    async def keep(self, failure: Failure) -> None:
        """Read the answer that an error will carry."""
        ...

    async def read(self, response: Response) -> None:
        """Read an answer that is streamed, where there is no caller to do that, and close it."""
        ...

    async def complete(self, failure: Failure) -> None:
        """Read what was left of an answer that is not streamed, for whoever looks at it now."""
        ...

    def can_replay(self) -> bool:
        """Return whether the next attempt would send the same bytes."""
        ...

    def can_share(self, most: int) -> bool:
        """Return whether attempts at the same time would send the same bytes, no more than that."""
        ...

    def fork(self, begin: Callable[[type[Attempt], Call], Attempt], *, is_first: bool) -> Exchange:
        """Return one for an attempt that may have others beside it.

        Args:
            begin: Makes an attempt, of a kind that is given.
            is_first: Whether this one may use what was the caller's.
        """
        ...

    def twin_for(self, call: Call, *, is_first: bool) -> Exchange:
        """Return one for an operation that goes out in place of the caller's, or after it.

        Args:
            call: That operation.
            is_first: Whether this one may use what was the caller's.
        """
        ...

    def likewise(self, failure: Failure, request: Request) -> Failure | None:
        """Return a failure like that of another operation, for one that has waited for it.

        None where it says nothing about this one, which must find out by itself.

        Args:
            failure: What the other has failed with. Its answer has been read.
            request: What would have been sent.
        """
        ...

    def choose(self, attempt: Any) -> None:
        """Take note whose answer it is that the caller gets, of several attempts at once."""
        ...

    def settle_for(self, failure: Failure) -> bool:
        """End with a failure whose answer was discarded; False where nothing is left of it."""
        ...

    def failure_of(self, attempt: Any, response: Response) -> Failure | None:
        """Return why an answer is a failure, or None for a good one."""
        ...

    def look_again(self, response: Response) -> Failure:
        """Return a good answer as what somebody may want to retry all the same."""
        ...

    def failure_from(self, attempt: Any, error: Exception) -> Failure | None:
        """Return what an exception means, or None where it is not about the exchange."""
        ...
