"""The one with the fewest attempts out, by its weight."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from .policy import Policy

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Sequence

    from ..nodes import Node

__all__ = ["LeastOutstanding"]

_MEAN: Final = 1 / 3
_CUT: Final = 1.0 - math.exp(-1.0 / _MEAN)


class LeastOutstanding(Policy):
    """The policy `least_outstanding`. It looks at all of them.

    Where all weigh the same, it draws one of those with the fewest. Else it adds a part of an
    attempt, drawn anew for each: exponentially, for of several such the least is each one's as
    often as its weight says, so that weights hold for idle endpoints too; and less than one.

    Args:
        chance: Settles ties.
    """

    keeps_order: bool = False

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._ready: Sequence[Node] = ()
        self._is_even = True
        self._ramping: list[Node] = []

    def update(self, _nodes: Sequence[Node], ready: Sequence[Node], /) -> None:
        """Choose among others from now on."""
        self._ready = ready
        self._is_even = len({node.weight for node in ready}) <= 1
        self._ramping = list(ready)

    def choose(self, now: float, avoid: Collection[str], _key: str | None, /) -> Node | None:
        """Return one, or None."""
        ready = self._ready
        if avoid:
            ready = [node for node in ready if node.url not in avoid]
        if not ready:
            return None
        if self._ramping:
            self._ramping = [node for node in self._ramping if node.health.ramp(now) < 1.0]
        if self._is_even and not self._ramping:
            return self._of_equals(ready)
        return min(ready, key=lambda node: (len(node.out) + self._part()) / node.share(now))

    def _of_equals(self, ready: Sequence[Node]) -> Node:
        counts = [len(node.out) for node in ready]
        fewest = min(counts)
        if counts.count(fewest) == 1:
            return ready[counts.index(fewest)]
        tied = [node for node, count in zip(ready, counts, strict=True) if count == fewest]
        return tied[int(self._chance.random() * len(tied))]

    def _part(self) -> float:
        return -_MEAN * math.log(1.0 - self._chance.random() * _CUT)
