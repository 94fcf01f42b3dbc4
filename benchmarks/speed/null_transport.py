"""A transport that sends nothing and answers at once: what is left is the cost of the client."""

from __future__ import annotations

import json
from typing import Final

import httpx

__all__ = ["BODY", "NullTransport"]

BODY: Final = json.dumps({"id": 1, "text": "x" * (1024 - 21)}).encode()
"""1 KiB of JSON, which the target server sends too."""
_HEADERS: Final = httpx.Headers(
    {"content-type": "application/json", "content-length": str(len(BODY))}
)


class NullTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Gives everybody the same answer: barer than `httpx.MockTransport`, which reads the request.

    Args:
        status: That of the answer.
    """

    def __init__(self, status: int = 200) -> None:
        self._status = status

    def handle_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's
        """Answer."""
        return self._answer()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's
        """Answer."""
        return self._answer()

    def _answer(self) -> httpx.Response:
        # Its body still on the wire, as a real transport hands it over: the client reads it.
        return httpx.Response(self._status, headers=_HEADERS, stream=httpx.ByteStream(BODY))
