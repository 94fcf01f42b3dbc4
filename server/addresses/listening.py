"""The socket a server listens on: where it may be bound, and what its URL is."""

import errno
import ipaddress
import os
import socket
from dataclasses import dataclass

from ..errors import BadHostError, ListenError

BACKLOG = 2_048
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket: callers can connect from now on, and wait until they are served.

    Attributes:
        host: The host as it was asked for.
        port: The port in use, also where 0 was asked for.
        socket: The socket.
        is_loopback: Whether it can be reached from this machine only.
    """

    host: str
    port: int
    socket: socket.socket
    is_loopback: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The name by which the host was asked for, if not by address."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return (self.host,)
        return ()

    @property
    def url(self) -> str:
        """The base URL of what is served here."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def listen(host: str, port: int) -> Listener:
    """Listen on `host` and `port`; port 0 takes a free one.

    Raises:
        BadHostError: If the host is not an address of this machine.
        ListenError: If the port is in use, or not for this user to take.
    """
    family, address = _resolve(host)
    # The protocol is named: else asyncio leaves Nagle's algorithm on, and answers wait 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere this lets two servers share one port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise _explained(error, host, port) from error
    return adopt(listening, host)


def listen_for_two(host: str, port: int, control_port: int) -> tuple[Listener, Listener]:
    """Listen on `host` and `port` for clients, and on loopback for who controls what they meet.

    Raises:
        ListenError: As `listen` does; then neither port is taken.
    """
    listener = listen(host, port)
    try:
        return listener, listen(LOOPBACK, control_port)
    except BaseException:
        listener.socket.close()
        raise


def adopt(listening: socket.socket, host: str | None = None) -> Listener:
    """Describe a socket that listens already; `host` is how it was asked for, if not by address."""
    address, port = listening.getsockname()[:2]
    is_loopback = ipaddress.ip_address(address).is_loopback
    return Listener(host or address, port, listening, is_loopback)


def _resolve(host: str) -> tuple[socket.AddressFamily, str]:
    if not host:
        raise _unresolved(host, "it is empty, which would mean every interface")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
    except (OSError, ValueError) as error:
        raise _unresolved(host, error) from error
    return family, str(address[0])


def _unresolved(host: str, reason: object) -> BadHostError:
    return BadHostError(
        f"cannot listen on host {host!r} ({reason}); "
        "give a name or an address of this machine, such as 127.0.0.1"
    )


def _explained(error: OSError, host: str, port: int) -> ListenError:
    if error.errno == errno.EADDRNOTAVAIL:
        return BadHostError(
            f"cannot listen on host {host!r}, which is no address of this machine; "
            "give one that is, such as 127.0.0.1"
        )
    reason = "in use" if error.errno == errno.EADDRINUSE else f"not available ({error.strerror})"
    return ListenError(
        f"cannot listen on {host}:{port}: the port is {reason}; "
        "give another one, or 0 for any that is free"
    )
