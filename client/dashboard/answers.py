"""Answers of the page, and what every one of them tells the browser not to do."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeAlias

__all__ = ["Answer", "Receive", "Refused", "Scope", "Send", "read_body", "refusal"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_ALWAYS: Final = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        status: Its status.
        body: Its body.
        kind: The media type of that.
        headers: Further headers.
    """

    status: HTTPStatus
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = field(default=())

    async def send(self, send: Send, *, without_body: bool) -> None:
        """Hand it to the server; of a HEAD the head alone."""
        headers = [
            *_ALWAYS,
            *((name.encode(), value.encode("latin-1")) for name, value in self.headers),
        ]
        if self.status is not HTTPStatus.NOT_MODIFIED:
            headers.append((b"content-type", self.kind.encode()))
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": int(self.status), "headers": headers})
        await send({"type": "http.response.body", "body": b"" if without_body else self.body})


class Refused(Exception):  # noqa: N818 - an answer, and nobody's error
    """A request is answered with a refusal.

    Args:
        status: Of the answer.
        text: What was wrong, and what to do.
        headers: Further headers of the answer.
    """

    def __init__(self, status: HTTPStatus, text: str, *headers: tuple[str, str]) -> None:
        super().__init__(text)
        self.answer: Answer = refusal(status, text, *headers)


def refusal(status: HTTPStatus, text: str, *headers: tuple[str, str]) -> Answer:
    """Return an answer that says why there is no other."""
    body = json.dumps({"error": text}).encode() + b"\n"
    return Answer(status, body, "application/json", headers)


async def read_body(receive: Receive, at_most: int) -> bytes:
    """Return the body of a request.

    Raises:
        Refused: It is larger than `at_most`, or its sender has gone.
    """
    body, has_more = b"", True
    while has_more:
        message = await receive()
        if message["type"] != "http.request":
            raise Refused(HTTPStatus.BAD_REQUEST, "the request ended early")
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
        if len(body) > at_most:
            text = f"the body is larger than {at_most} bytes"
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
    return body
