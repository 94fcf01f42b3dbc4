"""Describes the machine, by what the numbers depend on and nothing that names it."""

from __future__ import annotations

import os
import platform

from benchmarks.speed.findings import Machine

__all__ = ["describe_machine"]


def describe_machine() -> Machine:
    """Return its cores, its Python and its kind of system."""
    return Machine(
        cores=len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=platform.system(),
    )
