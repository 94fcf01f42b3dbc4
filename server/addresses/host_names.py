"""Names of hosts, as a `Host` header has them."""

import re

__all__ = ["BadHostNameError", "bare", "check_host_name"]

_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")


class BadHostNameError(ValueError):
    """Not a name that a `Host` header can have."""


def check_host_name(name: str) -> str:
    """Return a host's name as it is compared.

    Raises:
        BadHostNameError: It is no name, or has a scheme, a port or a path.
    """
    if not _NAME.fullmatch(name):
        raise BadHostNameError(
            f"{name!r} is not the name of a host: give one without scheme, port and path, "
            "such as failure-server"
        )
    return bare(name)


def bare(name: str) -> str:
    """Return a name as it is compared: case and a last dot mean nothing."""
    return name.lower().removesuffix(".")
