"""`Client` and `AsyncClient` without their family: httpx clients whose `send` is protected.

Everything httpx does passes through `send`, auth flows, redirects and the reading of the body
included, so that is the one place where the engine is put in.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, cast

from ...errors.httpx_names import COOKIES
from ...errors.urls import mask_url
from ...http.bodies.response_decoding import Decoding
from ...http.cookies import bounded_cookies
from ...http.extensions import check_timeouts
from ...http.family import family_named
from ...ports.asyncio_ports import ASYNCIO
from ...ports.blocking_ports import BLOCKING
from ...runtime.coroutines import run_to_end
from ...runtime.lazy_imports import require_http2
from ..nesting import check_transports
from ..reprs import describe
from .arguments import ClientOptions, HttpxAsync, HttpxBlocking, HttpxClient
from .options import RetrySettings, split_options, take_identity, take_settings
from .session import DropIn
from .signatures import add_signatures, arguments_of
from .witness import WatchedAsync, WatchedBlocking

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractAsyncContextManager, AbstractContextManager
    from typing import Self, Unpack

    from ...engine.ports import World
    from ...http.shapes import BaseClient, Options, Request
    from ...metrics.stats import ClientStats
    from ...strategies.circuit.control import CircuitControl
    from ...telemetry.health import Health
    from .arguments import URL, BodyOptions, BuildOptions, SendOptions, VerbOptions

__all__ = ["AsyncDropIn", "BlockingDropIn"]

RequestT = TypeVar("RequestT", bound="Request")
ResponseT = TypeVar("ResponseT")
TransportT = TypeVar("TransportT")
DefaultT = TypeVar("DefaultT")
OptionsT = TypeVar("OptionsT")

_OVERRIDES: Final = "resilience.overrides"


class _DropInClient(
    HttpxClient[RequestT, DefaultT], Generic[RequestT, ResponseT, TransportT, DefaultT]
):
    """What the two have in common: their settings, and how those of a call reach `send`."""

    _family_name: ClassVar[str]
    _world: ClassVar[World]
    _decoding: ClassVar[Decoding]
    _drop_in: DropIn

    def __init__(self, **options: Unpack[ClientOptions[RequestT, TransportT]]) -> None:
        given: Options = dict(options)
        identity = take_identity(given)
        httpx_init = super().__init__
        known = arguments_of(httpx_init, ClientOptions.__annotations__)
        settings = RetrySettings(**split_options(given, known))
        family = family_named(self._family_name)
        family.check(given)
        if settings.max_retries:
            check_transports({name: given.get(name) for name in ("transport", "mounts")})
        if given.get("http2"):
            require_http2()
        httpx_init(**given)
        timeout = cast("BaseClient", self).timeout  # `super()` leads to one
        check_timeouts(timeout.as_dict(), is_async=self._world.is_async)
        self._world.adopt(self, family)
        self._drop_in = DropIn(family, self._world, settings, **identity)
        self._drop_in.plugins.belong_to(self)

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        if "_family_name" in cls.__dict__:
            family = family_named(cls._family_name)
            cls._decoding = Decoding(family, cls._world.pause)
            base = family.module.AsyncClient if cls._world.is_async else family.module.Client
            add_signatures(cls, base)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == COOKIES:
            value = bounded_cookies(family_named(self._family_name).module, value)
        elif not name.startswith("_"):
            family_named(self._family_name).check({name: value})
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        client = cast("BaseClient", self)
        base_url = mask_url(str(client.base_url))
        return describe(self, self._drop_in.name, base_url, is_closed=client.is_closed)

    @property
    def circuit(self) -> CircuitControl:
        """The circuit, to be isolated and released by hand; also where none is configured."""
        return self._drop_in.control

    def reconfigure(self, **overrides: object) -> None:
        """Change settings at work: any that the constructor added to those of httpx.

        All of it is checked first. Calls under way keep what they began with; limits and budgets
        keep their state. `Reconfigured` tells what has changed, without values.

        Raises:
            ValueError: A setting is unknown or refused, or it is the `circuit_breaker`. Nothing has
                changed then.
        """
        self._drop_in.reconfigure(overrides)

    @property
    def middleware(self) -> tuple[Any, ...]:
        """What goes around each call, the outermost first, that of plugins included."""
        return self._drop_in.settings.middleware

    @property
    def attempt_middleware(self) -> tuple[Any, ...]:
        """What goes around each attempt."""
        return self._drop_in.settings.attempt_middleware

    def stats(self) -> ClientStats:
        """Return a snapshot: operations, attempts, retries, failures and the circuit."""
        return self._drop_in.stats()

    def health(self, *, ready_requires: Iterable[str] = ()) -> Health:
        """Return whether the client can do its work, as a dictionary for probes.

        Args:
            ready_requires: Origins such as "https://ledger.internal" without which it is not
                ready. By default an open circuit leaves it ready. One that was not called yet
                counts as fine.

        Raises:
            TypeError: `ready_requires` is a text and no collection of them.
            ValueError: Something in it is no origin.
        """
        return self._drop_in.health(ready_requires, is_closed=cast("BaseClient", self).is_closed)

    def build_request(
        self, method: str, url: URL, **options: Unpack[BuildOptions[DefaultT]]
    ) -> RequestT:
        """Build a request, for `send`; see `httpx.Client.build_request`."""
        family_named(self._family_name).check({"url": url, **options})
        return super().build_request(method, url, **options)

    def _carry(self, options: OptionsT) -> OptionsT:
        """Hand a call's settings on through httpx, in the extensions of its request."""
        given: Any = options  # made by Python for this call, and from now on a plain dict
        overrides = take_settings(given)
        if overrides:
            # Checked now: a wrong value must not open anything, and an iterable is read but once.
            checked = self._drop_in.settings.merged(**overrides)
            overrides = {name: getattr(checked, name) for name in overrides}
            given["extensions"] = {**(given.get("extensions") or {}), _OVERRIDES: overrides}
        return options

    def _overrides(self, request: Request, options: Any) -> Options:
        """Remove the settings of a call from its request and from the arguments of `send`."""
        named = take_settings(options)  # made by Python for this call
        family_named(self._family_name).check({"request": request, **options})
        carried: Options | None = request.extensions.pop(_OVERRIDES, None)
        return named if carried is None else {**carried, **named}


