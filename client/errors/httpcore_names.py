"""Every name of httpcore and httpcore2 that this package leans on beyond their documentation.

What each is for stands beside it, and in the tables what does not hold without it.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import find_spec
from itertools import product
from typing import Any, Final

from .private_names import PrivateName, check

__all__ = [
    "ANYIO_STREAM",
    "ASSIGN",
    "BACKEND",
    "CLOSE",
    "CONNECT",
    "CONNECTION",
    "CONNECTIONS",
    "CONNECT_FAILED",
    "FORWARDS",
    "H11",
    "HELD_CONNECTION",
    "HELD_REQUEST",
    "INIT_SOCKS",
    "KEEPALIVE",
    "LOCK",
    "MOST_IDLE",
    "MOST_OPEN",
    "OPENING_LOCKS",
    "ORIGIN",
    "POOL_REQUEST",
    "RECEIVE",
    "REQUESTS",
    "SEND_BODY",
    "SOCKET",
    "SPEAKS_HTTP2",
    "STREAM",
    "SYNC_STREAM",
    "TLS_IN_TLS",
    "TRACE",
    "check_http2",
    "check_pool",
]

# Of a pool.
BACKEND: Final = "_network_backend"
"""What opens connections: ours, which keeps to deadlines, is put around it."""
CONNECTIONS: Final = "_connections"
REQUESTS: Final = "_requests"
LOCK: Final = "_optional_thread_lock"
"""Held while these two change."""
ASSIGN: Final = "_assign_requests_to_connections"
"""Gives a place that has come free to those who wait for one."""
CLOSE: Final = "_close_connections"
MOST_OPEN: Final = "_max_connections"
MOST_IDLE: Final = "_max_keepalive_connections"
"""How many connections it may have, and how many of them may stand idle: both grow when a client is
told of a larger bulkhead."""
SPEAKS_HTTP2: Final = "_http2"
"""Whether its connections may turn out to be HTTP/2, for which ours are put in their place."""

# Of a request in a pool.
HELD_REQUEST: Final = "request"
HELD_CONNECTION: Final = "connection"

# The way from the body of an answer down to the socket, for what may have come behind the answer.
POOL_REQUEST: Final = "_pool_request"
STREAM: Final = "_stream"
CONNECTION: Final = "_connection"
"""Also of a connection that may turn out to be HTTP/2: what it has turned out to be."""
H11: Final = "_h11_state"
SOCKET: Final = "_network_stream"
TLS_IN_TLS: Final = "ssl_obj"

# Classes of streams that write to the socket and to nothing else.
ANYIO_STREAM: Final = "AnyIOStream"
SYNC_STREAM: Final = "SyncStream"

# Of a connection that may turn out to be HTTP/2, and of one that has.
CONNECT_FAILED: Final = "_connect_failed"
OPENING_LOCKS: Final = ("_request_lock", "_connect_lock")
"""The lock under which one is opened: to a server, or through a proxy."""
ORIGIN: Final = "_origin"
KEEPALIVE: Final = "_keepalive_expiry"
FORWARDS: Final = "ForwardHTTPConnection"
"""The end of the name of a class whose connections pass requests on to a proxy, in HTTP/1.1."""

# Functions, and a module, by which the frames of a traceback are told apart.
CONNECT: Final = "_connect"
INIT_SOCKS: Final = "_init_socks5_connection"
SEND_BODY: Final = "_send_request_body"
RECEIVE: Final = "_receive_"
"""With this begin those that read an answer."""
TRACE: Final = "_trace"

_SOCKS: Final = "socks_proxy"
_WORKS: Final = {"httpcore": "httpcore>=1.0.9,<1.1", "httpcore2": "httpx2>=2.12,<2.17"}
_POOLS: Final = ("ConnectionPool", "AsyncConnectionPool")
_DEADLINES: Final = "no deadline ends a blocking call, nor does close()"
_LOST: Final = "the connections of cancelled and failed calls are lost for good"
_TRAILING: Final = "what a server sends behind an answer is taken for the next answer"
_NEIGHBOURS: Final = "a cancelled HTTP/2 call breaks the connection of all others on it"
_UNSENT: Final = "fewer failures are known to come before anything was sent, so fewer are retried"
_PHASES: Final = "an error may name another phase than its own"


def _each(
    places: tuple[str, ...], names: tuple[str, ...], lost: str, *, is_vital: bool = True
) -> list[PrivateName]:
    return [PrivateName(place, name, lost, is_vital) for place, name in product(places, names)]


def _in_both(
    place: str, names: tuple[str, ...], lost: str, *, is_vital: bool = True
) -> list[PrivateName]:
    """Return names of what httpcore has twice: once for each world, a `*` marking the async one."""
    twins = f"_sync.{place.replace('*', '')}", f"_async.{place.replace('*', 'Async')}"
    return _each(twins, names, lost, is_vital=is_vital)


_NAMES: Final = (
    *_each(_POOLS, (BACKEND,), _DEADLINES),
    *_each(_POOLS, (CONNECTIONS, REQUESTS, LOCK, ASSIGN, CLOSE), _LOST),
    *_each(_POOLS, (SPEAKS_HTTP2,), _NEIGHBOURS),
    *_each(
        _POOLS,
        (MOST_OPEN, MOST_IDLE),
        "a bulkhead that was enlarged has connections closed that could live on",
        is_vital=False,
    ),
    *_in_both("connection_pool.*PoolRequest", (HELD_REQUEST, HELD_CONNECTION), _LOST),
    *_in_both("connection_pool.PoolByteStream", (POOL_REQUEST,), _LOST),
    *_in_both("connection_pool.PoolByteStream", (STREAM,), _TRAILING),
    *_in_both("http11.HTTP11ConnectionByteStream", (CONNECTION,), _TRAILING),
    *_in_both("http11.*HTTP11Connection", (H11, SOCKET), _TRAILING),
    *_each(("_backends.anyio",), (ANYIO_STREAM,), _TRAILING),
    *_each((f"_backends.anyio.{ANYIO_STREAM}",), (STREAM,), _TRAILING),
    *_each(("_backends.sync.TLSinTLSStream",), (TLS_IN_TLS,), _TRAILING),
    *_in_both(
        "http11.*HTTP11Connection",
        (SEND_BODY,),
        "an exception of a caller's body may pass for one of the network",
    ),
    *_in_both("connection.*HTTPConnection", (CONNECT,), _UNSENT, is_vital=False),
    *_in_both(_SOCKS, (INIT_SOCKS,), _UNSENT, is_vital=False),
    *_in_both("http11.*HTTP11Connection", (f"{RECEIVE}event",), _PHASES, is_vital=False),
    *_each(("",), (TRACE,), "an exception of a trace function is retried", is_vital=False),
    *_each(
        ("_backends.sync",),
        (SYNC_STREAM,),
        "a blocking HTTP/2 call that cannot write in time breaks the connection of all others",
        is_vital=False,
    ),
)
_OF_HTTP2: Final = (
    *_in_both("connection.*HTTPConnection", (CONNECTION, CONNECT_FAILED), _NEIGHBOURS),
    *_in_both("connection.*HTTPConnection", OPENING_LOCKS[:1], _NEIGHBOURS),
    *_in_both("http_proxy.*TunnelHTTPConnection", (CONNECTION, *OPENING_LOCKS[1:]), _NEIGHBOURS),
    *_in_both(f"{_SOCKS}.*Socks5Connection", (CONNECTION, *OPENING_LOCKS[1:]), _NEIGHBOURS),
    *_in_both("http2.*HTTP2Connection", (ORIGIN, SOCKET, KEEPALIVE), _NEIGHBOURS),
    *_each(("_sync.http_proxy",), (FORWARDS,), _NEIGHBOURS),
    *_each(("_async.http_proxy",), (f"Async{FORWARDS}",), _NEIGHBOURS),
)


def check_pool(pool: Any) -> None:
    """Check, at the first pool of a library, that it has the names which are needed over one.

    Args:
        pool: One of somebody else's is left alone.

    Raises:
        RuntimeError: A vital name is missing.
    """
    library = type(pool).__module__.partition(".")[0]
    if library in _WORKS:
        _check(sys.modules[library])


@cache
def _check(httpcore: Any) -> None:
    _check_those(httpcore, _NAMES)


@cache
def check_http2(httpcore: Any) -> None:
    """Check, at the first client that speaks HTTP/2, that a library has the names this needs.

    Raises:
        RuntimeError: One is missing.
    """
    _check_those(httpcore, _OF_HTTP2)


def _check_those(httpcore: Any, names: tuple[PrivateName, ...]) -> None:
    has_socks = find_spec("socksio") is not None  # without it the module cannot be imported
    wanted = [each for each in names if has_socks or _SOCKS not in each.place]
    check(httpcore, _WORKS[httpcore.__name__], wanted)
