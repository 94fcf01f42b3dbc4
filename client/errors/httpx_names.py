"""Every name of httpx and httpx2 that this package leans on beyond their documentation.

What each is for stands beside it, and in the table what does not hold without it.
"""

from __future__ import annotations

import sys
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, Final, cast

from .private_names import PrivateName, check

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "ASGI",
    "AUTH",
    "CLIENT",
    "CONTENT",
    "COOKIES",
    "DECODERS",
    "ENCODING",
    "FIELDS",
    "FILE",
    "HTTP",
    "MOCK",
    "MODELS",
    "MOUNTS",
    "MULTIPART",
    "ONE_EXCHANGE",
    "READ_BODY",
    "READ_TEXT",
    "REQUEST",
    "SOURCE",
    "TO_REDIRECT",
    "TRANSPORT",
    "WAS_BEGUN",
    "WITH_AUTH",
    "WITH_REDIRECTS",
    "WSGI",
    "check_httpx",
    "environment_proxies",
    "pool_of",
    "put_pool",
    "transports_of",
]

# Functions of a client: where in a traceback an exception was raised, and what the drop-in clients
# put themselves around.
WITH_AUTH: Final = "_send_handling_auth"
WITH_REDIRECTS: Final = "_send_handling_redirects"
ONE_EXCHANGE: Final = "_send_single_request"
TO_REDIRECT: Final = "_build_redirect_request"

# Modules, by which the frames of a traceback are told apart.
CLIENT: Final = "_client"
MODELS: Final = "_models"
AUTH: Final = "_auth"
CONTENT: Final = "_content"
MULTIPART: Final = "_multipart"
DECODERS: Final = "_decoders"
HTTP: Final = "default"
"""Of httpx's own transport; the following three send nothing over a network."""
ASGI: Final = "asgi"
MOCK: Final = "mock"
WSGI: Final = "wsgi"

# Attributes.
COOKIES: Final = "_cookies"
"""Of a client: replaced by cookies that are bounded, or bound to their host."""
ENCODING: Final = "_default_encoding"
"""Of a client: how a text is read whose answer names no charset."""
READ_BODY: Final = "_content"
"""Of an answer: whether its body has been read; taken away where the rest of it is wanted."""
READ_TEXT: Final = "_text"
"""Of an answer: what somebody has decoded of its body so far."""
REQUEST: Final = "_request"
"""Of an exception: what its `request` returns."""
SOURCE: Final = "_stream"
"""Of a body: the file or the iterable that the caller gave."""
WAS_BEGUN: Final = "_is_stream_consumed"
"""Of a body: whether some of it has been read."""
FIELDS: Final = "fields"
"""Of a multipart body: its parts."""
FILE: Final = "file"
"""Of such a part: the file that the caller gave."""
TRANSPORT: Final = "_transport"
"""Of a client: what it sends through; beside it, by URL pattern, what else."""
MOUNTS: Final = "_mounts"
_POOL: Final = "_pool"

