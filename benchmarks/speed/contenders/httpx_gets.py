"""httpx's own clients, as most contenders use them: as they are, or behind a decorator."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.speed.contenders.contract import async_client, blocking_client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    import httpx

    from benchmarks.speed.contenders.contract import (
        AsyncGet,
        BlockingGet,
        OpenAsync,
        OpenBlocking,
        Setup,
    )

    Decorator = Callable[[Any], Any]

__all__ = ["as_it_is", "decorated", "telling"]


def as_it_is(options_of: Callable[[Setup], dict[str, Any]]) -> tuple[OpenAsync, OpenBlocking]:
    """Return how to open the `get` of a client that is made with some options."""

    @asynccontextmanager
    async def open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
        async with async_client(setup, **options_of(setup)) as client:
            yield client.get

    @contextmanager
    def open_blocking(setup: Setup) -> Generator[BlockingGet]:
        with blocking_client(setup, **options_of(setup)) as client:
            yield client.get

    return open_async, open_blocking


def decorated(decorator_of: Callable[[Setup], Decorator]) -> tuple[OpenAsync, OpenBlocking]:
    """Return how to open a decorated function that makes a `get` and raises for its status."""

    @asynccontextmanager
    async def open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
        async with async_client(setup) as client:

            async def get(url: str) -> httpx.Response:
                response = await client.get(url)
                return response.raise_for_status()

            yield decorator_of(setup)(get)

    @contextmanager
    def open_blocking(setup: Setup) -> Generator[BlockingGet]:
        with blocking_client(setup) as client:

            def get(url: str) -> httpx.Response:
                return client.get(url).raise_for_status()

            yield decorator_of(setup)(get)

    return open_async, open_blocking


def telling(
    protect: Callable[[Callable[[], None]], Callable[[], object]], rejection: type[Exception]
) -> Callable[[], bool]:
    """Return a call that always fails and tells whether its circuit rejected it."""

    def fail() -> None:
        raise ConnectionError

    protected = protect(fail)

    def call() -> bool:
        try:
            protected()
        except rejection:
            return True
        except ConnectionError:
            return False
        return False

    return call
