"""The table of variables in environment.md, from the models and the tables of configuration.md.

`python -m tests.docs.variables` writes it anew; `test_variables.py` fails where it is not that.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from client import ClientConfig
from client.config.environment_names import Setting, is_only_in_code, settings_by_variable
from tests.docs.reading import ROOT, table

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["FILE", "HEAD", "PREFIX", "rows"]

FILE = ROOT / "docs/reference/environment.md"
PREFIX = "RESILIENT_CLIENT_"
# What only code can give, and what is written otherwise.
IN_A_VARIABLE = {
    ", a `Backoff`, a tenacity wait": "",
    "a list of `Endpoint`, of URLs or of dicts; a function of one; or None": (
        "a list of URLs or of JSON objects of the settings of an `Endpoint`, or `null`"
    ),
    ", also as dicts; one at least": ", as JSON objects; one at least",
    "or None": "or `null`",
    "`None`": "`null`",
    "`True`": "`true`",
    "`False`": "`false`",
    "`{408, 429, *range(500, 600)}`": "408, 429, 500 to 599",
    '`frozenset({"GET", "HEAD", "OPTIONS"})`': "GET, HEAD, OPTIONS",
    '`f"resilient-http-client/{__version__}"`': "`resilient-http-client/` and the version",
    '`""`': "",
}
HEAD = "| variable | default | allowed |\n|---|---|---|\n"


def rows() -> str:
    """The rows, in the order of the models."""
    return "".join(f"| `{name}` | {default} | {allowed} |\n" for name, default, allowed in _cells())


def _cells() -> Iterator[tuple[str, str, str]]:
    for name, setting in settings_by_variable(ClientConfig, PREFIX).items():
        if is_only_in_code(setting):
            continue
        _, default, allowed, *_ = _stated(setting)
        if setting.part is None:
            yield name, _as_written(default), _as_written(allowed)
        elif setting.can_be_off:
            state = "off" if default == "`None`" else "on"
            yield name, state, "`null` for off, `{}` for on, or a JSON object of its settings"


def _as_written(cell: str) -> str:
    """What a cell says in Python, as a variable says it."""
    for python, text in IN_A_VARIABLE.items():
        cell = cell.replace(python, text)
    return re.sub(r'`"([^"]+)"`', r"`\1`", cell)


def _stated(setting: Setting) -> list[str]:
    """The row of a setting in configuration.md."""
    *path, last = setting.path.split(".")
    model: type[BaseModel] = ClientConfig
    for step in path:
        part = settings_by_variable(model, "")[step.upper()].part
        assert part is not None
        model = part
    [row] = [row for row in table(model.__name__, "setting") if row[0] == f"`{last}`"]
    return [*row]


if __name__ == "__main__":
    before, _, behind = FILE.read_text("utf-8").partition(HEAD)
    rest = "".join(line for line in behind.splitlines(keepends=True) if not line.startswith("| `"))
    FILE.write_text(f"{before}{HEAD}{rows()}{rest}", "utf-8")
