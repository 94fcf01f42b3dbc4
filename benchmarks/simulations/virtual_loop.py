"""An event loop whose clock leaps: where it would sleep until its next timer, it moves the time."""

from __future__ import annotations

import asyncio
import selectors

__all__ = ["VirtualLoop"]


class _Leaping(selectors.DefaultSelector):
    """A selector that moves the clock instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return at once, having moved the clock by the time there was to wait."""
        if timeout is None:
            raise RuntimeError("everybody waits, and for nothing that could come")
        if timeout > 0:
            self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, on a clock that begins at 0 and leaps."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        """Return the virtual seconds."""
        return self._leaping.now
