"""The bounds of all that a caller can make the server hold, read or wait for."""

from dataclasses import dataclass, fields

MAX_DELAY_MS = 60_000
MAX_LATENCY_MS = 60_000
MAX_FAULT_SECONDS = 3_600
MAX_FAULT_COUNT = 1_000_000
MAX_RETRY_AFTER_LENGTH = 8_192
REQUEST_ID_ALPHABET = "A-Z a-z 0-9 . _ ~ -"
REQUEST_ID_LENGTH = 128
MAX_ROUTES = 100
MAX_ROUTE_ANSWERS = 100
MAX_ROUTE_HEADERS = 100
MAX_ROUTE_BYTES = 2_097_152
MAX_ROUTE_PATH_LENGTH = 2_048
MAX_PROXY_FAULTS = 100
MAX_PROXY_CONNECTIONS = 4_096
MAX_INJECTED_BYTES = 1_048_576
MAX_OFFSET_BYTES = 1_099_511_627_776
MAX_BYTES_PER_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one server holds and reads at most.

    Attributes:
        request_ids: Request ids remembered; beyond it the one unseen for longest is evicted,
            and the ledger counts the eviction. Default 100,000.
        body_bytes: Largest request body; a larger one is answered 413. Default 1 MiB.
        body_seconds: Longest time a request body may take; a slower one is answered 408.
            Default 60.
        waiting: Calls held back by a delay or latency at one time; one more is answered 503.
            Default 10,000.
    """

    request_ids: int = 100_000
    body_bytes: int = 1_048_576
    body_seconds: float = 60.0
    waiting: int = 10_000

    def __post_init__(self) -> None:
        """Refuse a bound that would switch its own protection off.

        Raises:
            ValueError: If a limit is not above zero.
        """
        for field in fields(self):
            value: float = getattr(self, field.name)
            if not value > 0:
                raise ValueError(f"Limits.{field.name} is {value!r}; give a number above 0")
