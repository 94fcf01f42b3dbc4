"""Each key to an endpoint of its own, unless too much is out to that.

Source: Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads" (2016).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from .policy import Policy
from .ring import Ring, place

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Sequence
    from collections.abc import Set as AbstractSet

    from ..nodes import Node, Ticket

__all__ = ["BOUND", "LEAST_BOUND", "Hashed"]

BOUND: Final = 1.25
"""How many times its share of all that is out an endpoint takes; the rest goes to the next."""
LEAST_BOUND: Final = 4
"""What an endpoint takes in any case: of few attempts, a share is none."""


class Hashed(Policy):
    """The policy `hash`.

    Args:
        chance: Where a call goes that has no key.
        out: The attempts that are out, to whatever endpoint.
    """

    keeps_order: bool = True

    def __init__(self, chance: random.Random, out: AbstractSet[Ticket]) -> None:
        self._chance = chance
        self._out = out
        self._ring = Ring(())
        self._names: list[tuple[str, float]] = []
        self._weight = 0.0

    def update(self, nodes: Sequence[Node], ready: Sequence[Node], /) -> None:
        """Choose among others from now on; the ring is made anew only where the list is new."""
        self._weight = math.fsum(node.weight for node in ready)
        names = [(node.url, node.weight) for node in nodes]
        if names != self._names:
            self._names = names
            self._ring = Ring(nodes)

    def choose(self, now: float, avoid: Collection[str], key: str | None, /) -> Node | None:
        """Return the one that a key goes to, or None."""
        point, part = place(f"{self._chance.random()}" if key is None else key)
        spare: Node | None = None
        for node in self._ring.after(point):
            if not node.is_ready or node.url in avoid:
                continue
            # In a slow start its keys come back one by one, and each stays when it has come.
            if part < node.health.ramp(now) and len(node.out) < self._bound(node, now):
                return node
            spare = spare or node
        return spare

    def _bound(self, node: Node, now: float) -> int:
        share = (len(self._out) + 1) * node.share(now) / self._weight
        return max(LEAST_BOUND, math.ceil(BOUND * share))
