"""What the command line does: it serves in the foreground, until there is a reason to end."""

import argparse
import sys
from typing import TYPE_CHECKING

from ..addresses.listening import Listener, listen, listen_for_two
from ..errors import require_server_extra
from ..hosts.app_import import import_app
from ..proxy.process import announcement
from ..proxy.wire.upstream import Upstream

if TYPE_CHECKING:
    from .serving import Reasons

__all__ = ["serve_failures", "serve_proxy"]


def serve_failures(arguments: argparse.Namespace) -> int:
    """Serve HTTP that fails."""
    require_server_extra()
    app = None if arguments.app is None else import_app(arguments.app)
    listener = listen(arguments.host, arguments.port)
    if not listener.is_loopback:
        _warn_of_exposure(listener)
    names = [*arguments.allow_host, *listener.names]
    if arguments.reload:
        from .reloading import serve_with_reload  # noqa: PLC0415 - the extra is needed only here

        return serve_with_reload(
            listener,
            announce=lambda: _announce(listener),
            allow_hosts=names,
            app=arguments.app,
        )
    from .serving import serve  # noqa: PLC0415 - likewise

    reasons = _reasons_for(arguments)
    return serve(
        listener,
        reasons,
        announce=lambda: _announce(listener),
        allow_hosts=names,
        app=app,
    )


def serve_proxy(arguments: argparse.Namespace) -> int:
    """Stand between clients and a service."""
    require_server_extra("the wire proxy")
    upstream = Upstream.parse(arguments.upstream)
    listener, control = listen_for_two(arguments.host, arguments.port, arguments.control_port)
    if not listener.is_loopback:
        _warn_of_exposed_upstream(listener, upstream)
    from ..proxy.proxy_host import ProxyHost  # noqa: PLC0415 - likewise
    from .serving import CRASH, run  # noqa: PLC0415 - likewise

    reasons = _reasons_for(arguments)
    line = announcement(listener.url.removeprefix("http://"), upstream.name, control.url)
    host = ProxyHost(
        listener, control, upstream, seed=arguments.seed, on_end=lambda: reasons.put(CRASH)
    )
    return run(host, reasons, announce=lambda: _say(line))


def _reasons_for(arguments: argparse.Namespace) -> "Reasons":
    """Return where the reasons to end are put, those asked for among them."""
    from .serving import (  # noqa: PLC0415 - likewise
        Reasons,
        end_with_input,
        end_with_parent,
    )

    reasons = Reasons()
    if arguments.stop_on_eof:
        end_with_input(reasons)
    if arguments.stop_with is not None:
        end_with_parent(reasons, arguments.stop_with)
    return reasons


def _announce(listener: Listener) -> None:
    _say(f"Failure server listening on {listener.url}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _warn_of_exposure(listener: Listener) -> None:
    reached = f"{listener.url} can read this server's ledger and make it fail"
    _warn_of_reach(listener, reached)


def _warn_of_exposed_upstream(listener: Listener, upstream: Upstream) -> None:
    reached = f"{listener.host} port {listener.port} is connected to {upstream.name}"
    _warn_of_reach(listener, reached)


def _warn_of_reach(listener: Listener, reached: str) -> None:
    sys.stderr.write(
        f"WARNING: {listener.host} is not a loopback address. Whoever can reach {reached}.\n"
        "WARNING: Leave --host out to serve this machine only.\n"
    )
    sys.stderr.flush()
