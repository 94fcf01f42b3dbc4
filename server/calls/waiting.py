"""Holding a call back for its delay: bounded in number, and over when the caller leaves."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from starlette.types import Receive

from .refusal import CallerGoneError, RefusedError


class WaitingRoom:
    """Seats for the calls that are held back; used from one event loop."""

    def __init__(self, seats: int) -> None:
        self._seats = seats
        self._taken = 0

    @contextmanager
    def seat(self) -> Generator[None]:
        """Hold one seat.

        Raises:
            RefusedError: If none is free.
        """
        if self._taken == self._seats:
            raise RefusedError(
                503, f"no more than {self._seats} calls can be delayed at one time; try later"
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


async def hold_back(receive: Receive, seconds: float) -> None:
    """Wait for `seconds` with the request read to its end.

    Raises:
        CallerGoneError: As soon as the caller closes the connection.
    """
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass  # only a second, empty end of the body can come before it
    except TimeoutError:
        return
    raise CallerGoneError
