"""Programs as somebody types them at a terminal: in a process group of their own."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["process_group"]


@contextmanager
def process_group(command: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a program of whose process group nothing remains.

    Its descendants hold its output open, so `communicate` also waits for the last of them.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
