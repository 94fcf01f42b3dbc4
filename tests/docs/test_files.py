"""Blocks that show a file: the example is the file itself, and the tests shown pass."""

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from tests.docs.reading import DOCUMENTS, ROOT, blocks
from tests.docs.running import FILE


def _files() -> dict[str, str]:
    files: dict[str, str] = {}
    for block in chain.from_iterable(blocks(path, "python") for path in DOCUMENTS):
        if found := FILE.match(block.text):
            files[found["path"]] = block.text[found.end() :]
    return files


FILES = _files()
TESTS = {path: text for path, text in FILES.items() if path.startswith("test_")}
EXAMPLES = FILES.keys() - TESTS.keys()


@pytest.mark.parametrize("path", sorted(EXAMPLES))
def test_an_example_is_shown_as_it_is(path: str) -> None:
    """Copy the file into the document after a change."""
    assert FILES[path] == (ROOT / path).read_text("utf-8")


def test_every_example_is_shown() -> None:
    """A program without a word about it helps nobody."""
    programs = (ROOT / "examples").rglob("*.py")
    files = {str(path.relative_to(ROOT)) for path in programs if path.name != "__init__.py"}
    assert files == EXAMPLES


def test_the_tests_shown_pass(tmp_path: Path) -> None:
    """Run as a reader would, in a project of his own, by a pytest with two plugins installed."""
    for path, text in TESTS.items():
        (tmp_path / path).write_text(text, "utf-8")
    shown = sum(text.count("\ndef test_") for text in TESTS.values())
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    plugins = ["-p", "resilient_http_client", "-p", "respx"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", *plugins],
        cwd=tmp_path,
        env={**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{shown} passed" in run.stdout, run.stdout + run.stderr
    assert run.returncode == 0
