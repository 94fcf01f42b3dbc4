"""`Client` and `AsyncClient` without their family: httpx clients whose `send` is protected.

Everything httpx does passes through `send`, auth flows, redirects and the reading of the body
included, so that is the one place where the engine is put in.
"""

from __future__ import annotations

from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar

from client.asyncio_ports import ASYNCIO
from client.blocking_ports import BLOCKING
from client.cookies import sparing_cookies
from client.drop_in import DropIn
from client.drop_in_options import RetrySettings, split_options, take_settings
from client.family import family_named
from client.ports import run_to_end
from client.signatures import add_signatures
from client.witness import WatchedAsync, WatchedBlocking

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from typing import Unpack

    from client.drop_in_arguments import (
        BodyOptions,
        BuildOptions,
        CallOptions,
        ClientOptions,
        SendOptions,
    )
    from client.ports import World

__all__ = ["AsyncDropIn", "BlockingDropIn"]

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

_OVERRIDES: Final = "resilience.overrides"


class _Face(Generic[RequestT, ResponseT]):
    """What the two have in common: their settings, and how those of a call reach `send`."""

    _family_name: ClassVar[str]
    _world: ClassVar[World]
    _drop_in: DropIn

    def __init__(self, **options: Unpack[ClientOptions]) -> None:
        given: dict[str, Any] = dict(options)
        httpx_init: Any = super().__init__
        settings = RetrySettings(**split_options(given, signature(httpx_init).parameters))
        family = family_named(self._family_name)
        family.check(given)
        httpx_init(**given)
        self._world.adopt(self, family)
        self._drop_in = DropIn(family, self._world, settings)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "_family_name" in cls.__dict__:
            family = family_named(cls._family_name)
            base = family.module.AsyncClient if cls._world.is_async else family.module.Client
            add_signatures(cls, base)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_cookies":
            value = sparing_cookies(family_named(self._family_name).module, value)
        elif not name.startswith("_"):
            family_named(self._family_name).check({name: value})
        super().__setattr__(name, value)

    def build_request(self, method: str, url: Any, **options: Unpack[BuildOptions]) -> RequestT:
        """Build a request, for `send`; see `httpx.Client.build_request`."""
        given: dict[str, Any] = dict(options)
        family_named(self._family_name).check({"url": url, **given})
        base: Any = super()
        request: RequestT = base.build_request(method, url, **given)
        return request

    def _carry(self, options: Any) -> dict[str, Any]:
        """Hand a call's settings on through httpx, in the extensions of its request."""
        given: dict[str, Any] = options  # made by Python for this call
        overrides = take_settings(given)
        if overrides:
            # Checked now: a wrong value must not open anything, and an iterable is read but once.
            checked = self._drop_in.settings.merged(**overrides)
            overrides = {name: getattr(checked, name) for name in overrides}
            given["extensions"] = {**(given.get("extensions") or {}), _OVERRIDES: overrides}
        return given

    def _overrides(self, request: Any, options: dict[str, Any]) -> dict[str, Any]:
        """Take the settings of a call off its request, and out of the arguments of `send`."""
        named = take_settings(options)
        family_named(self._family_name).check({"request": request, **options})
        carried: dict[str, Any] | None = request.extensions.pop(_OVERRIDES, None)
        return named if carried is None else {**carried, **named}


