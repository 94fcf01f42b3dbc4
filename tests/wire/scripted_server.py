"""A server of raw sockets that does to each connection exactly what a test wrote down."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self, TypedDict

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Unpack

    Script = Callable[["Connection"], None]

THREAD_ENDS_SECONDS: Final = 5.0
CHUNK: Final = 65_536


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire; the names of the headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(eq=False)
class Connection:
    """One accepted connection, in the hands of its script."""

    sock: socket.socket
    stopping: threading.Event
    requests: list[Request]
    received: list[bytes] = field(default_factory=list, repr=False)
    """What was read of requests, as it came."""
    _read: bytes = field(default=b"", repr=False)

    def read_request(self) -> Request:
        """Read one request to its end; EOFError where the client left instead."""
        head, _, self._read = self._read_until(b"\r\n\r\n").partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            body = self._read_chunks()
        else:
            body = self._read_exactly(int(headers.get("content-length", "0")))
        request = Request(method, target, headers, body)
        self.requests.append(request)
        return request

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """Send a whole answer; underscores in the names of headers stand for hyphens."""
        self.send(head(status, content_length=str(len(body)), **headers) + body)

    def drip(self, data: bytes, every: float = 0.02) -> None:
        """Send a byte at a time until the data or the client's patience ends."""
        for byte in data:
            self.send(bytes([byte]))
            if self.stopping.wait(every):
                return

    def stall(self) -> None:
        """Say nothing until the client has left."""
        with contextlib.suppress(OSError):
            while self.sock.recv(CHUNK):
                pass

    def ignore(self) -> None:
        """Neither read nor write until the test is over."""
        self.stopping.wait()

    def secure(self, tls: ssl.SSLContext) -> None:
        """Go on under TLS, as a proxy does after CONNECT."""
        self.sock = tls.wrap_socket(self.sock, server_side=True, do_handshake_on_connect=False)
        self.sock.do_handshake()

    def reset(self) -> None:
        """Cut the connection with an RST, which also throws away what was not read yet."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _read_until(self, end: bytes) -> bytes:
        data = self._read
        while end not in data:
            data += self._receive()
        return data

    def _read_exactly(self, length: int) -> bytes:
        parts, missing = [self._read], length - len(self._read)
        while missing > 0:
            parts.append(self._receive())
            missing -= len(parts[-1])
        data = b"".join(parts)
        self._read = data[length:]
        return data[:length]

    def _read_chunks(self) -> bytes:
        body = b""
        while True:
            size, _, self._read = self._read_until(b"\r\n").partition(b"\r\n")
            chunk = self._read_exactly(int(size, 16) + 2)[:-2]
            if not chunk:
                return body
            body += chunk

    def _receive(self) -> bytes:
        data = self.sock.recv(CHUNK)
        if not data:
            raise EOFError
        self.received.append(data)
        return data


class ServerOptions(TypedDict, total=False):
    """How to serve.

    tls: With it, the server speaks TLS; a failed handshake ends the connection.
    receive_buffer: Bytes the system may take off a client before a script reads them.
    path: With it, the server listens on a Unix socket there.
    """

    tls: ssl.SSLContext | None
    receive_buffer: int
    path: Path


class ScriptedServer:
    """Serves connection number n with script number n, and all further ones with the last.

    A script runs in a thread of its own; the connection is closed when it returns. That the
    client leaves in the middle of one is no error, anything else a script raises is.

    Args:
        scripts: What to do with each connection, in the order they are accepted.
        options: See `ServerOptions`.
    """

    def __init__(self, *scripts: Script, **options: Unpack[ServerOptions]) -> None:
        self.requests: list[Request] = []
        """What `read_request` has read, in order."""
        self.accepted = 0
        """How many connections were accepted."""
        self.begun = 0
        """For how many of them the script has begun: with TLS, after the handshake."""
        self._scripts = scripts
        self._tls = options.get("tls")
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: list[Connection] = []
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []
        self._listener = _listen(options.get("path"))
        if "receive_buffer" in options:  # accepted sockets inherit it
            size = options["receive_buffer"]
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        self.port: int = 0 if "path" in options else self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        """The base URL."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`; `close` would not
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(THREAD_ENDS_SECONDS)
            assert not thread.is_alive(), "a script does not end"
        if self._errors:
            raise self._errors[0]

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.accepted, len(self._scripts) - 1)]
            self.accepted += 1
            self._start(self._serve, sock, script)

    def _serve(self, sock: socket.socket, script: Script) -> None:
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock, self._stopping, self.requests)
        with self._lock:
            self._open.append(connection)
        try:
            if self._tls is not None:
                connection.secure(self._tls)
            self.begun += 1
            if not self._stopping.is_set():
                script(connection)
        except (OSError, EOFError):
            pass  # the client has left
        except BaseException as error:  # noqa: BLE001 - raised again at the end of the test
            self._errors.append(error)
        finally:
            with self._lock:
                self._open.remove(connection)
            connection.sock.close()


def _listen(path: Path | None) -> socket.socket:
    if path is None:
        return socket.create_server(("127.0.0.1", 0), backlog=128)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


def head(status: int = 200, **headers: str) -> bytes:
    """The head of an answer; underscores in the names of headers stand for hyphens."""
    lines = [f"HTTP/1.1 {status} Scripted"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
