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
