"""An operation: what is worked out only where somebody asks for it."""

import pytest

from client.engine.engine import Engine
from client.engine.notifiers import Notifiers
from client.engine.operation import Call, CallReport
from client.engine.plan import Plan
from client.ports.blocking_ports import BLOCKING


def call_to(url: str, base_url: str = "") -> Call:
    """An operation that has not begun."""
    host, plan = Engine(BLOCKING.make_ports()), Plan((), Notifiers(()), None)
    return Call(method="GET", target=url, host=host, plan=plan, total=None, base_url=base_url)


def test_its_url_is_joined_with_the_base() -> None:
    """Whole, and as it may be shown."""
    call = call_to("items?key=s3cr3t", "https://me:pw@api.example/v1/")
    assert call.url == "https://me:pw@api.example/v1/items?key=s3cr3t"
    assert call.shown_url == "https://api.example/v1/items"
    assert call.origin == "https://api.example:443"


def test_what_nobody_said_is_not_known() -> None:
    """A face that knows better says so."""
    call = call_to("https://api.example/")
    assert call.request_id is None
    assert call.has_idempotency_key is False


def test_a_report_is_read_by_name_and_by_place() -> None:
    """It is a tuple, too."""
    report = CallReport(2, (0.5,), 1.25, "r")
    assert report[0] == report["attempts"] == report.attempts == 2
    assert report[1:3] == ((0.5,), 1.25)
    with pytest.raises(KeyError):
        report["index"]
