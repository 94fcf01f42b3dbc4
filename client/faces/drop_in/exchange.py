"""A built request on its way to httpx: sends attempts, and says what their outcomes mean."""

from __future__ import annotations

from dataclasses import replace
from inspect import getattr_static
from typing import TYPE_CHECKING, Any, Final, Self, cast

from ...engine.attempts import explain
from ...engine.deadline import cut_phases
from ...engine.layer import Failure
from ...errors.httpx_names import transports_of
from ...exceptions import DeadlineExceededError
from ...http.bodies.response_body import was_read
from ...http.extensions import FIRST_ORIGIN
from ...http.family import request_of
from ...http.verdicts import OK
from ..disposal import Disposal
from ..failures import Failures
from ..outlooks import default_encoding_of, outlook_of
from .witness import SendAttempt, WatchedAsync, WatchedBlocking

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Mapping

    from ...engine.layer import Outlook
    from ...engine.operation import Attempt, Call
    from ...engine.ports import HttpPort
    from ...exceptions import MyAPIError
    from ...http.bodies.response_body import BodyPause
    from ...http.bodies.sent_request import ReplayableRequest
    from ...http.family import Family
    from ...http.shapes import Request, Response
    from ...http.verdicts import Classifier
    from .policy import DropInPolicy

    Send = Callable[[Any], Awaitable[Any]]

__all__ = ["SendExchange"]

_TRUTHFUL: Final = ("HTTPTransport", "AsyncHTTPTransport", "MockTransport")
"""Transports whose exceptions tell whether a request was sent. Those that run an application in
this process are not among them: what the application raises passes through them."""
_PASSED_ON: Final = frozenset({307, 308})
_WATCHED: Final = (WatchedAsync, WatchedBlocking)
_SENDING: Final = ("handle_request", "handle_async_request")


