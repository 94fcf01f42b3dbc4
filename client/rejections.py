"""The errors for calls that are turned away, as a face wants them raised.

The drop-in clients need them to be errors of their httpx family too, so that code written for
httpx catches them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from client.exceptions import (
    CircuitOpenError,
    DeadlineExceededError,
    MyAPIError,
    PoolTimeoutError,
    rebuild,
)
from client.family import family_named

if TYPE_CHECKING:
    from typing import TypeGuard

    from client.family import Family

__all__ = ["PLAIN", "Rejections", "is_rejection", "rejections_for"]

ErrorT = TypeVar("ErrorT", bound=MyAPIError)


@dataclass(frozen=True, slots=True)
class Rejections:
    """The three classes the engine raises without an answer of the server."""

    circuit_open: type[CircuitOpenError] = CircuitOpenError
    pool_timeout: type[PoolTimeoutError] = PoolTimeoutError
    deadline_exceeded: type[DeadlineExceededError] = DeadlineExceededError
    carry_request: bool = False
    """Whether they carry the request that was turned away, as errors of httpx do."""

    @property
    def classes(self) -> tuple[type[MyAPIError], ...]:
        """All of them, for `isinstance`."""
        return self.circuit_open, self.pool_timeout, self.deadline_exceeded

    def complete(self, error: MyAPIError, request: Any) -> None:
        """Put the request into an error that is one of these."""
        if self.carry_request and isinstance(error, self.classes):
            cast("Any", error).request = request


PLAIN = Rejections()


def is_rejection(error: object) -> TypeGuard[MyAPIError]:
    """Tell whether an exception turned a call away, here or in a client further in."""
    return isinstance(error, PLAIN.classes)


class _OfFamily(MyAPIError):  # noqa: N818 - one half of an error
    """A rejection that is an error of httpx or httpx2 as well; its class is made at run time."""

    _family: Family
    _request: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the names from which the class is made again."""
        _, (_, args, state, cause) = super().__reduce__()
        state.setdefault("_request", None)
        return _restore, (self._family.name, type(self).__name__, args, state, cause)


@cache
def rejections_for(family: Family) -> Rejections:
    """Return the classes that are errors of a family too."""
    module = family.module
    return Rejections(
        circuit_open=_joined(family, CircuitOpenError, module.TransportError),
        pool_timeout=_joined(family, PoolTimeoutError, module.PoolTimeout),
        deadline_exceeded=_joined(family, DeadlineExceededError, module.TimeoutException),
        carry_request=True,
    )


def _joined(family: Family, ours: type[ErrorT], theirs: type[Exception]) -> type[ErrorT]:
    attributes = {"__doc__": ours.__doc__, "__module__": ours.__module__, "_family": family}
    return cast("type[ErrorT]", type(ours.__name__, (_OfFamily, ours, theirs), attributes))


def _restore(
    family_name: str,
    name: str,
    args: tuple[Any, ...],
    state: dict[str, Any],
    cause: BaseException | None,
) -> MyAPIError:
    kinds = {kind.__name__: kind for kind in rejections_for(family_named(family_name)).classes}
    return rebuild(kinds[name], args, state, cause)
