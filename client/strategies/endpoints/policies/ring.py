"""A ring of hashes: each endpoint has points on it, a key goes to the next point after its own.

Source: Karger et al., "Consistent Hashing and Random Trees" (1997). The hash is the same in every
process, so that all clients of a service send a key to the same endpoint.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from hashlib import blake2b
from struct import Struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..nodes import Node

__all__ = ["MOST_POINTS", "Ring", "place"]

MOST_POINTS: Final = 65_536
"""On a ring, about."""
_POINTS: Final = 1024
"""Of an endpoint whose weight is a power of two and the greatest, where there are few."""
_EIGHT: Final = Struct(">8Q")
_TWO: Final = Struct(">QQ")
_WHOLE: Final = 2.0**64


def place(key: str) -> tuple[int, float]:
    """Return the point of a key, and a number of its own, from 0 to below 1."""
    digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    point, rest = _TWO.unpack(digest)
    return point, (rest >> 11) / 2.0**53


class Ring:
    """A ring of endpoints, which does not change.

    How many points an endpoint has depends on its own weight, and not on the others', as long as
    the number of endpoints and the greatest weight stay within a factor of two: so if one goes,
    only its own keys move.

    Args:
        nodes: Each has a weight.
    """

    __slots__ = ("_count", "_nodes", "_points")

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._count = len(nodes)
        points: list[tuple[int, int]] = []
        if nodes:
            room = MOST_POINTS // 2 ** math.ceil(math.log2(self._count))
            unit = 2.0 ** math.ceil(math.log2(max(node.weight for node in nodes)))
            each = min(_POINTS, room) / unit
            for index, node in enumerate(nodes):
                many = max(1, round(each * node.weight))
                points += [(point, index) for point in _points(node.url, many)]
        points.sort()
        self._points = [point for point, _ in points]
        self._nodes = [nodes[index] for _, index in points]

    def after(self, point: int) -> Iterator[Node]:
        """Yield every endpoint once, in the order in which a key of this point goes to them."""
        nodes, seen = self._nodes, set[int]()
        start = bisect_right(self._points, point)
        for step in range(start - len(nodes), start):
            node = nodes[step]
            if id(node) not in seen:
                seen.add(id(node))
                yield node
                if len(seen) == self._count:
                    return


def _points(url: str, many: int) -> list[int]:
    found: list[int] = []
    for number in range(math.ceil(many / 8)):
        found += _EIGHT.unpack(blake2b(f"{number} {url}".encode("utf-8", "surrogatepass")).digest())
    return found[:many]
