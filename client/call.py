"""One operation on its way through the engine: what was asked, and what has happened so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from client.once import once
from client.urls import join, mask_url, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client.circuit_state import Guard, Permit
    from client.deadline import Deadline
    from client.notifiers import Notifiers
    from client.ports import Slots
    from client.retry import RetryPolicy

__all__ = ["Call", "CallReport"]


class Call:
    """An operation. The face fills in what was asked, the engine what happens.

    Made for every call, so what only a failure or a listener asks for is worked out then, and what
    has not happened yet stands on the class.

    Args:
        method: Of HTTP.
        target: The URL, or the request, as it is handed to httpx.
        notify: Told what happens.
        retry: Decides about further attempts, or None for a single one.
        total: Seconds the whole operation may take, or None.
        base_url: What a relative URL is joined to.
        circuit: The circuit it goes through, where the face knows it already.
    """

    request_id: str | None = None
    """The id that all attempts carry; None where the caller of a drop-in client sent none."""
    id_was_made: bool = False
    """Whether the request id was made here."""
    is_recognisable: bool = False
    """Whether the request carries a header by which the server knows it again."""
    started: float = 0.0
    deadline: Deadline | None = None
    attempts: int = 0
    was_sent: bool = False
    """Whether an attempt before the one under way may have reached the server."""
    waits: tuple[float, ...] = ()
    slots: Slots | None = None
    """Where its slot is from, from the moment it asks for one."""
    permit: Permit | None = None
    is_over: bool = False
    """Whether it has given back what it took."""

    def __init__(  # noqa: PLR0913 - what was asked, each named by the face
        self,
        *,
        method: str,
        target: Any,
        notify: Notifiers,
        retry: RetryPolicy | None,
        total: float | None,
        base_url: str = "",
        circuit: Guard | None = None,
    ) -> None:
        self.method = method
        self.target = target
        self.notify = notify
        self.retry = retry
        self.total = total
        self.base_url = base_url
        self.circuit = circuit

    @once
    def url(self) -> str:
        """The whole URL, with what must not be shown."""
        return join(self.base_url, str(self.target))

    @once
    def shown_url(self) -> str:
        """The URL without credentials, query and fragment."""
        return mask_url(self.url)

    @property
    def origin(self) -> str:
        """The scheme, host and port, by which circuits are told apart."""
        return origin_of(self.url)


class CallReport(NamedTuple):
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

    def __getitem__(self, key: Any) -> Any:
        """Return the field of that name, or at that place."""
        if not isinstance(key, str):
            return cast("Any", tuple).__getitem__(self, key)
        if key not in self._fields:
            raise KeyError(key)
        return getattr(self, key)

    def keys(self) -> Iterator[str]:
        """Return the names of the fields."""
        return iter(self._fields)
