"""What joins a line of the log to a trace."""

import sys

import pytest
from structlog.testing import capture_logs

from client.telemetry.log_output import Line, LogOutput


def test_without_opentelemetry_nothing_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it imported."""
    monkeypatch.delitem(sys.modules, "opentelemetry.trace", raising=False)
    with capture_logs() as lines:
        LogOutput("resilient_client").write(Line("INFO", "circuit closed", {"client": "a"}))
    assert lines == [{"event": "circuit closed", "log_level": "info", "client": "a"}]
    assert "opentelemetry.trace" not in sys.modules