class AsyncDropIn(
    _DropInClient[RequestT, ResponseT, TransportT, DefaultT],
    WatchedAsync,
    HttpxAsync[RequestT, ResponseT, DefaultT],
):
    """The async one, to stand before httpx's own class among the bases."""

    _world = ASYNCIO

    async def send(
        self,
        request: RequestT,
        *,
        stream: bool = False,
        **options: Unpack[SendOptions[RequestT, DefaultT]],
    ) -> ResponseT:
        """Send a request, retrying it within the rules of `DropInPolicy`."""
        overrides = self._overrides(request, options)
        send = partial(super().send, stream=stream, **options)
        response: ResponseT = await self._drop_in.send(
            request, send, overrides, through=self, is_streamed=stream, options=options
        )
        return response

    async def request(
        self, method: str, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
    ) -> ResponseT:
        """Build and send a request; see `httpx.AsyncClient.request`."""
        return await super().request(method, self._drop_in.parsed(url), **self._carry(options))

    async def get(self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]) -> ResponseT:
        """Send a GET request."""
        return await super().get(url, **self._carry(options))

    async def options(
        self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]
    ) -> ResponseT:
        """Send an OPTIONS request."""
        return await super().options(url, **self._carry(options))

    async def head(self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]) -> ResponseT:
        """Send a HEAD request."""
        return await super().head(url, **self._carry(options))

    async def delete(
        self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]
    ) -> ResponseT:
        """Send a DELETE request."""
        return await super().delete(url, **self._carry(options))

    async def post(self, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]) -> ResponseT:
        """Send a POST request."""
        return await super().post(url, **self._carry(options))

    async def put(self, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]) -> ResponseT:
        """Send a PUT request."""
        return await super().put(url, **self._carry(options))

    async def patch(
        self, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
    ) -> ResponseT:
        """Send a PATCH request."""
        return await super().patch(url, **self._carry(options))

    def stream(
        self, method: str, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
    ) -> AbstractAsyncContextManager[ResponseT]:
        """Send a request and hand over the answer unread; one attempt unless told otherwise."""
        return super().stream(method, url, **self._carry(options))

    async def aclose(self) -> None:
        """Close the client; a call that waits for its next attempt fails at once."""
        try:
            with self._drop_in.closing():
                await super().aclose()
        finally:
            await self._drop_in.close_plugins()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self._drop_in.start()
        return self

    async def __aexit__(self, *raised: object) -> None:
        try:
            with self._drop_in.closing():
                await super().__aexit__(*raised)
        finally:
            await self._drop_in.close_plugins()


