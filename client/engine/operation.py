"""One operation on its way through the engine: what was asked, and what has happened so far."""

from __future__ import annotations

import weakref
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict, cast
from uuid import uuid4

from ..errors.urls import is_same_origin, join, mask_url, origin_of
from ..http.headers import put_carried
from ..http.outcomes import ANSWERED, outcome_of_attempt
from ..http.service import NAME, PLACEHOLDER
from ..metrics.instruments import AGAIN, FIRST, HEDGE
from ..metrics.targets import METHODS, OTHER, shown_origin
from ..runtime.once import once
from .layer import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from typing import Protocol, Self

    from ..exceptions import MyAPIError
    from ..http.service import Service
    from ..http.shapes import URL, Request, Response
    from ..metrics.aggregator import Aggregator
    from ..metrics.targets import Targets
    from .deadline import Deadline
    from .errors import CallErrors
    from .layer import Exchange, Failure, Gate, Inner
    from .notifiers import Notifiers
    from .plan import Plan
    from .ports import Ports
    from .tracing import Trace

    class Host(Protocol):
        """What an operation finds its clock and its errors in: the engine."""

        ports: Ports
        errors: CallErrors
        metrics: Aggregator
        is_closed: bool

        async def run_aside(self, call: Call, exchange: Exchange, work: Inner) -> None:
            """Run an operation that nobody waits for."""
            ...


__all__ = ["About", "Attempt", "Call", "CallReport", "under_way"]


class About(TypedDict):
    """What every event says of its operation."""

    client: str
    operation_id: str
    request_id: str | None
    method: str
    url: str


class _Usually:
    """What is true of nearly every attempt, so that none is made to say so."""

    __slots__ = ()

    is_hedge: bool = False
    """Whether it was sent beside another that had not ended."""
    is_lost: bool = False
    """Whether nobody waits for its outcome any more, because another attempt won."""
    is_unsent: bool = False
    """Whether it has failed and provably never left this machine."""
    injected: str | None = None
    """The kind of the fault that was injected into it on purpose."""
    endpoint: str | None = None
    """The URL of the endpoint that it goes to, without credentials; None without endpoints."""
    hold: object = None
    """What it has of that endpoint: a matter of whoever chose it."""


