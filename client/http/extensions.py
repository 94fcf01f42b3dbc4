"""Checks what a request brings for the connection before an attempt is made with it.

httpx takes these as they come, and what cannot be used would show in the midst of connecting, where
it looks as if the network had failed.
"""

from __future__ import annotations

import math
import threading
from operator import index
from typing import TYPE_CHECKING, Any, Final, SupportsIndex

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AUTHORIZATION",
    "FIRST_ORIGIN",
    "OF_ITS_WAY",
    "PREVIOUS",
    "WORN",
    "check_extensions",
    "check_timeouts",
]

# httpx hands a request's extensions on to the request that follows its redirect.
PREVIOUS: Final = "resilience.previous"
"""The URL before it."""
FIRST_ORIGIN: Final = "resilience.first_origin"
"""Where the first of them went."""
WORN: Final = "resilience.worn"
"""What it has of the endpoint that it goes to."""
AUTHORIZATION: Final = "resilience.authorization"
"""What httpx takes from it on its way to another endpoint of the same service."""
OF_ITS_WAY: Final = (PREVIOUS, FIRST_ORIGIN, WORN, AUTHORIZATION)
"""What a request that was sent must not bring along where it is sent as another one."""
_PHASES: Final = ("connect", "read", "write", "pool")
_USUAL: Final = (float, int)
"""What seconds almost always are: to ask by `SupportsIndex` takes 6 us each, four times a call."""


def check_extensions(extensions: Mapping[str, object], *, is_async: bool) -> None:
    """Refuse what httpcore cannot use.

    Args:
        extensions: Of a request: `timeout`, `trace`, `target` and `sni_hostname`; others pass.
        is_async: Whether an async client sends it.

    Raises:
        TypeError: One is of a type that cannot be used.
        ValueError: A timeout is negative, not a number, or longer than a thread can wait.
    """
    timeouts = extensions.get("timeout")
    if timeouts is not None:
        check_timeouts(timeouts, is_async=is_async)
    trace = extensions.get("trace")
    if trace is not None and not callable(trace):
        raise TypeError(f"the extension trace must be callable, not {_kind_of(trace)}")
    for name in ("target", "sni_hostname"):
        value = extensions.get(name)
        if value is not None and not isinstance(value, str | bytes):
            raise TypeError(f"the extension {name} must be a str or bytes, not {_kind_of(value)}")


def check_timeouts(timeouts: Any, *, is_async: bool) -> None:
    """Refuse the timeouts of an attempt that nobody can wait for.

    Args:
        timeouts: Seconds by phase, as `httpx.Timeout.as_dict()` returns them.
        is_async: Whether an async client waits: it may do so for `math.inf`.

    Raises:
        TypeError: They are no mapping, or one is neither a number nor None.
        ValueError: One is negative, not a number, or longer than a thread can wait.
    """
    longest = math.inf if is_async else threading.TIMEOUT_MAX
    try:
        get = timeouts.get
    except AttributeError:
        kind = _kind_of(timeouts)
        raise TypeError(f"the extension timeout must be a dict by phase, not {kind}") from None
    for phase in _PHASES:
        seconds = get(phase)
        if seconds is not None and not (type(seconds) in _USUAL and 0 <= seconds <= longest):
            _check_seconds(phase, seconds, longest)


def _check_seconds(phase: str, seconds: Any, longest: float) -> None:
    if not isinstance(seconds, float | SupportsIndex):
        raise TypeError(
            f"the {phase} timeout must be a number of seconds, or None for no limit; "
            f"not {_kind_of(seconds)}"
        )
    number = seconds if isinstance(seconds, float) else index(seconds)
    if not 0 <= number <= longest:
        allowed = "0 s or more" if not number > longest else f"at most {longest:.0f} s"
        raise ValueError(
            f"the {phase} timeout must be {allowed}, or None for no limit; not {number}"
        )


def _kind_of(value: object) -> str:
    return type(value).__name__
