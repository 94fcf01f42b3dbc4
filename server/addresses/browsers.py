"""Keeps pages in a browser away: whatever opens one may send requests to this machine.

A page of another site can post without asking (its `Origin` says so), and a site whose name is made
to lead to 127.0.0.1 can even read the answers (its `Host` says so: DNS rebinding). Neither is
somebody who works the server.
"""

import ipaddress
import re
from collections.abc import Iterable

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..health import installed_version
from .host_names import bare, check_host_name

__all__ = ["BrowserGuard", "app_without_pages"]

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^\[\]:/@\s]+)(:[0-9]{1,5})?")
_LOCAL = "localhost"
_FROM_HERE = frozenset({"same-origin", "none"})
_SHOWN = 100


def app_without_pages(title: str) -> FastAPI:
    """Return an application that is not to be browsed.

    The pages that FastAPI would add for that load scripts from elsewhere.
    """
    return FastAPI(
        title=title,
        version=installed_version(),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )


class BrowserGuard:
    """Answers 403 to what a page of another site sends, and 421 to what is meant for another host.

    Addresses are always welcome, since no name server has a say in them, and so are `localhost` and
    whatever the ASGI server says that it is: over TCP an address, in a test's own process its name.

    Args:
        app: What is guarded.
        allow_hosts: Other names of this server.
    """

    def __init__(self, app: ASGIApp, allow_hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._names = {_LOCAL, *map(check_host_name, allow_hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, unless a page has sent it."""
        refusal = self._refusal(scope) if scope["type"] != "lifespan" else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, detail = refusal
        # The body stays unread, so the connection ends with the answer.
        response = JSONResponse({"detail": detail}, status, headers={"Connection": "close"})
        await response(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        # A client of HTTP/1.0 sends none, a browser does.
        hosts = [host for host in headers.getlist("host") if host]
        for host in [*hosts, *_authority(scope)]:
            if not self._knows(host, scope):
                return 421, (
                    f"the Host {_shown(host)} is not this server: use its address or localhost, "
                    "or start it with this name among --allow-host (allow_hosts=)"
                )
        origins, site = headers.getlist("origin"), headers.get("sec-fetch-site", "none")
        origin = ", ".join(origins)
        is_ours = not origins or origin.lower() in {f"http://{host}".lower() for host in hosts[:1]}
        if not is_ours or site not in _FROM_HERE:
            return 403, (
                f"a page of another site ({_shown(origin or site)}) has sent this: "
                "a browser's pages do not work this server"
            )
        return None

    def _knows(self, host: str, scope: Scope) -> bool:
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name = bare(found["name"])
        own = str((scope.get("server") or ("",))[0]).lower()
        return (
            _is_address(name) or name == own or name in self._names or name.endswith(f".{_LOCAL}")
        )


def _authority(scope: Scope) -> list[str]:
    """Return the host and port of a request target that is a whole URL."""
    scheme, found, rest = bytes(scope.get("raw_path") or b"").partition(b"://")
    if not found or b"/" in scheme:
        return []
    return [re.split("[/?]", rest.decode("latin-1"), maxsplit=1)[0]]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
