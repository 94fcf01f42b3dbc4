"""Waits that end sooner where something happens, and not at all where waits are switched off."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ..runtime.coroutines import Waking
    from .ports import Ports

__all__ = ["wait_for"]


async def wait_for(ports: Ports, seconds: float, waking: Waking) -> bool:
    """Wait for so long, or until somebody wakes.

    Returns:
        False where it was cut short and nobody has said why: waits do not last here, because a test
        has switched them off, or the client is closed. Whoever waits again would do so for ever.
    """
    began, is_woken = ports.now(), False

    @contextmanager
    def listening(wake: Callable[[], object]) -> Generator[None]:
        def ring() -> None:
            nonlocal is_woken
            is_woken = True
            wake()

        with waking(ring):
            yield

    await ports.sleep(seconds, listening)
    return is_woken or ports.now() - began >= seconds / 2
