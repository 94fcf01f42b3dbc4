"""`resilient_http_client.client` and `.server`: ours, whatever else is called `client` or `server`.

Each test runs a program in a project of its own, with the distribution reachable behind it: as a
clone, or laid out as the wheel has it.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMES = ("client", "server")


def clone(_: Path) -> Path:
    """Return the folder in which the distribution is found: this one."""
    return ROOT


def wheel(folder: Path) -> Path:
    """Return a folder that looks like one in which the wheel is installed.

    It is one for all tests, so that its modules are compiled but once.
    """
    site = folder.parent / "site"
    if site.exists():
        return site
    package = site / "resilient_http_client"
    package.mkdir(parents=True)
    for module in (ROOT / "resilient_http_client").glob("*.py"):
        (package / module.name).symlink_to(module)
    for name in NAMES:
        for place in (site, package):  # as hatch_build.py says
            (place / name).symlink_to(ROOT / name)
    return site


Layout = Callable[[Path], Path]
both_layouts = pytest.mark.parametrize("layout", [clone, wheel])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a `client` and a `server` that are not ours."""
    for name in NAMES:
        (tmp_path / "project" / name).mkdir(parents=True)
        (tmp_path / "project" / name / "__init__.py").write_text("MINE = True\n")
    return tmp_path / "project"


def run(distribution: Path, folder: Path, *arguments: str) -> str:
    """Run Python in a folder, which it searches first, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.fspath(distribution)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


IMPORTS = {
    "long first": "import resilient_http_client.client.exceptions, client.exceptions",
    "short first": "import client.exceptions, resilient_http_client.client.exceptions",
    "long from": "from resilient_http_client import client as ours; import client",
}
SAME = """
import pickle, sys
from importlib import import_module
import client
import resilient_http_client.client as ours
from resilient_http_client.client import httpx2
from resilient_http_client.client.exceptions import MyAPIError
from resilient_http_client.server.testing import FailureServer
import resilient_http_client.client.httpx2, client.httpx2, server.testing

assert ours is client and httpx2 is client.httpx2
assert MyAPIError is client.MyAPIError is ours.MyAPIError
assert client.__spec__.name == client.__name__ == "client"
assert client.exceptions.__spec__.name == "client.exceptions"
assert FailureServer is server.testing.FailureServer
long = [name for name in sys.modules if name.startswith(("resilient_http_client.client",
                                                         "resilient_http_client.server"))]
assert len(long) == 5, long
for name in long:
    assert sys.modules[name] is sys.modules[name.partition(".")[2]], name
try:
    import resilient_http_client.client.nothing
except ModuleNotFoundError as error:
    assert error.name == "resilient_http_client.client.nothing"
else:
    raise AssertionError
"""


@pytest.mark.parametrize(
    ("order", "layout"), [("long first", clone), ("short first", wheel), ("long from", clone)]
)
def test_where_the_short_name_is_ours_both_are_the_same(
    order: str, layout: Layout, tmp_path: Path
) -> None:
    """Whichever was imported first: there is one class of each error, one of each module."""
    run(layout(tmp_path), tmp_path, "-c", f"{IMPORTS[order]}\n{SAME}")


SHADOWED = """
import asyncio, pickle, sys
import httpx, httpx2
import client, server
import resilient_http_client.client as ours
import resilient_http_client.client.httpx2
from resilient_http_client.client import Client, ClientConfig, MyAPIError, ResilientClient
from resilient_http_client.server.testing import FailureServer, WireProxy

assert client.MINE and server.MINE
assert not any(name.startswith(("client.", "server.")) for name in sys.modules)
assert ours.__name__ == "resilient_http_client.client"
assert ours.exceptions.MyAPIError is MyAPIError
assert MyAPIError.__module__ == "resilient_http_client.client.exceptions"
assert repr(Client()) == "Client('default', open)"


async def call(kind, url):
    async with kind(ClientConfig(base_url=url, retry=None)) as facade:
        assert (await facade.get("/msg")).status_code == 200
        try:
            await facade.get("/nowhere")
        except ours.NotFoundError as error:
            return error


with FailureServer() as here, FailureServer(subprocess=True) as elsewhere:
    with WireProxy(here.url, subprocess=True) as near, WireProxy(elsewhere.url) as far:
        for url in (near.url, far.url):
            for kind in (ResilientClient, ours.httpx2.ResilientClient):
                error = pickle.loads(pickle.dumps(asyncio.run(call(kind, url))))
                assert type(error) is ours.NotFoundError, error
            for drop_in in (Client, ours.httpx2.Client):
                with drop_in() as http:
                    assert http.get(f"{url}/msg").status_code == 200
    here.fail_count(1)
    assert ours.get_with_automatic_retry(f"{here.url}/msg", backoff_factor=0).status_code == 200
    assert here.ledger().arrived == 4 + 2


other = ours.httpx2.ResilientTransport(httpx2.HTTPTransport())
given = (lambda: Client(transport=other), lambda: httpx.Client(transport=other).get("http://a"))
for refused in given:
    try:
        refused()
    except TypeError as error:
        print(error)
"""


@both_layouts
def test_where_another_comes_first_ours_works_under_the_long_name(
    layout: Layout, project: Path, tmp_path: Path
) -> None:
    """Facade, drop-ins, httpx2, pickled errors, servers in threads and processes, error texts."""
    printed = run(layout(tmp_path), project, "-c", SHADOWED)
    ours = "resilient_http_client.client.ResilientTransport"
    first, second = printed.splitlines()
    assert first == f"transport is a {ours}, but this client is of httpx: give {ours}"
    assert second.endswith(f"is of httpx2, but the client it is in is of httpx: give that {ours}")


RAISED_BELOW = """
import asyncio, socket
from resilient_http_client.client import APINetworkError, ClientConfig, ResilientClient
from resilient_http_client.client.errors.raised_below import origin_of_error

RETRY = {"max_attempts": 2, "min_wait_seconds": 0, "max_wait_seconds": 0}


async def place_of(backend):
    config = ClientConfig(base_url=url, retry=RETRY, backend=backend)
    async with ResilientClient(config) as facade:
        try:
            await facade.get("/")
        except APINetworkError as error:
            return error.attempts, origin_of_error(error.__cause__).place.name


with socket.socket() as closed:
    closed.bind(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for backend in ("httpx", "aiohttp"):
        assert asyncio.run(place_of(backend)) == (2, "CONNECTING"), backend
"""


def test_tracebacks_are_read_under_the_long_name(project: Path) -> None:
    """Frames of ours are known for ours: a refused connection is no doing of the caller's."""
    run(ROOT, project, "-c", RAISED_BELOW)


@pytest.mark.parametrize("is_shadowed", [True, False])
def test_the_command_lines_run_under_the_long_name(
    project: Path, tmp_path: Path, *, is_shadowed: bool
) -> None:
    """And say how they are called there."""
    folder = project if is_shadowed else tmp_path
    for short in ("client", "server.main"):
        module = f"resilient_http_client.{short}"
        assert f"usage: python -m {module} " in run(ROOT, folder, "-m", module, "--help")


DEMO = """
import server
from resilient_http_client.client.program.demo.failure_server import open_server

with open_server(None) as started, open_server(started.url) as running:
    assert running.ledger().requests == {}
"""


def test_the_demo_finds_its_server(project: Path) -> None:
    """In a process of its own, too."""
    run(ROOT, project, "-c", DEMO)
