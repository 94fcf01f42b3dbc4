"""`python -m client dashboard`: the page of a process elsewhere, only to be read."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TextIO
from urllib.parse import parse_qs

from ...dashboard.answers import Answer
from ...dashboard.app import Page
from ...dashboard.guard import LOOPBACK, Guard, is_loopback
from ..demo.errors import MISUSED, CannotRunError
from .remote import RemoteState
from .serving import listen, require_uvicorn, serve, url_of

if TYPE_CHECKING:
    from ...dashboard.answers import Receive, Scope

__all__ = ["StandAlonePage", "run_dashboard"]

_COOKIE: Final = "resilience_token"
_SHORTEST_TOKEN: Final = 16


def run_dashboard(out: TextIO, *, url: str, host: str, port: int, token: str | None) -> int:
    """Serve a page until the process is told to end, and return the exit status.

    Args:
        out: Where its address is written.
        url: Whose state it shows.
        host: The address it is served at.
        port: The port; 0 for any that is free.
        token: What must be shown to see it; None for a page on this machine alone.

    Raises:
        CannotRunError: An argument is not allowed, or a package is missing.
    """
    if not is_loopback(host) and token is None:
        raise CannotRunError(
            f"--host {host} is within reach of others: give --token too, a secret that they need",
            MISUSED,
        )
    if token is not None and not (
        token.isascii() and token.isalnum() and len(token) >= _SHORTEST_TOKEN
    ):
        text = f"--token: give at least {_SHORTEST_TOKEN} letters and digits"
        raise CannotRunError(text, MISUSED)
    try:
        remote = RemoteState(url)
    except ValueError as error:
        raise CannotRunError(f"--url: {error}", MISUSED) from error
    require_uvicorn()  # before an address is told at which nobody would answer
    page = StandAlonePage(remote, token=token, host=host)
    with listen(host, port) as listener:
        query = "" if token is None else f"?token={token}"
        out.write(f"the page of {remote.shown} is at {url_of(listener)}{query}\n")
        out.flush()
        serve(page, listener)
    return 0


class StandAlonePage(Page):
    """The page of a process elsewhere.

    Args:
        source: Its state.
        token: What must be shown to see it: once in the query of the address, then by a cookie,
            or as a Bearer. None if nothing must.
        host: The address it is served at: one of loopback is reached by itself alone.
    """

    def __init__(self, source: RemoteState, *, token: str | None, host: str = "localhost") -> None:
        hosts = (*LOOPBACK, f"[{host}]" if ":" in host else host) if is_loopback(host) else ("*",)
        self._token = token
        guard = Guard(None if token is None else self._is_welcome, hosts, has_actions=False)
        super().__init__(source, guard, f"Resilience of {source.shown}")

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        answer = await super()._answer(scope, receive)
        if scope["path"] != "/" or _token_in(scope) is None:
            return answer
        # Out of the address, where it would be seen and kept.
        cookie = f"{_COOKIE}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        headers = (("location", "./"), ("set-cookie", cookie))
        return Answer(HTTPStatus.SEE_OTHER, headers=headers if self._token else headers[:1])

    def _is_welcome(self, scope: Any) -> bool:
        shown = [_token_in(scope), *_bearers(scope), *_cookies(scope)]
        token = (self._token or "").encode()
        return any(
            secrets.compare_digest(each.encode(), token) for each in shown if each is not None
        )


def _token_in(scope: Any) -> str | None:
    """Return the token in the query of the page's own address, or None."""
    if scope["path"] != "/":
        return None
    query: bytes = scope.get("query_string", b"")
    tokens = parse_qs(query.decode("latin-1")).get("token")
    return tokens[0] if tokens else None


def _bearers(scope: Any) -> list[str]:
    values = [
        value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"
    ]
    return [value[len("Bearer ") :] for value in values if value.startswith("Bearer ")]


def _cookies(scope: Any) -> list[str]:
    found: list[str] = []
    for name, value in scope["headers"]:
        if name == b"cookie":
            found += [
                each.partition("=")[2].strip()
                for each in value.decode("latin-1").split(";")
                if each.partition("=")[0].strip() == _COOKIE
            ]
    return found
