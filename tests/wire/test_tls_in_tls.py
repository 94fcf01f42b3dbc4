"""TLS with a server, by way of TLS with a proxy."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.wire.scripted_server import Connection, head
from tests.wire.scripts import healthy
from tests.wire.twins import check_all_is_back, settings

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from tests.wire.conftest import Serve
    from tests.wire.twins import Twin

SURPLUS = head(content_length="8") + b"surplus!"


class _Inner:
    """A socket's few methods, under one more layer of TLS."""

    def __init__(self, below: Any, context: ssl.SSLContext) -> None:
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._do(self._tls.do_handshake)

    def recv(self, size: int) -> bytes:
        """Return what the client says."""
        data: bytes = self._do(lambda: self._tls.read(size))
        return data

    def sendall(self, *records: bytes) -> None:
        """Send each in a record of its own, and all of these in one record of the outer layer."""
        for record in records:
            self._tls.write(record)
        self._below.sendall(self._outgoing.read())

    def _do(self, work: Callable[[], Any]) -> Any:
        while True:
            try:
                return work()
            except ssl.SSLWantReadError:
                pass  # until the client has said more
            finally:
                if data := self._outgoing.read():
                    self._below.sendall(data)
            data = self._below.recv(65_536)
            if not data:
                raise EOFError
            self._incoming.write(data)


def tunnel(connection: Connection, context: ssl.SSLContext) -> tuple[Connection, _Inner]:
    """Answer CONNECT, and be the server at the other end as well."""
    assert connection.read_request().method == "CONNECT"
    connection.send(head())
    inner = _Inner(connection.sock, context)
    sock = cast("socket.socket", inner)
    return Connection(sock, connection.stopping, connection.requests), inner


@pytest.mark.parametrize(
    "records",
    [
        (head(content_length="2") + b"ok", SURPLUS),
        (head(content_length="2") + b"ok" + SURPLUS,),
        (head(content_length="2"), b"ok", SURPLUS),
        (head(transfer_encoding="chunked") + b"2\r\nok\r\n", b"0\r\n\r\n", SURPLUS),
        (head(content_length="2") + b"ok" + SURPLUS[:5], SURPLUS[5:]),
    ],
    ids=["in a second record", "in the same", "in a third", "behind chunks", "in both"],
)
async def test_surplus_behind_an_answer(
    twin: Twin,
    serve: Serve,
    server_tls: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    records: tuple[bytes, ...],
) -> None:
    """It came along with the answer, and is not the answer to the next call."""

    def says_too_much(connection: Connection) -> None:
        inside, inner = tunnel(connection, server_tls)
        inside.read_request()
        inner.sendall(*records)
        connection.stall()

    def serves(connection: Connection) -> None:
        healthy(tunnel(connection, server_tls)[0])

    proxy = serve(says_too_much, serves, tls=server_tls)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    async with twin.client(settings("https://localhost")) as client:
        assert (await client.get("/")).text == "ok"
        for _ in range(2):
            response = await client.get("/")
            assert (response.text, response.extensions["resilience"].attempts) == ("ok", 1)
        assert (proxy.accepted, client.stats().failures) == (2, {})
        check_all_is_back(client)
