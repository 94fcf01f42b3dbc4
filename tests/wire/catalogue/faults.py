"""What a fault is: what is done to a call, and what comes of it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from client.strategies.circuit.circuit import CircuitOutcome
from tests.wire.conftest import make_server_tls

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping

    from client import MyAPIError
    from tests.wire.scripted_server import Connection, Script

__all__ = [
    "MOST_ATTEMPTS",
    "SHORT_CONNECT",
    "SHORT_READ",
    "SHORT_WRITE",
    "Fault",
    "each",
    "secured",
]

MOST_ATTEMPTS = 2
"""What every call of the catalogue may make; with 1 seen, a fault was not retried."""

# Patience for a single call and phase: a busy machine turns nothing else into a timeout.
SHORT_CONNECT = {"timeout": (0.05, 10.0, 10.0, 10.0)}
SHORT_READ = {"timeout": (10.0, 0.05, 10.0, 10.0)}
SHORT_WRITE = {"timeout": (10.0, 10.0, 0.05, 10.0)}


@dataclass(frozen=True)
class Fault:
    """One row of the table of faults in docs/reference/errors.md.

    Attributes:
        name: The first column.
        raises: The exact class of the error.
        script: What the server does to each connection it gets for an attempt.
        at: In place of a script, the fixture that gives a URL to call.
        is_retried: Whether a second attempt is made.
        is_sent: What the error says about the request.
        counts: What the circuit makes of it.
        method: Of the call.
        options: Of the call.
        config: Of the client.
        is_https: Whether the server speaks TLS; the script itself begins before the handshake.
        received: What a caller who streams has received before the error; None for one who
            gets answers whole.
    """

    name: str
    raises: type[MyAPIError]
    script: Script | None = None
    _: KW_ONLY
    at: str | None = None
    is_retried: bool = False
    is_sent: bool = True
    counts: CircuitOutcome = CircuitOutcome.FAILURE
    method: str = "GET"
    options: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    is_https: bool = False
    received: bytes | None = None

    @property
    def attempts(self) -> int:
        """How many there are."""
        return MOST_ATTEMPTS if self.is_retried else 1


def each(faults: Iterable[Fault]) -> pytest.MarkDecorator:
    """Run a test for each of the faults, under its name."""
    return pytest.mark.parametrize(
        "fault", [pytest.param(fault, id=fault.name.replace(" ", "-")) for fault in faults]
    )


def secured(script: Script) -> Script:
    """Shake hands, and go on with the script."""

    def secures(connection: Connection) -> None:
        connection.secure(_tls())
        script(connection)

    return secures


@cache
def _tls() -> ssl.SSLContext:
    return make_server_tls()
