"""The program in docs/guides/sdks.md asks a model, and is answered though the service stumbles."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.docs.reading import ROOT
from tests.sdks.dialect_server import SAID, DialectServer


def test_the_example_survives_a_busy_service() -> None:
    """Run as a reader would run it."""
    pytest.importorskip("openai")
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    with DialectServer(503, 429) as server:
        run = subprocess.run(
            [sys.executable, "-m", "examples.ask_a_model"],
            cwd=ROOT,
            env={**environment, "OPENAI_API_KEY": "k", "OPENAI_BASE_URL": server.url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (run.stdout, run.returncode) == (f"{SAID}\n", 0), run.stderr
        assert len(server.bodies) == 3
