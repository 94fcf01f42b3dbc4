"""What a wire proxy has counted: the proof that a fault happened."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyStatistics:
    """One snapshot; the counts begin with the proxy, or with its last `clear`.

    Attributes:
        accepted: Connections that clients made, those reset at once included. Of those refused
            while the port is closed no proxy can know.
        refused: Those of them that a `refuse` fault reset at once.
        unreachable: Those reset because the upstream did not answer.
        turned_away: Those reset because too many were open.
        open: Connections open now.
        bytes_up: Bytes passed from clients to the upstream.
        bytes_down: Bytes sent to clients, those of `garbage` and `surplus` included.
        applied: How often each kind of fault has struck.
        skipped: How often each kind met a connection where it cannot strike, because it needs
            plaintext HTTP/1.1 and something else passed.
    """

    accepted: int
    refused: int
    unreachable: int
    turned_away: int
    open: int
    bytes_up: int
    bytes_down: int
    applied: Mapping[str, int]
    skipped: Mapping[str, int]

    @classmethod
    def from_json(cls, answer: Mapping[str, Any]) -> Self:
        """Read what the control API shows."""
        return cls(**answer)


def _no_counts() -> Counter[str]:
    return Counter()


@dataclass(slots=True)
class Tally:
    """The counts as they grow."""

    accepted: int = 0
    refused: int = 0
    unreachable: int = 0
    turned_away: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    applied: Counter[str] = field(default_factory=_no_counts)
    skipped: Counter[str] = field(default_factory=_no_counts)

    def snapshot(self, *, open_connections: int) -> ProxyStatistics:
        """Return the counts as they are now."""
        counts = asdict(self)
        counts |= {"applied": dict(self.applied), "skipped": dict(self.skipped)}
        return ProxyStatistics(open=open_connections, **counts)
