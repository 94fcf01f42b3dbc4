"""Sees what becomes of each request inside one attempt, which may make several.

An exception tells by its class that a request was never sent. It may speak of another request,
though: one that an auth flow makes, a redirect, or a hook that calls somebody else. So it is
believed only where it was raised by the sending of the very request, before any answer to that.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from client.ports import World

__all__ = ["Attempt", "WatchedAsync", "WatchedBlocking", "under_way", "watched_kind"]


class Attempt:
    """What was seen of one request while it was under way."""

    __slots__ = ("_error", "request", "was_answered")

    def __init__(self, request: Any) -> None:
        self.request = request
        self.was_answered = False
        # Not the exception itself, whose traceback leads back here.
        self._error: int | None = None

    def failed(self, error: BaseException) -> None:
        """Take down how a sending of the request ended."""
        self._error = id(error)

    def failed_with(self, error: BaseException) -> bool:
        """Tell whether an exception in hand is that of the sending, and no answer came before."""
        return self._error == id(error) and not self.was_answered


under_way: Final[ContextVar[Attempt | None]] = ContextVar("attempt", default=None)
"""The attempt that this task, or thread, is making."""


def _attempt_at(request: Any) -> Attempt | None:
    """Return the attempt under way, where it is one at this very request."""
    attempt = under_way.get()
    return attempt if attempt is not None and attempt.request is request else None


class WatchedAsync:
    """Goes before an async client of httpx among the bases."""

    async def _send_single_request(self, request: Any) -> Any:
        base: Any = super()
        attempt = _attempt_at(request)
        if attempt is None:
            return await base._send_single_request(request)  # noqa: SLF001 - httpx has no public place
        try:
            response = await base._send_single_request(request)  # noqa: SLF001 - likewise
        except BaseException as error:
            attempt.failed(error)
            raise
        attempt.was_answered = True
        return response


class WatchedBlocking:
    """Goes before a blocking client of httpx among the bases."""

    def _send_single_request(self, request: Any) -> Any:
        base: Any = super()
        attempt = _attempt_at(request)
        if attempt is None:
            return base._send_single_request(request)  # noqa: SLF001 - likewise
        try:
            response = base._send_single_request(request)  # noqa: SLF001 - likewise
        except BaseException as error:
            attempt.failed(error)
            raise
        attempt.was_answered = True
        return response


@cache
def watched_kind(module: Any, world: World) -> type[Any]:
    """Return the plain client class of a family and a world, watched."""
    if world.is_async:
        return type("AsyncClient", (WatchedAsync, module.AsyncClient), {})
    return type("Client", (WatchedBlocking, module.Client), {})
