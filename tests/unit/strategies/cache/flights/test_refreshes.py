"""Refreshing, where the moment is a bad one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from client.strategies.cache.flights.refreshing import Refreshes


class Task:
    """Work that never begins."""

    def __init__(self) -> None:
        self.ended: Any = None

    def start(self, work: object, ended: Any, *, is_bounded: bool) -> None:
        """Remember what is told of its end."""
        del work
        assert not is_bounded
        self.ended = ended

    def cancel(self) -> None:
        """Do nothing."""


class Call(SimpleNamespace):
    """An operation that was served a stale answer."""

    def twin(self) -> Call:
        """Return another."""
        return Call(**vars(self), operation_id="1")


def call(*, is_closed: bool = False) -> Any:
    """Make one."""
    tasks: list[Task] = []

    def task() -> Task:
        tasks.append(Task())
        return tasks[-1]

    ports = SimpleNamespace(task=task)
    host = SimpleNamespace(is_closed=is_closed, ports=ports, run_aside=lambda: None)
    plan = SimpleNamespace(refuses=lambda _: False, total=None)
    return Call(host=host, plan=plan, tasks=tasks)


class Exchange:
    """Its way to the wire."""

    def twin_for(self, call: object, *, is_first: bool) -> Exchange:
        """Return one for another."""
        del call
        assert not is_first
        return self


def test_not_for_a_client_that_is_closed() -> None:
    """Nobody would end it any more."""
    refreshes, served = Refreshes(is_async=False), call(is_closed=True)
    assert not refreshes.begin("a", served, Exchange(), None)  # type: ignore[arg-type] # none is needed
    assert len(refreshes) == 0


def test_what_cannot_begin_is_not_under_way() -> None:
    """A bug in the way there does not keep others of that key from it."""
    refreshes, served = Refreshes(is_async=False), call()
    with pytest.raises(AttributeError):
        refreshes.begin("a", served, object(), None)  # type: ignore[arg-type] # that is the bug
    assert len(refreshes) == 0


def test_one_of_a_time_before_ends_none_of_now() -> None:
    """As in a new event loop, where the old one's are forgotten."""
    refreshes, served = Refreshes(is_async=False), call()
    assert refreshes.begin("a", served, Exchange(), None)  # type: ignore[arg-type] # none is needed
    refreshes.begin_anew()
    assert refreshes.begin("a", served, Exchange(), None)  # type: ignore[arg-type] # likewise
    before, now = served.tasks
    before.ended()
    assert len(refreshes) == 1
    now.ended()
    assert len(refreshes) == 0
