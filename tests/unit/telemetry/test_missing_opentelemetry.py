"""Without the extra its classes say what to install."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
sys.modules["opentelemetry"] = None
import client
try:
    client.{name}
except ImportError as error:
    print(error)
"""


@pytest.mark.usefixtures("measured_programs")
@pytest.mark.parametrize("name", ["OpenTelemetryMetrics", "OpenTelemetryTracing"])
def test_a_missing_extra_is_named(name: str) -> None:
    """At the first use of the name, and not with the package."""
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(name=name)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "pip install 'resilient-http-client[opentelemetry]'" in told
