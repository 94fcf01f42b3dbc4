"""The types of `client/` say what things are: `Any` stands where nothing better can be said."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_python

CLIENT = Path(__file__).parent.parent / "client"
# They look up what other libraries do not show, and have no types for it.
OF_PRIVATE_NAMES = (
    "errors/httpcore_names.py",
    "errors/httpx_names.py",
    "errors/private_names.py",
    "transports/aiohttp/aiohttp_names.py",
    "transports/http2/h2_names.py",
    "transports/httpcore/anyio_names.py",
)
MOST_IN_A_THOUSAND_LINES = 13


def count(path: Path) -> tuple[int, int]:
    """How often a module says `Any`, casts and texts included, and its lines."""
    lines = path.read_text("utf-8").splitlines()
    said = [line for line in lines if not line.lstrip().startswith("from typing import")]
    return sum(len(re.findall(r"\bAny\b", line)) for line in said), len(lines)


def test_any_is_rare() -> None:
    """Where nothing is known, `object` says so, and type checkers look what is done with it."""
    paths = {path.relative_to(CLIENT).as_posix(): path for path in CLIENT.rglob("*.py")}
    assert set(OF_PRIVATE_NAMES) <= set(paths)
    counted = {name: count(paths[name]) for name in paths.keys() - set(OF_PRIVATE_NAMES)}
    said, lines = (sum(column) for column in zip(*counted.values(), strict=True))
    first = sorted(counted, key=lambda name: counted[name][0], reverse=True)[:10]
    assert said * 1000 <= MOST_IN_A_THOUSAND_LINES * lines, (said, lines, first)


def test_what_is_counted(tmp_path: Path) -> None:
    """Annotations and casts, and no import."""
    module = tmp_path / "module.py"
    text = (
        'from typing import Any, cast\n\na: Any = 1\nb = cast("dict[Any, Any]", a)\nManyAnys = 2\n'
    )
    module.write_text(text, "utf-8")
    assert count(module) == (3, 5)
