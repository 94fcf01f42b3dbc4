"""The command line, `python -m server.main serve`, and `app` for an ASGI server of one's own."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from server.errors import BadHostError, FailureServerError, require_server_extra
from server.listening import Listener, listen

if TYPE_CHECKING:
    from fastapi import FastAPI

    from server.app import create_app

    app: FastAPI

__all__ = ["app", "create_app", "main"]

MAX_PORT = 65_535
FAILED, MISUSED = 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        argv: The arguments; those of the process by default.
    """
    arguments = _parser().parse_args(argv)
    try:
        return _serve(arguments)
    except BadHostError as error:
        return _complain(error, MISUSED)
    except FailureServerError as error:
        return _complain(error, FAILED)


def __getattr__(name: str) -> object:
    """Make `create_app` and `app` when they are asked for, so that `--help` needs no extra."""
    if name not in {"app", "create_app"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_server_extra()
    from server.app import create_app  # noqa: PLC0415 - the extra is needed only here

    globals()[name] = made = create_app() if name == "app" else create_app
    return made


def _serve(arguments: argparse.Namespace) -> int:
    require_server_extra()
    listener = listen(arguments.host, arguments.port)
    if not listener.is_loopback:
        _warn_of_exposure(listener)
    if arguments.reload:
        from server.reloading import serve_with_reload  # noqa: PLC0415 - see `__getattr__`

        return serve_with_reload(listener, announce=lambda: _announce(listener))
    from server.serving import Reasons, end_with_input, serve  # noqa: PLC0415 - likewise

    reasons = Reasons()
    if arguments.stop_on_eof:
        end_with_input(reasons)
    return serve(listener, reasons, announce=lambda: _announce(listener))


def _announce(listener: Listener) -> None:
    sys.stdout.write(f"Failure server listening on {listener.url}\n")
    sys.stdout.flush()


def _warn_of_exposure(listener: Listener) -> None:
    sys.stderr.write(
        f"WARNING: {listener.host} is not a loopback address. Whoever can reach "
        f"{listener.url} can read this server's ledger and make it fail.\n"
        "WARNING: Leave --host out to serve this machine only.\n"
    )
    sys.stderr.flush()


def _complain(error: FailureServerError, status: int) -> int:
    sys.stderr.write(f"error: {error}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m server.main",
        description="An HTTP server that fails exactly as it is told to.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve until interrupted")
    serve.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: %(default)s, this machine only)",
    )
    serve.add_argument(
        "--port",
        type=_port,
        default=8000,
        help="port to listen on; 0 takes a free one (default: %(default)s)",
    )
    ends = serve.add_mutually_exclusive_group()
    ends.add_argument(
        "--reload", action="store_true", help="restart when the code of the server changes"
    )
    ends.add_argument(
        "--stop-on-eof",
        action="store_true",
        help="stop when standard input ends, as it does when the parent process dies",
    )
    return parser


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_PORT)):
        port = int(text)
        if port <= MAX_PORT:
            return port
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a port; give a whole number from 0 to {MAX_PORT}, 0 for any that is free"
    )


if __name__ == "__main__":
    sys.exit(main())
