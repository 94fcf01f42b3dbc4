"""Asks the page as a server would hand requests to it, with every header in the test's hand."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from client import ClientConfig, MyAPIError, SyncResilientClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client.dashboard.answers import Message
    from client.dashboard.app import Page

__all__ = ["Given", "Servers", "ask", "order", "record", "token_of"]

HERE: Final = "localhost:8000"


@dataclass(frozen=True)
class Given:
    """What the page answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


def ask(  # noqa: PLR0913 - what a request is made of
    page: Page,
    path: str = "/state.json",
    method: str = "GET",
    *,
    body: bytes = b"",
    host: str | None = HERE,
    headers: Mapping[str, str] | None = None,
    ends_early: bool = False,
    **scope: Any,
) -> Given:
    """Send the page one request; return what it answers."""
    sent = [("host", host)] if host is not None else []
    sent += list((headers or {}).items())
    request = {
        "type": "http",
        "method": method,
        "path": path,
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent],
        "client": ("127.0.0.1", 50_000),
        **scope,
    }
    return asyncio.run(_answered(page, request, [body[:7], body[7:]], ends_early))


async def _answered(page: Page, request: Any, parts: list[bytes], ends_early: bool) -> Given:  # noqa: FBT001 - of a helper of one caller
    got: list[Message] = []

    async def receive() -> Message:
        if not parts or (ends_early and len(parts) == 1):
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message: Message) -> None:
        got.append(message)

    await page(request, receive, send)
    start, *rest = got
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Given(start["status"], headers, b"".join(each["body"] for each in rest))


def token_of(page: Page) -> str:
    """Return the token that is in the page, as a script of the page reads it."""
    text = ask(page, "/").body.decode()
    return text.partition('name="resilience-token" content="')[2].partition('"')[0]


def order(page: Page, what: Mapping[str, Any], **changes: Any) -> Given:
    """Give an order as the page itself does, but for the changes."""
    headers = {
        "content-type": "application/json",
        "sec-fetch-site": "same-origin",
        "x-resilience-token": token_of(page),
        **changes.pop("headers", {}),
    }
    kept = {name: value for name, value in headers.items() if value is not None}
    body = json.dumps({"client": 1, "scope": None, **what}).encode()
    return ask(page, "/control", "POST", **{"body": body, "headers": kept, **changes})


def record(state: Any, *names: str, client: int = 0) -> dict[str, Any]:
    """Return the row of a client's first target by the names of its columns."""
    columns = state["columns"]["targets"]
    row = dict(zip(columns, state["clients"][client]["targets"][0], strict=True))
    return {name: row[name] for name in names}


class Servers:
    """Servers that answer with the status they were told, 200 at first, and a client of them."""

    def __init__(self) -> None:
        self.statuses: dict[str, int] = {}
        self.headers: dict[str, dict[str, str]] = {}

    def client(self, **settings: Any) -> SyncResilientClient:
        """Make a client that does not wait."""
        plain = {"retry": None, "circuit_breaker": {"failure_threshold": 1, "scope": "origin"}}
        transport = httpx.MockTransport(
            lambda request: httpx.Response(
                self.statuses.get(request.url.host, 200),
                headers=self.headers.get(request.url.host),
            )
        )
        return SyncResilientClient(ClientConfig(**{**plain, **settings}), transport=transport)

    def call(self, client: SyncResilientClient, host: str = "a.test", times: int = 1) -> None:
        """Make calls, whatever comes of them."""
        for _ in range(times):
            with suppress(MyAPIError):
                client.get(f"https://{host}/")
