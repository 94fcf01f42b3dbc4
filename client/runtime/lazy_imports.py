"""Packages that are imported at their first use: importing them costs time, or they are extras."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["require", "require_http2"]


def require(package: str) -> None:
    """Say now, rather than in the middle of a call, that a package is missing.

    Raises:
        ModuleNotFoundError: It cannot be found, as if it were imported here.
    """
    if find_spec(package) is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)


def require_http2() -> None:
    """Say now, rather than when a server chooses HTTP/2, that its extra is missing.

    Raises:
        ImportError: It is not installed.
    """
    if find_spec("h2") is None:
        raise ImportError(
            "http2=True needs the package h2: pip install 'resilient-http-client[http2]'"
        )
