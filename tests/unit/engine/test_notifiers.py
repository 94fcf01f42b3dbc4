"""Who is told of what."""

import logging
from typing import Any

import pytest

from client.engine.notifiers import Notifiers
from client.events import AttemptStarted


def test_an_error_of_a_listener_need_not_be_counted(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged in any case."""

    def raises(_event: object) -> None:
        raise LookupError

    notify: Any = Notifiers([raises])[AttemptStarted]
    notify(AttemptStarted(attempt=1, request_id=None, method="GET", url="http://a"))
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_listener_can_be_told_in_the_place_of_another() -> None:
    """And hears of what the other has not asked for."""
    told: list[str] = []

    def old(_event: object) -> None:
        told.append("old")

    def new(_event: object) -> None:
        told.append("new")

    def other(_event: object) -> None:
        told.append("other")

    vars(old)["listens_to"] = ()
    notifiers = Notifiers([old, other])
    event = AttemptStarted(attempt=1, request_id=None, method="GET", url="http://a")

    def tell() -> list[str]:
        notify: Any = notifiers[AttemptStarted]
        notify(event)
        heard, told[:] = list(told), []
        return heard

    assert tell() == ["other"]
    notifiers.replace(old, new)
    assert tell() == ["new", "other"]
    notifiers.replace(old, old)
    notifiers.add(old)
    assert tell() == ["new", "other"]
