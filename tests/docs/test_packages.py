"""What is published: a wheel and an sdist that lack nothing and hold nothing else."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from client import __version__
from tests.deploy.test_workflows import UV_VERSION
from tests.docs.reading import ROOT

pytestmark = pytest.mark.any_python

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NAME = f"resilient_http_client-{__version__}"
# From where each is without a hole that a peer can use; see the comments in pyproject.toml.
SOUND = {
    "aiohttp": (3, 14),
    "h11": (0, 16),
    "h2": (4, 4, 1),
    "hpack": (4, 2),
    "httpcore": (1, 0, 9),
    "httpx2": (2, 12),
    "idna": (3, 15),
    "starlette": (1, 3, 1),
}


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both, made by what `./dev` has installed."""
    uv = ROOT / ".dev" / f"uv-{UV_VERSION}" / "bin" / "uv"
    if not uv.exists():
        pytest.skip("no uv of ./dev: the packages are untested")
    folder = tmp_path_factory.mktemp("dist")
    variables = {"UV_CACHE_DIR": str(ROOT / ".dev" / "cache"), "UV_OFFLINE": "true"}
    done = subprocess.run(
        [uv, "build", "--out-dir", folder, "--python", sys.executable],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    """The wheel."""
    return zipfile.ZipFile(dist / f"{NAME}-py3-none-any.whl")


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    """What an index shows of it."""
    return Parser().parsestr(wheel.read(f"{NAME}.dist-info/METADATA").decode())


def test_the_wheel_has_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """Each module, what a type checker asks for, the files of the live page, the licence."""
    names = set(wheel.namelist())
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"client", "server", "resilient_http_client", f"{NAME}.dist-info"}
    for package in ("client", "server", "resilient_http_client"):
        files = [path for path in (ROOT / package).rglob("*") if path.is_file()]
        here = {
            path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts
        }
        assert here <= names
        if package != "resilient_http_client":
            assert {f"resilient_http_client/{name}" for name in here} <= names
    assert f"{NAME}.dist-info/licenses/LICENSE" in names


def test_the_sdist_has_what_the_repository_has(dist: Path) -> None:
    """So that its tests run."""
    if not (ROOT / ".git").exists():
        pytest.skip("no repository: this is an sdist itself")
    kept = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()  # noqa: S607 - whichever git made the clone
    with tarfile.open(dist / f"{NAME}.tar.gz") as sdist:
        held = {name.partition("/")[2] for name in sdist.getnames()}
    assert [name for name in kept if (ROOT / name).exists() and name not in held] == []


def test_the_description_has_no_link_that_leads_nowhere(metadata: Message) -> None:
    """An index has no files beside README.md; it shows the same text otherwise."""
    text = metadata.get_payload()
    assert isinstance(text, str)
    assert metadata["Description-Content-Type"] == "text/markdown"
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    source = PROJECT["urls"]["Source"]
    assert links
    assert [link for link in links if not link.startswith(f"{source}/blob/v{__version__}/")] == []
    for link in links:
        name = link.removeprefix(f"{source}/blob/v{__version__}/").partition("#")[0]
        assert (ROOT / name).is_file()
    relative = text.replace(f"{source}/blob/v{__version__}/", "")
    assert relative.strip() == (ROOT / "README.md").read_text("utf-8").strip()


def test_the_index_is_told_where_to_find_us(metadata: Message) -> None:
    """Under names that it knows."""
    told = metadata.get_all("Project-URL") or []
    names = {each.partition(",")[0] for each in told}
    assert names == {"Homepage", "Documentation", "Changelog", "Issues", "Source"}


def test_no_release_with_a_known_hole_is_allowed() -> None:
    """Wherever one of these is named."""
    extras = [each for extra in PROJECT["optional-dependencies"].values() for each in extra]
    found: dict[str, tuple[int, ...]] = {}
    for requirement in [*PROJECT["dependencies"], *extras]:
        if at_least := re.fullmatch(r"([\w-]+)>=([\d.]+)(,.*)?", requirement):
            found[at_least[1]] = tuple(map(int, at_least[2].split(".")))
    assert {name: found.get(name, ()) >= least for name, least in SOUND.items()} == dict.fromkeys(
        SOUND, True
    )
