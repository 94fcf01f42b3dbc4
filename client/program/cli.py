"""The command line: `python -m client demo`, `dashboard`, `watch` and `config check`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from ..config.environment import Mistakes, read_environment
from ..config.environment_names import settings_of
from ..config.models import ClientConfig
from ..errors.urls import mask_url
from ..version import __version__
from .demo.errors import CannotRunError
from .demo.program import run_demo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["main"]

FAILED: Final = 1
INTERRUPTED: Final = 130
"""As shells report a process that an interrupt ended: 128 and the number of the signal."""
DEFAULT_PREFIX: Final = "RESILIENT_CLIENT_"


def main(argv: Sequence[str] | None = None, *, package: str = "client") -> int:
    """Run the command line and return its exit status.

    Args:
        argv: The arguments; those of the process by default.
        package: The name by which this package was called.
    """
    arguments = _parser(package).parse_args(argv)
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


def _parser(package: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m {package}", description="resilient-http-client"
    )
    parser.add_argument(
        "--version", action="version", version=f"resilient-http-client {__version__}"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_demo(commands.add_parser("demo", help="watch a client survive a server's failures"))
    _add_dashboard(
        commands.add_parser("dashboard", help="show the live page of a process elsewhere")
    )
    _add_watch(commands.add_parser("watch", help="watch a live page on the terminal"))
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
    parser.add_argument(
        "--dashboard", action="store_true", help="serve the live page of the story's client, too"
    )
    parser.set_defaults(run=_demo)


def _add_dashboard(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Serves, on this machine alone, the live page of a process elsewhere, only to be read."
    )
    _add_page_url(parser)
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address it is served at (default: %(default)s)"
    )
    parser.add_argument(
        "--port", type=int, default=8700, help="its port, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--token",
        help="a secret that must be in the address to see the page; needed where --host is within "
        "reach of others",
    )
    parser.set_defaults(run=_dashboard)


def _add_watch(parser: argparse.ArgumentParser) -> None:
    parser.description = "Reads a live page once a second, until it is interrupted."
    _add_page_url(parser)
    parser.add_argument(
        "--json", action="store_true", help="write one JSON object a line, each second"
    )
    parser.set_defaults(run=_watch)


def _add_page_url(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url",
        required=True,
        help="where the page is mounted, such as http://127.0.0.1:8000/resilience",
    )


def _add_config_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prefix",
        default=DEFAULT_PREFIX,
        help="what the names of the variables begin with (default: %(default)s)",
    )
    parser.add_argument(
        "--env-file",
        type=Path,
        help="a file of NAME=value lines, as for from_env (default: none is read)",
    )
    parser.add_argument(
        "--json", action="store_true", help="write one JSON object, of the settings or the errors"
    )
    parser.set_defaults(run=_check_config)


def _demo(arguments: argparse.Namespace) -> int:
    options = {name: getattr(arguments, name) for name in ("url", "plain", "fast", "dashboard")}
    return _run(run_demo, **options)


def _dashboard(arguments: argparse.Namespace) -> int:
    from .live_page.stand_alone import run_dashboard  # noqa: PLC0415 - httpx is not for all

    options = {name: getattr(arguments, name) for name in ("url", "host", "port", "token")}
    return _run(run_dashboard, **options)


def _watch(arguments: argparse.Namespace) -> int:
    from .live_page.watch import run_watch  # noqa: PLC0415 - httpx is not for all

    return _run(run_watch, url=arguments.url, as_json=arguments.json)


def _run(program: Callable[..., int], **options: Any) -> int:
    try:
        return program(sys.stdout, **options)
    except CannotRunError as error:
        return _complain(str(error), status=error.status)


def _check_config(arguments: argparse.Namespace) -> int:
    """Show what `ClientConfig.from_env` reads, with the same prefix and file."""
    complain = _complain_as_json if arguments.json else _complain
    try:
        environment = read_environment(ClientConfig, arguments.prefix, arguments.env_file)
    except (OSError, ValueError) as error:
        return complain(str(error))
    try:
        config = environment.configure(ClientConfig, {})
    except Mistakes as mistakes:
        return complain(*mistakes.lines)
    except ValidationError as error:
        return complain(*environment.refusals(error))
    if arguments.json:
        sys.stdout.write(_as_json(arguments, config, environment.sources))
        return 0
    sys.stdout.write(f"prefix {arguments.prefix}, env file {arguments.env_file or 'none'}\n\n")
    sys.stdout.writelines(_table(config, environment.sources))
    return 0


def _as_json(
    arguments: argparse.Namespace, config: ClientConfig, sources: Mapping[str, str]
) -> str:
    rows = _rows(config, sources)
    found = {
        "prefix": arguments.prefix,
        "env_file": None if arguments.env_file is None else str(arguments.env_file),
        "settings": {path: {"value": shown, "source": source} for path, shown, source in rows},
    }
    return json.dumps(found, indent=2) + "\n"


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


def _complain_as_json(*messages: str) -> int:
    sys.stdout.write(json.dumps({"errors": messages}, indent=2) + "\n")
    return FAILED


def _complain(*messages: str, status: int = FAILED) -> int:
    sys.stderr.writelines(f"error: {message}\n" for message in messages)
    return status