class SendExchange(Failures):
    """A built request, sent by whatever `send` of httpx is protected.

    Args:
        call: The operation.
        family: Of the httpx client.
        classifier: Of that family.
        policy: Says which answers another attempt may replace.
        sent: The request.
        send: Makes one attempt.
        through: The httpx client, or the transport, that makes it.
        http: Reads, and lets go of, answers whose body is still on the wire.
        is_streamed: Whether that holds for all of them; large ones apart they have been read else.
        options: What the client is told with the request.
        raises: Whether an error status becomes an error, which keeps the first part of its answer.
    """

    attempt_kind: type[Attempt] = SendAttempt
    _answered: SendAttempt
    """The attempt of the last answer."""

    def __init__(  # noqa: PLR0913 - what an exchange is made of, each named by the caller
        self,
        call: Call,
        family: Family,
        classifier: Classifier,
        *,
        policy: DropInPolicy,
        sent: ReplayableRequest,
        send: Send,
        through: Any,
        http: HttpPort,
        is_streamed: bool,
        options: Mapping[str, object],
        raises: bool,
    ) -> None:
        self._call = call
        self._family = family
        self._classifier = classifier
        self._policy = policy
        self._sent = sent
        self._send = send
        self._through = through
        self._http = http
        self.is_streamed: bool = is_streamed
        self._options = options
        self._raises = raises

    @property
    def sees_requests(self) -> bool:
        """Whether the client is one of ours, which tells of each request."""
        return isinstance(self._through, _WATCHED)

    async def send(self, attempt: SendAttempt, left: float | None) -> Response:
        """Make an attempt."""
        self._sent.rewind()
        attempt.request = self._sent.request
        attempt.may_replace = self._may_replace
        attempt.cuts_errors = self._raises or attempt.is_within_one_that_cuts()
        carried = None if attempt.carried is None else self._carried(attempt)
        if left is None:
            if carried is not None:
                attempt.request = self._sent.copy_with(headers=carried)
            return await self._send_as(attempt)
        given = self._timeouts(self._sent.request)
        cut: dict[str, float | None] = {**cut_phases(given, left)}
        # A copy, because the caller may send the same request elsewhere at the same time.
        attempt.request = self._sent.copy_with(headers=carried, timeout=cut)
        try:
            return await self._send_as(attempt)
        finally:
            # The requests that redirects made share this dict, and one of them is the answer's.
            cut.clear()
            cut.update(given)

    def request_for(self, attempt: SendAttempt | None) -> Request:
        """Return a request for an attempt alone; for None what the caller asked for."""
        if attempt is None:
            return self._sent.copy_with(headers={})
        self._sent.rewind()
        carried = None if attempt.carried is None else self._carried(attempt)
        attempt.request = self._sent.copy_with(headers=carried or {})
        request: Request = attempt.request
        return request

    def take(self, request: Request) -> None:
        """Send this request from now on, in place of what the caller asked for."""
        is_async = hasattr(self._through, "aclose")
        self._sent = self._sent.followed_by(request, self._family, is_async=is_async)

    @property
    def likeness(self) -> Hashable:
        """What operations have in common whose requests say the same; None where more may be."""
        request, client = self._sent.request, self._through
        default = self._family.module.USE_CLIENT_DEFAULT
        if self.is_streamed or client.auth is not None or client.event_hooks["request"]:
            return None
        if self._call.plan.sendings or self._options.get("auth", default) is not default:
            return None
        raw = tuple(request.headers.raw)
        return request.method, str(request.url), raw, default_encoding_of(client)

    def own_request(self, like: Request) -> Request:  # noqa: ARG002 - its own is built already
        """Return the request of this operation, which says the same as that of another."""
        request: Request = self._sent.request
        return request

    def outlook(self, request: Request) -> Outlook:
        """Return what becomes of a request until it is on the wire."""
        return outlook_of(self._through, self._family, request, self._options)

    async def send_request(self, attempt: SendAttempt, request: Request) -> Response:
        """Send the request of an attempt, within the time that is left."""
        attempt.request = request
        attempt.may_replace = self._may_replace
        attempt.cuts_errors = self._raises or attempt.is_within_one_that_cuts()
        deadline = self._call.deadline
        left = None if deadline is None else deadline.bound(self._call.host.ports.now())
        if left is None:
            return await self._send_as(attempt)
        given = self._timeouts(request)
        cut: dict[str, float | None] = {**cut_phases(given, left)}
        request.extensions["timeout"] = cut
        try:
            return await self._send_as(attempt)
        finally:
            cut.clear()  # as above
            cut.update(given)

    def _carried(self, attempt: SendAttempt) -> Mapping[str, str] | None:
        """Return the headers of the trace, unless they would come to another origin.

        Each hop of a redirect is an operation of its own to a transport, and the requests share
        their extensions.
        """
        carried = attempt.carried
        if self.sees_requests:
            return {}  # each request is told of, and gets them then
        origin = attempt.call.origin
        first = self._call.target.extensions.setdefault(FIRST_ORIGIN, origin)
        return carried if first == origin else None

    async def _send_as(self, attempt: SendAttempt) -> Response:
        try:
            response: Response = await self._send(attempt.request)
            return response
        finally:
            attempt.end()

    async def discard(self, failure: Failure) -> None:
        """Free the connection of an answer that a retry replaces."""
        response = failure.response
        if response is not None and self.is_streamed:
            await self._disposal().drain(response)
        elif response is not None and _half_read(failure) is not None:
            await self._disposal().close(response)

    async def abandon(self, failure: Failure) -> None:
        """Close an answer that the caller will not see."""
        response, attempt = failure.response, failure.attempt
        is_kept = isinstance(attempt, SendAttempt) and attempt.is_kept
        is_open = self.is_streamed or _half_read(failure) is not None
        if is_open and response is not None and not is_kept:
            await self._disposal().close(response)

    async def keep(self, failure: Failure) -> None:
        """Remember that the caller gets this answer, whole."""
        attempt, response = failure.attempt, failure.response
        if isinstance(attempt, SendAttempt):
            await self._finish_reading(failure)
            attempt.is_kept = response is not None

    async def complete(self, failure: Failure) -> None:
        """Read what was left of an answer that is not streamed, or all of one made elsewhere."""
        response = failure.response
        await self._finish_reading(failure)
        is_open = self._family.is_response(response) and not was_read(response)
        if is_open and not self.is_streamed:
            await self._in_time(lambda: self._http.read(failure.answer))

    async def _finish_reading(self, failure: Failure) -> None:
        held, attempt = _half_read(failure), failure.attempt
        if held is not None and isinstance(attempt, SendAttempt):
            attempt.held = None
            held.go_on()
            await self._read_on(attempt, failure.answer)

    def can_replay(self) -> bool:
        """Return whether the next attempt would send the same bytes."""
        return self._sent.can_replay()

    def can_share(self, most: int) -> bool:
        """Return whether attempts at the same time would send the same bytes, no more than that."""
        return self._sent.can_share(most)

    def fork(self, begin: Callable[[type[Attempt], Call], Attempt], *, is_first: bool) -> Self:
        """Return one for an attempt that may have others beside it."""
        twin = super().fork(begin, is_first=is_first)
        if not is_first:
            twin.separate()
        return twin

    def twin_for(self, call: Call, *, is_first: bool) -> Self:
        """Return one for an operation that goes out in place of the caller's, or after it."""
        twin = super().twin_for(call, is_first=is_first)
        if not is_first:
            twin.separate()
        return twin

    def separate(self) -> None:
        """Send a copy of the request: auth flows and hooks change the one that is sent."""
        self._sent = self._sent.fork()

    def choose(self, attempt: SendAttempt) -> None:
        """Take note whose answer it is that the caller gets."""
        self._answered = attempt

    def settle_for(self, failure: Failure) -> bool:
        """End with a failure whose answer was discarded; False where nothing is left of it."""
        response = failure.response
        if response is None:
            return True
        return not self.is_streamed and _half_read(failure) is None

    def failure_from(self, attempt: SendAttempt, error: Exception) -> Failure | None:
        """Return what an exception means, believing "never sent" only where it can be believed."""
        failure = super().failure_from(attempt, error)
        if failure is None or failure.error is None:
            return failure
        says_unsent = self._classifier.says_unsent(error)
        is_unsent = says_unsent and self._is_truthful(attempt, error)
        if says_unsent:
            failure.error.request_sent = self._call.was_sent or not is_unsent
        attempt.is_unsent = is_unsent
        self._sent.note_outcome(is_unsent=is_unsent)
        return replace(failure, is_unsent=is_unsent)

    def _put_cause(self, attempt: SendAttempt, error: MyAPIError, cause: Exception | None) -> None:
        """Keep the exception as httpx would have raised it: its callers get that alone."""
        error.__cause__ = None if cause is None else self._of_family(attempt, cause)

    def failure_of(self, attempt: SendAttempt, response: Response) -> Failure | None:
        """Return why an answer is a failure, or None for a good one."""
        self._answered = attempt
        if response.status_code in OK:
            return None
        self._sent.note_outcome(is_unsent=False)
        failure = super().failure_of(attempt, response)
        if failure is None or _is_answer_to(attempt.request, response):
            return failure
        return replace(failure, is_to_another=True)

    def _disposal(self) -> Disposal:
        return Disposal(self._http, self._classifier, self._call)

    def _may_replace(self, attempt: SendAttempt, response: Response) -> bool:
        """Whether another attempt may follow an answer that httpx would read whole."""
        policy = self._policy
        return (
            not self.is_streamed
            and attempt.number - self._call.passed < policy.rules.max_attempts
            and policy.is_retryable(self._call, Failure(None, response))
        )

    async def _read_on(self, attempt: SendAttempt, response: Response) -> None:
        """Read what was left of an answer that nothing replaces."""
        try:
            await self._in_time(lambda: self._http.read(response))
        except Exception as error:
            await self._disposal().close(response)
            failure = explain(self._call, self, attempt, error)
            if failure is None or failure.error is None:
                raise
            try:
                raise failure.error from failure.error.__cause__
            finally:
                # This frame is in the error's traceback, and must not lead back to the error.
                failure = None

    def look_again(self, response: Response) -> Failure:
        """Return a good answer as what somebody may want to retry all the same."""
        self._sent.note_outcome(is_unsent=False)
        return super().look_again(response)

    def _shown(self, error: Exception) -> Exception | None:
        """Return what a caller of httpx is to see of an exception of the body; None: itself."""
        late = self._too_late(error) if self._call.deadline is not None else None
        shown = late or self._of_family(self._answered, error)
        return None if shown is error else shown

    def _too_late(self, error: Exception) -> Exception | None:
        """Return the error for a body that did not come in time, or None where that is not it."""
        failure = explain(self._call, self, self._answered, error)
        late = failure.error if failure is not None else None
        return late if isinstance(late, DeadlineExceededError) else None

    def _of_family(self, attempt: SendAttempt, error: Exception) -> Exception:
        """Return an exception as httpx would have raised it."""
        shown = self._classifier.of_family(error)
        if shown is not error:
            cast("Any", shown).request = attempt.request  # as httpx does
        return shown

    def _timeouts(self, request: Request) -> Mapping[str, float | None]:
        """Return the timeouts of a request, where it has none those of its client."""
        extensions = request.extensions
        if "timeout" in extensions:
            return extensions["timeout"]  # type: ignore[no-any-return] # checked before
        of_client = getattr(self._through, "timeout", None)
        return {} if of_client is None else of_client.as_dict()

    def _is_truthful(self, attempt: SendAttempt, error: Exception) -> bool:
        """Whether an exception that says "never sent" speaks of our request, and truly."""
        if attempt.injected == "raise":  # in place of the sending
            return True
        return self._is_about_ours(attempt, error) and all(
            _tells_unsent(self._family, transport) for transport in transports_of(self._through)
        )

    def _is_about_ours(self, attempt: SendAttempt, error: Exception) -> bool:
        if not hasattr(self._through, "send"):
            return True  # a transport makes one exchange, and knows nothing of hooks and flows
        if isinstance(self._through, _WATCHED):
            return attempt.failed_with(error)
        # A client of somebody else's: what could raise in its place must not be there.
        hooks, auth = self._through.event_hooks["response"], self._through.auth
        is_named = request_of(error) is attempt.request
        return is_named and not hooks and auth is None


def _half_read(failure: Failure) -> BodyPause | None:
    held = failure.attempt.held if isinstance(failure.attempt, SendAttempt) else None
    is_it = held is not None and held.response is failure.response and held.is_paused
    return held if is_it else None


def _is_answer_to(request: Request, response: Response) -> bool:
    """Whether an answer is to a request, and not to what an auth flow sent after it."""
    # None out of a transport; a test's stand-in may have nothing but a status.
    answered = request_of(response)
    if answered is None or answered is request:
        return True
    # The same request elsewhere: the first place did not act upon it.
    is_passed_on = all(each.status_code in _PASSED_ON for each in response.history)
    return bool(response.history) and is_passed_on and answered.method == request.method


def _tells_unsent(family: Family, transport: Any) -> bool:
    """Return whether a transport is httpx's own, unchanged, or says that it can be believed."""
    if getattr(transport, "tells_unsent", False) is True:
        return True
    for kind in (getattr(family.module, name) for name in _TRUTHFUL):
        if isinstance(transport, kind):
            return all(
                getattr_static(transport, name, None) is getattr_static(kind, name, None)
                for name in _SENDING
            )
    return False
