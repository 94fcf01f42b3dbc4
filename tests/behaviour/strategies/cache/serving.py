"""Servers whose answers may be kept, and what is looked at of an answer."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World

MINUTE = {"Cache-Control": "max-age=60"}
PUBLIC = {"Cache-Control": "public, max-age=60"}
STALE = {"Cache-Control": "max-age=0", "ETag": '"one"'}
"""What may be kept, and is to be asked about each time."""
PACKED = gzip.compress(b"hello " * 100)


def counted(headers: Any = None, status: int = 200) -> Any:
    """A server that numbers its answers."""
    told = MINUTE if headers is None else headers
    number = 0

    async def serve(_arrival: Arrival) -> Answer:
        nonlocal number
        number += 1
        return Answer(status, (b"answer %d" % number,), told)

    return serve


def echoing(*names: str, headers: Any = None) -> Any:
    """A server that answers with what the request says in some header fields."""

    async def serve(arrival: Arrival) -> Answer:
        said = "|".join(arrival.request.headers.get(name, "-") for name in names)
        return Answer(200, (said.encode(),), MINUTE if headers is None else headers)

    return serve


def cached(world: World, server: Any, **settings: Any) -> Caller:
    """A client with a cache, whose calls are tried once."""
    return world.client(server, **{"cache": {}, "retry": None, **settings})


def said(response: Any) -> tuple[str, str]:
    """What an answer says, and what the cache did for it."""
    return response.text, response.extensions["cache"].status


def status_of(response: Any) -> str:
    """What the cache did for an answer."""
    status: str = response.extensions["cache"].status
    return status
