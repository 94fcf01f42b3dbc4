"""A wire proxy in a process of its own: how it is started, and what it says of its ports."""

import re

from ..hosts.process_host import ProcessHost

COMMAND = "proxy"
ANNOUNCEMENT = re.compile(
    r"Wire proxy listening on .+:(\d+) for .+, control API on http://.+:(\d+)$"
)


def announcement(address: str, upstream: str, control_url: str) -> str:
    """Return the line that `ANNOUNCEMENT` finds."""
    return f"Wire proxy listening on {address} for {upstream}, control API on {control_url}"


def proxy_process(upstream: str, *, port: int, control_port: int, seed: int) -> ProcessHost:
    """Start `python -m server.main proxy` as a child process that never outlives this one."""
    command = (
        *(COMMAND, f"--upstream={upstream}"),
        *(f"--control-port={control_port}", f"--seed={seed}"),
    )
    return ProcessHost(port, command=command, announcement=ANNOUNCEMENT, server="wire proxy")
