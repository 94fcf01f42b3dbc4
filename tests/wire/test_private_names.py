"""A library that has lost a private name: an error, or a warning, and never silence."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from typing import Any

import pytest

from client.errors import httpcore_names, httpx_names
from client.errors.private_names import PrivateName
from client.transports.aiohttp import aiohttp_names
from client.transports.http2 import h2_names
from client.transports.httpcore import anyio_names

pytestmark = pytest.mark.any_python


def first_in(place: str, names: Sequence[PrivateName]) -> PrivateName:
    """Return the first vital name of a place."""
    return next(each for each in names if each.is_vital and each.place == place)


_TRANSPORTS = [PrivateName("HTTPTransport", httpx_names._POOL, httpx_names._POOLS)]
ALWAYS = {each.name for each in httpcore_names._NAMES}
TABLES = {
    ("facade", "httpx"): (*httpx_names._NAMES, *_TRANSPORTS),
    ("facade", "httpcore"): httpcore_names._NAMES,
    ("facade", "anyio"): anyio_names._NAMES,
    ("http2", "httpcore"): [each for each in httpcore_names._OF_HTTP2 if each.name not in ALWAYS],
    ("http2", "h2"): h2_names._NAMES,
    ("fast", "aiohttp"): aiohttp_names._NAMES,
    ("fast", "httpx"): (httpx_names._PROXIES,),
}
CASES = {
    (use, library + second, each.name): each
    for (use, library), names in TABLES.items()
    for second in ("", "2")[: 2 if library.startswith("http") else 1]
    for each in sorted(names, key=lambda each: each.is_vital)  # that it is vital counts
    if httpcore_names._SOCKS not in each.place  # not installed here: see tests/unit/errors
    # They are looked for in both families alike: vital ones of the second, one in each place.
    if not (second and each.is_vital) or each is first_in(each.place, names)
}


class Handler(BaseHTTPRequestHandler):
    """Answers everything."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits for the acknowledgement of its head

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        """Read the body, and answer."""
        length = self.headers["Content-Length"]
        if length is not None:
            self.rfile.read(int(length))
        else:
            while self.rfile.readline() != b"0\r\n":
                pass
            self.rfile.readline()
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called there
        """Write nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where a server listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


FACES = [("httpcore", "_network_backend"), ("httpx", "_pool"), ("httpx", "_mounts")]
NOBODY_S = "_no_such_name"
UNHARMED = list(product(("facade", "http2", "fast"), ("httpx", "httpx2")))
Outcomes = dict[tuple[str, str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def outcomes(url: str, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What is said for each use, library and name, all of them in one run."""
    # What is compiled once serves all, also where nothing may be left beside the sources.
    folder = str(tmp_path_factory.mktemp("compiled"))
    compiling = {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
    cases = [*CASES, *(("faces", *each) for each in FACES)]
    cases += [(*each, NOBODY_S) for each in UNHARMED]
    done = subprocess.run(
        [sys.executable, "-m", "tests.wire.renaming", url, json.dumps(cases)],
        env={**os.environ, **compiling},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = map(json.loads, done.stdout.splitlines())
    return {(use, library, name): said for use, library, name, said in lines}


@pytest.mark.parametrize(("use", "library", "name"), sorted(CASES))
def test_a_lost_name_is_told_of(outcomes: Outcomes, use: str, library: str, name: str) -> None:
    """A vital one by an error; any other by one warning, and calls are made without it."""
    expected, found = CASES[use, library, name], outcomes[use, library, name]
    said = found["error"] if expected.is_vital else found["warnings"][0][1]
    assert said.startswith(f"{library} ")
    assert f"{expected.place or library}.{name}" in said
    assert f"without it {expected.lost}" in said
    assert "pip install '" in said
    if not expected.is_vital:
        assert found["error"] is None
        assert [each[::2] for each in found["warnings"]] == [["WeakenedProtectionWarning", True]]
        assert set(found["statuses"]) == {200}


@pytest.mark.parametrize(("library", "name"), FACES)
def test_every_face_says_so(outcomes: Outcomes, library: str, name: str) -> None:
    """The facade, the drop-in clients and transports, and the functions; each every time."""
    assert outcomes["faces", library, name]["statuses"] == [1] * 8 * 2


@pytest.mark.parametrize(("use", "library"), UNHARMED)
def test_nothing_is_said_of_what_is_there(outcomes: Outcomes, library: str, use: str) -> None:
    """Where a name is renamed that nobody has, calls are made without an error or a warning."""
    found = outcomes[use, library, NOBODY_S]
    assert (found["error"], found["warnings"], set(found["statuses"])) == (None, [], {200})
