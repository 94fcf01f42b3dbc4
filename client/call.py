"""One operation on its way through the engine: what was asked, and what has happened so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from client.urls import mask_url, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client.circuit import Circuit
    from client.circuit_state import Permit
    from client.deadline import Deadline
    from client.notifiers import Notifiers
    from client.retry import RetryPolicy

__all__ = ["Call", "CallReport"]


@dataclass(slots=True, kw_only=True)
class Call:
    """An operation. The face fills in what was asked, the engine what happens."""

    method: str
    url: str
    """Whole, joined with the base, with what must not be shown."""
    target: Any
    """The URL as it is handed to httpx."""
    request_id: str | None
    """None where the caller of a drop-in client sent none."""
    notify: Notifiers
    retry: RetryPolicy | None
    total: float | None
    """Seconds the whole operation may take, or None."""
    id_was_made: bool = False
    is_recognisable: bool = False
    """Whether the request carries a header by which the server knows it again."""

    started: float = 0.0
    deadline: Deadline | None = None
    attempts: int = 0
    was_sent: bool = False
    """Whether an attempt before the one under way may have reached the server."""
    waits: tuple[float, ...] = ()
    slots: Any = None
    """Where its slot is from, once it has one."""
    circuit: Circuit | None = None
    permit: Permit | None = None

    @property
    def shown_url(self) -> str:
        """The URL without credentials, query and fragment."""
        return mask_url(self.url)

    @property
    def origin(self) -> str:
        """The scheme, host and port, by which circuits are told apart."""
        return origin_of(self.url)


@dataclass(frozen=True, slots=True)
class CallReport:
    """How an operation went, found in `response.extensions["resilience"]`.

    Its values can be read as attributes and, like the other extensions of httpx, by key.

    Attributes:
        attempts: HTTP exchanges made.
        waits: Seconds waited before each of the attempts after the first.
        elapsed: Seconds the operation took in all, queueing included.
        request_id: The id all attempts carried.
    """

    attempts: int
    waits: tuple[float, ...]
    elapsed: float
    request_id: str | None

    def __getitem__(self, name: str) -> Any:
        """Return the field of that name."""
        if name not in self.__slots__:
            raise KeyError(name)
        return getattr(self, name)

    def keys(self) -> Iterator[str]:
        """Return the names of the fields."""
        return iter(self.__slots__)
