"""Draws endpoints at random, by their weights."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from ..nodes import Node

__all__ = ["Draw"]

_TRIES: Final = 16
"""How often another one is drawn, where all are in a slow start."""


class Draw:
    """Draws from a list that does not change. An endpoint in a slow start is drawn less often.

    Args:
        nodes: At least one; each has a weight.
        chance: What is drawn with.

    Attributes:
        is_even: Whether all weights are the same.
        mean: The mean weight.
    """

    __slots__ = ("_bounds", "_chance", "_nodes", "_total", "is_even", "mean")

    def __init__(self, nodes: Sequence[Node], chance: random.Random) -> None:
        self._nodes = nodes
        self._chance = chance
        self._bounds = [0.0, *accumulate(node.weight for node in nodes)]
        self._total = self._bounds[-1]
        self.is_even: bool = len({node.weight for node in nodes}) == 1
        self.mean: float = self._total / len(nodes)

    def one(self, now: float) -> Node:
        """Return one of them."""
        node = self._drawn()
        for _ in range(_TRIES):
            if self.is_let(node, now):
                break
            node = self._drawn()
        return node

    def other(self, than: Node) -> Node | None:
        """Return another one, whether it is in a slow start or not; None where there is none."""
        nodes, count = self._nodes, len(self._nodes)
        if count == 1:
            return None
        if self.is_even:
            node = nodes[int(self._chance.random() * (count - 1))]
            return nodes[-1] if node is than else node
        index = nodes.index(than)
        point = self._chance.random() * (self._total - than.weight)
        return self._at(point if point < self._bounds[index] else point + than.weight)

    def is_let(self, node: Node, now: float) -> bool:
        """Return whether one that was drawn counts: in a slow start, its share of the times."""
        ramp = node.health.ramp(now)
        return ramp >= 1.0 or self._chance.random() < ramp

    def _drawn(self) -> Node:
        point = self._chance.random()
        nodes = self._nodes
        return nodes[int(point * len(nodes))] if self.is_even else self._at(point * self._total)

    def _at(self, point: float) -> Node:
        index = bisect_right(self._bounds, point) - 1
        return self._nodes[min(index, len(self._nodes) - 1)]  # rounding may reach the end
