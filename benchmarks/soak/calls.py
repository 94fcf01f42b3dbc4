"""The calls that are made, and what makes an answer the right one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random

    from benchmarks.soak.journal import Operation
    from client import ResilientClient, SyncResilientClient
    from client.faces.facade.call_options import CallOptions

__all__ = ["Call", "WrongAnswerError", "call_async", "call_blocking", "check_answer", "draw_call"]

_LARGE_BODY: Final = b"x" * 20_000
_CANCELLED_SHARE: Final = 0.08
_HURRIED_SHARE: Final = 0.04
_CAREFUL: Final = {"methods": {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}}


class WrongAnswerError(Exception):
    """A call was answered with what belongs to another, or to none."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to be made.

    Attributes:
        method: The HTTP method.
        url: Relative to the server's.
        options: The call's arguments, all but its request id.
        streams: Whether the answer is read as a stream.
        cancel_after: Seconds after which its caller cancels it; None leaves it alone.
    """

    method: str
    url: str
    options: CallOptions
    streams: bool = False
    cancel_after: float | None = None


def draw_call(dice: random.Random) -> Call:
    """Choose a call: mostly writes, some of them to a server that does not deduplicate."""
    options: CallOptions = {}
    if dice.random() < _HURRIED_SHARE:
        options["deadline"] = dice.uniform(0.02, 0.3)
    cancel_after = None
    if dice.random() < _CANCELLED_SHARE:
        # Half of them while a plain call is under way, half in a retry, a stall or the queue.
        cancel_after = dice.uniform(0, dice.choice((0.008, 0.3)))
    [kind] = dice.choices(
        ("post", "careless", "large", "get", "late", "stream"), (45, 10, 5, 20, 10, 10)
    )
    match kind:
        case "post":
            options["json"] = {"number": dice.random()}
        case "careless":
            # The server repeats the effect of every arrival, so this must be sent only once.
            options["json"] = {"number": dice.random()}
            options["retry"] = _CAREFUL
            return Call("POST", "/msg?dedupe=false", options, cancel_after=cancel_after)
        case "large":
            options["content"] = _LARGE_BODY
        case "late":
            url = f"/msg?delay={dice.randint(5, 60)}"
            return Call("GET", url, options, cancel_after=cancel_after)
        case "stream":
            return Call("GET", "/msg", options, streams=True, cancel_after=cancel_after)
        case _:
            return Call("GET", "/msg", options, cancel_after=cancel_after)
    return Call("POST", "/msg", options, cancel_after=cancel_after)


async def call_async(client: ResilientClient, call: Call, operation: Operation) -> None:
    """Make a call and take the message that it is answered with.

    Raises:
        MyAPIError: The call failed.
        WrongAnswerError: It succeeded with the wrong answer.
    """
    options = _named(call, operation)
    if call.streams:
        async with client.stream(call.method, call.url, **options) as response:
            content = await response.aread()
    else:
        content = (await client.request(call.method, call.url, **options)).content
    operation.message_id = check_answer(content, operation.request_id)


def call_blocking(client: SyncResilientClient, call: Call, operation: Operation) -> None:
    """Make a call in this thread; see `call_async`."""
    options = _named(call, operation)
    if call.streams:
        with client.stream(call.method, call.url, **options) as response:
            content = response.read()
    else:
        content = client.request(call.method, call.url, **options).content
    operation.message_id = check_answer(content, operation.request_id)


def check_answer(content: bytes, request_id: str) -> str:
    """Return the message of an answer.

    Raises:
        WrongAnswerError: The answer is no message, or that of another request id.
    """
    try:
        answer: dict[str, Any] = json.loads(content)
        named, message_id = answer["request_id"], answer["message_id"]
    except (ValueError, KeyError, TypeError) as error:
        raise WrongAnswerError(f"{request_id} was answered {content[:80]!r}") from error
    if named != request_id:
        raise WrongAnswerError(f"{request_id} was given the answer of {named}")
    return str(message_id)


def _named(call: Call, operation: Operation) -> CallOptions:
    return {**call.options, "request_id": operation.request_id}
