"""One operation on its way to httpx: sends attempts, and says what their outcomes mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from client.deadline import cut_phases
from client.disposal import Disposal
from client.exceptions import MyAPIError
from client.headers import to_httpx
from client.outcomes import Outcomes
from client.request_body import RequestBody
from client.response_body import BodyGuard

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from client.call import Call
    from client.classify import Classifier
    from client.engine import Engine
    from client.family import Family
    from client.ports import HttpPort

__all__ = ["HttpExchange", "StreamExchange"]

_BODIES: Final = frozenset({"content", "data", "files"})
"""The arguments whose bodies may need more than to be handed over again."""
_SEND_OPTIONS: Final = ("auth", "follow_redirects")


class HttpExchange(Outcomes):
    """An operation whose answers are read whole.

    Args:
        call: The operation.
        engine: Makes errors with the operation's context.
        http: The httpx client.
        family: Of that client.
        classifier: Of that family.
        options: Keyword arguments for httpx, prepared for more than one attempt.
        needs_async: Whether the client is an async one.
    """

    def __init__(  # noqa: PLR0913 - what an exchange is made of, each named by the caller
        self,
        call: Call,
        *,
        engine: Engine,
        http: HttpPort,
        family: Family,
        classifier: Classifier,
        options: dict[str, Any],
        needs_async: bool,
    ) -> None:
        super().__init__(engine, family, classifier)
        self._call = call
        self._http = http
        self._options = options
        has_body = not _BODIES.isdisjoint(options)
        self._body = RequestBody(options, needs_async=needs_async) if has_body else None
        options["headers"] = to_httpx(options["headers"])

    async def send(self, left: float | None) -> Any:
        """Make one attempt."""
        options = self._options if left is None else self._cut_to(left)
        return await self._http.request(self._call.method, self._call.target, **options)

    async def discard(self, response: Any) -> None:
        """Do nothing: the answer has been read, and its connection is free."""

    async def abandon(self, response: Any) -> None:
        """Do nothing: the answer has been read."""

    async def keep(self, response: Any) -> None:
        """Do nothing: the answer has been read."""

    def can_replay(self) -> bool:
        """Tell whether the next attempt would send the same bytes."""
        return self._body is None or self._body.can_replay()

    def _cut_to(self, left: float) -> dict[str, Any]:
        """Return the options with the timeout of each phase cut to what is left."""
        module = self._family.module
        given = self._options.get("timeout", module.USE_CLIENT_DEFAULT)
        if given is module.USE_CLIENT_DEFAULT:
            given = self._http.client.timeout
        phases = cut_phases(module.Timeout(given).as_dict(), left)
        return {**self._options, "timeout": module.Timeout(**phases)}


class StreamExchange(HttpExchange):
    """An operation whose answer is handed over as soon as its head is there."""

    body_error: MyAPIError | None = None
    """What broke the body while the caller read it."""

    async def send(self, left: float | None) -> Any:
        """Make one attempt, up to the head of the answer."""
        options = dict(self._options if left is None else self._cut_to(left))
        sending = {name: options.pop(name) for name in _SEND_OPTIONS if name in options}
        request = self._http.client.build_request(self._call.method, self._call.target, **options)
        return await self._http.open(request, **sending)

    async def discard(self, response: Any) -> None:
        """Free the connection of an answer that a retry replaces."""
        if response is not None:
            await self._disposal.drain(response)

    async def abandon(self, response: Any) -> None:
        """Close the answer."""
        if response is not None:
            await self._disposal.close(response)

    async def keep(self, response: Any) -> None:
        """Read the answer that an error will carry."""
        if response is not None:
            await self._disposal.keep(response)

    @property
    def _disposal(self) -> Disposal:
        return Disposal(self._http, self._engine.ports, self._classifier, self._call)

    def guard(self, response: Any) -> None:
        """Bound and translate what happens while the caller reads the body."""
        BodyGuard(self._watched).install(response)

    async def _watched(self, fetch: Callable[[], Awaitable[bytes]]) -> bytes:
        call, ports = self._call, self._engine.ports
        try:
            if call.deadline is None:
                return await fetch()
            return await ports.within(call.deadline.left(ports.now()), fetch)
        except MyAPIError:
            raise
        except Exception as error:
            failure = self._engine.explain(call, self, error)
            if failure is None or not isinstance(failure.error, MyAPIError):
                raise
            self.body_error = failure.error
            try:
                raise failure.error from error
            finally:
                # This frame is in the error's traceback, and must not lead back to the error.
                failure = None
