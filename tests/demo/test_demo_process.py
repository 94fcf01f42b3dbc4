"""`python -m client demo`, as it is typed."""

import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from client.program.demo.chapters import CHAPTERS
from server.testing import FailureServer
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.process_groups import process_group

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).parents[2]
NAMES = {chapter.name for chapter in CHAPTERS}
COMMAND = [sys.executable, "-m", "client", "demo"]
posix = pytest.mark.skipif(os.name != "posix", reason="speaks of POSIX signals")


def typed(*arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run the demo."""
    return process_group([*COMMAND, *arguments], ROOT)


def group_is_gone(group: int) -> bool:
    """Whether no process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def read_up_to(process: subprocess.Popen[str], text: str) -> None:
    """Read what the demo writes until it comes to a line."""
    assert process.stdout
    assert any(text in line for line in process.stdout), process.communicate()


def assert_nothing_remains(group: int) -> None:
    """Nor does a server."""
    eventually(lambda: group_is_gone(group), lambda: "a process of the demo is left")


def test_the_whole_story() -> None:
    """With a server of its own and without a terminal: plain lines, the table and the proof."""
    result = subprocess.run(COMMAND, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.isascii()
    assert "\x1b" not in result.stdout
    assert "FAIL" not in result.stdout
    story, end = result.stdout.split("\nchapter ")
    assert "against the failure server at http://127.0.0.1:" in story
    assert "    #1 success: 200 after 1 attempt, " in story
    assert "    #4 attempt 2: ServerError (500); the next in 0." in story
    assert "    #4 success: 200 after 3 attempts, " in story
    assert "    circuit open for 0.8 s, after 3 failures in a row\n    #7 error: Serv" in story
    assert "    #8 error: CircuitOpenError after 0 attempts, " in story
    assert "    circuit half-open: #11 is the probe\n    #12 error: CircuitOpenErr" in story
    assert "    circuit closed, " in story
    assert "    #31 queues for one of 5 slots\n" in story
    assert "    #31 error: PoolTimeoutError after 0 attempts, " in story
    assert "    #32 attempt 1: ServerError (500); the next in 0." in story
    assert "    #32 success: 200 after 2 attempts, " in story
    rows = {line.split()[0]: line.split() for line in end.splitlines() if line}
    assert rows["healthy"][1:3] == ["3", "3"]
    assert rows["retries"][1:3] == ["1", "3"]
    assert rows["outage"][1:3] == ["6", "9"]
    assert rows["recovery"][-2:] == ["half-opened,", "closed"]
    assert rows["write"][1:3] == ["1", "2"]
    operations = sum(int(row[1]) for name, row in rows.items() if name in NAMES)
    assert int(rows["all"][1]) == operations
    proof = end[end.index("The server's ledger:") :].splitlines()
    assert proof[1].startswith("PASS nothing lost: successful operations without an effect: none")
    none = f"none (of {operations})"
    assert proof[2] == f"PASS nothing doubled: operations with more than one effect: {none}"
    assert proof[-1] == f"All {result.stdout.count('PASS')} checks hold."


@posix
def test_an_interrupt_ends_it_cleanly() -> None:
    """As Ctrl-C sends it: to the demo and its server at once."""
    with typed() as process:
        read_up_to(process, f"2/{len(CHAPTERS)}")
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, errors) == (130, "interrupted\n")
        assert_nothing_remains(process.pid)


@posix
def test_an_interrupt_leaves_no_fault_behind(failure_server: FailureServer) -> None:
    """On a server that runs on."""
    with typed("--url", failure_server.url) as process:
        read_up_to(process, f"2/{len(CHAPTERS)}")
        failure_server.latency(60_000)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, errors) == (130, "interrupted\n")
    assert failure_server.faults()["latency_ms"] == 0


@posix
def test_it_ends_when_nobody_reads_on(failure_server: FailureServer) -> None:
    """As with `head`: without a traceback."""
    with typed("--url", failure_server.url) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(PATIENCE_SECONDS) == 1
