"""The state of a page that is mounted elsewhere, asked for by HTTP."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx

from ...dashboard.answers import Refused
from ...errors.urls import mask_url
from .shape import check_state

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["RemoteState"]

_PATIENCE: Final = 5.0
_LARGEST: Final = 1 << 20


class RemoteState:
    """Asks one page for its state, over one connection. For one event loop.

    Args:
        url: Where the page is. A user name and a password in it are sent as Basic auth.
        transport: Sends the requests.

    Raises:
        ValueError: It is no URL of a page.
    """

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.shown: str = mask_url(url)
        if not _is_address(url):
            raise ValueError(
                f"{self.shown!r} is no address of a page: give one such as "
                "http://127.0.0.1:8000/resilience"
            )
        self._url = f"{url.partition('#')[0].rstrip('/')}/state.json"
        # Not packed: what is unpacked may be a thousand times as large.
        headers = {"Accept-Encoding": "identity"}
        self._http = httpx.AsyncClient(timeout=_PATIENCE, transport=transport, headers=headers)
        self._tag: str | None = None
        self._body = b""

    async def read(self) -> bytes:
        """Return the state as JSON.

        Raises:
            Refused: The page does not answer, or is none.
        """
        try:
            async with asyncio.timeout(_PATIENCE):  # whatever drips in meanwhile
                return await self._read()
        except (httpx.HTTPError, TimeoutError) as error:
            text = f"{self.shown} does not answer ({type(error).__name__})"
            raise Refused(HTTPStatus.BAD_GATEWAY, text) from error

    async def _read(self) -> bytes:
        headers = {} if self._tag is None else {"If-None-Match": self._tag}
        async with self._http.stream("GET", self._url, headers=headers) as answer:
            if headers and answer.status_code == HTTPStatus.NOT_MODIFIED:
                return self._body
            body = await _bounded(answer)
        self._check(answer, body)
        self._tag, self._body = _tag_of(answer), body
        return body

    def _check(self, answer: httpx.Response, body: bytes) -> None:
        if answer.status_code != HTTPStatus.OK:
            said = _error_in(body)
            text = f"{self.shown} answers {answer.status_code}{said and f': {said}'}"
            raise Refused(HTTPStatus.BAD_GATEWAY, text)
        try:
            check_state(body)
        except ValueError as error:
            text = f"{self.shown} is no live page, or one of another version"
            raise Refused(HTTPStatus.BAD_GATEWAY, text) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.aclose()


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port, host = parts.port, httpx.URL(url).host  # either looks at what it is made of
    except (ValueError, httpx.InvalidURL):
        return False
    return parts.scheme in {"http", "https"} and bool(host) and not parts.query and port != 0


def _tag_of(answer: httpx.Response) -> str | None:
    """Return the tag of an answer, or None where it has none that can be sent."""
    tag: str = answer.headers.get("ETag", "")
    return tag if tag.isascii() and tag.isprintable() and tag else None


async def _bounded(answer: httpx.Response) -> bytes:
    if "Content-Encoding" in answer.headers:
        raise Refused(HTTPStatus.BAD_GATEWAY, "the answer is packed, which nobody asked for")
    body = b""
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > _LARGEST:
            raise Refused(HTTPStatus.BAD_GATEWAY, f"the answer is larger than {_LARGEST} bytes")
    return body


def _error_in(body: bytes) -> str:
    """Return what a page says of a refusal, in one short line, or nothing."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return (str(error).isprintable() and str(error)[:200]) or ""
