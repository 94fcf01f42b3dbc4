"""Our traces and metrics beside the real tools: one CLIENT span an attempt, measured once."""

from typing import Any

import pytest

from tests.neighbours.faces import FACES, Face
from tests.neighbours.test_tools import AFTER, BEFORE, MODULES, is_installed, told_by

RUNS = [
    *((tool, when) for tool in ("opentelemetry", "sentry-sdk") for when in (BEFORE, AFTER)),
    ("opentelemetry, one client", AFTER),
]
BOTH = [503, 200]


@pytest.fixture(scope="module")
def seen() -> dict[tuple[str, str], Any]:
    """What came of a call through each face, for each tool and time."""
    return told_by("traced", RUNS)


def by_tool(tool: str, face: Face) -> list[int]:
    """What a tool sees: Sentry goes on by itself, the other leaves what we see alone."""
    if tool != "sentry-sdk":
        return []
    return [200] if face.name == "transport" else BOTH  # our transport is within one send


@pytest.mark.parametrize(("tool", "when"), RUNS)
def test_each_attempt_has_one_client_span(
    seen: dict[tuple[str, str], Any], tool: str, when: str
) -> None:
    """Ours, which its request carries; over aiohttp likewise."""
    if not is_installed(MODULES[tool]):
        pytest.skip(f"{tool} is not installed")
    wanted = {
        str(face): {
            "status": 200,
            "by_us": BOTH,
            "by_tool": by_tool(tool, face),
            "resend": [None, 1],
            "versions": ["1.1", "1.1"],
            "is_carried": True,
            "measured": 2,
        }
        for face in FACES
        if face.name != "function"
    }
    if tool == "opentelemetry, one client":  # goes around our transport: its span is the one
        around = {
            "by_us": [],
            "by_tool": [200],
            "resend": [],
            "versions": [],
            "is_carried": False,
            "measured": 1,
        }
        wanted |= {
            str(face): {**wanted[str(face)], **around} for face in FACES if face.name == "transport"
        }
    assert seen[tool, when] == wanted
