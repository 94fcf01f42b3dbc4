"""What a user of the failure server can meet, each error naming its cure."""

from importlib.util import find_spec


class FailureServerError(RuntimeError):
    """The failure server cannot be started, does not run, or does not answer."""


class LedgerIncompleteError(FailureServerError):
    """The ledger has evicted request ids and no longer proves anything."""


class ListenError(FailureServerError):
    """The server cannot listen on the port it was given."""


class BadHostError(ListenError):
    """The host it was given is no address of this machine."""


class BadAppError(FailureServerError, ValueError):
    """The app that the server is to stand in front of is none, or cannot be found."""


class MissingExtraError(FailureServerError, ImportError):
    """A package of the `server` extra is not installed."""


def require_server_extra(what: str = "the failure server") -> None:
    """Check, without importing them, that the packages of the `server` extra are there.

    Args:
        what: What needs them.

    Raises:
        MissingExtraError: If one is not; names it, and the cure.
    """
    for package in ("fastapi", "uvicorn"):
        if find_spec(package) is None:
            raise MissingExtraError(
                f"{what} needs {package!r}, which is not installed; "
                "run: pip install 'resilient-http-client[server]'"
            )
