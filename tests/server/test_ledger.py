"""The proofs that a test draws from a ledger."""

import dataclasses
import json
from typing import cast

import pytest

from server.stores.ledger import Ledger, LedgerEntry
from server.testing import LedgerIncompleteError


def entry(request_id: str, *, took_effect: int) -> LedgerEntry:
    """An entry with so many effects."""
    return LedgerEntry(
        request_id=request_id,
        message_id=None,
        arrived=3,
        took_effect=took_effect,
        abandoned=0,
        methods=("GET",),
        statuses=(500, 200),
        bodies=("x",),
        truncated=False,
    )


def ledger(*, evicted: int = 0, **effects: int) -> Ledger:
    """A ledger in which each id had so many effects."""
    return Ledger(
        requests={name: entry(name, took_effect=n) for name, n in effects.items()},
        arrived=10,
        took_effect=sum(effects.values()),
        evicted=evicted,
    )


def test_lost_are_those_without_an_effect() -> None:
    """Those that arrived in vain and those that never arrived, in the order asked about."""
    assert ledger(a=1, b=0, c=2).lost(["z", "a", "b", "c"]) == ("z", "b")
    assert ledger(a=1).lost(["a"]) == ()


def test_doubled_are_those_with_several_effects() -> None:
    """And no others."""
    assert ledger(a=1, b=0, c=2).doubled() == ("c",)
    assert ledger(a=1).doubled() == ()


def test_a_ledger_that_has_forgotten_proves_nothing() -> None:
    """It refuses to be asked, rather than vouch for what it no longer knows."""
    incomplete = ledger(evicted=7, a=1)
    with pytest.raises(LedgerIncompleteError, match="7 request ids were evicted"):
        incomplete.doubled()
    with pytest.raises(LedgerIncompleteError, match="still holds 1"):
        incomplete.lost(["a"])


def test_a_ledger_survives_the_wire() -> None:
    """Whatever JSON makes of its tuples."""
    whole = ledger(evicted=7, a=1, b=2)
    assert Ledger.from_json(json.loads(json.dumps(whole.to_json()))) == whole


def test_a_ledger_cannot_be_changed() -> None:
    """Neither its fields nor its mapping."""
    frozen = ledger(a=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        frozen.arrived = 0  # type: ignore[misc] # that is the test
    with pytest.raises(TypeError, match="does not support item"):
        cast("dict[str, LedgerEntry]", frozen.requests)["b"] = frozen.requests["a"]
