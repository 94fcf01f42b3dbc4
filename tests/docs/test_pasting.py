"""What the README shows can be pasted into `python -m asyncio`, on the Python that runs this."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.reading import README, ROOT, blocks

PASTED = "".join(f"{block.text}\n" for block in blocks(README, "python"))
SHOWN = "".join(block.text for block in blocks(README, "text")).splitlines()
COMMAND = [sys.executable, "-m", "asyncio"]
PROMPTS = re.compile(r"^(?:(?:>>>|\.\.\.) ?)+", re.MULTILINE)
# Cursor movements and modes of the terminal.
CONTROLS = re.compile(r"\x1b\[[?\d;]*[A-Za-z]|\x1b[=>]|\r")
HAS_LINE_EDITOR = sys.version_info >= (3, 13)
"""Whether Python's own editor reads the terminal, which terminals tell what is pasted."""


def environment(terminal: str) -> dict[str, str]:
    """This checkout, and a terminal without colours."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "TERM": terminal, "NO_COLOR": "1"}


def answers(printed: str) -> list[str]:
    """What the pasted lines printed, without the prompts."""
    plain = PROMPTS.sub("", CONTROLS.sub("", printed))
    return [line for line in plain.splitlines() if line in SHOWN]


@contextmanager
def terminal(folder: Path) -> Iterator[int]:
    """Start Python at a terminal; yield our end of it."""
    ours, its = pty.openpty()
    name = "xterm" if HAS_LINE_EDITOR else "dumb"
    process = subprocess.Popen(
        COMMAND, stdin=its, stdout=its, stderr=its, cwd=folder, env=environment(name)
    )
    os.close(its)
    try:
        yield ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(end: int, mark: bytes) -> str:
    """Read what Python shows, up to a mark that will come."""
    shown = b""
    while mark not in shown:
        shown += os.read(end, 65_536)
    return shown.decode()


def test_at_a_terminal(tmp_path: Path) -> None:
    """In one piece, and the answers are those that the README shows."""
    pasted, ready = PASTED.encode(), b"import asyncio\r\n>>> "
    if HAS_LINE_EDITOR:
        pasted, ready = b"\x1b[200~%b\x1b[201~\n" % pasted, b"\x1b[?2004h"
    with terminal(tmp_path) as end:
        read_until(end, ready)
        os.write(end, pasted)
        os.write(end, b"print('over' + 'and out')\n")
        shown = read_until(end, b"overand out")
    assert "Error" not in shown.replace("MyAPIError", ""), shown
    assert answers(shown) == SHOWN


@pytest.mark.skipif(
    HAS_LINE_EDITOR, reason="python -m asyncio takes no compound statement from a pipe there"
)
def test_line_by_line(tmp_path: Path) -> None:
    """Each statement ends where the old prompt thinks that it ends."""
    done = subprocess.run(
        COMMAND,
        input=PASTED,
        cwd=tmp_path,
        env=environment("dumb"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Error" not in done.stderr, done.stderr
    assert answers(done.stdout) == SHOWN
