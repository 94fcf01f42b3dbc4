"""Runs the Python blocks of a document in order, as a reader would in one interpreter.

A block may await at its top level, as in `python -m asyncio`. What it prints, on either stream,
must stand in the `text` block below it, in which `...` stands for anything; a block that prints
nothing has none. After the last block everything outside the document is as it was before.
"""

import ast
import asyncio
import contextlib
import inspect
import io
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from doctest import ELLIPSIS, OutputChecker
from typing import Any

import pytest
import structlog
from sybil import Document, Example, Region
from sybil.parsers.markdown import CodeBlockParser

from server.testing import FailureServer

__all__ = ["FILE", "Reader", "begin", "end", "parse_output", "parse_python"]

FILE = re.compile(r"# (?P<path>[\w/]+\.py)\n")
"""The first line of a block that shows a file: `test_files.py` runs these."""

OPTIONAL = {"httpx_retries", "interlock", "openai", "pyresilience", "requests", "stamina"}
"""Where one of these is not installed, a document that imports it is over: the rest is skipped."""

_KEY = "__reader__"


class Reader:
    """What the blocks of one document share, apart from their names."""

    def __init__(self) -> None:
        self._undo = contextlib.ExitStack()
        self._runner = asyncio.Runner()
        self._screen = io.StringIO()
        self._root_handlers: list[logging.Handler] = []
        self._root_level = logging.WARNING
        self._absent: str | None = None
        self.printed = ""
        """What the last block printed, until a `text` block has shown it."""

    def begin(self) -> None:
        """Note how things are, and go to an empty directory."""
        self._undo.enter_context(_restored_environment())
        self._undo.enter_context(_restored_loggers())
        self._undo.enter_context(_restored_structlog())
        folder = self._undo.enter_context(tempfile.TemporaryDirectory())
        self._undo.enter_context(contextlib.chdir(folder))

    def end(self, names: Iterable[object]) -> None:
        """Put everything back as it was, and stop the servers that still run."""
        with self._undo:
            for server in [value for value in names if isinstance(value, FailureServer)]:
                self._undo.callback(server.stop)
            self._undo.callback(self._runner.close)
        self.check_all_shown()

    def run(self, example: Example) -> None:
        """Run one block."""
        self.skip_without_optional()
        self.check_all_shown()
        source = "\n" * (example.line + example.parsed.line_offset) + example.parsed
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(source, example.path, "exec", flags, dont_inherit=True)
        try:
            with self._at_the_terminal():
                result = eval(code, example.namespace)  # noqa: S307 - our own documents
                if inspect.iscoroutine(result):
                    self._runner.run(result)
        except ModuleNotFoundError as error:
            if error.name not in OPTIONAL:
                raise
            self._absent = error.name
            self.skip_without_optional()
        except BaseException:
            sys.stdout.write(self._take())
            raise
        self.printed = self._take()

    def skip_without_optional(self) -> None:
        """Skip this block if one before it could not import an optional package."""
        if self._absent is not None:
            pytest.skip(f"{self._absent} is not installed")

    def check_all_shown(self) -> None:
        """Fail if a block printed something that the document keeps to itself."""
        printed, self.printed = self.printed, ""
        assert not printed, f"the block above prints this, and no text block shows it:\n{printed}"

    def _take(self) -> str:
        text = self._screen.getvalue()
        self._screen.seek(0)
        self._screen.truncate()
        return text

    @contextlib.contextmanager
    def _at_the_terminal(self) -> Iterator[None]:
        """Show a block the streams and the root logger it would find without a test around it.

        pytest's own handlers on the root logger would make `logging.basicConfig` do nothing.
        """
        root = logging.getLogger()
        handlers, level = root.handlers, root.level
        root.handlers = self._root_handlers
        root.setLevel(self._root_level)  # which also forgets what loggers have cached
        try:
            with contextlib.redirect_stdout(self._screen), contextlib.redirect_stderr(self._screen):
                yield
        finally:
            self._root_handlers, self._root_level = root.handlers, root.level
            root.handlers = handlers
            root.setLevel(level)


def begin(namespace: dict[str, Any]) -> None:
    """Prepare for a document; sybil calls it before the first block."""
    reader = Reader()
    namespace.update({"__name__": "__main__", _KEY: reader})
    reader.begin()


def end(namespace: dict[str, Any]) -> None:
    """Clean up after a document; sybil calls it after the last block."""
    namespace[_KEY].end(namespace.values())


def parse_python(document: Document) -> Iterator[Region]:
    """Find the Python blocks, but for those that show a file."""
    for region in CodeBlockParser("python", _run)(document):
        if not FILE.match(region.parsed):
            yield region


def parse_output(document: Document) -> Iterable[Region]:
    """Find the blocks that show what the Python block above them prints."""
    return CodeBlockParser("text", _compare)(document)


def _run(example: Example) -> None:
    example.namespace[_KEY].run(example)


def _compare(example: Example) -> str | None:
    reader: Reader = example.namespace[_KEY]
    reader.skip_without_optional()
    shown, printed = str(example.parsed), reader.printed
    reader.printed = ""
    if OutputChecker().check_output(shown, printed, ELLIPSIS):
        return None
    return f"the document shows:\n{shown}\nthe block above it prints:\n{printed}"


@contextlib.contextmanager
def _restored_environment() -> Iterator[None]:
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _restored_loggers() -> Iterator[None]:
    before = {logger: _state(logger) for logger in _loggers()}
    try:
        yield
    finally:
        for logger in _loggers():
            level, logger.handlers, logger.propagate, logger.disabled = before.get(
                logger, (logging.NOTSET, [], True, False)
            )
            logger.setLevel(level)


def _loggers() -> list[logging.Logger]:
    known = logging.getLogger().manager.loggerDict.values()
    return [logger for logger in known if isinstance(logger, logging.Logger)]


def _state(logger: logging.Logger) -> tuple[int, list[logging.Handler], bool, bool]:
    return logger.level, list(logger.handlers), logger.propagate, logger.disabled


@contextlib.contextmanager
def _restored_structlog() -> Iterator[None]:
    was_configured, before = structlog.is_configured(), structlog.get_config()
    structlog.reset_defaults()  # whatever ran before in this process
    try:
        yield
    finally:
        structlog.reset_defaults()
        if was_configured:
            structlog.configure(**before)
