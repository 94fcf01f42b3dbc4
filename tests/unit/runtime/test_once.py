"""Attributes that are worked out once, without a lock that others could hold."""

from threading import Event, Thread

from client.runtime.once import once
from tests.eventually import PATIENCE_SECONDS


class Slow:
    """Works its value out as long as it is told to."""

    def __init__(self) -> None:
        self.begun, self.free, self.ended = Event(), Event(), Event()
        self.times = 0

    @once
    def value(self) -> int:
        """The number of times it was worked out."""
        self.begun.set()
        self.free.wait(PATIENCE_SECONDS)
        self.ended.set()
        self.times += 1
        return self.times


def test_it_is_worked_out_once() -> None:
    """And kept."""
    slow = Slow()
    slow.free.set()
    assert (slow.value, slow.value) == (1, 1)


def test_nobody_waits_for_the_attribute_of_another() -> None:
    """Python 3.11's own takes a lock of the class, shut for ever in a child that is forked then."""
    busy, other = Slow(), Slow()
    other.free.set()
    thread = Thread(target=lambda: busy.value)
    thread.start()
    assert busy.begun.wait(PATIENCE_SECONDS)
    assert other.value == 1
    is_busy_still = not busy.ended.is_set()
    busy.free.set()
    thread.join()
    assert is_busy_still
