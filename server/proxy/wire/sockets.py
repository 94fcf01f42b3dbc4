"""Connected sockets as they are: whole sends, FIN, RST, and what has left this machine."""

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from typing import Literal

from .bells import wait_for_bell

RECEIVE_BYTES = 65_536
RESET_ON_CLOSE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
SENT_WITHIN_SECONDS = 1.0  # what was sent before an RST, which would overtake it
SENT_CHECK_SECONDS = 0.001
TCP_CLOSE = 7  # a connection's state once it was reset
DRAIN_SECONDS = 1.0  # for the other side to close after our FIN


async def connect(addresses: list[tuple[socket.AddressFamily, tuple[str, int]]]) -> socket.socket:
    """Connect to the first of the addresses that answers.

    Raises:
        OSError: If none does.
    """
    loop = asyncio.get_running_loop()
    failures: list[OSError] = []
    for family, address in addresses:
        connecting = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            make_prompt(connecting)
            await loop.sock_connect(connecting, address)
        except OSError as error:
            connecting.close()
            failures.append(error)
        except BaseException:
            connecting.close()
            raise
        else:
            return connecting
    raise failures[-1]


def make_prompt(connected: socket.socket) -> None:
    """Have it neither block this thread nor wait for more to send."""
    connected.settimeout(0)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def close_by_rst(connected: socket.socket) -> None:
    """Close it at once; what the other side has not received is lost."""
    with suppress(OSError):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    connected.close()


def send_fin(connected: socket.socket) -> None:
    """Say that nothing more will be sent; it can still be read from."""
    with suppress(OSError):
        connected.shutdown(socket.SHUT_WR)


async def close(connected: socket.socket, by: Literal["fin", "rst"]) -> None:
    """Close it so that the other side first gets all that was sent to it.

    By FIN also means to read on until the other side has closed: to close with bytes unread
    would make an RST of it.
    """
    if by == "fin":
        send_fin(connected)
        with suppress(OSError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while await asyncio.get_running_loop().sock_recv(connected, RECEIVE_BYTES):
                    pass
        connected.close()
    else:
        await _until_sent(connected)
        close_by_rst(connected)


async def _until_sent(connected: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + SENT_WITHIN_SECONDS
    while _unsent_bytes(connected) and loop.time() < give_up_at:
        await wait_for_bell([], SENT_CHECK_SECONDS)


def _unsent_bytes(connected: socket.socket) -> int:
    """Return how much the other side may yet acknowledge; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    import fcntl  # noqa: PLC0415 - not everywhere
    import termios  # noqa: PLC0415 - likewise

    try:
        if connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_CLOSE:
            return 0
        answer = fcntl.ioctl(connected, termios.TIOCOUTQ, bytes(4))
    except OSError:
        return 0
    return int.from_bytes(answer, sys.byteorder)
