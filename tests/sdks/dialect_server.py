"""A server that answers in the dialect of whoever asks, after failing as often as it was told."""

from __future__ import annotations

import json
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

if TYPE_CHECKING:
    from types import TracebackType

SAID: Final = "hello there"
RESET: Final = "reset"
Failure = int | Literal["reset"]

_USAGE: Final = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
_COMPLETION: Final[dict[str, Any]] = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": SAID},
            "finish_reason": "stop",
        }
    ],
    "usage": _USAGE,
}
_CHUNK: Final[dict[str, Any]] = {
    "id": "c",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": SAID}}],
}
_MESSAGE: Final[dict[str, Any]] = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": SAID}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
_CONTENT: Final[dict[str, Any]] = {
    "candidates": [
        {"content": {"parts": [{"text": SAID}], "role": "model"}, "finishReason": "STOP"}
    ]
}
_CHAT: Final[dict[str, Any]] = {
    "id": "c",
    "finish_reason": "COMPLETE",
    "message": {"role": "assistant", "content": [{"type": "text", "text": SAID}]},
}


def answer(path: str, request: dict[str, Any]) -> tuple[str, bytes]:
    """The content type and the body with which a service answers at a path."""
    if request.get("stream"):
        events = f"data: {json.dumps(_CHUNK)}\n\ndata: [DONE]\n\n"
        return "text/event-stream", events.encode()
    by_path = {"/messages": _MESSAGE, ":generateContent": _CONTENT, "/v2/chat": _CHAT}
    found = next((known for end, known in by_path.items() if path.endswith(end)), _COMPLETION)
    return "application/json", json.dumps(found).encode()


class DialectServer:
    """Fails the first requests as told, and answers all others well.

    Args:
        failures: A status, or "reset" for a connection that is cut once the request was read.
    """

    def __init__(self, *failures: Failure) -> None:
        self.failures = list(failures)
        self.bodies: list[bytes] = []
        """What came, request by request."""
        handler = type("Handler", (_Handler,), {"script": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    script: ClassVar[DialectServer]

    def do_POST(self) -> None:
        """Answer one request, or fail it."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.script.bodies.append(body)
        failure = self.script.failures.pop(0) if self.script.failures else None
        if failure == RESET:
            self._reset()
        elif failure is not None:
            self._send(int(failure), "application/json", b"{}")
        else:
            self._send(200, *answer(self.path.partition("?")[0], json.loads(body)))

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()
        self.wfile = self.rfile = _Nothing()  # type: ignore[assignment] # for the base class to close

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


class _Nothing:
    closed = True

    def close(self) -> None:
        """Do nothing."""
