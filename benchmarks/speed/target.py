"""The server that is called: answers from memory, so that it costs far less than any client.

It runs in a process of its own, `python -m benchmarks.speed.target`, which ends with the program
that started it. `/item` is answered 200 with 1 KiB of JSON; `/share/PERCENT` too, but that share
of its requests with 503; `/stats` with how many requests each path had since it was last asked.
What comes after a `?` changes nothing but the name under which a request is counted.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import threading
from collections import Counter
from http import HTTPStatus
from typing import Final

from benchmarks.speed.null_transport import BODY

__all__ = ["ANNOUNCEMENT", "Answers", "HttpProtocol"]

ANNOUNCEMENT: Final = "listening on port "
_MOST_HEAD_BYTES: Final = 65_536


def _answer(status: int, body: bytes = b"{}") -> tuple[bytes, bytes]:
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode(), body


_GOOD: Final = _answer(200, BODY)
_UNAVAILABLE: Final = _answer(503)
_NOT_FOUND: Final = _answer(404)
_BAD: Final = _answer(400)
_NOT_IMPLEMENTED: Final = _answer(501)


class BadRequestError(Exception):
    """The peer does not speak HTTP."""


class Answers:
    """How many requests there were, and the chance of those that fail."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.dice = random.Random(1)  # noqa: S311 - not for secrets

    def to(self, path: str) -> tuple[bytes, bytes]:
        """Return head and body for a path, and count the request unless it asks for the count."""
        if path == "/stats":
            requests, self.requests = self.requests, Counter()
            return _answer(200, json.dumps(requests).encode())
        self.requests[path] += 1
        path = path.partition("?")[0]
        if path == "/item":
            return _GOOD
        share = path.removeprefix("/share/")
        if share == path or not share.isdecimal():
            return _NOT_FOUND
        return _UNAVAILABLE if self.dice.random() * 100 < int(share) else _GOOD


class HttpProtocol(asyncio.Protocol):
    """One connection: as much of HTTP/1.1 as clients need, whole, halved or pipelined."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio makes no other here
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer the requests that are whole."""
        self._received = self._received + data if self._received else data
        while self._received and not self._transport.is_closing():
            try:
                if not self._answer_one():
                    return
            except BadRequestError:
                self._refuse(_BAD)

    def _answer_one(self) -> bool:
        """Answer the first request, or return False where more of it must come."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            if len(self._received) > _MOST_HEAD_BYTES:
                raise BadRequestError
            return False
        first, *lines = self._received[:end].decode("latin-1").split("\r\n")
        headers = _headers(lines)
        if "transfer-encoding" in headers:
            self._refuse(_NOT_IMPLEMENTED)
            return True
        whole = end + 4 + _content_length(headers)
        if len(self._received) < whole:
            return False
        self._received = self._received[whole:]
        self._respond(first, headers.get("connection", ""))
        return True

    def _respond(self, first: str, connection: str) -> None:
        try:
            method, path, version = first.split(" ")
        except ValueError:
            raise BadRequestError from None
        head, body = self._answers.to(path)
        self._transport.write(head if method == "HEAD" else head + body)
        if version != "HTTP/1.1" or connection.lower() == "close":
            self._transport.close()

    def _refuse(self, answer: tuple[bytes, bytes]) -> None:
        self._transport.write(b"".join(answer))
        self._transport.close()


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadRequestError
        headers[name.lower()] = value.strip()
    return headers


def _content_length(headers: dict[str, str]) -> int:
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdecimal()):
        raise BadRequestError
    return int(text)


async def serve() -> None:
    """Say where it listens, and serve until the standard input ends: with the parent."""
    loop = asyncio.get_running_loop()
    answers = Answers()
    server = await loop.create_server(lambda: HttpProtocol(answers), "127.0.0.1", 0, backlog=2048)
    ended = asyncio.Event()

    def wait_for_the_end() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    print(f"{ANNOUNCEMENT}{server.sockets[0].getsockname()[1]}", flush=True)
    await ended.wait()
    server.close()


def main() -> None:
    """Serve many connections at once."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(serve())


if __name__ == "__main__":
    main()
