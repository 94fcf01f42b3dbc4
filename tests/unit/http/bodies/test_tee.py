"""What is written down of a body while it passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from client.http.bodies.tee import Recording, record, recording_of
from client.http.family import family_named

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_a_body_is_there_once_it_has_ended() -> None:
    """Before that nobody knows whether more comes."""
    recording = Recording(8)
    for piece in (b"one ", b"two "):
        recording.add(piece)
        assert recording.body is None
    recording.end()
    assert recording.body == b"one two "


def test_of_one_that_is_too_long_nothing_is_held() -> None:
    """Not even its beginning, from where it is too long."""
    recording = Recording(7)
    for piece in (b"one ", b"two ", b"three"):
        recording.add(piece)
    assert recording._pieces is None
    recording.end()
    assert recording.body is None


def test_an_answer_without_one_has_none() -> None:
    """Nor has what is no answer."""
    assert recording_of(httpx.Response(200)) is None
    assert recording_of(object()) is None


def test_what_is_read_is_what_came() -> None:
    """And what closes an answer closes its stream."""
    stream = Closing()
    response = httpx.Response(200, stream=stream)
    record(response, family_named("httpx"), 100)
    assert response.read() == b"onetwo"
    recording = recording_of(response)
    assert recording is not None
    assert recording.body == b"onetwo"
    assert stream.is_closed


def test_what_breaks_it_passes() -> None:
    """It has not ended then."""
    response = httpx.Response(200, stream=Closing(OSError("boom")))
    record(response, family_named("httpx"), 100)
    with pytest.raises(OSError, match="boom"):
        response.read()
    recording = recording_of(response)
    assert recording is not None
    assert recording.body is None


class Closing(httpx.SyncByteStream):
    """A body that knows whether it was closed.

    Args:
        error: What breaks it at its end.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.is_closed = False
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        """Yield it."""
        yield b"one"
        yield b"two"
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Take note."""
        self.is_closed = True
