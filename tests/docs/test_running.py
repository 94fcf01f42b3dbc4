"""The running of the documents: what it finds, and that it leaves nothing behind."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from sybil import Document
from sybil.example import SybilFailure

from tests.docs.running import begin, end, parse_output, parse_python

Read = Callable[[str], "dict[str, Any]"]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Run a document of the test's own and return its names."""

    def run(text: str) -> dict[str, Any]:
        path = tmp_path / "document.md"
        path.write_text(text, "utf-8")
        document = Document.parse(str(path), parse_python, parse_output)
        begin(document.namespace)
        try:
            for example in document.examples():
                example.evaluate()
        finally:
            end(document.namespace)
        return document.namespace

    return run


def python(code: str) -> str:
    """A block of Python."""
    return f"```python\n{code}\n```\n"


def text(output: str) -> str:
    """A block of output."""
    return f"```text\n{output}\n```\n"


def test_blocks_share_their_names_and_may_await(read: Read) -> None:
    """One loop for the whole document."""
    names = read(
        python("import asyncio\nawait asyncio.sleep(0)\nloop = asyncio.get_running_loop()")
        + python("await asyncio.sleep(0)\nsame = asyncio.get_running_loop() is loop")
    )
    assert names["same"]


def test_what_is_printed_must_be_shown(read: Read) -> None:
    """`...` stands for anything, and log records count as printed."""
    read(python("print('one', id(print))") + text("one ..."))
    read(python("import logging\nlogging.getLogger('it').warning('careful')") + text("careful"))
    with pytest.raises(SybilFailure, match="prints:\ntwo"):
        read(python("print('two')") + text("three"))
    with pytest.raises(SybilFailure):
        read(python("pass") + text("silence"))


def test_what_is_not_shown_must_not_be_printed(read: Read) -> None:
    """Neither before another block nor at the end."""
    with pytest.raises(AssertionError, match="no text block shows it"):
        read(python("print('one')") + python("pass"))
    with pytest.raises(AssertionError, match="no text block shows it"):
        read(python("print('one')"))


def test_a_document_is_over_without_an_optional_package(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came before it was run; any other package must be there."""
    monkeypatch.setitem(sys.modules, "stamina", None)
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(pytest.skip.Exception, match="stamina is not installed"):
        read(python("import stamina\nprint('never')") + text("never"))
    with pytest.raises(AssertionError):
        read(python("assert False") + python("import stamina"))
    with pytest.raises(ModuleNotFoundError, match="httpx"):
        read(python("import httpx"))


def test_basic_config_works_as_in_a_program(read: Read) -> None:
    """Though a test has its own handlers on the root logger."""
    before = logging.getLogger().handlers, logging.getLogger().level
    read(
        python("import logging\nlogging.basicConfig(level='INFO', format='%(message)s')")
        + python("logging.info('heard')")
        + text("heard")
    )
    assert (logging.getLogger().handlers, logging.getLogger().level) == before


def test_nothing_is_left_behind(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment, folder, loggers, structlog, servers."""
    monkeypatch.setenv("KEPT", "as it was")
    folder = Path.cwd()
    names = read(
        python(
            "import logging, os, structlog\n"
            "from pathlib import Path\n"
            "from server.testing import FailureServer\n"
            "os.environ['KEPT'] = 'changed'\n"
            "os.environ['NEW'] = 'too'\n"
            "Path('.env').write_text('')\n"
            "logging.getLogger('a_new_one').setLevel('DEBUG')\n"
            "structlog.configure(processors=[])\n"
            "server = FailureServer().start()\n"
        )
    )
    assert not names["server"].running
    assert os.environ["KEPT"] == "as it was"
    assert "NEW" not in os.environ
    assert Path.cwd() == folder
    assert not Path(".env").exists()
    assert logging.getLogger("a_new_one").level == logging.NOTSET
    assert not structlog.is_configured()


def test_a_failing_block_leaves_nothing_behind_either(
    read: Read, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what it printed is not lost."""
    code = "import os\nos.environ['NEW'] = 'too'\nprint('almost')\n1 / 0"
    with pytest.raises(ZeroDivisionError):
        read(python(code))
    assert "NEW" not in os.environ
    assert capsys.readouterr().out == "almost\n"


def test_structlog_gets_its_own_configuration_back(read: Read) -> None:
    """Where a test around the documents had configured it; a document begins without."""
    structlog.configure(processors=[structlog.processors.JSONRenderer()])
    before = structlog.get_config()
    try:
        code = "import structlog\nassert not structlog.is_configured()\n"
        read(python(code + "structlog.configure(processors=[])"))
        assert structlog.get_config() == before
    finally:
        structlog.reset_defaults()


def test_blocks_that_show_a_file_are_not_run(read: Read) -> None:
    """`test_files.py` runs them, as files."""
    assert "x" not in read(python("# test_it.py\nx = 1"))
