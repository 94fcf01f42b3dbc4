"""Serves a page from here, for as long as needed; the one module here that knows uvicorn."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from importlib import import_module
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final

from ..demo.errors import CannotRunError

if TYPE_CHECKING:
    from collections.abc import Generator

    from ...dashboard.app import Page

__all__ = ["listen", "require_uvicorn", "serve", "served", "url_of"]

_ENDS_SECONDS: Final = 5.0
_HIGHEST_PORT: Final = 65_535


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        CannotRunError: It cannot.
    """
    if not 0 <= port <= _HIGHEST_PORT:
        raise CannotRunError(f"there is no port {port}: give one from 0 to {_HIGHEST_PORT}")
    try:
        return socket.create_server((host, port), family=_family(host))
    except OSError as error:
        raise CannotRunError(f"cannot listen on {host}, port {port}: {error}") from error


def url_of(listener: socket.socket) -> str:
    """Return the URL at which a socket answers, as seen from here."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def require_uvicorn() -> Any:
    """Return uvicorn.

    Raises:
        CannotRunError: It is missing; names the cure.
    """
    try:
        return import_module("uvicorn")
    except ImportError as error:
        raise CannotRunError(
            "the page needs 'uvicorn', which cannot be imported; "
            "run: pip install 'resilient-http-client[server]'"
        ) from error


def serve(page: Page, listener: socket.socket) -> None:
    """Serve a page until the process is told to end.

    Raises:
        CannotRunError: uvicorn is missing.
    """
    _server(page).run([listener])


@contextmanager
def served(page: Page, listener: socket.socket) -> Generator[None]:
    """Serve a page from a thread until the end of the block.

    Raises:
        CannotRunError: uvicorn is missing.
    """
    server = _server(page)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        thread.join(_ENDS_SECONDS)
        listener.close()


def _server(page: Page) -> Any:
    uvicorn = require_uvicorn()
    options = {"http": "h11", "ws": "none", "log_level": "warning", "proxy_headers": False}
    return uvicorn.Server(uvicorn.Config(page, lifespan="off", access_log=False, **options))


def _family(host: str) -> socket.AddressFamily:
    try:
        return socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET  # noqa: PLR2004 - of IP
    except ValueError:
        return socket.AF_INET