class Attempt(_Usually):
    """One exchange with a server, of which an operation may make several, even at once.

    Args:
        call: The operation.
    """

    left_with: tuple[int | None, Failure | None]
    """The `id` of an exception that code around the sending has let through, and the failure that
    it stands for, or None where it has nothing to do with the exchange. Mostly not there."""

    __slots__ = (
        "__dict__",  # for what hardly any has
        "call",
        "carried",
        "has_sent",
        "headed",
        "is_over",
        "left_with",
        "number",
        "started",
        "status",
    )

    def __init__(self, call: Call) -> None:
        self.call: Call = call
        self.number: int = call.attempts
        """From 1, in the order in which the attempts of an operation begin."""
        # Nothing waits between a call's being let in and its first attempt.
        self.started: float = call.entered if call.attempts == 1 else call.host.ports.now()
        """When it began, in seconds of the world's clock."""
        self.headed: float | None = None
        """When the head of its last answer had come; None again once a request follows that.
        Without an answer, when it ended."""
        self.carried: Mapping[str, str] | None = None
        """Headers that the request of this attempt has besides: those of a trace."""
        self.has_sent: bool = False
        """Whether a request went to the wire, as far as it is traced."""
        self.is_over: bool = False
        """Whether its end was counted, or will be with that of its operation."""
        self.status: int | None = None
        """Of its answer, if one has come."""
        if call.uncounted is not None:
            call.uncounted.count(None)

    def note_request(self, request: Request) -> None:
        """Tell whoever traces the call that a request is about to go to the wire.

        What the attempt carries does not come to another origin.
        """
        trace = self.call.trace
        if trace is None:
            return
        if self.carried:
            if self.may_carry(request):
                put_carried(request.headers, self.carried)
            else:
                for name in self.carried:
                    request.headers.pop(name, None)
        self.has_sent = True
        trace.begin_request(self)

    def may_carry(self, request: Request) -> bool:
        """Whether a request goes to where the operation does, and not where it is redirected.

        Nor to where an auth flow asks for a token.
        """
        return self.call.owns(request.url)

    @property
    def url(self) -> str:
        """The whole URL that is asked, with what must not be shown."""
        url = self.call.url
        if self.endpoint is None or not url.startswith(PLACEHOLDER):
            return url
        return self.endpoint + url.removeprefix(PLACEHOLDER)

    @property
    def shown_url(self) -> str:
        """The same without credentials, query and fragment."""
        return self.call.shown_url if self.endpoint is None else mask_url(self.url)

    @property
    def target(self) -> str:
        """What it is shown under: the endpoint, or the origin without a usual port."""
        return shown_origin(self.call.origin) if self.endpoint is None else self.endpoint

    def note_head(self, response: Response) -> None:  # noqa: ARG002 - whoever races it wants to know
        """Record that the head of an answer has come."""
        call = self.call
        self.headed = call.host.ports.now()
        if call.trace is not None:
            call.trace.end_request(self)

    def note_request_end(self) -> None:
        """Tell whoever traces the call that the request is answered, or has failed."""
        if (trace := self.call.trace) is not None:
            trace.end_request(self)

    def note_end(self, response: Response | None) -> None:
        """Note that it is over, and what answered it."""
        if self.headed is None:
            self.headed = self.call.host.ports.now()
        status = getattr(response, "status_code", None)
        if isinstance(status, int):  # a test's stand-in may have anything
            self.status = status
        self.is_over = True

    @property
    def seconds(self) -> float:
        """How long it took, once it is over, up to the head of its answer."""
        headed, started = self.headed, self.started
        return headed - started if headed is not None and headed > started else 0.0

    def outcome(self, error: BaseException | None) -> str:
        """Return how it ended."""
        if error is None:
            return ANSWERED.get(self.status, "other")
        return outcome_of_attempt(error, self.status)

    def count(self, error: BaseException | None) -> str:
        """Count it once it is over, and return its outcome."""
        call = self.call
        call.uncounted = None
        outcome = self.outcome(error)
        resend = FIRST if self.number == 1 else HEDGE if self.is_hedge else AGAIN
        labels = (*call.labels(outcome), resend)
        if self.endpoint is not None:
            labels = (call.host.metrics.targets.label_of_endpoint(self.endpoint), *labels[1:])
        call.host.metrics.end_attempt(labels, self.seconds, self.started + self.seconds)
        return outcome


under_way: Final[ContextVar[Attempt | None]] = ContextVar("attempt", default=None)
"""The attempt that this task, or thread, is making."""


