"""Failures of an operation that others have waited for, as their own."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from client import DeadlineExceededError, InvalidRequestError
from client.engine.deadline import Deadline
from client.engine.layer import Failure
from client.faces.failures import Failures


def waiting(deadline: Deadline | None) -> Any:
    """An exchange of an operation that has waited, at the time 10."""
    errors = SimpleNamespace(late=lambda _: DeadlineExceededError("own"))
    host = SimpleNamespace(errors=errors, ports=SimpleNamespace(now=lambda: 10.0))
    exchange: Any = Failures()
    exchange.is_streamed = False
    exchange._call = SimpleNamespace(host=host, deadline=deadline)
    return exchange


@pytest.mark.parametrize(
    "deadline", [None, Deadline(11.0, 5.0)], ids=["no deadline", "a later deadline"]
)
def test_whose_time_is_not_over_is_not_late(deadline: Deadline | None) -> None:
    """He has come when the other was about to fail, and tries by himself."""
    late = Failure(DeadlineExceededError("other"))
    assert waiting(deadline).likewise(late, None) is None


def test_whose_time_is_over_is_late_by_himself() -> None:
    """With an error of his own."""
    late = Failure(DeadlineExceededError("other"))
    own = waiting(Deadline(10.0, 5.0)).likewise(late, None)
    assert str(own.error) == "own"


@pytest.mark.parametrize("error", [None, InvalidRequestError("bad")], ids=["none", "refused"])
def test_what_says_nothing_of_others(error: Any) -> None:
    """They find out by themselves."""
    assert waiting(None).likewise(Failure(error), None) is None
