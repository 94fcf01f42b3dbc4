"""Waiting, as briefly as can be, for what another thread or process does in its own time."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 120.0
"""How long a test waits for something to happen before it says that it hangs.

No test that passes ever waits so long, also where the machine is slow and busy with other things.
"""


def eventually(
    condition: Callable[[], object], complaint: Callable[[], str] = lambda: "it never came to hold"
) -> None:
    """Return when `condition` holds; fail the test with `complaint` if it never does."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up_at, complaint()
        time.sleep(0.002)  # whoever brings it about can tell nobody here, and needs the processor
