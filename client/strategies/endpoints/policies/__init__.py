"""How one of the endpoints that are well is chosen: a file for each policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .hashed import Hashed
from .least_outstanding import LeastOutstanding
from .ordered import Ordered
from .p2c import PowerOfTwo
from .round_robin import RoundRobin

if TYPE_CHECKING:
    import random
    from collections.abc import Set as AbstractSet

    from ..nodes import Ticket
    from ..settings import PolicyName
    from .policy import Policy

__all__ = ["make_policy"]


def make_policy(name: PolicyName, chance: random.Random, out: AbstractSet[Ticket]) -> Policy:
    """Make the policy of a name.

    Args:
        name: As in the settings.
        chance: Whatever is left to chance.
        out: The attempts that are out, to whatever endpoint.
    """
    match name:
        case "p2c":
            return PowerOfTwo(chance)
        case "round_robin":
            return RoundRobin(chance)
        case "least_outstanding":
            return LeastOutstanding(chance)
        case "ordered":
            return Ordered(chance)
        case "hash":
            return Hashed(chance, out)
