"""Middleware written once for both worlds: as coroutines, which do not suspend in the blocking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import httpx

from tests.behaviour.wire import drive

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.behaviour.world import World

    Next: TypeAlias = Callable[[Any], Awaitable[httpx.Response]]
    Around: TypeAlias = Callable[[httpx.Request, Next], Awaitable[Any]]


def in_world(world: World, *around: Around) -> list[Any]:
    """Return middleware of the kind that clients of a world take."""
    return [each if world.is_async else _blocking(each) for each in around]


def _blocking(around: Around) -> Callable[..., Any]:
    def plain(request: httpx.Request, call_next: Callable[..., Any]) -> Any:
        async def following(request: Any) -> httpx.Response:
            response: httpx.Response = call_next(request)
            return response

        async def awaited() -> Any:
            return await around(request, following)

        return drive(awaited())

    return plain


def as_world_wants(world: World, function: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    """Return an async function as it is, or one that blocks in its place."""
    if world.is_async:
        return function

    def plain(*args: Any) -> Any:
        async def awaited() -> Any:
            return await function(*args)

        return drive(awaited())

    return plain


async def passing(request: httpx.Request, call_next: Next) -> httpx.Response:
    """Do nothing but go on."""
    return await call_next(request)


def setting(name: str, value: str) -> Around:
    """Return a middleware that sets a header."""

    async def around(request: httpx.Request, call_next: Next) -> httpx.Response:
        request.headers[name] = value
        return await call_next(request)

    return around


def noting(notes: list[Any]) -> Around:
    """Return a middleware that writes down what comes: the status of an answer, or an error."""

    async def around(request: httpx.Request, call_next: Next) -> httpx.Response:
        try:
            response = await call_next(request)
        except Exception as error:
            notes.append(error)
            raise
        notes.append(response.status_code)
        return response

    return around


def answering(status: int, content: bytes = b"") -> Around:
    """Return a middleware that answers itself."""

    async def around(request: httpx.Request, call_next: Next) -> httpx.Response:
        del request, call_next
        return httpx.Response(status, content=content)

    return around
