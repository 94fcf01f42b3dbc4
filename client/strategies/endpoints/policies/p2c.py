"""The better of two at random.

Source: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (2001), with the cost
that `scores` computes, as in Twitter's Finagle.

Rule 1  The two are drawn by weight, and what is out to each counts by its weight: so where they do
        alike, each gets its share, idle or loaded.
Rule 2  Where all weigh the same, two different ones are drawn. Where they do not, that would give
        the light ones too much: both draws may give the same one, and another is only taken where
        it does so much better that it is no matter of luck.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .draw import Draw
from .policy import Policy

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Sequence

    from ..nodes import Node

__all__ = ["PowerOfTwo"]

_WORSE: Final = 2.0
"""How many times the cost of another one is too much, where weights differ."""


class PowerOfTwo(Policy):
    """The policy `p2c`.

    Args:
        chance: Draws the two.
    """

    keeps_order: bool = False

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._ready: Sequence[Node] = ()
        self._draw: Draw | None = None

    def update(self, _nodes: Sequence[Node], ready: Sequence[Node], /) -> None:
        """Choose among others from now on."""
        self._ready = ready
        self._draw = Draw(ready, self._chance) if ready else None

    def choose(self, now: float, avoid: Collection[str], _key: str | None, /) -> Node | None:
        """Return one, or None."""
        draw = self._draw
        if avoid:
            left = [node for node in self._ready if node.url not in avoid]
            draw = Draw(left, self._chance) if left else None
        return None if draw is None else _better(draw, now)


def _better(draw: Draw, now: float) -> Node:
    first = draw.one(now)
    if draw.is_even:
        second, margin = draw.other(first), 1.0
    else:
        second, margin = draw.one(now), _WORSE
        if second is first:
            second = draw.other(first)
    if second is None or not draw.is_let(second, now):
        return first
    is_better = _cost(second, draw.mean, now) * margin < _cost(first, draw.mean, now)
    return second if is_better else first


def _cost(node: Node, mean: float, now: float) -> float:
    return node.score.cost(len(node.out) * mean / node.share(now), now)
