"""One operation on its way to httpx: sends attempts, and says what their outcomes mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...engine.attempts import explain
from ...engine.deadline import cut_phases
from ...engine.operation import Attempt
from ...http.bodies.request_body import RequestBody
from ...http.bodies.response_body import was_read
from ...http.bodies.sent_request import ReplayableRequest, copy_request
from ...http.bodies.shared_body import is_shareable
from ...http.headers import put_header, to_httpx, to_pairs
from ..disposal import Disposal
from ..failures import Failures
from ..outlooks import outlook_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from ...engine.layer import Failure, Outlook
    from ...engine.operation import Call
    from ...engine.ports import HttpPort
    from ...exceptions import MyAPIError
    from ...http.bodies.response_decoding import Decoding
    from ...http.cookies import HostCookies
    from ...http.family import Family
    from ...http.headers import Pairs
    from ...http.shapes import Options, Request, Response
    from ...http.verdicts import Classifier

__all__ = ["HttpExchange", "StreamExchange"]

_BODIES: Final = frozenset({"content", "data", "files"})
"""The arguments whose bodies may need more than to be handed over again."""
_ALL_BODIES: Final = (*sorted(_BODIES), "json")
_SEND_OPTIONS: Final = frozenset({"auth", "follow_redirects"})


class HttpExchange(Failures):
    """An operation whose answers are read whole.

    Args:
        call: The operation.
        http: The httpx client.
        family: Of that client.
        classifier: Of that family.
        decoding: Of that family and this world.
        headers: Those of the request.
        cookies: What our hooks put into requests; None where somebody else built the client, so
            that it has no hooks of ours.
        options: The other keyword arguments for httpx, prepared for more than one attempt.
        needs_async: Whether the client is an async one.
    """

    is_streamed: bool = False
    _taken: Request | None = None
    """What is sent in place of what the caller asked for."""
    _stream: object = None
    """The body that was built for the caller."""
    _sent: ReplayableRequest | None = None
    """What is sent, where it has another body."""

    def __init__(  # noqa: PLR0913 - what an exchange is made of, each named by the caller
        self,
        call: Call,
        *,
        http: HttpPort,
        family: Family,
        classifier: Classifier,
        decoding: Decoding,
        headers: Pairs,
        cookies: HostCookies | None,
        options: Options,
        needs_async: bool,
    ) -> None:
        self._call = call
        self._family = family
        self._classifier = classifier
        self._http = http
        self._decoding = decoding
        self._cookies = cookies
        self.sees_requests: bool = cookies is not None
        self._options = options
        self._is_plain = not options and len(headers) == 1  # the id
        has_body = not _BODIES.isdisjoint(options)
        self._body = RequestBody(options, headers, needs_async=needs_async) if has_body else None
        options["headers"] = to_httpx(headers)

    async def send(self, attempt: Attempt, left: float | None) -> Response:
        """Make an attempt."""
        options = self._options if left is None else self._cut_to(left)
        if attempt.carried is not None and not self.sees_requests:
            options = self._carrying(options, attempt.carried)
        return await self._http.request(self._call.method, self._call.target, **options)

    def request_for(self, attempt: Attempt | None) -> Request:
        """Return a request for an attempt alone; for None what the caller asked for."""
        if self._taken is not None:
            return self._copy_of(self._taken, attempt)
        options = self._options
        if not _SEND_OPTIONS.isdisjoint(options):
            options = {name: options[name] for name in options if name not in _SEND_OPTIONS}
        if attempt is not None and attempt.carried is not None and not self.sees_requests:
            options = self._carrying(options, attempt.carried)
        build = self._http.client.build_request
        request: Request = build(self._call.method, self._call.target, **options)
        if attempt is None:
            self._stream = request.stream
        return request

    def take(self, request: Request) -> None:
        """Send this request from now on, in place of what the caller asked for."""
        family = self._family
        is_async = isinstance(self._http.client, family.module.AsyncClient)
        if request.stream is self._stream:
            self._sent = None
        elif self._sent is None:
            self._sent = ReplayableRequest(request, family, is_async=is_async)
        else:
            self._sent = self._sent.followed_by(request, family, is_async=is_async)
        self._taken = request

    def _copy_of(self, request: Request, attempt: Attempt | None) -> Request:
        if self._sent is not None:
            self._sent.rewind()
        carried = None if attempt is None or not self._may_carry() else attempt.carried
        return copy_request(request, carried or {})

    @property
    def likeness(self) -> Hashable:
        """What operations have in common whose requests say the same; None where more is said."""
        cookies, call = self._cookies, self._call
        if not self._is_plain or cookies is None or cookies.are_kept or self._taken is not None:
            return None
        return (call.method, call.target) if type(call.target) is str else None

    def own_request(self, like: Request) -> Request:
        """Return the request of this operation, which says the same as that of another."""
        headers: Any = self._options["headers"]
        return copy_request(like, dict(headers))

    def outlook(self, request: Request) -> Outlook:
        """Return what becomes of a request until it is on the wire."""
        client, cookies = self._http.client, self._cookies
        found = outlook_of(
            client, self._family, request, self._options, has_own_hooks=cookies is not None
        )
        return found if cookies is None else found._replace(cookie=cookies.line_for(request))

    async def send_request(self, attempt: Attempt, request: Request) -> Response:  # noqa: ARG002 - for a drop-in client
        """Send the request of an attempt, within the time that is left."""
        self._cut(request)
        return await self._http.send(request, **self._sending())

    async def discard(self, failure: Failure) -> None:
        """Do nothing: the answer has been read, and its connection is free."""

    async def abandon(self, failure: Failure) -> None:
        """Do nothing: the answer has been read."""

    async def keep(self, failure: Failure) -> None:
        """Do nothing: the answer has been read."""

    async def complete(self, failure: Failure) -> None:
        """Read an answer that somebody else made; httpx has read its own."""
        response = failure.response
        if self._family.is_response(response) and not was_read(response):
            await self._in_time(lambda: self._http.read(failure.answer))

    def can_replay(self) -> bool:
        """Return whether the next attempt would send the same bytes."""
        if self._sent is not None:
            return self._sent.can_replay()
        return self._body is None or self._body.can_replay()

    def can_share(self, most: int) -> bool:
        """Return whether attempts at the same time would send the same bytes, no more than that."""
        if self._sent is not None:
            return self._sent.can_share(most)
        body = {name: self._options[name] for name in _ALL_BODIES if name in self._options}
        if not body:
            return True
        if self._body is not None and not self._body.is_in_memory:
            return False
        module = self._family.module
        return is_shareable(module.Request("PUT", "http://a/", **body).stream, module, most)

    def settle_for(self, failure: Failure) -> bool:  # noqa: ARG002 - its answer has been read
        """End with a failure whose answer was discarded; False where nothing is left of it."""
        return True

    def _carrying(self, options: Options, carried: Mapping[str, str]) -> Options:
        """Return the options with more headers, where that is allowed."""
        if not self._may_carry():
            return options
        headers = to_pairs(options["headers"])
        for name, value in carried.items():
            put_header(headers, name, value)
        return {**options, "headers": to_httpx(headers)}

    def _may_carry(self) -> bool:
        """Whether headers can be put into a request before it is sent: it will not be told of.

        Where the client is of somebody else's, that is, and follows no redirects.
        """
        if self.sees_requests:
            return False
        return not self._options.get("follow_redirects", self._http.client.follow_redirects)

    def _sending(self) -> Options:
        """Return what is said with a request, not in it."""
        options = self._options
        return {name: options[name] for name in _SEND_OPTIONS & options.keys()}

    def _cut(self, request: Request) -> None:
        """Cut the timeouts of a built request to what is left."""
        deadline = self._call.deadline
        left = None if deadline is None else deadline.bound(self._call.host.ports.now())
        if left is not None:
            request.extensions["timeout"] = cut_phases(request.extensions["timeout"], left)

    def _cut_to(self, left: float) -> Options:
        """Return the options with the timeout of each phase cut to what is left."""
        module = self._family.module
        given = self._options.get("timeout", module.USE_CLIENT_DEFAULT)
        if given is module.USE_CLIENT_DEFAULT:
            given = self._http.client.timeout
        phases = cut_phases(module.Timeout(given).as_dict(), left)
        return {**self._options, "timeout": module.Timeout(**phases)}


class StreamExchange(HttpExchange):
    """An operation whose answer is handed over as soon as its head is there."""

    is_streamed: bool = True
    body_error: MyAPIError | None = None
    """What broke the body while the caller read it."""

    async def send(self, attempt: Attempt, left: float | None) -> Response:
        """Make an attempt, up to the head of the answer."""
        options = dict(self._options if left is None else self._cut_to(left))
        if attempt.carried is not None and not self.sees_requests:
            options = self._carrying(options, attempt.carried)
        sending = {name: options.pop(name) for name in _SEND_OPTIONS if name in options}
        request = self._http.client.build_request(self._call.method, self._call.target, **options)
        response = await self._http.open(request, **sending)
        self._decoding.install(response)  # a client of somebody else's has no hook of ours
        return response

    async def send_request(self, attempt: Attempt, request: Request) -> Response:  # noqa: ARG002 - as above
        """Send the request of an attempt, up to the head of the answer."""
        self._cut(request)
        response = await self._http.open(request, **self._sending())
        self._decoding.install(response)  # as above
        return response

    async def discard(self, failure: Failure) -> None:
        """Free the connection of an answer that a retry replaces."""
        if failure.response is not None:
            await self._disposal.drain(failure.response)
            self._call.let_go(failure.response)

    async def abandon(self, failure: Failure) -> None:
        """Close the answer."""
        await self.close(failure.response)
        if failure.response is not None:
            self._call.let_go(failure.response)

    async def keep(self, failure: Failure) -> None:
        """Read the answer that an error will carry."""
        if failure.response is not None:
            await self._disposal.keep(failure.response)

    async def complete(self, failure: Failure) -> None:
        """Do nothing: who looks at it reads it."""

    async def close(self, response: Response | None) -> None:
        """Close an answer, where there is one."""
        if response is not None:
            await self._disposal.close(response)

    def settle_for(self, failure: Failure) -> bool:
        """End with a failure whose answer was discarded; False where nothing is left of it."""
        if failure.error is None:
            return False
        failure.error.response = None  # its body was drained undecoded, or closed
        return True

    @property
    def _disposal(self) -> Disposal:
        return Disposal(self._http, self._classifier, self._call)

    def _shown(self, error: Exception) -> Exception | None:
        """Return the error of the tree that an exception of the body amounts to, or None."""
        attempt = Attempt(self._call)
        attempt.endpoint = self._call.endpoint
        failure = explain(self._call, self, attempt, error)
        if failure is not None:
            self.body_error = failure.error
        return None if failure is None else failure.error
