"""The real tools that patch httpx beside the client: arguments are kept, attempts are seen once."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.docs.reading import table
from tests.neighbours.faces import FACES, Face

ROOT = Path(__file__).parents[2]
BEFORE, AFTER, LAST = "before our import", "after our import", "after the client was made"
EVERY = [503, 200]
SEES_SENDS = {"sentry-sdk", "unittest.mock"}
SEES_TRANSPORTS = {"opentelemetry", "vcrpy"}
ANSWERS = {"respx", "respx, using httpx", "pytest-httpx"}
"""Those that answer in the server's place; none of them knows httpx2."""
MODULES = {
    "sentry-sdk": "sentry_sdk",
    "opentelemetry": "opentelemetry.instrumentation.httpx",
    "opentelemetry, one client": "opentelemetry.instrumentation.httpx",
    "vcrpy": "vcr",
    "respx": "respx",
    "respx, using httpx": "respx",
    "pytest-httpx": "pytest_httpx",
    "unittest.mock": "unittest.mock",
}
RUNS = [
    *((tool, when) for tool in MODULES for when in (BEFORE, AFTER)),
    *((tool, LAST) for tool in ("sentry-sdk", "opentelemetry", "respx")),
]


def expected(tool: str, face: Face) -> list[int]:
    """The statuses that a tool sees of a call that is answered 503 and then 200."""
    if tool in ANSWERS and face.family == "httpx2":
        return []
    if tool in SEES_SENDS:
        return [200] if face.name == "transport" else EVERY  # our transport is within one send
    if tool == "respx, using httpx":
        return [503] if face.name == "transport" else EVERY  # it stands in our transport's place
    if tool == "opentelemetry, one client":
        inside = {"drop_in": EVERY, "transport": [200]}  # our transport is within its one
        return inside.get(face.name, [])
    return [] if face.backend == "aiohttp" else EVERY


@pytest.fixture(scope="module")
def seen() -> dict[tuple[str, str], Any]:
    """What came of a call through each face, for each tool and time."""
    return told_by("program", RUNS)


def told_by(program: str, runs: list[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    """What a program of this folder tells of each run whose tool is installed."""
    installed = [each for each in runs if is_installed(MODULES[each[0]])]
    done = subprocess.run(
        [sys.executable, "-m", f"tests.neighbours.{program}", json.dumps(installed)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = map(json.loads, done.stdout.splitlines())
    return {(tool, when): found for tool, when, found in lines}


def is_installed(module: str) -> bool:
    """Whether a tool is there."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor is the package that would hold it
        return False


@pytest.mark.parametrize(("tool", "when"), RUNS)
def test_each_attempt_is_seen_once(seen: dict[tuple[str, str], Any], tool: str, when: str) -> None:
    """By each tool as far as it looks; what it answers for does not reach the server."""
    if not is_installed(MODULES[tool]):
        pytest.skip(f"{tool} is not installed")
    wanted = {}
    for face in FACES:
        statuses = expected(tool, face)
        is_answered = tool in ANSWERS and bool(statuses)
        wanted[str(face)] = {
            "status": statuses[-1] if is_answered else 200,
            "by_tool": statuses,
            "arrived": 0 if is_answered else 2,
            "doubled": [],
        }
    assert seen[tool, when] == wanted


def test_what_the_fast_backend_goes_past_is_what_usage_says() -> None:
    """The table names each tool, and whether it sees calls over aiohttp."""
    said = {
        tool.strip("`"): (fast, second)
        for tool, _, fast, second in table("Beside tools that patch httpx", "tool")
    }
    assert said.pop("ddtrace") == ("yes", "no")  # by its source; it is not installed here
    sees = {True: "yes", False: "no"}
    fast = Face("drop_in", "async", "httpx", "aiohttp")
    second = Face("drop_in", "async", "httpx2", "httpx")
    assert said == {
        tool: (sees[bool(expected(tool, fast))], sees[bool(expected(tool, second))])
        for tool in MODULES
    }
