"""The settings of timeouts."""

from __future__ import annotations

from ..settings import PositiveSeconds, Settings

__all__ = ["TimeoutConfig"]


class TimeoutConfig(Settings):
    """How long each part may take, in seconds.

    `connect`, `read`, `write` and `pool` each bound one phase of one attempt, as in httpx; None
    leaves that phase unbounded. `total` bounds the whole operation: queueing, attempts, waits
    and body. Phases longer than `total` are fine: they are cut to what is left of it.
    """

    connect: PositiveSeconds | None = 60.0
    """Seconds to make a connection, its TLS handshake included; default 60.0."""
    read: PositiveSeconds | None = 15.0
    """Seconds of silence between two pieces of the answer; default 15.0."""
    write: PositiveSeconds | None = 15.0
    """Seconds until the network takes the next piece of the request; default 15.0."""
    pool: PositiveSeconds | None = 5.0
    """Seconds to wait for a connection of the pool; default 5.0."""
    total: PositiveSeconds | None = None
    """Seconds for the whole operation; None, the default, for no bound."""