_WORKS: Final = {"httpx": "httpx==0.28.*", "httpx2": "httpx2>=2.12,<2.17"}
_WHOSE: Final = "nobody can tell whose exception it is, nor whether a write was sent"
_PERHAPS_WHOSE: Final = "an exception of the caller's own code may pass for one of the network"
_POOLS: Final = "no deadline ends a blocking call, and connections are lost for good"
_AGAIN: Final = "a body of which nothing was sent is not sent again"
_EMPTY: Final = "a file that was read to its end is sent as an empty one"
_CLIENTS: Final = ("Client", "AsyncClient")
_NAMES: Final = (
    *(
        PrivateName(kind, name, _WHOSE)
        for kind, name in product(_CLIENTS, (WITH_AUTH, WITH_REDIRECTS, ONE_EXCHANGE, TO_REDIRECT))
    ),
    *(PrivateName(kind, name, _POOLS) for kind, name in product(_CLIENTS, (TRANSPORT, MOUNTS))),
    *(
        PrivateName(kind, COOKIES, "a cookie goes to other hosts than the one that set it")
        for kind in _CLIENTS
    ),
    *(
        PrivateName(
            kind, ENCODING, "a kept answer that names no charset is read as UTF-8", is_vital=False
        )
        for kind in _CLIENTS
    ),
    PrivateName("", CLIENT, _WHOSE),
    PrivateName("", MODELS, _WHOSE),
    PrivateName("_transports", HTTP, _WHOSE),
    *(
        PrivateName("_transports", name, _PERHAPS_WHOSE, is_vital=False)
        for name in (ASGI, MOCK, WSGI)
    ),
    *(PrivateName("", name, _PERHAPS_WHOSE, is_vital=False) for name in (AUTH, CONTENT, DECODERS)),
    PrivateName("Response", READ_BODY, "of a large answer that is not retried the rest is lost"),
    PrivateName(
        "Response",
        READ_TEXT,
        "a hook that looks at the text of a large error hides the rest of it from the caller",
        is_vital=False,
    ),
    PrivateName(
        "HTTPError", REQUEST, "the error of a rejected call has no request", is_vital=False
    ),
    *(
        PrivateName(f"{CONTENT}.{kind}", name, _AGAIN, is_vital=False)
        for kind, name in product(
            ("IteratorByteStream", "AsyncIteratorByteStream"), (SOURCE, WAS_BEGUN)
        )
    ),
    PrivateName(f"{MULTIPART}.MultipartStream", FIELDS, _AGAIN, is_vital=False),
    PrivateName("", MULTIPART, _EMPTY),
    PrivateName(f"{MULTIPART}.FileField", FILE, _EMPTY),
)
_PROXIES: Final = PrivateName(
    "_utils", "get_environment_proxies", "the proxies of the environment are passed by"
)
_KEEP_POOLS: Final = ("HTTPTransport", "AsyncHTTPTransport")


@cache
def check_httpx(module: ModuleType) -> None:
    """Check, at the first client of a family, that it has the names which all faces need.

    Raises:
        RuntimeError: A vital one is missing.
    """
    check(module, _WORKS[module.__name__], _NAMES)


@cache
def _check_transport(module: ModuleType, kind: str) -> None:
    check(module, _WORKS[module.__name__], [PrivateName(kind, _POOL, _POOLS)])


def transports_of(client: Any) -> list[Any]:
    """Return the transports that a client goes through; httpx has no public way to them.

    Raises:
        RuntimeError: As `check_httpx`.
    """
    kinds = cast("type[object]", type(client)).__mro__
    for family in _WORKS.keys() & {kind.__module__.partition(".")[0] for kind in kinds}:
        check_httpx(sys.modules[family])
    transports = [getattr(client, TRANSPORT), *getattr(client, MOUNTS).values()]
    return [transport for transport in transports if transport is not None]


def pool_of(transport: Any) -> Any:
    """Return the connection pool of a transport, None where it has none.

    Raises:
        RuntimeError: It is one of httpx's own, and keeps its pool elsewhere.
    """
    kind = cast("type[object]", type(transport))
    if kind.__name__ in _KEEP_POOLS and kind.__module__ in _WORKS:
        _check_transport(sys.modules[kind.__module__], kind.__name__)
    return getattr(transport, _POOL, None)


def put_pool(transport: Any, pool: Any) -> None:
    """Give a transport another pool."""
    setattr(transport, _POOL, pool)


def environment_proxies(module: ModuleType) -> dict[str, str | None]:
    """Return the proxies that a family makes of the environment, by URL pattern.

    Raises:
        RuntimeError: It has no such function.
    """
    check(module, _WORKS[module.__name__], [_PROXIES])
    find = getattr(getattr(module, _PROXIES.place), _PROXIES.name)
    found: dict[str, str | None] = find()
    return found
