"""Cuts short what an auth flow goes on from: httpx reads such an answer only to be rid of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from ...errors.owners import FAMILIES
from .response_body import MOST_KEPT, BodyCut

if TYPE_CHECKING:
    from ..shapes import Auth, Request, Response

__all__ = ["cutting"]

_CUT: Final = BodyCut(MOST_KEPT)


def cutting(auth: Auth[Request]) -> Any:
    """Return what cuts short in place of an `Auth`; the same where it goes on from no answer."""
    kind = cast("type[object]", type(auth))
    is_none = kind.__name__ == "Auth" and kind.__module__ in FAMILIES  # where none was given
    return auth if is_none else _CuttingAuth(auth)


class _CuttingAuth:
    """Stands in front of an `Auth` where httpx sends a request with it.

    Args:
        auth: Of the caller's, or one of httpx's own.
    """

    def __init__(self, auth: Any) -> None:
        self._auth = auth

    def sync_auth_flow(self, request: Request) -> _Flow:
        """Begin a flow in the blocking world."""
        return _Flow(self._auth.sync_auth_flow(request))

    def async_auth_flow(self, request: Request) -> _Flow:
        """Begin a flow in the async world."""
        return _Flow(self._auth.async_auth_flow(request))


class _Flow:
    """A flow, with those methods of a generator that httpx calls."""

    def __init__(self, flow: Any) -> None:
        self._flow = flow

    def __next__(self) -> object:
        return next(self._flow)

    async def __anext__(self) -> object:
        return await self._flow.__anext__()

    def send(self, response: Response) -> object:
        request = self._flow.send(response)
        _CUT.install(response)  # another request follows
        return request

    async def asend(self, response: Response) -> object:
        request = await self._flow.asend(response)
        _CUT.install(response)
        return request

    def close(self) -> None:
        self._flow.close()

    async def aclose(self) -> None:
        await self._flow.aclose()
