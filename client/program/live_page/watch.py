"""`python -m client watch`: a page elsewhere, read once a second on the terminal."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO

from ...dashboard.answers import Refused
from ..demo.errors import FAILED, MISUSED, CannotRunError
from ..terminal import can_draw
from .remote import RemoteState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

__all__ = ["Glance", "JsonLines", "Screen", "glances", "run_watch"]

_EVERY_SECONDS: Final = 1.0


class Glance:
    """What one look at a page has brought.

    Args:
        at: When, in seconds since the epoch.
        state: What the page said; None where it did not.
        error: Why it did not.
    """

    def __init__(self, at: float, state: dict[str, Any] | None, error: str | None = None) -> None:
        self.at = at
        self.state = state
        self.error = error


class Screen(Protocol):
    """Shows what was seen."""

    def show(self, glance: Glance) -> None:
        """Show one glance."""
        ...

    def end(self) -> None:
        """Leave the terminal as it should be."""
        ...


class JsonLines:
    """Writes one object a line: `at`, and `state`, or `error` where there was no answer.

    Args:
        out: Where to.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, glance: Glance) -> None:
        """Write a line."""
        found = {"state": glance.state} if glance.error is None else {"error": glance.error}
        self._out.write(json.dumps({"at": round(glance.at, 3), **found}) + "\n")
        self._out.flush()

    def end(self) -> None:
        """Do nothing: each line is whole."""


def run_watch(out: TextIO, *, url: str, as_json: bool) -> int:
    """Watch a page until somebody has seen enough, and return the exit status.

    Args:
        out: Where it is shown.
        url: The page.
        as_json: Write an object a line, in place of a picture.

    Raises:
        CannotRunError: The URL is none, a package or a terminal is missing, or the first look
            brings nothing.
        KeyboardInterrupt: Somebody has seen enough.
    """
    try:
        remote = RemoteState(url)
    except ValueError as error:
        raise CannotRunError(f"--url: {error}", MISUSED) from error
    screen = JsonLines(out) if as_json else _picture(out, remote.shown)
    asyncio.run(_watch(remote, screen))
    return 0


async def _watch(remote: RemoteState, screen: Screen) -> None:
    has_begun = False
    async with remote:
        try:
            async for glance in glances(remote):
                if glance.error is not None and not has_begun:
                    raise CannotRunError(glance.error, FAILED)
                has_begun = True
                screen.show(glance)
        finally:
            screen.end()


async def glances(
    remote: RemoteState,
    sleep: Callable[[float], Any] = asyncio.sleep,
    now: Callable[[], float] = time.time,
) -> AsyncIterator[Glance]:
    """Look at a page once a second, for ever; an outage of it ends nothing."""
    while True:
        try:
            state: dict[str, Any] = json.loads(await remote.read())
            yield Glance(now(), state)
        except Refused as refused:
            yield Glance(now(), None, str(refused))
        await sleep(_EVERY_SECONDS)


def _picture(out: TextIO, url: str) -> Screen:
    if not can_draw(out):
        raise CannotRunError(
            "the picture needs a terminal that shows UTF-8: write objects, with --json", MISUSED
        )
    try:
        from .picture import Picture  # noqa: PLC0415 - needs rich, which is an extra
    except ImportError as error:
        raise CannotRunError(
            "the picture needs 'rich', which cannot be imported; run: pip install "
            "'resilient-http-client[demo]', or write objects with --json"
        ) from error
    return Picture(out, url)
