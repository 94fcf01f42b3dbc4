"""A built request on its way to httpx: sends attempts, and says what their outcomes mean."""

from __future__ import annotations

from dataclasses import replace
from inspect import getattr_static
from typing import TYPE_CHECKING, Any, Final

from client.classify import OK
from client.deadline import cut_phases
from client.disposal import Disposal
from client.outcomes import Outcomes
from client.response_body import BodyGuard
from client.witness import Attempt, WatchedAsync, WatchedBlocking, under_way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from client.call import Call
    from client.classify import Classifier
    from client.engine import Engine
    from client.family import Family
    from client.ports import HttpPort
    from client.retry import Failure
    from client.sent_request import ReplayableRequest

    Send = Callable[[Any], Awaitable[Any]]

__all__ = ["SendExchange"]

_TRUTHFUL: Final = ("HTTPTransport", "AsyncHTTPTransport", "MockTransport")
"""Transports whose exceptions tell whether a request was sent. Those that run an application in
this process are not among them: what the application raises passes through them."""
_PASSED_ON: Final = frozenset({307, 308})
_SENDING: Final = ("handle_request", "handle_async_request")


class SendExchange(Outcomes):
    """A built request, sent by whatever `send` of httpx is protected.

    Args:
        engine: Makes errors with the operation's context.
        family: Of the httpx client.
        classifier: Of that family.
        call: The operation.
        sent: The request.
        send: Makes one attempt.
        through: The httpx client, or the transport, that makes it.
        http: Lets go of answers whose body is still on the wire; None where all have been read.
    """

    _is_kept = False

    def __init__(  # noqa: PLR0913 - what an exchange is made of, each named by the caller
        self,
        engine: Engine,
        family: Family,
        classifier: Classifier,
        *,
        call: Call,
        sent: ReplayableRequest,
        send: Send,
        through: Any,
        http: HttpPort | None,
    ) -> None:
        super().__init__(engine, family, classifier)
        self._call = call
        self._sent = sent
        self._send = send
        self._through = through
        self._http = http
        self._under_way: Any = sent.request

    async def send(self, left: float | None) -> Any:
        """Make one attempt."""
        self._sent.rewind()
        if left is None:
            self._attempt = Attempt(self._under_way)
            token = under_way.set(self._attempt)
            try:
                return await self._send(self._under_way)
            finally:
                under_way.reset(token)
        given = self._timeouts()
        cut: dict[str, float | None] = {**cut_phases(given, left)}
        # A copy, because the caller may send the same request elsewhere at the same time.
        self._under_way = self._sent.copy_with(timeout=cut)
        self._attempt = Attempt(self._under_way)
        token = under_way.set(self._attempt)
        try:
            return await self._send(self._under_way)
        finally:
            under_way.reset(token)
            # The requests that redirects made share this dict, and one of them is the answer's.
            cut.clear()
            cut.update(given)

    async def discard(self, response: Any) -> None:
        """Free the connection of an answer that a retry replaces."""
        if self._http is not None and response is not None:
            await self._disposal(self._http).drain(response)

    async def abandon(self, response: Any) -> None:
        """Close an answer that the caller will not see."""
        if self._http is not None and response is not None and not self._is_kept:
            await self._disposal(self._http).close(response)

    async def keep(self, response: Any) -> None:
        """Remember that the caller gets this answer, as it is."""
        self._is_kept = response is not None

    def can_replay(self) -> bool:
        """Tell whether the next attempt would send the same bytes."""
        return self._sent.can_replay()

    def failure_from(self, call: Call, error: Exception) -> Failure | None:
        """Return what an exception means, believing "never sent" only where it can be believed."""
        failure = super().failure_from(call, error)
        if failure is None or failure.error is None:
            return failure
        verdict = self._classifier.verdict(error)
        says_unsent = verdict is not None and verdict.request_sent is False
        is_unsent = says_unsent and self._is_truthful(error)
        if says_unsent and not is_unsent:
            failure.error.request_sent = True
        self._sent.note_outcome(is_unsent=is_unsent)
        return replace(failure, is_unsent=is_unsent)

    def failure_of(self, call: Call, response: Any) -> Failure | None:
        """Return why an answer is a failure, or None for a good one."""
        if response.status_code in OK:
            return None
        self._sent.note_outcome(is_unsent=False)
        failure = super().failure_of(call, response)
        if failure is None or self._is_answer_to_ours(response):
            return failure
        return replace(failure, is_to_another=True)

    def _disposal(self, http: HttpPort) -> Disposal:
        return Disposal(http, self._engine.ports, self._classifier, self._call)

    def look_again(self, call: Call, response: Any) -> Failure:
        """Return a good answer as what somebody may want to retry all the same."""
        self._sent.note_outcome(is_unsent=False)
        return super().look_again(call, response)

    def guard(self, response: Any) -> None:
        """Hold the body to the deadline while the caller reads it."""
        BodyGuard(self._watched).install(response)

    async def _watched(self, fetch: Callable[[], Awaitable[bytes]]) -> bytes:
        call, engine = self._call, self._engine
        left = call.deadline.left(engine.ports.now()) if call.deadline is not None else 0.0
        try:
            return await engine.ports.within(left, fetch)
        except Exception as error:
            failure = engine.explain(call, self, error)
            late = failure.error if failure is not None else None
            if not isinstance(late, engine.errors.rejections.deadline_exceeded):
                raise
            raise late from error

    def _timeouts(self) -> Mapping[str, float | None]:
        """Return the timeouts of the request, where it has none those of its client."""
        extensions = self._sent.request.extensions
        if "timeout" in extensions:
            return extensions["timeout"]  # type: ignore[no-any-return]
        of_client = getattr(self._through, "timeout", None)
        return {} if of_client is None else of_client.as_dict()

    def _is_truthful(self, error: Exception) -> bool:
        """Tell whether an exception that says "never sent" speaks of our request, and truly."""
        return self._is_about_ours(error) and all(
            _tells_unsent(self._family, transport) for transport in _transports_of(self._through)
        )

    def _is_answer_to_ours(self, response: Any) -> bool:
        """Tell whether an answer is to the request, and not to what an auth flow sent after it."""
        # None out of a transport; a test's stand-in may have nothing but a status.
        request = getattr(response, "_request", None)
        if request is None or request is self._under_way:
            return True
        # The same request elsewhere: the first place did not act upon it.
        is_passed_on = all(each.status_code in _PASSED_ON for each in response.history)
        is_same = request.method == self._under_way.method
        return bool(response.history) and is_passed_on and is_same

    def _is_about_ours(self, error: Exception) -> bool:
        if not hasattr(self._through, "send"):
            return True  # a transport makes one exchange, and knows nothing of hooks and flows
        if isinstance(self._through, WatchedAsync | WatchedBlocking):
            return self._attempt.failed_with(error)
        # A client of somebody else's: what could raise in its place must not be there.
        hooks, auth = self._through.event_hooks["response"], self._through.auth
        is_named = getattr(error, "_request", None) is self._under_way
        return is_named and not hooks and auth is None


def _transports_of(through: Any) -> list[Any]:
    # httpx has no public way to them.
    transports = [through._transport, *through._mounts.values()]  # noqa: SLF001 - see above
    return [transport for transport in transports if transport is not None]


def _tells_unsent(family: Family, transport: Any) -> bool:
    """Tell whether a transport is httpx's own, unchanged, or says that it can be believed."""
    if getattr(transport, "tells_unsent", False) is True:
        return True
    for kind in (getattr(family.module, name) for name in _TRUTHFUL):
        if isinstance(transport, kind):
            return all(
                getattr_static(transport, name, None) is getattr_static(kind, name, None)
                for name in _SENDING
            )
    return False
