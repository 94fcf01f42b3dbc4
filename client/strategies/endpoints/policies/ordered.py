"""The first of the list that is well: the others are there for when it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .policy import Policy

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Sequence

    from ..nodes import Node

__all__ = ["Ordered"]


class Ordered(Policy):
    """The policy `ordered`. Of the weights it only minds whether there is one.

    Args:
        chance: Which calls go to one that comes back slowly.
    """

    keeps_order: bool = True

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._ready: Sequence[Node] = ()

    def update(self, _nodes: Sequence[Node], ready: Sequence[Node], /) -> None:
        """Choose among others from now on."""
        self._ready = ready

    def choose(self, now: float, avoid: Collection[str], _key: str | None, /) -> Node | None:
        """Return one, or None."""
        held_back: Node | None = None
        for node in self._ready:
            if node.url in avoid:
                continue
            ramp = node.health.ramp(now)
            if ramp >= 1.0 or self._chance.random() < ramp:
                return node
            held_back = held_back or node
        return held_back
