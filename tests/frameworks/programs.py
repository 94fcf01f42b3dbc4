"""Programs of the examples, started as a reader would start them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.docs.reading import ROOT
from tests.eventually import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Program", "running"]

QUICK = {
    "RESILIENT_CLIENT_RETRY__MIN_WAIT_SECONDS": "0",
    "RESILIENT_CLIENT_RETRY__MAX_WAIT_SECONDS": "0",
}


@dataclass
class Program:
    """A program that has said that it is ready, and what it has printed so far."""

    process: subprocess.Popen[str]
    said: str
    lines: list[str] = field(default_factory=list[str])

    @property
    def printed(self) -> str:
        """All of it, of both streams."""
        return "".join(self.lines)

    def stop(self) -> int:
        """End it as an orchestrator does, and return its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def running(*arguments: str, until: str, **environment: str) -> Iterator[Program]:
    """Run `python -m` with these arguments; `until` finds, in a line, that it is ready."""
    with subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, **QUICK, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that its own processes can be ended with it
    ) as process:
        try:
            program = _when_ready(process, until)
            assert process.stdout is not None
            reader = threading.Thread(target=program.lines.extend, args=(process.stdout,))
            reader.start()
            yield program
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        reader.join(PATIENCE_SECONDS)


def _when_ready(process: subprocess.Popen[str], until: str) -> Program:
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if found := re.search(until, line):
            return Program(process, found[1], lines)
    pytest.fail(f"it did not start:\n{''.join(lines)}")
