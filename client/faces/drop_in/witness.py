"""Sees what becomes of each request inside one attempt, which may make several.

An exception tells by its class that a request was never sent. It may speak of another request,
though: one that an auth flow makes, a redirect, or a hook that calls somebody else. So it is
believed only where it was raised by the sending of the very request, before any answer to that.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ...engine.operation import Attempt, under_way
from ...http.bodies.auth_flows import cutting
from ...http.bodies.response_body import MOST_KEPT, BodyCut, BodyPause
from ...http.bodies.response_decoding import Decoding

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.operation import Call
    from ...engine.ports import World
    from ...http.family import Family
    from ...http.shapes import Auth, Request, Response

    # What `super()` leads to: httpx's client. It has no public place to see a request being sent.
    class _SendsAsync:
        async def _send_handling_auth(
            self, request: Request, auth: Auth[Request], **options: object
        ) -> Response: ...
        async def _send_single_request(self, request: Request) -> Response: ...

    class _SendsBlocking:
        def _send_handling_auth(
            self, request: Request, auth: Auth[Request], **options: object
        ) -> Response: ...
        def _send_single_request(self, request: Request) -> Response: ...

else:
    _SendsAsync = _SendsBlocking = object

__all__ = ["SendAttempt", "WatchedAsync", "WatchedBlocking", "attempt_under_way", "watched_kind"]


class SendAttempt(Attempt):
    """What was seen of one request while it was under way."""

    __slots__ = (
        "_error",
        "_outer",
        "cuts_errors",
        "held",
        "is_kept",
        "is_traced",
        "may_replace",
        "request",
        "was_answered",
    )

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._outer = attempt_under_way()
        self.request: Any = None
        """The one that is sent: the caller's, or a copy with other timeouts."""
        self.is_traced: bool = call.is_part or call.trace is not None
        """Whether somebody wants to know of its requests."""
        self.is_kept: bool = False
        """Whether the caller gets its answer."""
        self.cuts_errors: bool = False
        """Whether an answer with an error status becomes an error, which keeps but a part."""
        self.may_replace: Callable[[SendAttempt, Response], bool] = _is_over
        """Whether an answer that would be read whole may make room for that of another attempt."""
        self.held: BodyPause | None = None
        """The last such answer: of a large one only the first part is read."""
        self.was_answered: bool = False
        # Not the exception itself, whose traceback leads back here.
        self._error: int | None = None

    def note_request(self, request: Request) -> None:
        """Tell so of the call that is traced, which may be the one that this is a part of."""
        super().note_request(request)
        if self.call.is_part and self._outer is not None:
            self._outer.note_request(request)

    def may_carry(self, request: Request) -> bool:
        """Whether a request goes to where the operation does: the one that is sent surely does."""
        return self.request is request or super().may_carry(request)

    def note_request_end(self) -> None:
        """Tell it likewise."""
        super().note_request_end()
        if self.call.is_part and self._outer is not None:
            self._outer.note_request_end()

    def is_within_one_that_cuts(self) -> bool:
        """Whether it is made for the attempt of a function, whose error keeps part of an answer."""
        outer = self._outer
        return outer is not None and outer.request is self.request and outer.cuts_errors

    def end(self) -> None:
        """Drop the references to whoever makes the attempt: they would keep each other alive."""
        self.may_replace = _is_over
        self._outer = None

    def failed(self, error: BaseException) -> None:
        """Record how a sending of the request ended."""
        self._error = id(error)

    def failed_with(self, error: BaseException) -> bool:
        """Return whether an exception in hand is that of the sending, and no answer came before."""
        return self._error == id(error) and not self.was_answered


def _is_over(_attempt: object, _response: Response) -> bool:
    return False


_FIRST_ERROR: Final = 400
_CUT: Final = BodyCut(MOST_KEPT)


def attempt_under_way() -> SendAttempt | None:
    """Return the attempt that this task, or thread, is making through a drop-in client."""
    attempt = under_way.get()
    return attempt if isinstance(attempt, SendAttempt) else None


class WatchedAsync(_SendsAsync):
    """Goes before an async client of httpx among the bases."""

    _decoding: ClassVar[Decoding]

    async def _send_handling_auth(
        self, request: Request, auth: Auth[Request], **options: object
    ) -> Response:
        return await super()._send_handling_auth(request, cutting(auth), **options)

    async def _send_single_request(self, request: Request) -> Response:
        attempt = attempt_under_way()
        if attempt is not None and attempt.held is not None:
            await attempt.held.response.aclose()  # an auth flow goes on without it
        if attempt is not None:
            attempt.headed = None
            if attempt.is_traced:
                attempt.note_request(request)
        try:
            response = await super()._send_single_request(request)
        except BaseException as error:
            _note_failure(attempt, request, error)
            raise
        self._decoding.install(response)
        _note_answer(attempt, request, response)
        return response


class WatchedBlocking(_SendsBlocking):
    """Goes before a blocking client of httpx among the bases."""

    _decoding: ClassVar[Decoding]

    def _send_handling_auth(
        self, request: Request, auth: Auth[Request], **options: object
    ) -> Response:
        return super()._send_handling_auth(request, cutting(auth), **options)

    def _send_single_request(self, request: Request) -> Response:
        attempt = attempt_under_way()
        if attempt is not None and attempt.held is not None:
            attempt.held.response.close()  # likewise
        if attempt is not None:
            attempt.headed = None
            if attempt.is_traced:
                attempt.note_request(request)
        try:
            response = super()._send_single_request(request)
        except BaseException as error:
            _note_failure(attempt, request, error)
            raise
        self._decoding.install(response)
        _note_answer(attempt, request, response)
        return response


def _note_failure(attempt: SendAttempt | None, request: Request, error: BaseException) -> None:
    if attempt is None:
        return
    if attempt.is_traced:
        attempt.note_request_end()
    if attempt.request is request:
        attempt.failed(error)


def _note_answer(attempt: SendAttempt | None, request: Request, response: Response) -> None:
    if attempt is None:
        return
    attempt.note_head(response)
    if attempt.call.tap is not None:
        attempt.call.tap(response)
    if attempt.call.is_part:
        attempt.note_request_end()
    attempt.held = None
    if attempt.request is request:
        attempt.was_answered = True
    if response.status_code < _FIRST_ERROR:
        return
    if attempt.cuts_errors:
        _CUT.install(response)
    elif attempt.may_replace(attempt, response):
        attempt.held = BodyPause(response, MOST_KEPT)


@cache
def watched_kind(family: Family, world: World) -> type[Any]:
    """Return the plain client class of a family and a world, watched."""
    own = {"_decoding": Decoding(family, world.pause)}
    if world.is_async:
        return type("AsyncClient", (WatchedAsync, family.module.AsyncClient), own)
    return type("Client", (WatchedBlocking, family.module.Client), own)
