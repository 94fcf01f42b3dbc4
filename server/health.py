"""What a server says of itself."""

from importlib import metadata
from typing import TypedDict


class Health(TypedDict):
    """What `GET /health` answers."""

    status: str
    """Always "ok"."""
    version: str
    """The installed version of the distribution."""
    uptime_seconds: float
    """Seconds since the server was made."""


def installed_version() -> str:
    """Return the version of the distribution, `unknown` in a checkout not installed."""
    try:
        return metadata.version("resilient-http-client")
    except metadata.PackageNotFoundError:
        return "unknown"
