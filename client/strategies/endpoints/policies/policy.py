"""What a policy is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ..nodes import Node

__all__ = ["Policy"]


class Policy(Protocol):
    """Chooses one of the endpoints that are ready. Whoever uses it holds the pool's lock."""

    keeps_order: bool
    """Whether a call has an endpoint of its own, so that nobody else is sent to probe that."""

    def update(self, nodes: Sequence[Node], ready: Sequence[Node], /) -> None:
        """Choose among others from now on.

        Args:
            nodes: All of the list that have a weight, in its order.
            ready: Those of them that may be chosen.
        """
        ...

    def choose(self, now: float, avoid: Collection[str], key: str | None, /) -> Node | None:
        """Return one; None where all that are ready are to be avoided.

        Args:
            now: The time.
            avoid: The URLs of those that are not chosen.
            key: What a call is known by.
        """
        ...
