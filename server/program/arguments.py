"""The arguments of the command line."""

import argparse
from collections.abc import Callable, Mapping

from ..addresses.host_names import BadHostNameError, check_host_name
from ..addresses.listening import LOOPBACK
from ..hosts.process_host import COMMAND as SERVE
from ..proxy.process import COMMAND as PROXY

__all__ = ["PROXY", "SERVE", "Command", "make_parser"]

MAX_PORT = 65_535
MAX_SEED = 2**63 - 1

Command = Callable[[argparse.Namespace], int]
"""Does what was asked for, and returns the exit status."""


def make_parser(program: str, commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """Return what reads the arguments; the command asked for is then their `run`.

    Args:
        program: How it was called.
        commands: What `SERVE` and `PROXY` do.
    """
    parser = argparse.ArgumentParser(
        prog=program, description="Servers that fail exactly as they are told to."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(subparsers.add_parser(SERVE, help="serve HTTP that fails, until interrupted"))
    _add_proxy(subparsers.add_parser(PROXY, help="break the wire to a service, until interrupted"))
    for name, command in commands.items():
        subparsers.choices[name].set_defaults(run=command)
    return parser


def _add_serve(serve: argparse.ArgumentParser) -> None:
    _add_address(serve, port=8000)
    serve.add_argument(
        "--app",
        metavar="MODULE:ATTRIBUTE",
        help="an ASGI application to stand in front of, with faults, ledger and controls",
    )
    serve.add_argument(
        "--allow-host",
        type=_host_name,
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which the server may be called, besides localhost and its addresses; "
        "may be given several times",
    )
    ends = serve.add_mutually_exclusive_group()
    ends.add_argument(
        "--reload", action="store_true", help="restart when the code of the server changes"
    )
    _add_stop_on_eof(ends.add_argument)
    _add_stop_with(serve.add_argument)


def _add_proxy(proxy: argparse.ArgumentParser) -> None:
    proxy.add_argument(
        "--upstream",
        required=True,
        metavar="HOST:PORT",
        help="the TCP service to connect clients to",
    )
    _add_address(proxy, port=0)
    proxy.add_argument(
        "--control-port",
        type=_port,
        default=0,
        help=f"port of the control API on {LOOPBACK}; 0 takes a free one (default: %(default)s)",
    )
    proxy.add_argument(
        "--seed",
        type=_seed,
        default=0,
        help="where all chance begins: the same seed strikes the same connections "
        "(default: %(default)s)",
    )
    _add_stop_on_eof(proxy.add_argument)
    _add_stop_with(proxy.add_argument)


def _add_address(command: argparse.ArgumentParser, *, port: int) -> None:
    command.add_argument(
        "--host",
        default=LOOPBACK,
        help="address to listen on (default: %(default)s, this machine only)",
    )
    command.add_argument(
        "--port",
        type=_port,
        default=port,
        help="port to listen on; 0 takes a free one (default: %(default)s)",
    )


def _add_stop_on_eof(add_argument: Callable[..., object]) -> None:
    add_argument(
        "--stop-on-eof",
        action="store_true",
        help="stop when standard input ends, as it does when the parent process dies",
    )


def _add_stop_with(add_argument: Callable[..., object]) -> None:
    add_argument(
        "--stop-with",
        type=int,
        metavar="PID",
        help="stop when this process is no longer the parent",
    )


def _host_name(text: str) -> str:
    try:
        return check_host_name(text)
    except BadHostNameError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _seed(text: str) -> int:
    seed = _number(text, MAX_SEED)
    if seed is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a seed; give a whole number from 0 to {MAX_SEED}"
        )
    return seed


def _port(text: str) -> int:
    port = _number(text, MAX_PORT)
    if port is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port; give a whole number from 0 to {MAX_PORT}, 0 for any that is "
            "free"
        )
    return port


def _number(text: str, most: int) -> int | None:
    """Return what digits say, if they say no more than `most`."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)):
        return number if (number := int(text)) <= most else None
    return None
