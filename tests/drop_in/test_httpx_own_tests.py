"""httpx's own client tests, run with our classes in the place of its own.

They come out of httpx's source distribution, which is fetched from the package index by its name
and kept in pytest's cache. Whatever fails with httpx itself on this machine may fail with ours,
and nothing else. httpx2 has no tests in its own distribution, so the same ones are run there too,
with `import httpx` made to mean httpx2.
"""

from __future__ import annotations

import faulthandler
import os
import shutil
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).parents[2]
SOURCE = "httpx-0.28.1"
NEEDED = ("chardet", "cryptography", "trio", "trustme", "uvicorn")
"""What those tests import."""
FEWEST = 250
"""So many of them at least pass with either family; fewer means that they did not run."""
DOWNLOAD_SECONDS = 120
RUN_SECONDS = 500

SWAP = """
import os
import socket
import ssl
from uvicorn.config import Config

# Its server listens at a fixed port, which may be taken.
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
init = Config.__init__
Config.__init__ = lambda self, *args, **options: init(self, *args, **{"port": port} | options)

# Loading the world's authorities takes longer than all else; nobody here asks for them.
for name in ("load_default_certs", "load_verify_locations", "set_default_verify_paths"):
    setattr(ssl.SSLContext, name, lambda self, *args, **options: None)

if os.environ["FAMILY"] == "httpx2":
    import httpx2
    httpx2.alias_httpx()
import httpx
if os.environ["WHOSE"] == "ours":
    from importlib import import_module
    ours = import_module("client" if httpx.__name__ == "httpx" else "client.httpx2")

    class Client(ours.Client):
        def __init__(self, **options):
            super().__init__(**{"backoff_factor": 0} | options)

    class AsyncClient(ours.AsyncClient):
        def __init__(self, **options):
            super().__init__(**{"backoff_factor": 0} | options)

    httpx.Client, httpx.AsyncClient = Client, AsyncClient
"""


def pip() -> list[str]:
    """The command line of pip: an installed one, or the one that Python brings along."""
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    found = find_spec("ensurepip")
    bundled = Path(str(found.origin)).parent.glob("_bundled/pip-*.whl") if found else ()
    for wheel in bundled:
        return [sys.executable, f"{wheel}/pip"]
    pytest.skip("there is no pip here, with which httpx's source could be fetched")


@pytest.fixture(scope="module")
def source(request: pytest.FixtureRequest) -> Path:
    """The source distribution of httpx, unpacked."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        pytest.skip(f"httpx's tests need {', '.join(missing)}, which is not installed")
    cache = request.config.cache
    assert cache is not None
    kept = cache.mkdir("httpx-source")
    if not (kept / SOURCE / "tests").is_dir():
        fetch(kept)
    return kept / SOURCE


def fetch(folder: Path) -> None:
    """Fetch and unpack it, or skip where the index is out of reach."""
    only = ["--no-deps", "--no-binary", "httpx", "--disable-pip-version-check"]
    command = [*pip(), "download", "--quiet", *only, "--dest", str(folder), "httpx==0.28.1"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=DOWNLOAD_SECONDS
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the source of httpx could not be fetched within {DOWNLOAD_SECONDS} s")
    if done.returncode:
        pytest.skip(f"the source of httpx could not be fetched: {done.stderr.strip()[-300:]}")
    part = folder / f"{SOURCE}.part"
    shutil.rmtree(part, ignore_errors=True)
    with tarfile.open(folder / f"{SOURCE}.tar.gz") as archive:
        archive.extractall(part, filter="data")
    (part / SOURCE).rename(folder / SOURCE)


def begin(folder: Path, source: Path, family: str, whose: str) -> subprocess.Popen[str]:
    """Start a run of the tests in a folder of its own, without the sources of httpx beside them."""
    shutil.copytree(source / "tests", folder / "tests")
    shutil.copy(source / "pyproject.toml", folder)
    (folder / "swap.py").write_text(SWAP, "utf-8")
    environment = {**os.environ, "FAMILY": family, "WHOSE": whose}
    environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(ROOT)])
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = ["-q", "-p", "swap", "-p", "anyio.pytest_plugin", "-p", "no:cacheprovider"]
    options += ["--tb=no", "--assert=plain"]  # only the outcomes are read
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "tests/client", *options, "--junitxml=results.xml"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outcomes(folder: Path, run: subprocess.Popen[str]) -> tuple[set[str], set[str]]:
    """Wait for a run; return which tests passed and which did not."""
    try:
        shown, _ = run.communicate(timeout=RUN_SECONDS)
    finally:
        run.kill()
    results = folder / "results.xml"
    assert results.exists(), shown
    passed: set[str] = set()
    others: set[str] = set()
    for case in ET.parse(results).iter("testcase"):  # noqa: S314 - written by our own pytest
        name = f"{case.get('classname')}::{case.get('name')}"
        (passed if len(case) == 0 else others).add(name)
    return passed, others


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_not_one_test_more_fails_than_with_httpx_itself(
    family: str, source: Path, tmp_path: Path
) -> None:
    """With the classes swapped, and nothing else."""
    faulthandler.cancel_dump_traceback_later()  # the runs have a bound of their own
    folders = {whose: tmp_path / whose for whose in ("theirs", "ours")}
    runs = {whose: begin(folders[whose], source, family, whose) for whose in folders}
    passed, failed = {}, {}
    for whose, run in runs.items():
        passed[whose], failed[whose] = outcomes(folders[whose], run)
    assert len(passed["theirs"]) >= FEWEST
    assert passed["theirs"] - passed["ours"] == set()
