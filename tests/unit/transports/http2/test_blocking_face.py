"""How the blocking world waits for the socket of an HTTP/2 connection."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from client.runtime.coroutines import run_to_end
from client.transports.http2.blocking_face import _select, _SocketWiring
from client.transports.httpcore.interrupts import Interrupt
from client.transports.httpcore.thread_deadline import interruptible_thread
from tests.eventually import PATIENCE_SECONDS, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stream:
    """Whatever the socket is in: nobody closes it."""

    in_use = staticmethod(nullcontext)


@pytest.fixture
def near() -> Iterator[socket.socket]:
    """One end of a connection whose other end is silent and reads nothing."""
    near, far = socket.socketpair()
    with near, far:
        yield near


@pytest.mark.parametrize("seconds", [0.0, 0.01], ids=["at-once", "soon"])
@pytest.mark.parametrize("may_be_interrupted", [False, True], ids=["plain", "interruptible"])
def test_a_wait_ends_with_its_time(
    near: socket.socket, seconds: float, *, may_be_interrupted: bool
) -> None:
    """Nothing came; also where the thread looks up now and then, as it may be interrupted."""
    wiring = _SocketWiring(Stream(), near)
    with interruptible_thread(Interrupt(), None) if may_be_interrupted else nullcontext():
        assert run_to_end(wiring.receive(seconds)) is None
    assert not wiring.was_waiting()


class Looks:
    """A selector whose socket becomes ready after so many looks."""

    def __init__(self, idle: int) -> None:
        self.idle = idle

    def select(self, seconds: float | None) -> list[str]:
        """Look once."""
        assert seconds is not None
        self.idle -= 1
        return [] if self.idle >= 0 else ["ready"]


def test_who_may_be_interrupted_looks_again_and_again() -> None:
    """Until the socket is ready, or the time is over."""
    with interruptible_thread(Interrupt(), None):
        assert _select(Looks(2), None) == ["ready"]
        assert _select(Looks(2), 0.0) == []


def test_a_full_socket_takes_nothing_more(near: socket.socket) -> None:
    """In the time that there is."""
    wiring, chunk = _SocketWiring(Stream(), near), bytes(1 << 16)
    while run_to_end(wiring.send(chunk, 0.0)):
        pass
    assert run_to_end(wiring.send(chunk, 0.01)) == 0


def test_an_interrupt_ends_a_wait(near: socket.socket) -> None:
    """Though nothing wakes the thread: it looks up by itself."""
    wiring, interrupt = _SocketWiring(Stream(), near), Interrupt()
    errors: list[BaseException] = []
    waited: list[bool] = []

    def wait() -> None:
        try:
            with interruptible_thread(interrupt, None):
                run_to_end(wiring.receive(None))
        except asyncio.CancelledError as error:
            errors.append(error)
            waited.append(wiring.was_waiting())

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    eventually(lambda: wiring._waiting)
    interrupt.set()
    thread.join(PATIENCE_SECONDS)
    assert (len(errors), waited) == (1, [True])
