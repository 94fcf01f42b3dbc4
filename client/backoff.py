"""How the wait grows from one retry to the next: pure arithmetic, no randomness, no clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .runtime.seconds import is_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Backoff",
    "ConstantBackoff",
    "ExponentialBackoff",
    "FibonacciBackoff",
    "LinearBackoff",
]

# 2.0 ** 1024 does not fit a float; long before that every wait has met its cap.
_LARGEST_EXPONENT = 1000
# F(1476) is the last Fibonacci number that fits a float.
_LARGEST_FIBONACCI = 1400


class Backoff(ABC):
    """How long to wait before a retry, before jitter and bounds.

    Write your own by overriding `delay`. It must be cheap, must not block, and may be called
    from several threads at once.
    """

    @abstractmethod
    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after the failed attempt number `attempt`, from 1."""


@dataclass(frozen=True, slots=True)
class _Growing(Backoff):
    base_delay: float = 1.0
    """The unit of the waits, in seconds, 0 or more; default 1.0."""
    max_delay: float | None = None
    """No wait is longer than these seconds; None, the default, for no bound."""

    def __post_init__(self) -> None:
        _check_seconds("base_delay", self.base_delay)
        if self.max_delay is not None:
            _check_seconds("max_delay", self.max_delay)

    @abstractmethod
    def factor(self, attempt: int) -> float:
        """Return how many base delays the wait after `attempt` is long."""

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after the failed attempt number `attempt`, from 1."""
        seconds = self.base_delay * self.factor(attempt)
        return seconds if self.max_delay is None else min(seconds, self.max_delay)


class ExponentialBackoff(_Growing):
    """Waits double: 1, 2, 4, 8 ... times `base_delay` seconds, at most `max_delay`."""

    __slots__ = ()

    def factor(self, attempt: int) -> float:
        """Return 2 to the power of `attempt - 1`."""
        return 2.0 ** min(attempt - 1, _LARGEST_EXPONENT)


class LinearBackoff(_Growing):
    """Waits grow evenly: 1, 2, 3, 4 ... times `base_delay` seconds, at most `max_delay`."""

    __slots__ = ()

    def factor(self, attempt: int) -> float:
        """Return `attempt`."""
        return float(attempt)


class FibonacciBackoff(_Growing):
    """Waits grow by Fibonacci's numbers: 1, 1, 2, 3, 5 ... times `base_delay` seconds."""

    __slots__ = ()

    def factor(self, attempt: int) -> float:
        """Return the Fibonacci number F(`attempt`), with F(1) = F(2) = 1."""
        previous, current = 0.0, 1.0
        for _ in range(min(attempt, _LARGEST_FIBONACCI) - 1):
            previous, current = current, previous + current
        return current


class ConstantBackoff(_Growing):
    """Every wait is `base_delay` seconds, at most `max_delay`."""

    __slots__ = ()

    def factor(self, attempt: int) -> float:  # noqa: ARG002 - the same for every attempt
        """Return 1."""
        return 1.0


def _check_seconds(name: str, value: object) -> None:
    if not is_seconds(value):
        raise ValueError(f"{name} {value!r} is not allowed: give a number of seconds, 0 or more")


BY_NAME: Final[dict[str, Callable[[float], Backoff]]] = {
    "exponential": ExponentialBackoff,
    "linear": LinearBackoff,
    "fibonacci": FibonacciBackoff,
    "constant": ConstantBackoff,
}
"""Those that a setting may name; given the base delay in seconds."""


def __dir__() -> list[str]:
    return sorted(__all__)
