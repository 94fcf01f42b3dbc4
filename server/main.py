"""The command line, `python -m server.main`, and `app` for an ASGI server of one's own."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .errors import BadAppError, BadHostError, FailureServerError, require_server_extra
from .program.arguments import PROXY, SERVE, Command, make_parser
from .program.commands import serve_failures, serve_proxy
from .proxy.wire.upstream import BadUpstreamError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from .app import create_app

    app: FastAPI

__all__ = ["app", "create_app", "main"]

FAILED, MISUSED = 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        argv: The arguments; those of the process by default.
    """
    commands: dict[str, Command] = {SERVE: serve_failures, PROXY: serve_proxy}
    arguments = make_parser(f"python -m {__package__}.main", commands).parse_args(argv)
    try:
        run: Command = arguments.run
        return run(arguments)
    except (BadAppError, BadHostError, BadUpstreamError) as error:
        return _complain(error, MISUSED)
    except FailureServerError as error:
        return _complain(error, FAILED)


def __getattr__(name: str) -> object:
    """Make `create_app` and `app` when they are asked for, so that `--help` needs no extra."""
    if name not in {"app", "create_app"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_server_extra()
    from .app import create_app  # noqa: PLC0415 - the extra is needed only here

    globals()[name] = made = create_app() if name == "app" else create_app
    return made


def _complain(error: FailureServerError, status: int) -> int:
    sys.stderr.write(f"error: {error}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