class AsyncDropIn(_Face[RequestT, ResponseT], WatchedAsync):
    """The async one, to stand before httpx's own class among the bases."""

    _world = ASYNCIO

    async def send(
        self, request: RequestT, *, stream: bool = False, **options: Unpack[SendOptions]
    ) -> ResponseT:
        """Send a request, retrying it within the rules of `drop_in_policy`."""
        given: dict[str, Any] = dict(options)
        overrides = self._overrides(request, given)
        base: Any = super()
        send = partial(base.send, stream=stream, **given)
        response: ResponseT = await self._drop_in.send(
            request, send, overrides, through=self, is_streamed=stream
        )
        return response

    async def request(self, method: str, url: Any, **options: Unpack[BodyOptions]) -> ResponseT:
        """Build and send a request; see `httpx.AsyncClient.request`."""
        base: Any = super()
        response: ResponseT = await base.request(method, url, **self._carry(options))
        return response

    async def get(self, url: Any, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a GET request."""
        base: Any = super()
        return await base.get(url, **self._carry(options))  # type: ignore[no-any-return]

    async def options(self, url: Any, **options: Unpack[CallOptions]) -> ResponseT:
        """Send an OPTIONS request."""
        base: Any = super()
        return await base.options(url, **self._carry(options))  # type: ignore[no-any-return]

    async def head(self, url: Any, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a HEAD request."""
        base: Any = super()
        return await base.head(url, **self._carry(options))  # type: ignore[no-any-return]

    async def delete(self, url: Any, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a DELETE request."""
        base: Any = super()
        return await base.delete(url, **self._carry(options))  # type: ignore[no-any-return]

    async def post(self, url: Any, **options: Unpack[BodyOptions]) -> ResponseT:
        """Send a POST request."""
        base: Any = super()
        return await base.post(url, **self._carry(options))  # type: ignore[no-any-return]

    async def put(self, url: Any, **options: Unpack[BodyOptions]) -> ResponseT:
        """Send a PUT request."""
        base: Any = super()
        return await base.put(url, **self._carry(options))  # type: ignore[no-any-return]

    async def patch(self, url: Any, **options: Unpack[BodyOptions]) -> ResponseT:
        """Send a PATCH request."""
        base: Any = super()
        return await base.patch(url, **self._carry(options))  # type: ignore[no-any-return]

    def stream(
        self, method: str, url: Any, **options: Unpack[BodyOptions]
    ) -> AbstractAsyncContextManager[ResponseT]:
        """Send a request and hand over the answer unread; one attempt unless told otherwise."""
        base: Any = super()
        streamed: AbstractAsyncContextManager[ResponseT] = base.stream(
            method, url, **self._carry(options)
        )
        return streamed

    async def aclose(self) -> None:
        """Close the client; a call that waits for its next attempt fails at once."""
        base: Any = super()
        await base.aclose()
        self._drop_in.wake_sleepers()

    async def __aexit__(self, *raised: object) -> None:
        base: Any = super()
        await base.__aexit__(*raised)
        self._drop_in.wake_sleepers()


class BlockingDropIn(_Face[RequestT, ResponseT], WatchedBlocking):
    """The blocking one, to stand before httpx's own class among the bases."""

    _world = BLOCKING

    def send(
        self, request: RequestT, *, stream: bool = False, **options: Unpack[SendOptions]
    ) -> ResponseT:
        """Send a request, retrying it within the rules of `drop_in_policy`."""
        given: dict[str, Any] = dict(options)
        overrides = self._overrides(request, given)
        base: Any = super()
        send = self._world.awaitable(partial(base.send, stream=stream, **given))
        response: ResponseT = run_to_end(
            self._drop_in.send(request, send, overrides, through=self, is_streamed=stream)
        )
        return response

    def request(self, method: str, url: Any, **options: Unpack[BodyOptions]) -> ResponseT:
        """Build and send a request; see `httpx.Client.request`."""
        base: Any = super()
        response: ResponseT = base.request(method, url, **self._carry(options))
        return response

    def get(self, url: Any, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a GET request."""
        base: Any = super()
        return base.get(url, **self._carry(options))  # type: ignore[no-any-return]

    def options(self, url: Any, **options: Unpack[CallOptions]) -> ResponseT:
        """Send an OPTIONS request."""
        base: Any = super()
        return base.options(url, **self._carry(options))  # type: ignore[no-any-return]

    def head(self, url: Any, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a HEAD request."""
        base: Any = super()
        return base.head(url, **self._carry(options))  # type: ignore[no-any-return]

    def delete(self, url: Any, **options: Unpack[CallOptions]) -> ResponseT:
        """Send a DELETE request."""
        base: Any = super()
        return base.delete(url, **self._carry(options))  # type: ignore[no-any-return]

    def post(self, url: Any, **options: Unpack[BodyOptions]) -> ResponseT:
        """Send a POST request."""
        base: Any = super()
        return base.post(url, **self._carry(options))  # type: ignore[no-any-return]

    def put(self, url: Any, **options: Unpack[BodyOptions]) -> ResponseT:
        """Send a PUT request."""
        base: Any = super()
        return base.put(url, **self._carry(options))  # type: ignore[no-any-return]

    def patch(self, url: Any, **options: Unpack[BodyOptions]) -> ResponseT:
        """Send a PATCH request."""
        base: Any = super()
        return base.patch(url, **self._carry(options))  # type: ignore[no-any-return]

    def stream(
        self, method: str, url: Any, **options: Unpack[BodyOptions]
    ) -> AbstractContextManager[ResponseT]:
        """Send a request and hand over the answer unread; one attempt unless told otherwise."""
        base: Any = super()
        streamed: AbstractContextManager[ResponseT] = base.stream(
            method, url, **self._carry(options)
        )
        return streamed

    def close(self) -> None:
        """Close the client; a call that waits for its next attempt fails at once."""
        base: Any = super()
        base.close()
        self._drop_in.wake_sleepers()

    def __exit__(self, *raised: object) -> None:
        base: Any = super()
        base.__exit__(*raised)
        self._drop_in.wake_sleepers()
