"""The errors of operations: each carries what the operation was, and how far it had come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..errors.copies import copied
from ..exceptions import (
    ClientClosedError,
    DeadlineExceededError,
    MyAPIError,
)

if TYPE_CHECKING:
    from .operation import Attempt, Call
    from .ports import Ports
    from .rejections import Rejections

__all__ = ["CallErrors"]

_CLOSED: Final = "the client is closed; make a new one"

ErrorT = TypeVar("ErrorT", bound=MyAPIError)


class CallErrors:
    """Makes them, for one client.

    Args:
        ports: For the clock.
        rejections: The classes for calls that are turned away.
        client: The client's name; in a text it stands where somebody gave one.
    """

    def __init__(self, ports: Ports, rejections: Rejections, client: str = "default") -> None:
        self.rejections = rejections
        self._client = client
        self._named = () if client == "default" else (f"client {client}",)
        self._ports = ports

    def make(
        self,
        kind: type[ErrorT],
        call: Call,
        reason: str,
        *,
        attempt: Attempt | None = None,
        **more: Any,
    ) -> ErrorT:
        """Make an error of the tree that carries the operation's context.

        Args:
            kind: Its class.
            call: The operation.
            reason: What its text says.
            attempt: Whose endpoint it is about; None where it is about the operation.
            **more: What the error carries besides.
        """
        url = call.shown_url if attempt is None else attempt.shown_url
        elapsed = max(0.0, self._ports.now() - call.started)
        names = (*self._named, *((f"request id {call.request_id}",) if call.request_id else ()))
        named = f" ({', '.join(names)})" if names else ""
        made = f" after {call.attempts} attempts" if call.attempts > 1 else ""
        text = f"{call.method} {url} failed{made}: {reason}{named}"
        if call.was_sent:
            more["request_sent"] = True
        error = self.rejections.kind(kind)(
            text,
            client=self._client,
            method=call.method,
            url=url,
            request_id=call.request_id,
            attempts=call.attempts,
            elapsed=elapsed,
            **more,
        )
        call.note_error(error)
        self.rejections.complete(error, call.target)
        return error

    def again(self, error: ErrorT, call: Call) -> ErrorT:
        """Make an error for an operation that waited for another one, which failed with it.

        The two have nothing in common that changes when they are raised. Its cause is a copy too,
        where it can be: a drop-in client raises that.
        """
        twin = copied(error)
        twin.method, twin.url, twin.request_id = call.method, call.shown_url, call.request_id
        twin.elapsed = max(0.0, self._ports.now() - call.started)
        if error.request_id and call.request_id:
            before, id_before, after = error.message.rpartition(f"request id {error.request_id}")
            if id_before:
                twin.message = f"{before}request id {call.request_id}{after}"
                twin.args = (twin.message,)
        if error.__cause__ is not None:
            twin.__cause__ = copied(error.__cause__)
        call.note_error(twin)
        self.rejections.complete(twin, call.target)
        return twin

    def late(
        self, call: Call, *, request_sent: bool | None = False, attempt: Attempt | None = None
    ) -> DeadlineExceededError:
        """Make the error for an operation whose time is used up, perhaps in an attempt."""
        reason = f"the {call.total:g} s that the whole operation may take are used up"
        return self.make(
            DeadlineExceededError, call, reason, attempt=attempt, request_sent=request_sent
        )

    def closed(self, call: Call, *, request_sent: bool = False) -> ClientClosedError:
        """Make the error for an operation of a client that was closed."""
        return self.make(ClientClosedError, call, _CLOSED, request_sent=request_sent)
