"""How one of the endpoints that are well is chosen: a file for each policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .hashed import Hashed
from .least_outstanding import LeastOutstanding
from .ordered import Ordered
from .p2c import PowerOfTwo
from .round_robin import RoundRobin

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from ..nodes import Ticket
    from .policy import Policy

__all__ = ["make_policy"]

_BY_NAME: Final[dict[str, Callable[[random.Random], Policy]]] = {
    "p2c": PowerOfTwo,
    "round_robin": RoundRobin,
    "least_outstanding": LeastOutstanding,
    "ordered": Ordered,
}


def make_policy(name: str, chance: random.Random, out: AbstractSet[Ticket]) -> Policy:
    """Make the policy of a name.

    Args:
        name: As in the settings.
        chance: Whatever is left to chance.
        out: The attempts that are out, to whatever endpoint.
    """
    if name == "hash":
        return Hashed(chance, out)
    return _BY_NAME[name](chance)
