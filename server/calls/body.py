"""Reading a request body: counted and digested as it comes, bounded, and never kept."""

import asyncio
import hashlib
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Receive

from ..limits import Limits
from .refusal import CallerGoneError, RefusedError


@dataclass(frozen=True, slots=True)
class Body:
    """What is known of a body once it has passed by.

    Attributes:
        size: Its length in bytes.
        sha256: Its digest in hexadecimal.
    """

    size: int
    sha256: str


async def read_body(request: Request, limits: Limits) -> Body:
    """Read the body of a request to its end.

    Up to twice the limit is read, though only half of it counted: a client that writes its
    whole body before it reads would otherwise find the connection reset and not see the 413.

    Raises:
        RefusedError: 413 if it is longer than `limits.body_bytes`, 408 if it takes longer than
            `limits.body_seconds`.
        CallerGoneError: If the caller leaves in the middle of it.
    """
    enough = 2 * limits.body_bytes
    if _declared_length(request) > enough:
        raise _too_large(limits)
    try:
        async with asyncio.timeout(limits.body_seconds):
            body = await _digest(request.receive, enough)
    except TimeoutError:
        raise RefusedError(
            408,
            f"the body took longer than {limits.body_seconds:g} s, the most allowed; be faster",
            hang_up=True,
        ) from None
    if body.size > limits.body_bytes:
        raise _too_large(limits)
    return body


def _declared_length(request: Request) -> int:
    try:
        return int(request.headers.get("content-length", "0"))
    except ValueError:
        return 0  # what comes is counted all the same


async def _digest(receive: Receive, enough: int) -> Body:
    size, digest, more = 0, hashlib.sha256(), True
    while more and size <= enough:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerGoneError
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        digest.update(chunk)
        more = message.get("more_body", False)
    return Body(size, digest.hexdigest())


def _too_large(limits: Limits) -> RefusedError:
    return RefusedError(
        413,
        f"the body is larger than {limits.body_bytes} bytes, the most allowed; send less",
        hang_up=True,
    )