class Call:
    """An operation. The face fills in what was asked, the engine what happens.

    Made for every call, so what only a failure or a listener asks for is worked out then, and what
    has not happened yet stands on the class.

    Args:
        method: Of HTTP.
        target: The URL, or the request, as it is handed to httpx.
        host: The engine that runs it.
        plan: What it passes, and who is told.
        total: Seconds the whole operation may take, or None.
        base_url: What a relative URL is joined to.
    """

    request_id: str | None = None
    """The id that all attempts carry; None where the caller of a drop-in client sent none."""
    id_was_made: bool = False
    """Whether the request id was made here."""
    has_idempotency_key: bool = False
    """Whether the request carries a header that says it may be repeated."""
    operation: str | None = None
    """What the caller named it."""
    trace: Trace | None = None
    """What follows it."""
    is_part: bool = False
    """Whether it makes the attempt of another call, with the very same request: that is traced."""
    uncounted: Attempt | None = None
    """The only attempt so far, a good one, which is counted with the end of the operation."""
    started: float = 0.0
    ended: float | None = None
    entered: float = 0.0
    """When it began, or had last waited to be let in: now, to whoever lets it in."""
    deadline: Deadline | None = None
    attempts: int = 0
    was_sent: bool = False
    """Whether an attempt before the one under way may have reached the server."""
    waits: tuple[float, ...] = ()
    refusal: Refusal | None = None
    """Why an attempt that the retry policy wanted was not made."""
    request: Request | None = None
    """What the caller asked for, where a gate decides by that; it is not sent."""
    priority: int = 5
    """From 0, the highest, to 9: who is turned away first where a queue grows too long."""
    rescued: Exception | None = None
    """What it failed with, where a fallback answered in its place."""
    failure: BaseException | None = None
    """What the gates must hear of, whatever the operation ends in: a layer outside of them may
    have mended it. A `KeyboardInterrupt` where they must hear of nothing."""
    passed: int = 0
    """Attempts that were made before a layer outside of the gates went in again."""
    is_over: bool = False
    """Whether it has given back what it took."""
    service: Service | None = None
    """Where it goes, if that has several endpoints."""
    endpoint: str | None = None
    """The URL of the endpoint whose answer it has, or which it asked last."""
    tried: tuple[str, ...] = ()
    """The endpoints that its attempts went to, the last one last."""
    has_timeouts: bool = False
    """Whether the caller gave timeouts for its attempts."""
    is_spare: bool = False
    """Whether it goes out only where it need not wait for a turn; where it would, its failure has
    no error."""
    tap: Callable[[Response], None] | None = None
    """Is shown each answer before its body is read, where somebody wants that as it was sent."""
    cache_status: str | None = None
    """What the cache did for it, where it has one."""
    _errors: tuple[Callable[[], BaseException | None], ...] = ()

    def __init__(  # noqa: PLR0913 - what was asked, each named by the face
        self,
        *,
        method: str,
        target: Any,
        host: Host,
        plan: Plan,
        total: float | None,
        base_url: str = "",
    ) -> None:
        self.method: str = method
        self.target: Any = target
        self.address: str | URL = target
        """The URL, which may be relative to the base."""
        self.host = host
        self.plan = plan
        self.notify: Notifiers = plan.notify
        self.total = total
        self.base_url = base_url
        self.grants: list[tuple[Gate, Any]] = []
        """What gates have let it in with; each notes itself before it takes anything."""

    def twin(self) -> Self:
        """Return a call that goes out in place of this one, with grants and errors of its own.

        To whoever listens the two are one operation.
        """
        if self.uncounted is not None:
            self.uncounted.count(None)
        _ = self.operation_id  # made by now, so that both have the same
        made = object.__new__(type(self))
        vars(made).update(vars(self))
        made.grants = []
        made._errors = ()
        return made

    def note_way(self, twin: Call) -> None:
        """Take over from a twin how often it was sent, and what was waited for."""
        self.attempts, self.waits, self.refusal = twin.attempts, twin.waits, twin.refusal
        self.was_sent |= twin.was_sent

    def about(self) -> About:
        """Return what every event says of its operation."""
        return {
            "client": self.notify.client,
            "operation_id": self.operation_id,
            "request_id": self.request_id,
            "method": self.method,
            "url": self.shown_url,
        }

    def labels(self, outcome: str) -> tuple[str, str, str]:
        """Return by what an operation of this outcome is counted."""
        return self.counted_as, self.method if self.method in METHODS else OTHER, outcome

    def leave_gates(self, error: BaseException | None) -> Exception | None:
        """Have each gate release what it granted; return what one of them raised, a bug of its own.

        It keeps no other gate from releasing.
        """
        bug: Exception | None = None
        for gate, grant in self.grants:
            try:
                gate.leave(self, grant, error)
            except Exception as raised:  # noqa: BLE001 - raised by the caller, at the end
                bug = raised
        return bug

    def objection(self) -> Refusal | None:
        """Return why somebody, or a gate, wants no further attempt, or None."""
        stop = self.plan.stop
        if stop.is_on and (refusal := stop.objection(self)) is not None:
            return refusal
        for gate, grant in self.grants:
            if (refusal := gate.objection(self, grant)) is not None:
                return refusal
        return None

    def delay(self, wait: float) -> float | Refusal:
        """Return how many seconds from now the next attempt may be made, or why it may not."""
        for gate, grant in self.grants:
            asked = gate.delay(self, grant, wait)
            if isinstance(asked, Refusal):
                return asked
            wait = max(wait, asked)
        return wait

    def spare(self) -> bool:
        """Return whether one more attempt may go out beside another now, and take what it needs."""
        return all(gate.spare(self, grant) for gate, grant in self.grants)

    def error_for(self, response: Response) -> type[MyAPIError] | None:
        """Return the error that a gate takes an answer for, in place of that of its status."""
        for gate, grant in self.grants:
            if (found := gate.error_for(self, grant, response)) is not None:
                return found
        return None

    def is_excused(self, error: BaseException) -> bool:
        """Return whether a gate knows a failure as none of the server's health."""
        return any(gate.excuses(error) for gate, _ in self.grants)

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Generator[None]:
        """Call `wake`, within the block, when an objection arises."""
        with ExitStack() as gates:
            gates.enter_context(self.plan.stop.waking(self, wake))
            for gate, grant in self.grants:
                gates.enter_context(gate.waking(grant, wake))
            yield

    def note_error(self, error: BaseException) -> None:
        """Remember, without keeping it alive, an error that was made for this call."""
        # Of several attempts at once any may fail last, and not all of them are waited for.
        self._errors = (*self._errors, weakref.ref(error))

    def is_own(self, error: BaseException) -> bool:
        """Whether an error is this call's, and not one of another client that came through."""
        return any(made() is error for made in self._errors)

    def owns(self, url: URL) -> bool:
        """Whether a URL has the origin of the operation, or is one of its service."""
        service = self.service
        if service is not None:
            return service.knows(url)
        return is_same_origin(str(url), self.url)

    def let_go(self, response: Response) -> None:
        """Have gates take back what they granted for an answer that is not handed out after all."""
        for gate, grant in self.grants:
            gate.let_go(grant, response)

    def retarget(self, request: Request) -> None:
        """Ask for what a request asks for, from now on: a layer has handed on another one."""
        if self.uncounted is not None:  # under what it was
            self.uncounted.count(None)
        self.method, self.address, self.target = request.method, request.url, self._target(request)
        for name in ("url", "shown_url", "counted_as"):
            vars(self).pop(name, None)

    def _target(self, request: Request) -> Any:
        return str(request.url)

    @once
    def url(self) -> str:
        """The whole URL, with what must not be shown."""
        return join(self.base_url, str(self.target))

    @once
    def shown_url(self) -> str:
        """The URL without credentials, query and fragment; only its path where there are endpoints.

        That of a call for one endpoint alone is whole.
        """
        shown = mask_url(self.url)
        return shown if self.service is None else shown.removeprefix(PLACEHOLDER) or "/"

    @property
    def origin(self) -> str:
        """The scheme, host and port, by which circuits are told apart; or a service's name."""
        return origin_of(self.url) if self.service is None else NAME

    def find_target(self, targets: Targets) -> str:
        """Return the target under which it is counted: its origin, or `_OTHER` beyond a bound.

        It is the service where that has endpoints.
        """
        return targets(self.base_url, self.address) if self.service is None else NAME

    @once
    def counted_as(self) -> str:
        """The same."""
        return self.find_target(self.host.metrics.targets)

    @once
    def operation_id(self) -> str:
        """What tells it from all others in events, for the caller may give an id twice."""
        return uuid4().hex


class CallReport(NamedTuple):
    """How an operation went, found in `response.extensions["resilience"]`.

    Its values can be read as attributes and, like the other extensions of httpx, by key.

    Attributes:
        attempts: HTTP exchanges made.
        waits: Seconds waited before each of the attempts after the first.
        elapsed: Seconds the operation took in all, queueing included.
        request_id: The id all attempts carried.
        fallback: Whether a fallback answered, and no server.
        error: What the operation had failed with, where that is so.
        endpoint: The URL of the endpoint that answered, without credentials; None for a client
            without endpoints.
    """

    attempts: int
    waits: tuple[float, ...]
    elapsed: float
    request_id: str | None
    fallback: bool = False
    error: Exception | None = None
    endpoint: str | None = None

    def __getitem__(self, key: Any) -> Any:
        """Return the field of that name, or at that place."""
        if not isinstance(key, str):
            return cast("Any", tuple).__getitem__(self, key)
        if key not in self._fields:
            raise KeyError(key)
        return getattr(self, key)

    def keys(self) -> Iterator[str]:
        """Return the names of the fields."""
        return iter(self._fields)
