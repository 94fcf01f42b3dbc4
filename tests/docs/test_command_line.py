"""command-line.md has every command of the programs, and every option with its default."""

import argparse
import tomllib
from collections.abc import Iterator

import pytest

from client.program.cli import _parser
from server.program.arguments import PROXY, SERVE, make_parser
from tests.docs.reading import ROOT, code_in, headings, page, table

NOTHING = {"none", "none is read", "one is started"}
"""How a row says that there is no default."""


def _commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of its commands, and so on."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _commands(command)


def _options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    shown = [each for each in parser._actions if not isinstance(each, argparse._SubParsersAction)]
    return [each for each in shown if not isinstance(each, argparse._HelpAction)]


PARSERS = [
    *_commands(_parser("client")),
    *_commands(make_parser("python -m server.main", {SERVE: lambda _: 0, PROXY: lambda _: 0})),
]
WITH_OPTIONS = [pytest.param(each, id=each.prog) for each in PARSERS if _options(each)]


@pytest.mark.parametrize("parser", WITH_OPTIONS)
def test_every_option_has_its_row(parser: argparse.ArgumentParser) -> None:
    """In the order of `--help`, as it shows it, and with its default."""
    rows = [(code_in(row[0])[0], row[1]) for row in table(parser.prog, "option")]
    assert [name for name, _ in rows] == [_shown(each) for each in _options(parser)]
    for (name, stated), action in zip(rows, _options(parser), strict=True):
        assert _fits(stated, action), f"{name} has by default {action.default!r}, not {stated!r}"


def test_every_command_that_runs_has_its_section() -> None:
    """And nothing else has one."""
    leaves = {each.prog for each in PARSERS if all(_options_only(each))}
    found = {each for each in headings(page("Command line")) if each.startswith("python -m ")}
    assert found == leaves | {"python -m client", "python -m server.main"}


def test_there_are_no_console_scripts() -> None:
    """The page says so."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert not {"scripts", "gui-scripts"} & project.keys()


def _options_only(parser: argparse.ArgumentParser) -> Iterator[bool]:
    return (not isinstance(each, argparse._SubParsersAction) for each in parser._actions)


def _shown(action: argparse.Action) -> str:
    [name] = [each for each in action.option_strings if each.startswith("--")]
    if action.nargs == 0:
        return name
    return f"{name} {action.metavar or action.dest.upper()}"


def _fits(stated: str, action: argparse.Action) -> bool:
    if action.required:
        return stated == "must be given"
    if action.default is False or isinstance(action, argparse._VersionAction):
        return stated == "off"
    if action.default in (None, []):
        return stated in NOTHING
    return stated == f"`{action.default}`"
