"""A server in a process of its own, started from this one and never outliving it."""

import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from ..errors import FailureServerError

COMMAND = "serve"
ANNOUNCEMENT = re.compile(r"Failure server listening on http://.+:(\d+)$")
OUTPUT_LINES = 100  # of what the child printed last, for the error that repeats it
GRACE_SECONDS = 2.0  # for each way of asking the child to end

# The child looks for modules where this process does, and by a name that nobody else has: many a
# project has a `server` of its own.
BOOT = (
    "import sys; sys.path[:] = {path!r}; "
    "from resilient_http_client.server.main import main; sys.exit(main({argv!r}))"
)


class ProcessHost:
    """Runs `python -m server.main` as a child process, `serve` unless told otherwise.

    The child ends when the pipe to its standard input closes, and also when this process dies
    without a word, whoever it has forked holds the pipe then.

    Args:
        port: The port to serve; 0 lets the child take a free one.
        command: The command and its further arguments.
        announcement: The line that says where the child listens, with the port in its first
            group.
        server: What it is, for errors to say.
    """

    def __init__(
        self,
        port: int,
        *,
        command: Sequence[str] = (COMMAND,),
        announcement: re.Pattern[str] = ANNOUNCEMENT,
        server: str = "failure server",
    ) -> None:
        ends = ["--stop-on-eof", f"--stop-with={os.getpid()}"]
        argv = [*command, "--port", str(port), *ends]
        self._announcement = announcement
        self._server = server
        self._owner = os.getpid()
        self._child = subprocess.Popen(  # noqa: S603 - this interpreter, this package
            [sys.executable, "-c", BOOT.format(path=sys.path, argv=argv)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        self._output: deque[str] = deque(maxlen=OUTPUT_LINES)
        self._announced: re.Match[str] | None = None
        self._heard = threading.Event()  # the announcement, or the end of the output
        self._reader = threading.Thread(
            target=self._read, name="failure-server-output", daemon=True
        )
        self._reader.start()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def wait_for_port(self, timeout: float) -> int:
        """Return the port that the child listens on, as soon as it does.

        Raises:
            FailureServerError: If the child ends, or `timeout` seconds pass, before that; says
                what the child printed.
        """
        return int(self.wait_for_announcement(timeout)[1])

    def wait_for_announcement(self, timeout: float) -> re.Match[str]:
        """Return what the child says of where it listens, as soon as it does.

        Raises:
            FailureServerError: As `wait_for_port` does.
        """
        heard = self._heard.wait(timeout)
        if self._announced is not None:
            return self._announced
        fate = self._fate() if heard else f"does not listen after {timeout:g} s"
        printed = "\n".join(self._output) or "(nothing)"
        raise FailureServerError(f"the {self._server}'s process {fate}; it printed:\n{printed}")

    def stop(self) -> None:
        """End the child: by closing its input or, if that is not enough, by force.

        A process that was forked off leaves it alone: it is its parent's, and so is the thread
        that holds its output.
        """
        if os.getpid() != self._owner:
            return
        stdin, stdout = self._child.stdin, self._child.stdout
        assert stdin is not None  # noqa: S101 - it is a pipe
        assert stdout is not None  # noqa: S101 - likewise
        for ask in (stdin.close, self._child.terminate, self._child.kill):
            ask()
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(GRACE_SECONDS)
                break
        self._reader.join(GRACE_SECONDS)
        stdout.close()

    def _fate(self) -> str:
        try:
            return f"ended with status {self._child.wait(GRACE_SECONDS)}"
        except subprocess.TimeoutExpired:
            return "closed its output"

    def _read(self) -> None:
        for line in self._child.stdout or ():
            self._output.append(line.rstrip())
            if announced := self._announcement.search(line):
                self._announced = announced
                self._heard.set()
        self._heard.set()
