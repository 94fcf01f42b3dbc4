"""What attempts have of their endpoints, and who gives it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ....engine.layer import Gate
from ..pool import Ticket

if TYPE_CHECKING:
    from ....engine.operation import Call
    from ....http.service import Site
    from ....http.shapes import Response

    class Keeper(Protocol):
        """Gives back what attempts have."""

        def end_hold(self, call: Call, hold: Hold, error: BaseException | None) -> None:
            """Do so at the end of an operation."""
            ...

        def give_back(self, hold: Hold) -> None:
            """Do so before that."""
            ...

        def has_room(self, hold: Hold) -> bool:
            """Whether an endpoint has a slot for one more attempt."""
            ...


__all__ = ["Grants", "Hold"]


class Hold:
    """What one attempt has of an endpoint.

    Attributes:
        ticket: What is out.
        site: Where it goes; None before that is known.
        flaw: Why it cannot go anywhere.
        key: By which it is chosen, or None.
        pinned: The only endpoint that may be chosen, or None.
        response: An answer that is still being read.
    """

    __slots__ = ("flaw", "key", "pinned", "response", "site", "ticket")

    def __init__(self) -> None:
        self.ticket: Ticket = Ticket()
        self.site: Site | None = None
        self.flaw: Exception | None = None
        self.key: str | None = None
        self.pinned: str | None = None
        self.response: object = None

    def raise_flaw(self) -> None:
        """Raise it, where there is one."""
        flaw, self.flaw = self.flaw, None
        if flaw is not None:
            try:
                raise flaw
            finally:
                del flaw  # its traceback leads back to this frame


class Grants(Gate):
    """Gives back what attempts have, when their operation ends; stands in no pipeline.

    Args:
        keeper: Does it.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def leave(self, call: Call, grant: Hold, error: BaseException | None) -> None:
        """Give back what an attempt has, whose answer may have broken off since its head."""
        self._keeper.end_hold(call, grant, error)

    def let_go(self, grant: Hold, response: Response) -> None:
        """Give back what an attempt has whose answer nobody wants."""
        if grant.response is response:
            self._keeper.give_back(grant)

    def spare(self, call: Call, grant: Hold) -> bool:  # noqa: ARG002 - a gate's signature
        """Whether an endpoint has a slot for one more attempt."""
        return self._keeper.has_room(grant)
