"""Who may read the page, and who may act on it.

A page on loopback is within reach of every other page that a browser shows: by a name that its
owner leads to 127.0.0.1 (rebinding), and by requests that a browser sends without asking. So a
request is refused unless its `Host` is known, and an action unless it comes from the page itself.
"""

from __future__ import annotations

import inspect
import re
import secrets
from collections.abc import Callable, Iterable
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from ..runtime.forking import tell_in_child
from .answers import Refused

if TYPE_CHECKING:
    from .answers import Scope

__all__ = ["LOOPBACK", "Auth", "Guard", "checked_names", "is_loopback"]

Auth: TypeAlias = Callable[[Any], Any]
"""Given the ASGI scope; returns, or is awaited for, whether its sender is welcome."""

LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
ANY: Final = "*"
TOKEN_HEADER: Final = b"x-resilience-token"
_HOST: Final = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+?)\.?(?::\d{1,5})?", re.ASCII)
_OF_PROXIES: Final = (b"forwarded", b"via", b"x-forwarded-", b"x-real-ip")
"""How headers begin that a proxy adds."""
_JSON: Final = re.compile(rb"application/json\s*(;.*)?", re.IGNORECASE)


class Guard:
    """Refuses what must not be answered.

    Args:
        auth: Decides on every request, where it is given.
        allowed_hosts: The names by which the page is reached.
        has_actions: Whether there is anything to do on the page besides reading.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A host is none, or `auth` is missing where others can reach the page.
    """

    def __init__(
        self, auth: Auth | None, allowed_hosts: Iterable[str], *, has_actions: bool
    ) -> None:
        if auth is not None and not callable(auth):
            raise TypeError(f"auth is {auth!r}: give a callable that takes the ASGI scope, or None")
        self._auth = auth
        self._hosts = _checked_hosts(allowed_hosts)
        far = [host for host in self._hosts if not is_loopback(host)]
        if has_actions and auth is None and far:
            raise ValueError(
                f"actions= without auth= is for loopback alone, and allowed_hosts= has {far[0]!r}: "
                "whoever reads the page can act on it, so give auth=, a callable that takes the "
                "ASGI scope and returns whether its sender is welcome"
            )
        self.token: str = ""
        self.begin_anew()
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Make a new token: each process has its own."""
        self.token = secrets.token_urlsafe(32)

    async def check(self, scope: Scope) -> None:
        """Let a request in, or not.

        Raises:
            Refused: Its host is not known, or its sender not welcome.
        """
        self._check_host(scope)
        if self._auth is None:
            return
        is_welcome = self._auth(scope)
        if inspect.isawaitable(is_welcome):
            is_welcome = await is_welcome
        if not is_welcome:
            raise Refused(HTTPStatus.FORBIDDEN, "auth= does not let you in")

    def check_action(self, scope: Scope) -> None:
        """Let a request act, or not; it was let in before.

        Raises:
            Refused: It is not from the page of this process, or from too far.
        """
        if self._auth is None and not _is_near(scope):
            text = "this comes from another machine, or through a proxy: actions= needs auth= there"
            raise Refused(HTTPStatus.FORBIDDEN, text)
        if not _JSON.fullmatch(_only(scope, b"content-type") or b""):
            text = "send JSON, with Content-Type: application/json"
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, text)
        if not _is_same_origin(scope):
            raise Refused(HTTPStatus.FORBIDDEN, "this comes from another page")
        given = _only(scope, TOKEN_HEADER) or b""
        if not secrets.compare_digest(given, self.token.encode()):
            text = "the token is not that of this process: load the page again"
            raise Refused(HTTPStatus.FORBIDDEN, text)

    def _check_host(self, scope: Scope) -> None:
        given = (_only(scope, b"host") or b"").decode("latin-1")
        found = _HOST.fullmatch(given)
        name = found["name"].lower() if found else None
        if name is None or (ANY not in self._hosts and name not in self._hosts):
            shown = given[:100] if name is None else name
            text = (
                f"the host {shown!r} is not allowed here: name it in dashboard(allowed_hosts=...)"
            )
            raise Refused(HTTPStatus.FORBIDDEN, text)


def is_loopback(host: str) -> bool:
    """Return whether a name or address leads to this machine alone."""
    bare = host.strip("[]").lower()
    try:
        return ip_address(bare).is_loopback
    except ValueError:
        return bare == "localhost" or bare.endswith(".localhost")


def checked_names(argument: str, given: object, example: str) -> list[object]:
    """Return the names that an argument has.

    Raises:
        TypeError: It is no collection of them.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        shown = [given if isinstance(given, str) else example]
        raise TypeError(f"{argument} is {given!r}: give a collection of names, such as {shown}")
    return list(cast("Iterable[object]", given))


def _checked_hosts(given: Iterable[str]) -> frozenset[str]:
    hosts = frozenset(
        _checked_host(host) for host in checked_names("allowed_hosts", given, "ops.internal")
    )
    if not hosts:
        raise ValueError("allowed_hosts is empty, so that nobody reaches the page: name a host")
    return hosts


def _checked_host(host: object) -> str:
    if host == ANY:
        return ANY
    found = _HOST.fullmatch(host) if isinstance(host, str) else None
    if found is None or found["name"] != host:
        raise ValueError(
            f"allowed_hosts has {host!r}: give names or addresses without port, such as "
            "'ops.internal' or '[::1]', or '*' for any"
        )
    return found["name"].lower()


def _only(scope: Scope, name: bytes) -> bytes | None:
    """Return the value of a header that came once, or None."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0] if len(values) == 1 else None


def _is_near(scope: Scope) -> bool:
    """Whether a request was sent on this machine, and by nobody for another."""
    client = scope.get("client")
    if not client or any(name.startswith(_OF_PROXIES) for name, _ in scope["headers"]):
        return False
    return is_loopback(str(client[0]))


def _is_same_origin(scope: Scope) -> bool:
    site = [value for name, value in scope["headers"] if name == b"sec-fetch-site"]
    if site:
        return site == [b"same-origin"]
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    host = (_only(scope, b"host") or b"").lower()
    return not origins or origins in ([b"http://" + host], [b"https://" + host])