class BlockingDropIn(
    _DropInClient[RequestT, ResponseT, TransportT, DefaultT],
    WatchedBlocking,
    HttpxBlocking[RequestT, ResponseT, DefaultT],
):
    """The blocking one, to stand before httpx's own class among the bases."""

    _world = BLOCKING

    def send(
        self,
        request: RequestT,
        *,
        stream: bool = False,
        **options: Unpack[SendOptions[RequestT, DefaultT]],
    ) -> ResponseT:
        """Send a request, retrying it within the rules of `DropInPolicy`."""
        overrides = self._overrides(request, options)
        send = self._world.awaitable(partial(super().send, stream=stream, **options))
        response: ResponseT = run_to_end(
            self._drop_in.send(
                request, send, overrides, through=self, is_streamed=stream, options=options
            )
        )
        return response

    def request(
        self, method: str, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
    ) -> ResponseT:
        """Build and send a request; see `httpx.Client.request`."""
        return super().request(method, self._drop_in.parsed(url), **self._carry(options))

    def get(self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]) -> ResponseT:
        """Send a GET request."""
        return super().get(url, **self._carry(options))

    def options(self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]) -> ResponseT:
        """Send an OPTIONS request."""
        return super().options(url, **self._carry(options))

    def head(self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]) -> ResponseT:
        """Send a HEAD request."""
        return super().head(url, **self._carry(options))

    def delete(self, url: URL, **options: Unpack[VerbOptions[RequestT, DefaultT]]) -> ResponseT:
        """Send a DELETE request."""
        return super().delete(url, **self._carry(options))

    def post(self, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]) -> ResponseT:
        """Send a POST request."""
        return super().post(url, **self._carry(options))

    def put(self, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]) -> ResponseT:
        """Send a PUT request."""
        return super().put(url, **self._carry(options))

    def patch(self, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]) -> ResponseT:
        """Send a PATCH request."""
        return super().patch(url, **self._carry(options))

    def stream(
        self, method: str, url: URL, **options: Unpack[BodyOptions[RequestT, DefaultT]]
    ) -> AbstractContextManager[ResponseT]:
        """Send a request and hand over the answer unread; one attempt unless told otherwise."""
        return super().stream(method, url, **self._carry(options))

    def close(self) -> None:
        """Close the client; a call that waits for its next attempt fails at once."""
        try:
            with self._drop_in.closing():
                super().close()
        finally:
            run_to_end(self._drop_in.close_plugins())

    def __enter__(self) -> Self:
        super().__enter__()
        run_to_end(self._drop_in.start())
        return self

    def __exit__(self, *raised: object) -> None:
        try:
            with self._drop_in.closing():
                super().__exit__(*raised)
        finally:
            run_to_end(self._drop_in.close_plugins())
