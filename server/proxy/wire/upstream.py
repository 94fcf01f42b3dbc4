"""Where the proxy connects to: fixed when it starts."""

import asyncio
import socket
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from ...errors import FailureServerError
from . import sockets

CONNECT_SECONDS = 10.0
DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_PORT = 65_535


class BadUpstreamError(FailureServerError, ValueError):
    """The upstream is not given as one, or has no address."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A TCP service.

    Attributes:
        name: Its host and port as they were given.
        addresses: Where it may be, in order of preference; looked up once.
    """

    name: str
    addresses: tuple[tuple[socket.AddressFamily, tuple[str, int]], ...]

    @classmethod
    def parse(cls, given: str) -> Self:
        """Read `HOST:PORT`, or take both from an http or https URL, and look the host up.

        Raises:
            BadUpstreamError: If it is neither, or the host is not known.
        """
        host, port = _host_and_port(given)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            raise BadUpstreamError(
                f"upstream {given!r} has no address ({error}); give a host that this machine knows"
            ) from error
        addresses = tuple((family, (str(at[0]), int(at[1]))) for family, _, _, _, at in found)
        return cls(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", addresses)

    async def connect(self) -> socket.socket:
        """Connect.

        Raises:
            OSError: If it does not answer, in time or at all.
        """
        async with asyncio.timeout(CONNECT_SECONDS):
            return await sockets.connect(list(self.addresses))


def _host_and_port(given: str) -> tuple[str, int]:
    try:
        parts = urlsplit(given if "://" in given else f"//{given}")
        host, port = parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        host = port = None
    if not host or port is None or _has_more(given):
        raise BadUpstreamError(
            f"upstream {given!r} is not a TCP service; give HOST:PORT with a port from 1 to "
            f"{MAX_PORT}, such as 127.0.0.1:8000 or [::1]:443, or an http or https URL without "
            "a path"
        )
    return host, port


def _has_more(given: str) -> bool:
    """Whether more is given than a scheme, a host and a port."""
    scheme, separator, rest = given.rpartition("://")
    known = not separator or scheme in DEFAULT_PORTS
    return not known or any(character in rest.rstrip("/") for character in "/@?#")
