"""Answers for the tests of the rules."""

from typing import Any

from client.strategies.cache.entry import Entry
from client.strategies.cache.rules.dates import http_date

NOW = 1_800_000_000.0
"""The time at which all answers come, in seconds since the epoch."""
MONOTONIC = 500.0
TOKEN = b"this process"


def date(seconds: float) -> str:
    """A date so many seconds from now."""
    return http_date(NOW + seconds).decode()


def pairs(**headers: str | list[str]) -> tuple[tuple[bytes, bytes], ...]:
    """Header fields; underscores in names stand for hyphens, a list for several lines."""
    return tuple(
        (name.replace("_", "-").encode(), line.encode("latin-1"))
        for name, value in headers.items()
        for line in ([value] if isinstance(value, str) else value)
    )


def answer(status: int = 200, /, **headers: str | list[str]) -> Entry:
    """An answer that came now."""
    return came(pairs(**headers), status=status)


def came(headers: tuple[tuple[bytes, bytes], ...], **others: Any) -> Entry:
    """The same, of header fields as bytes."""
    times = {"requested": NOW, "received": NOW, "stamp": (TOKEN, MONOTONIC)}
    return Entry(**{"status": 200, "headers": headers, "body": b"", **times, **others})


def shown(value: object) -> str:
    """A parameter as part of a test's name."""
    if isinstance(value, dict):
        return " ".join(f"{name}={each}" for name, each in value.items()) or "nothing"
    return str(value)
