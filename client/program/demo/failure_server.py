"""What the demo needs of a failure server, and where it gets one.

The only module of the demo that knows the `server` package, which is imported when it is used: by
its long name, for a project may have a `server` of its own.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal, Protocol

from ...errors.urls import mask_url
from .errors import MISUSED, CannotRunError, missing

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

__all__ = ["FailureServer", "Ledger", "LedgerEntry", "open_server"]

_SERVER: Final = "resilient_http_client.server"
_START_SECONDS: Final = 120.0  # a fraction of one, but where the machine is slow and busy
_NEEDED_TO_SERVE: Final = ("fastapi", "uvicorn")


class LedgerEntry(Protocol):
    """What one request id did to the server."""

    @property
    def arrived(self) -> int:
        """How often it arrived."""
        ...

    @property
    def took_effect(self) -> int:
        """How often it changed something."""
        ...

    @property
    def bodies(self) -> tuple[str, ...]:
        """The digest of each distinct body it came with."""
        ...


class Ledger(Protocol):
    """What reached the server."""

    @property
    def requests(self) -> Mapping[str, LedgerEntry]:
        """The entries by request id."""
        ...

    @property
    def evicted(self) -> int:
        """Entries forgotten for want of room."""
        ...


class FailureServer(Protocol):
    """A failure server: its faults and its ledger."""

    @property
    def url(self) -> str:
        """Its base URL."""
        ...

    def fail_count(
        self, n: int, *, status: int = ..., when: Literal["before", "after"] = ...
    ) -> None:
        """Fail the next `n` calls, before or after they take effect."""
        ...

    def fail_duration(
        self, seconds: float, *, status: int = ..., retry_after: str | None = ...
    ) -> None:
        """Fail every call for so long."""
        ...

    def latency(self, ms: float) -> None:
        """Answer every call so much later."""
        ...

    def reset(self) -> None:
        """Switch every fault off."""
        ...

    def ledger(self) -> Ledger:
        """Return what has arrived and taken effect."""
        ...


@contextmanager
def open_server(url: str | None) -> Generator[FailureServer]:
    """Lend the failure server at `url`, faults off before and after, or a new one of our own.

    Raises:
        CannotRunError: There is none to be had, or it stops answering while it is lent.
    """
    try:
        errors = import_module(f"{_SERVER}.errors")
    except ImportError as error:
        raise missing(error.name or "server") from error
    try:
        with _new_server() if url is None else _running_server(url) as server:
            yield server
    except errors.FailureServerError as error:
        raise CannotRunError(str(error)) from error


@contextmanager
def _new_server() -> Generator[FailureServer]:
    for package in _NEEDED_TO_SERVE:
        if find_spec(package) is None:
            raise missing(package)
    testing = import_module(f"{_SERVER}.testing")
    with testing.FailureServer(subprocess=True, start_timeout=_START_SECONDS) as server:
        yield server


@contextmanager
def _running_server(url: str) -> Generator[FailureServer]:
    try:
        server: FailureServer = import_module(f"{_SERVER}.testing").RemoteServer(url)
    except ValueError as error:
        raise CannotRunError(f"--url: {error}", MISUSED) from error
    _recognise(server)
    try:
        yield server
    finally:
        server.reset()


def _recognise(server: FailureServer) -> None:
    """Read the ledger and switch the faults off, as only a failure server lets one do."""
    errors, shown = import_module(f"{_SERVER}.errors"), mask_url(server.url)
    try:
        server.ledger()
        server.reset()
    except errors.FailureServerError as error:
        raise CannotRunError(f"--url {shown} is of no use: {error}\n{_how_to_start()}") from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise CannotRunError(
            f"--url {shown} is of no use: it is not a failure server's ({error!r})\n"
            f"{_how_to_start()}"
        ) from error


def _how_to_start() -> str:
    name = import_module(_SERVER).__name__  # the short one, where it is ours
    return f"Start a failure server with: python -m {name}.main serve"
