"""Who knows the endpoints of a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ....config.parts.endpoints import Endpoint
    from ....engine.operation import Call

__all__ = ["Fixed", "Source"]


class Source(Protocol):
    """Knows the endpoints of a client."""

    @property
    def known(self) -> tuple[Endpoint, ...] | None:
        """They, as far as they are known; nothing is begun for it."""
        ...

    def look(self) -> tuple[Endpoint, ...] | None:
        """Return them, at once, to a call; None where they are not known yet."""
        ...

    async def current(self, call: Call) -> tuple[Endpoint, ...]:
        """Return them, and wait for that where they are not known yet.

        Raises:
            MyAPIError: They could not be found out.
        """
        ...


class Fixed:
    """A list that does not change by itself.

    Args:
        endpoints: It.
    """

    def __init__(self, endpoints: tuple[Endpoint, ...]) -> None:
        self.known: tuple[Endpoint, ...] = endpoints

    def look(self) -> tuple[Endpoint, ...]:
        """Return it."""
        return self.known

    async def current(self, call: Call) -> tuple[Endpoint, ...]:  # noqa: ARG002 - a source's
        """Return it."""
        return self.known
