"""The command line: `python -m client demo` and `python -m client config check`."""

from __future__ import annotations

import argparse
import os
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from client.config import ClientConfig
from client.demo.errors import CannotRunError
from client.demo.program import run_demo
from client.environment import read_environment, settings_of
from client.urls import mask_url
from client.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["main"]

FAILED: Final = 1
INTERRUPTED: Final = 130
"""As shells report a process that an interrupt ended: 128 and the number of the signal."""
DEFAULT_PREFIX: Final = "RESILIENT_CLIENT_"
DEFAULT_ENV_FILE: Final = Path(".env")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        argv: The arguments; those of the process by default.
    """
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads on. What is still buffered must not fail again when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m client", description="resilient-http-client")
    parser.add_argument(
        "--version", action="version", version=f"resilient-http-client {__version__}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_demo(commands.add_parser("demo", help="watch a client survive a server's failures"))
    config = commands.add_parser("config", help="look at the configuration")
    config_commands = config.add_subparsers(required=True, metavar="COMMAND")
    check = "show the configuration in force and where each value comes from"
    _add_config_check(config_commands.add_parser("check", help=check, description=check))
    return parser


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Plays a story of failures, from retries to a recovering circuit, and proves by the "
        "server's ledger that nothing was lost and nothing doubled. Exits 1 if that fails."
    )
    parser.add_argument(
        "--url",
        help="play against this running failure server, whose faults are switched off before and "
        "after; by default one is started on a free port",
    )
    parser.add_argument(
        "--plain", action="store_true", help="write plain lines, as happens without a terminal"
    )
    parser.add_argument(
        "--fast", action="store_true", help="leave out the pauses that let a person follow"
    )
    parser.set_defaults(run=_demo)


def _add_config_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prefix",
        default=DEFAULT_PREFIX,
        help="what the names of the variables begin with (default: %(default)s)",
    )
    parser.add_argument(
        "--env-file",
        type=Path,
        help="a file of NAME=value lines (default: .env in the current directory, if there is one)",
    )
    parser.set_defaults(run=_check_config)


def _demo(arguments: argparse.Namespace) -> int:
    try:
        return run_demo(sys.stdout, url=arguments.url, plain=arguments.plain, fast=arguments.fast)
    except CannotRunError as error:
        return _complain(str(error), status=error.status)


def _check_config(arguments: argparse.Namespace) -> int:
    env_file = arguments.env_file
    if env_file is None and DEFAULT_ENV_FILE.is_file():
        env_file = DEFAULT_ENV_FILE
    try:
        environment = read_environment(ClientConfig, arguments.prefix, env_file)
    except (OSError, ValueError) as error:
        return _complain(str(error))
    try:
        config = ClientConfig.model_validate(environment.settings)
    except ValidationError as error:
        return _complain(*_refusals(error, environment.sources))
    sys.stdout.write(f"prefix {arguments.prefix}, env file {env_file or 'none'}\n\n")
    sys.stdout.writelines(_table(config, environment.sources))
    return 0


def _refusals(error: ValidationError, sources: Mapping[str, str]) -> Iterator[str]:
    """Return a line for each refused value. The messages quote no secrets, the inputs might."""
    for refusal in error.errors(include_input=False):
        path = ".".join(part for part in refusal["loc"] if isinstance(part, str))
        source = f" (from {sources[path]})" if path in sources else ""
        yield f"{path or 'configuration'}: {refusal['msg']}{source}"


def _table(config: ClientConfig, sources: Mapping[str, str]) -> Iterator[str]:
    rows = [("setting", "value", "source"), *_rows(config, sources)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip() + "\n"


def _rows(
    settings: BaseModel, sources: Mapping[str, str], prefix: str = ""
) -> Iterator[tuple[str, str, str]]:
    layers = {path.rpartition(".")[0] for path in settings_of(ClientConfig)}
    for name, value in settings:
        path = prefix + name
        if isinstance(value, BaseModel):
            yield from _rows(value, sources, f"{path}.")
        else:
            shown = "off" if value is None and path in layers else _shown(path, value)
            yield path, shown, sources.get(path, "default")


def _shown(path: str, value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, type):
        return value.__name__
    return _FORMATS.get(path, str)(value) or "none"


def _without_credentials(url: str) -> str:
    bare = mask_url(url)
    return bare if bare == url else bare.replace("//", "//***@", 1)


def _without_values(headers: Mapping[str, str]) -> str:
    return ", ".join(f"{name}=***" for name in headers)


def _in_runs(numbers: frozenset[int]) -> str:
    """Write consecutive numbers as 500-599."""
    runs: list[str] = []
    for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        runs.append("-".join(str(number) for number in sorted({members[0], members[-1]})))
    return ", ".join(runs)


def _in_order(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


_FORMATS: Final[Mapping[str, Callable[[Any], str]]] = {
    "base_url": _without_credentials,
    "headers": _without_values,
    "retry.methods": _in_order,
    "retry.statuses": _in_runs,
}


def _complain(*messages: str, status: int = FAILED) -> int:
    sys.stderr.writelines(f"error: {message}\n" for message in messages)
    return status
