"""One after the other, each as often as its weight says, and the turns of each well apart.

The smooth weighted round robin of nginx, done as an earliest-deadline-first queue as in Envoy: in
place of a look at all of them, the one whose turn is next is taken from a heap, and its turn after
that is by 1/weight later.
"""

from __future__ import annotations

from heapq import heapify, heapreplace
from typing import TYPE_CHECKING

from .policy import Policy

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Sequence

    from ..nodes import Node

__all__ = ["RoundRobin"]


class RoundRobin(Policy):
    """The policy `round_robin`.

    Args:
        chance: Who begins, so that many clients do not begin with the same one.
    """

    keeps_order: bool = False

    def __init__(self, chance: random.Random) -> None:
        self._begin = chance.random()
        self._turns: dict[str, float] = {}
        self._heap: list[tuple[float, int, Node]] = []
        self._moment = 0.0
        """The turn that was taken last."""

    def update(self, nodes: Sequence[Node], ready: Sequence[Node], /) -> None:
        """Choose among others from now on; who was away has missed his turns."""
        count = len(nodes)
        first = int(self._begin * count)
        turns: dict[str, float] = {}
        for index, node in enumerate(nodes):
            place = ((index - first) % count + 1) / count / node.weight
            turn = self._turns.get(node.url, self._moment + place)
            turns[node.url] = max(self._moment, min(turn, self._moment + 1.0 / node.weight))
        self._turns = turns
        self._heap = [(turns[node.url], index, node) for index, node in enumerate(ready)]
        heapify(self._heap)

    def choose(self, now: float, avoid: Collection[str], _key: str | None, /) -> Node | None:
        """Return the next, or None."""
        heap = self._heap
        if avoid:
            left = [each for each in heap if each[2].url not in avoid]
            if not left:
                return None
            turn, index, node = min(left)
            rest = [each for each in heap if each[2] is not node]
            self._heap = [(self._took(node, turn, now), index, node), *rest]
            heapify(self._heap)
            return node
        if not heap:
            return None
        turn, index, node = heap[0]
        heapreplace(heap, (self._took(node, turn, now), index, node))
        return node

    def _took(self, node: Node, turn: float, now: float) -> float:
        """Note that an endpoint has taken its turn; return its next."""
        self._moment = max(self._moment, turn)
        after = self._turns[node.url] = self._moment + 1.0 / node.share(now)
        return after
