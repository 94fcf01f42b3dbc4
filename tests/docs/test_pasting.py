"""What the documents show can be pasted into `python -m asyncio`."""

import ast
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.reading import DOCUMENTS, README, ROOT, Block, blocks

PASTED = "".join(f"{block.text}\n" for block in blocks(README, "python"))
SHOWN = "".join(block.text for block in blocks(README, "text")).splitlines()
COMMAND = [sys.executable, "-m", "asyncio"]
PROMPTS = re.compile(r"^(?:(?:>>>|\.\.\.) ?)+", re.MULTILINE)
# Cursor movements and modes of the terminal.
CONTROLS = re.compile(r"\x1b\[[?\d;]*[A-Za-z]|\x1b[=>]|\r")
FILE = re.compile(r"# [\w/]+\.py\n")
"""How a block begins that is a file to be saved."""
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
COMPOUND = (
    *DEFINITIONS,
    *(ast.With, ast.AsyncWith, ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try),
)
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
    """The README in one piece, on this Python, and the answers are those that it shows."""
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
    """Each statement of the README ends where the old prompt thinks that it ends."""
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


def cuts(block: Block) -> list[int]:
    """The lines of a block at which the prompt before Python 3.13 loses the thread.

    It ends a compound statement at an empty line, and only there. Beside an inner function or a
    method ruff wants one, so these are let pass.
    """
    lines = block.text.splitlines()
    found = []
    for statement in statements(block.text):
        if not isinstance(statement, COMPOUND):
            continue
        end = statement.end_lineno or statement.lineno
        inner = [each for each in ast.walk(statement) if isinstance(each, DEFINITIONS)]
        beside = {each.lineno - len(each.decorator_list) - 1 for each in inner}
        beside |= {(each.end_lineno or each.lineno) + 1 for each in inner}
        inside = range(statement.lineno, end)
        found += [at for at in inside if not lines[at - 1].strip() and at not in beside]
        if end < len(lines) and lines[end].strip():
            found.append(end + 1)
    return [block.line + line for line in found]


def statements(text: str) -> list[ast.stmt]:
    """The statements of a block, which may await at the top level."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    module: ast.Module = compile(text, "block", "exec", flags, dont_inherit=True)
    return module.body


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_statement_is_cut(document: Path) -> None:
    """Any page can be pasted into the prompt; a block that is a file begins with its name."""
    pasted = [each for each in blocks(document, "python") if not FILE.match(each.text)]
    assert [line for each in pasted for line in cuts(each)] == []
