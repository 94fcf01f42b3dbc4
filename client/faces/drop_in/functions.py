"""One protected call without a client of one's own, blocking or async, each under two names.

Where the drop-in clients speak httpx, these speak the tree of `client.exceptions`: a final status
of 400 and above, a transport failure and a rejection all raise `HttpRequestError`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ...http.family import family_of
from ...http.surroundings import environment_explained
from ...ports.asyncio_ports import ASYNCIO
from ...ports.blocking_ports import BLOCKING
from ...runtime.coroutines import run_to_end
from ...runtime.lazy_imports import require_http2
from ..nesting import check_transports
from ..shown import parameters_of, show
from .arguments import FunctionOptions
from .options import ResilienceOptions, RetrySettings, split_options
from .session import DropIn
from .witness import watched_kind

if TYPE_CHECKING:
    from typing import Unpack

    import httpx

    from ...engine.ports import World
    from ...http.shapes import AsyncClient, Client, Options
    from .arguments import URL

    Blocking = FunctionOptions[Client]
    Async = FunctionOptions[AsyncClient]

__all__ = [
    "delete",
    "delete_async",
    "delete_with_automatic_retry",
    "delete_with_automatic_retry_async",
    "get",
    "get_async",
    "get_with_automatic_retry",
    "get_with_automatic_retry_async",
    "head",
    "head_async",
    "head_with_automatic_retry",
    "head_with_automatic_retry_async",
    "options",
    "options_async",
    "options_with_automatic_retry",
    "options_with_automatic_retry_async",
    "patch",
    "patch_async",
    "patch_with_automatic_retry",
    "patch_with_automatic_retry_async",
    "post",
    "post_async",
    "post_with_automatic_retry",
    "post_with_automatic_retry_async",
    "put",
    "put_async",
    "put_with_automatic_retry",
    "put_with_automatic_retry_async",
    "request",
    "request_async",
    "request_with_automatic_retry",
    "request_with_automatic_retry_async",
]

_ONCE: Final[Options] = {
    "max_retries": 0,
    "max_total_time": None,
    "circuit_breaker": None,
    "rate_limit": None,
    "hedge": None,
    "chaos": None,
    "cache": None,
    "fallback": None,
    "middleware": (),
    "attempt_middleware": (),
    "on_request": None,
    "on_retry": None,
    "on_success": None,
    "on_failure": None,
}
_FOR_SENDING: Final = frozenset({"auth", "follow_redirects"})
_FOR_BUILDING: Final = frozenset(
    {"params", "headers", "cookies", "timeout", "extensions", "content", "data", "files", "json"}
)
_FOR_THE_CLIENT: Final = frozenset({"verify", "cert", "proxy", "trust_env", "http1", "http2"})


def request(method: str, url: URL, **options: Unpack[Blocking]) -> httpx.Response:
    """Make one call and return its answer, which is a 2xx or a 3xx.

    Args:
        method: The HTTP method.
        url: An absolute URL, or one relative to the `base_url` of `client`.
        **options: The arguments of `httpx.request`, those of the drop-in clients, and `client`,
            an httpx client to reuse; it stays open.

    Raises:
        HttpRequestError: The call failed, or its last answer has a status of 400 or above.
        ValueError: An argument is not allowed.
        TypeError: An argument is unknown, or belongs to a client and one was given.
    """
    response: httpx.Response = run_to_end(_call(BLOCKING, method, url, dict(options)))
    return response


async def request_async(method: str, url: URL, **options: Unpack[Async]) -> httpx.Response:
    """Make one call and return its answer, as `request` does, with an async `client`."""
    response: httpx.Response = await _call(ASYNCIO, method, url, dict(options))
    return response


async def _call(world: World, method: str, url: URL, options: Options) -> Any:
    client: Any = options.pop("client", None)
    family = family_of(client)
    overrides = split_options(options, _FOR_BUILDING | _FOR_SENDING | _FOR_THE_CLIENT)
    family.check({"url": url, **options})
    kind = family.module.AsyncClient if world.is_async else family.module.Client
    for_client = {name: options.pop(name) for name in _FOR_THE_CLIENT & options.keys()}
    is_own = client is None
    if for_client.get("http2"):
        require_http2()
    if is_own:
        # As `httpx.request` does: a redirect takes the cookies of the client along.
        watched = watched_kind(family, world)
        trusts = bool(for_client.get("trust_env", True)) and for_client.get("proxy") is None
        with environment_explained(family, is_trusted=trusts):
            client = watched(cookies=options.pop("cookies", None), **for_client)
        world.adopt(client, family)
    else:
        _check_client(client, kind, for_client)
        if overrides.get("max_retries", RetrySettings.defaults()["max_retries"]):
            _check_not_nested(client)
    try:
        sending = {name: options.pop(name) for name in _FOR_SENDING & options.keys()}
        protected: DropIn | None = getattr(client, "_drop_in", None)
        drop_in = protected or DropIn(family, world, RetrySettings())
        # A client that protects its own `send` makes one attempt: they must not multiply.
        once = _ONCE if protected else {}
        request = drop_in.build_or_raise(client, method, url, options)
        send = world.awaitable(partial(client.send, **sending, **once))
        return await drop_in.send_or_raise(request, send, overrides, through=client)
    finally:
        if is_own:
            await world.make_http(client).close()


def _check_not_nested(client: object) -> None:
    """Refuse a plain client that goes through a transport of ours; a drop-in makes one attempt."""
    if getattr(client, "_drop_in", None) is None:
        check_transports({"client": client})


def _check_client(client: object, kind: type[object], for_client: Options) -> None:
    if not isinstance(client, kind):
        given = type(client).__qualname__
        raise TypeError(f"client is a {given}: give a {kind.__module__}.{kind.__name__}")
    if for_client:
        raise TypeError(f"{', '.join(sorted(for_client))}: set it on the client that was given")


def get(url: URL, **options: Unpack[Blocking]) -> httpx.Response:
    """Make one GET call; see `request`."""
    return request("GET", url, **options)


async def get_async(url: URL, **options: Unpack[Async]) -> httpx.Response:
    """Make one GET call; see `request_async`."""
    return await request_async("GET", url, **options)


def post(url: URL, **options: Unpack[Blocking]) -> httpx.Response:
    """Make one POST call; see `request`."""
    return request("POST", url, **options)


async def post_async(url: URL, **options: Unpack[Async]) -> httpx.Response:
    """Make one POST call; see `request_async`."""
    return await request_async("POST", url, **options)


def put(url: URL, **options: Unpack[Blocking]) -> httpx.Response:
    """Make one PUT call; see `request`."""
    return request("PUT", url, **options)


async def put_async(url: URL, **options: Unpack[Async]) -> httpx.Response:
    """Make one PUT call; see `request_async`."""
    return await request_async("PUT", url, **options)


def patch(url: URL, **options: Unpack[Blocking]) -> httpx.Response:
    """Make one PATCH call; see `request`."""
    return request("PATCH", url, **options)


async def patch_async(url: URL, **options: Unpack[Async]) -> httpx.Response:
    """Make one PATCH call; see `request_async`."""
    return await request_async("PATCH", url, **options)


def delete(url: URL, **options: Unpack[Blocking]) -> httpx.Response:
    """Make one DELETE call; see `request`."""
    return request("DELETE", url, **options)


async def delete_async(url: URL, **options: Unpack[Async]) -> httpx.Response:
    """Make one DELETE call; see `request_async`."""
    return await request_async("DELETE", url, **options)


def head(url: URL, **options: Unpack[Blocking]) -> httpx.Response:
    """Make one HEAD call; see `request`."""
    return request("HEAD", url, **options)


async def head_async(url: URL, **options: Unpack[Async]) -> httpx.Response:
    """Make one HEAD call; see `request_async`."""
    return await request_async("HEAD", url, **options)


def options(url: URL, **options: Unpack[Blocking]) -> httpx.Response:
    """Make one OPTIONS call; see `request`."""
    return request("OPTIONS", url, **options)


async def options_async(url: URL, **options: Unpack[Async]) -> httpx.Response:
    """Make one OPTIONS call; see `request_async`."""
    return await request_async("OPTIONS", url, **options)


def _show_options() -> None:
    """Let `help()` show the arguments of each function."""
    nothing = ("client", "params", "headers", "cookies", "extensions", "content", "data")
    defaults = {**RetrySettings.defaults(), **dict.fromkeys((*nothing, "files", "json", "proxy"))}
    parameters = parameters_of(FunctionOptions, defaults)
    for function in {globals()[name] for name in __all__}:  # some have two names
        show(function, parameters, ResilienceOptions, FunctionOptions)


request_with_automatic_retry = request
request_with_automatic_retry_async = request_async
get_with_automatic_retry = get
get_with_automatic_retry_async = get_async
post_with_automatic_retry = post
post_with_automatic_retry_async = post_async
put_with_automatic_retry = put
put_with_automatic_retry_async = put_async
patch_with_automatic_retry = patch
patch_with_automatic_retry_async = patch_async
delete_with_automatic_retry = delete
delete_with_automatic_retry_async = delete_async
head_with_automatic_retry = head
head_with_automatic_retry_async = head_async
options_with_automatic_retry = options
options_with_automatic_retry_async = options_async

_show_options()
