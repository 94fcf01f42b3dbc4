"""The failure server in one line of a test: `with FailureServer() as server: ...`.

And the wire proxy: `with WireProxy(server.url) as proxy: ...`.
"""

from .controls.failure_server import RemoteServer
from .controls.wire_proxy import RemoteProxy
from .errors import BadAppError, FailureServerError, LedgerIncompleteError, MissingExtraError
from .proxy.armed_faults import FaultInForce
from .proxy.statistics import ProxyStatistics
from .proxy.wire.upstream import BadUpstreamError
from .started.failure_server import FailureServer
from .started.wire_proxy import WireProxy
from .stores.ledger import Ledger, LedgerEntry

__all__ = [
    "BadAppError",
    "BadUpstreamError",
    "FailureServer",
    "FailureServerError",
    "FaultInForce",
    "Ledger",
    "LedgerEntry",
    "LedgerIncompleteError",
    "MissingExtraError",
    "ProxyStatistics",
    "RemoteProxy",
    "RemoteServer",
    "WireProxy",
]


def __dir__() -> list[str]:
    return sorted(__all__)
