"""What is cleared up in httpcore's pools, where over sockets it would need luck to be needed."""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client.transports.httpcore.asyncio_pool import AsyncioPool, _Body, _Uninterrupted
from client.transports.httpcore.pools import (
    WrappedPool,
    take_left_behind,
    tells_of_dead_connections,
)
from client.transports.httpcore.trailing_bytes import _Below, _below, close_after_trailing_bytes

if TYPE_CHECKING:
    from collections.abc import Callable


class Connection:
    """One of httpcore's, as far as a pool looks at it."""

    def __init__(self, *, is_idle: bool = True, is_closed: bool = False) -> None:
        self.is_idle = lambda: is_idle
        self.is_closed = lambda: is_closed


class ClearedUp:
    """A pool that remembers whose rests were cleared up."""

    def __init__(self) -> None:
        self.cleared: list[object] = []

    async def clear_up(self, request: object) -> None:
        """Remember it."""
        self.cleared.append(request)


def body_over(connection: Connection | None, close: Callable[[], Any]) -> tuple[Any, ClearedUp]:
    """A body, and the pool under it."""
    held = None if connection is None else SimpleNamespace(connection=connection)
    inner = SimpleNamespace(_pool_request=held, aclose=close)
    if held is None:
        del inner._pool_request
    pool: Any = ClearedUp()
    request: Any = "request"
    return _Body(inner, pool, request), pool


async def closes() -> None:
    """Close without ado."""


async def breaks() -> None:
    """Fail to."""
    raise OSError("broken")


@pytest.mark.parametrize(
    ("connection", "cleared"),
    [
        (None, []),
        (Connection(), []),
        (Connection(is_idle=False, is_closed=True), []),
        (Connection(is_idle=False), ["request"]),
    ],
)
async def test_a_body_that_is_closed(connection: Connection | None, cleared: list[str]) -> None:
    """A connection that its request still holds is cleared up, and no other."""
    body, pool = body_over(connection, closes)
    await body.aclose()
    assert pool.cleared == cleared


async def test_a_body_that_fails_to_close() -> None:
    """Its rests are cleared up, and the failure goes on."""
    body, pool = body_over(Connection(), breaks)
    with pytest.raises(OSError, match="broken"):
        await body.aclose()
    assert pool.cleared == ["request"]


async def test_work_goes_on_where_who_awaits_it_is_cancelled() -> None:
    """Whoever closes waits for it, and forgets it in another loop."""
    uninterrupted, go_on = _Uninterrupted(), asyncio.Event()
    done: list[bool] = []

    async def work() -> None:
        await go_on.wait()
        done.append(True)

    await uninterrupted.wait()  # there is nothing yet
    waiting = asyncio.create_task(uninterrupted.run(work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    closing = asyncio.create_task(uninterrupted.wait())
    await asyncio.sleep(0)
    assert done == []
    go_on.set()
    await closing
    assert done == [True]
    uninterrupted.forget()
    await uninterrupted.wait()


async def test_closing_waits_for_what_is_being_closed() -> None:
    """The pool, and what an ended request left behind."""
    transport = httpx.AsyncHTTPTransport()
    pool: Any = AsyncioPool(transport._pool)
    closed: list[str] = []
    left = SimpleNamespace(
        is_idle=lambda: False, is_closed=lambda: False, can_handle_request=lambda _: True
    )

    async def aclose() -> None:
        await asyncio.sleep(0)
        closed.append("left behind")

    left.aclose = aclose
    pool.pool._connections.append(left)
    clearing = asyncio.create_task(pool.clear_up("request"))
    await asyncio.sleep(0)
    clearing.cancel()
    await pool.aclose()
    assert closed == ["left behind"]
    assert clearing.cancelled() or clearing.cancelling()
    await pool.clear_up("request")  # nothing is left


def test_a_pool_that_begins_anew_lets_requests_from_before_end() -> None:
    """Whether it knows them or not."""
    transport = httpx.HTTPTransport()
    wrapped = WrappedPool(transport._pool)
    wrapped.begin_anew()
    requests = wrapped.pool._requests
    requests.append("known")
    for request in ("known", "from before"):
        requests.remove(request)
    assert requests == []


@pytest.mark.parametrize("is_idle", [True, False])
@pytest.mark.parametrize("with_idle", [True, False])
def test_what_an_ended_request_leaves(*, is_idle: bool, with_idle: bool) -> None:
    """What nobody uses and is not free; on demand also what is free for the same origin."""
    pool: Any = httpx.HTTPTransport()._pool
    connection: Any = Connection(is_idle=is_idle)
    connection.has_expired = lambda: False
    connection.can_handle_request = lambda _origin: True
    pool._connections.append(connection)
    request: Any = SimpleNamespace(url=SimpleNamespace(origin="origin"))
    left = take_left_behind(pool, request, with_idle=with_idle)
    assert left == ([connection] if with_idle or not is_idle else [])


@pytest.mark.parametrize(
    ("error", "is_closed", "tells"),
    [
        (httpx.ReadError(""), True, True),
        (httpx.ReadError(""), False, False),
        (httpx.ReadTimeout(""), True, False),
    ],
)
def test_what_tells_of_dead_connections(error: Exception, *, is_closed: bool, tells: bool) -> None:
    """A cut, where one that stood there is closed."""
    standing: list[Any] = [Connection(is_closed=is_closed)]
    assert tells_of_dead_connections(error, standing) is tells


class _Protocol:
    """What h11 holds, as far as is looked at."""

    def __init__(self, trailing: bytes) -> None:
        self.trailing_data = (trailing, False)
        self.failed = 0

    def send_failed(self) -> None:
        """Remember that the connection is not to be used again."""
        self.failed += 1


class _Held:
    """A connection of httpcore's, for a weak reference to hold."""

    def __init__(self, protocol: _Protocol) -> None:
        self._h11_state = protocol


class _Tls:
    """Decrypts a byte, or nothing."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, _size: int) -> bytes:
        """Return what is there."""
        return self._data


@pytest.mark.parametrize(
    ("trailing", "queue", "decrypted", "is_trailing"),
    [
        (b"", [], [], False),
        (b"x", [], [], True),
        (b"", [b"x"], [], True),
        (b"", [], [b""], False),
        (b"", [], [b"x"], True),
        (b"", [], [b"", b"x"], True),
    ],
)
def test_where_trailing_bytes_may_wait(
    trailing: bytes, queue: list[bytes], decrypted: list[bytes], *, is_trailing: bool
) -> None:
    """In h11, in anyio's queue, or not decrypted yet, in any layer."""
    protocol = _Protocol(trailing)
    connection = _Held(protocol)
    secured: Any = tuple(_Tls(each) for each in decrypted)
    _below[connection] = _Below((SimpleNamespace(read_queue=queue),), secured)
    close_after_trailing_bytes(SimpleNamespace(_stream=SimpleNamespace(_connection=connection)))
    assert protocol.failed == is_trailing
    close_after_trailing_bytes(SimpleNamespace())  # of another protocol than HTTP/1.1
