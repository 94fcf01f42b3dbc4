"""Keeps what OpenTelemetry, or something of the user's in it, raises from harming a call."""

from __future__ import annotations

from typing import Final

from ...errors.complaints import complain

__all__ = ["harmless"]


class _Harmless:
    """Logs what is raised, rather than let a call fail by it."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> bool:
        if isinstance(error, Exception):
            complain("tracing raised")
            return True
        return False


harmless: Final = _Harmless()
