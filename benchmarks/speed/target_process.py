"""Starts the target server in a process of its own, and asks it what it saw."""

from __future__ import annotations

import http.client
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from benchmarks.speed.target import ANNOUNCEMENT

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Target", "TargetError"]

_ROOT: Final = Path(__file__).parents[2]
_GRACE_SECONDS: Final = 5.0
_REQUESTS: Final = TypeAdapter(dict[str, int])


class TargetError(Exception):
    """The target server does not start."""


class Target:
    """The server, for as long as the block lasts."""

    def __enter__(self) -> Self:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.speed.target"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._child.stdout is not None  # noqa: S101 - it is a pipe
        line = self._child.stdout.readline()
        if not line.startswith(ANNOUNCEMENT):
            self._stop()
            raise TargetError(f"the target server does not start; it printed {line!r}")
        self.port = int(line.removeprefix(ANNOUNCEMENT))
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def url(self, path: str = "/item") -> str:
        """Return the URL of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def take_requests(self) -> dict[str, int]:
        """Return how many requests each path had since the last time, and begin again at 0."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request("GET", "/stats")
            return _REQUESTS.validate_json(connection.getresponse().read())

    def _stop(self) -> None:
        # The end of its input tells the child to go.
        try:
            self._child.communicate(timeout=_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.communicate()
