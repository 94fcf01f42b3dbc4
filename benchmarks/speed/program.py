"""The command line: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.speed.findings import Findings
from benchmarks.speed.goals import judge
from benchmarks.speed.plan import MAX_ROUNDS, ON_DEMAND, SECTIONS, Plan
from benchmarks.speed.results import write_results
from benchmarks.speed.run import run
from benchmarks.speed.target_process import TargetError
from benchmarks.speed.terminal import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

FAILED: Final = 1
INTERRUPTED: Final = 130
"""As shells report a process that an interrupt ended: 128 and the number of the signal."""
_ALL: Final = (*SECTIONS, *ON_DEMAND)
_HOME: Final = Path(__file__).parents[1]
DEFAULT_OUT: Final = _HOME / "out"


def main(argv: Sequence[str] | None = None) -> int:
    """Make a run, print it and write it; return the exit status.

    A goal that is missed is no failure of the run: the table of goals says so.

    Args:
        argv: The arguments; those of the process by default.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.write_results and not _is_whole(arguments):
        parser.error("--write-results needs a whole run: without --quick and --sections")
    try:
        findings = _findings(arguments)
        print("", *describe(findings), "", sep="\n")
        written = write(findings, arguments.out)
        if arguments.write_results:
            written += write_results(findings, _HOME)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except (TargetError, OSError) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return FAILED
    print(*(f"written: {path}" for path in written), sep="\n")
    return 0


def _findings(arguments: argparse.Namespace) -> Findings:
    """Measure what is asked for, and take the rest from an earlier run where one is given."""
    earlier: Findings | None = arguments.again
    if earlier is not None and arguments.sections is None:
        return earlier
    new = run(_plan(arguments), _say)
    if earlier is None:
        return new
    found = {each.key: each for each in (*earlier.sections, *new.sections)}
    sections = tuple(found[key] for key in _ALL if key in found)
    return new.model_copy(
        update={"sections": sections, "goals": judge(sections), "rounds": earlier.rounds}
    )


def write(findings: Findings, folder: Path) -> list[Path]:
    """Write the numbers and the pictures, and return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = folder / "benchmarks.json"
    findings.write(numbers)
    if find_spec("matplotlib") is None:
        print("no pictures: they need matplotlib, of the dependency group `bench`")
        return [numbers]
    from benchmarks.speed.plots import draw  # noqa: PLC0415 - it need not be there

    return [numbers, *draw(findings, folder)]


def _say(text: str) -> None:
    print(text, flush=True)


def _plan(arguments: argparse.Namespace) -> Plan:
    sections = arguments.sections or SECTIONS
    if arguments.quick:
        return Plan.quick(sections, arguments.rounds)
    return Plan(sections=sections, rounds=arguments.rounds or Plan().rounds)


def _is_whole(arguments: argparse.Namespace) -> bool:
    earlier: Findings | None = arguments.again
    if earlier is not None:
        keys = {*(each.key for each in earlier.sections), *(arguments.sections or ())}
        return keys >= set(SECTIONS) and not (arguments.quick or earlier.is_quick)
    return not arguments.quick and arguments.sections in {None, SECTIONS}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures what a protected call costs, beside the same call unprotected and "
        "beside other libraries, in turns, and prints medians and ratios. Loopback only.",
        epilog="Exit status: 0 when the run came to its end, whatever it found. "
        "See also benchmarks.soak and benchmarks.deadlines.",
    )
    parser.add_argument(
        "--sections",
        type=_sections,
        metavar="A,B",
        help=f"what is measured, of {', '.join(_ALL)}; default all but {', '.join(ON_DEMAND)}",
    )
    parser.add_argument(
        "--rounds",
        type=_rounds,
        metavar="N",
        help=f"how often each batch is run, 1 to {MAX_ROUNDS:,}; default 10, 2 with --quick",
    )
    parser.add_argument(
        "--quick", action="store_true", help="fewer of everything: whether it works, not how fast"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=DEFAULT_OUT,
        metavar="DIR",
        help="where benchmarks.json and the pictures are written; default benchmarks/out",
    )
    parser.add_argument(
        "--again",
        type=_earlier_run,
        metavar="FILE",
        help="report once more on the run that this benchmarks.json is of; measure nothing, or "
        "the --sections anew",
    )
    parser.add_argument(
        "--write-results",
        action="store_true",
        help="also write benchmarks/RESULTS.md and its pictures, from this run",
    )
    return parser


def _earlier_run(text: str) -> Findings:
    try:
        read = Findings.read(Path(text))
    except (OSError, ValueError):
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be read: give the benchmarks.json of an earlier run"
        ) from None
    # By the goals of today, as the words are those of today.
    return read.model_copy(update={"goals": judge(read.sections)})


def _sections(text: str) -> tuple[str, ...]:
    chosen = text.split(",")
    for name in chosen:
        if name not in _ALL:
            raise argparse.ArgumentTypeError(
                f"{name!r} is no section: give one or more of {','.join(_ALL)}"
            )
    return tuple(name for name in _ALL if name in chosen)


def _rounds(text: str) -> int:
    # The length first: thousands of digits are no number that anybody means.
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_ROUNDS))
    if not is_number or not 1 <= int(text) <= MAX_ROUNDS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not allowed: give a whole number from 1 to {MAX_ROUNDS:,}"
        )
    return int(text)
