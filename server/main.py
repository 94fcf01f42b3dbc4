"""The command line, `python -m server.main`, and `app` for an ASGI server of one's own."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from server.errors import BadHostError, FailureServerError, require_server_extra
from server.listening import Listener, listen
from server.proxy.process import COMMAND as PROXY
from server.proxy.process import announcement
from server.proxy.upstream import BadUpstreamError, Upstream

if TYPE_CHECKING:
    from fastapi import FastAPI

    from server.app import create_app

    app: FastAPI

__all__ = ["app", "create_app", "main"]

LOOPBACK = "127.0.0.1"
MAX_PORT = 65_535
MAX_SEED = 2**63 - 1
FAILED, MISUSED = 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        argv: The arguments; those of the process by default.
    """
    arguments = _parser().parse_args(argv)
    try:
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except (BadHostError, BadUpstreamError) as error:
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


def _proxy(arguments: argparse.Namespace) -> int:
    require_server_extra()
    upstream = Upstream.parse(arguments.upstream)
    listener = listen(arguments.host, arguments.port)
    try:
        control = listen(LOOPBACK, arguments.control_port)
    except FailureServerError:
        listener.socket.close()
        raise
    if not listener.is_loopback:
        _warn_of_exposed_upstream(listener, upstream)
    from server.proxy.proxy_host import ProxyHost  # noqa: PLC0415 - see `__getattr__`
    from server.serving import CRASH, Reasons, end_with_input, run  # noqa: PLC0415 - likewise

    reasons = Reasons()
    if arguments.stop_on_eof:
        end_with_input(reasons)
    line = announcement(listener.url.removeprefix("http://"), upstream.name, control.url)
    host = ProxyHost(
        listener, control, upstream, seed=arguments.seed, on_end=lambda: reasons.put(CRASH)
    )
    return run(host, reasons, announce=lambda: _say(line))


def _announce(listener: Listener) -> None:
    _say(f"Failure server listening on {listener.url}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _warn_of_exposure(listener: Listener) -> None:
    sys.stderr.write(
        f"WARNING: {listener.host} is not a loopback address. Whoever can reach "
        f"{listener.url} can read this server's ledger and make it fail.\n"
        "WARNING: Leave --host out to serve this machine only.\n"
    )
    sys.stderr.flush()


def _warn_of_exposed_upstream(listener: Listener, upstream: Upstream) -> None:
    sys.stderr.write(
        f"WARNING: {listener.host} is not a loopback address. Whoever can reach "
        f"{listener.host} port {listener.port} is connected to {upstream.name}.\n"
        "WARNING: Leave --host out to serve this machine only.\n"
    )
    sys.stderr.flush()


def _complain(error: FailureServerError, status: int) -> int:
    sys.stderr.write(f"error: {error}\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m server.main",
        description="Servers that fail exactly as they are told to.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="serve HTTP that fails, until interrupted"))
    _add_proxy(commands.add_parser(PROXY, help="break the wire to a service, until interrupted"))
    return parser


def _add_serve(serve: argparse.ArgumentParser) -> None:
    serve.set_defaults(run=_serve)
    _add_address(serve, port=8000)
    ends = serve.add_mutually_exclusive_group()
    ends.add_argument(
        "--reload", action="store_true", help="restart when the code of the server changes"
    )
    _add_stop_on_eof(ends.add_argument)


def _add_proxy(proxy: argparse.ArgumentParser) -> None:
    proxy.set_defaults(run=_proxy)
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


def _seed(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_SEED)):
        seed = int(text)
        if seed <= MAX_SEED:
            return seed
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a seed; give a whole number from 0 to {MAX_SEED}"
    )


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
