"""The command line of the soak."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.soak.picture import draw
from benchmarks.soak.plan import MAX_CALLERS, MAX_MINUTES, MIN_CALLERS, MIN_MINUTES, Plan
from benchmarks.soak.report import ProgressLines, describe
from benchmarks.soak.run import soak
from server.testing import FailureServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.soak.findings import Findings

__all__ = ["main"]

FAILED: Final = 1
INTERRUPTED: Final = 130
"""As shells report a process that an interrupt ended: 128 and the number of the signal."""
MAX_SEED: Final = 2**31 - 1
DEFAULT_OUT: Final = Path(__file__).parents[1] / "out"


def main(argv: Sequence[str] | None = None) -> int:
    """Make a run and return the exit status: 0 if nothing was lost, doubled or leaked.

    Args:
        argv: The arguments; those of the process by default.
    """
    arguments = _parser().parse_args(argv)
    plan = Plan(
        minutes=arguments.minutes,
        seed=arguments.seed,
        callers=arguments.callers,
        sync=arguments.sync,
    )
    progress = ProgressLines(sys.stdout, plan)
    try:
        findings = asyncio.run(soak(plan, progress))
        progress.end()
        written = write(findings, arguments.out)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except TimeoutError:
        print("FAILED: the run hangs, and was given up", file=sys.stderr)
        return FAILED
    except (FailureServerError, OSError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return FAILED
    print("", *describe(findings), *(f"written: {path}" for path in written), sep="\n")
    return findings.verdict.exit_status


def write(findings: Findings, folder: Path) -> tuple[Path, Path]:
    """Write the numbers and the picture, and return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers, picture = folder / "soak.json", folder / "soak.svg"
    numbers.write_text(json.dumps(findings.to_json(), indent=1) + "\n", encoding="utf-8")
    picture.write_text(draw(findings), encoding="utf-8")
    return numbers, picture


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description="Calls the bundled failure server through the wire proxy, under mixed faults, "
        "an outage, a recovery and an idle time, and counts what was lost, doubled or leaked.",
        epilog="Exit status: 0 if nothing was lost, doubled, unclassified or leaked and the "
        "outage was held; 1 otherwise. Loopback only.",
    )
    parser.add_argument(
        "--minutes",
        type=_minutes,
        default=8.0,
        help=f"length of the run, {MIN_MINUTES:g} to {MAX_MINUTES:g}; default 8",
    )
    parser.add_argument(
        "--callers",
        type=_callers,
        default=48,
        help=f"concurrent callers, {MIN_CALLERS} to {MAX_CALLERS}; default 48",
    )
    parser.add_argument(
        "--seed", type=_seed, default=1, help="where chance begins, a whole number; default 1"
    )
    parser.add_argument(
        "--sync",
        action="store_true",
        help="only threads with SyncResilientClient; by default they are a quarter of the callers",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=DEFAULT_OUT,
        metavar="DIR",
        help="where soak.json and soak.svg are written; default benchmarks/out",
    )
    return parser


def _minutes(text: str) -> float:
    allowed = f"{text!r} is not allowed: give minutes from {MIN_MINUTES:g} to {MAX_MINUTES:g}"
    try:
        minutes = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(allowed) from None
    if not math.isfinite(minutes) or not MIN_MINUTES <= minutes <= MAX_MINUTES:
        raise argparse.ArgumentTypeError(allowed)
    return minutes


def _callers(text: str) -> int:
    return _whole_number(text, MIN_CALLERS, MAX_CALLERS)


def _seed(text: str) -> int:
    return _whole_number(text, 0, MAX_SEED)


def _whole_number(text: str, low: int, high: int) -> int:
    allowed = f"{text!r} is not allowed: give a whole number from {low} to {high}"
    # The length first: thousands of digits are no number that anybody means.
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(high))
    if not is_number or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(allowed)
    return int(text)
