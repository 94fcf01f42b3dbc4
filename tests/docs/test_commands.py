"""The commands in the documents exist, and those whose output is shown print it."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from doctest import ELLIPSIS, OutputChecker
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI

from examples.fastapi_app import app as example
from server.app import create_app
from server.proxy.control_app import create_control_app
from tests.docs.reading import DOCUMENTS, README, ROOT, Block, blocks

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
ASSIGNMENT = re.compile(r"[A-Z_]+=")
EXAMPLE_APPS = {
    "examples.django_shop.asgi:application",
    "examples.fastapi_app:app",
    "examples.shop:app",
    "examples.traced_app:app",
}


def _commands(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a block, each with the output shown below it."""
    starts = [found.start() for found in re.finditer(r"^\$ ", block.text, re.MULTILINE)]
    assert starts[:1] == [0], f"{block} must begin with a command"
    for start, end in pairwise([*starts, len(block.text)]):
        command, _, output = block.text[start + 2 : end].partition("\n")
        yield command, output


SHOWN = [
    pytest.param(command, output, id=f"{block}-{number}")
    for path in DOCUMENTS
    for block in blocks(path, "console")
    for number, (command, output) in enumerate(_commands(block))
]


def _run(command: str | list[str], folder: Path, **environment: str) -> str:
    """The output of a command, as seen in a terminal."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    ).stdout


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_a_command_exists(command: str, output: str, tmp_path: Path) -> None:
    """One whose output is shown is run; of the others the options are looked up."""
    if output:
        printed = _run(command, tmp_path)
        assert OutputChecker().check_output(output, printed, ELLIPSIS), printed
        return
    words = shlex.split(command)
    environment = {}
    while ASSIGNMENT.match(words[0]):
        name, _, environment[name] = words.pop(0).partition("=")
    match words[2:] if words[:2] == ["./dev", "run"] else words:
        case ["./dev", job]:
            assert f"./dev {job} " in _run(["./dev", "help"], ROOT)
        case ["pip", "install", requirement]:
            name, _, extras = requirement.rstrip("]").partition("[")
            assert name == PROJECT["name"]
            assert {"", *PROJECT["optional-dependencies"]}.issuperset(extras.split(","))
        case ["python", "-m", "uvicorn", app, *arguments]:
            assert app in EXAMPLE_APPS
            _check_options(["python", "-m", "uvicorn"], arguments)
        case ["celery" | "gunicorn" as program, *arguments]:
            pytest.importorskip(program)
            _check_options([program], arguments, **environment)
        case ["python", "-m", module, *arguments]:
            pytest.importorskip(module)
            _check_options(["python", "-m", module], arguments, **environment)
        case ["curl", *arguments]:
            _check_call(arguments)
        case ["prometheus", *arguments]:
            [file] = [each for each in arguments if each.startswith("--config.file=")]
            assert (ROOT / file.partition("=")[2]).exists()
        case _:
            pytest.fail(f"this test knows nothing of {command!r}")


def _check_options(program: list[str], arguments: list[str], **environment: str) -> None:
    """Ask the program, or its subcommand, for help, and look for the options there."""
    commands = [word for word in arguments if word.isalpha() and not word.isdigit()]
    text = _run([*program, *commands, "--help"], ROOT, **environment, NO_COLOR="1", COLUMNS="200")
    # Django's own knows no other name for itself.
    assert re.search(f"usage: ({re.escape(' '.join(program))}|__main__.py)", text, re.IGNORECASE)
    for word in arguments:
        if word.startswith("--"):
            assert word in text


def _check_call(arguments: list[str]) -> None:
    """Find the route that answers the call."""
    method = arguments[arguments.index("-X") + 1] if "-X" in arguments else "GET"
    url = urlsplit(arguments[-1])
    app = _app_behind(url.port)
    [operation] = [
        operations[method.lower()]
        for path, operations in app.openapi()["paths"].items()
        if re.fullmatch(re.sub(r"{\w+}", r"[^/]+", path), url.path)
    ]
    known = {parameter["name"] for parameter in operation.get("parameters", ())}
    asked = {pair.partition("=")[0] for pair in url.query.split("&") if pair}
    assert asked <= known


def _app_behind(port: int | None) -> FastAPI:
    """The example, the control API of the wire proxy, or else the failure server."""
    match port:
        case 8080:
            return example
        case 9001:
            return create_control_app(Mock(port=9000), upstream="127.0.0.1:8000")
        case _:
            return create_app()


def test_the_extras_are_those_listed() -> None:
    """Each with its line in the table of the README."""
    listed = re.findall(r"`resilient-http-client\[(\w+)\]`", README.read_text("utf-8"))
    assert set(listed) == set(PROJECT["optional-dependencies"])
