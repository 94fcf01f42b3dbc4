"""Runs the examples of README.md, USAGE.md and the site as tests, each document by itself."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis  # here, as trio tells it of a random generator, and it looks for its owner, whom
import pytest  # it does not find any more once `gc.freeze` was called
import structlog
from sybil import Sybil

from tests.docs.running import begin, end, parse_output, parse_python

ROOT = Path(__file__).parent
AUTHORITY = ROOT / "tests/wire/certificates/authority.pem"
"""The one that signed the certificate of the tests' servers."""
MEASURING = "COVERAGE_PROCESS_CONFIG"
"""By this variable coverage starts in each process that is begun."""

# Half as many as by default; a test that needs more of them says so. The same in every run, for a
# gate must not depend on luck: who looks for others gives `--hypothesis-profile=others`.
hypothesis.settings.register_profile("same", max_examples=50, derandomize=True)
hypothesis.settings.register_profile("others", max_examples=50)
hypothesis.settings.load_profile("same")

pytest_collect_file = Sybil(
    parsers=[parse_python, parse_output],
    patterns=["README.md", "USAGE.md", "docs/*.md", "docs/*/*.md"],
    setup=begin,
    teardown=end,
).pytest()

ON_ONE_PYTHON = {"README.md", "USAGE.md", "benchmarks", "docs", "frameworks", "neighbours", "sdks"}
"""In these, all is done by other programs, or is about them or about words."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `./dev test --whole` runs on one Python only."""
    for item in items:
        if not ON_ONE_PYTHON.isdisjoint(item.path.relative_to(ROOT).parts):
            item.add_marker(pytest.mark.any_python)


@pytest.fixture(scope="module", autouse=True)
def _little_for_the_garbage_collector() -> None:
    """Spare tests that collect garbage the walk through all that was there before them.

    Thousands of collected tests are; each walk through them takes about a second. Once a module,
    since a benchmark hands them back to the collector.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _one_authority() -> Iterator[None]:
    """Have each client load one certificate: those of the system take thirty times as long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(AUTHORITY))
        yield


@pytest.fixture(scope="session", autouse=True)
def _interrupts_are_heard() -> Iterator[None]:
    """Let programs of tests hear Ctrl-C: what a shell starts in the background does not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session", autouse=True)
def _measuring() -> Iterator[str | None]:
    """Give what has a program measured: by default none is, since it takes twice as long then."""
    measuring = os.environ.get(MEASURING)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(MEASURING, raising=False)
        yield measuring


@pytest.fixture
def measured_programs(_measuring: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the programs that a test runs count for the coverage, if there is any."""
    if _measuring is not None:
        monkeypatch.setenv(MEASURING, _measuring)


@pytest.fixture(autouse=True)
def structlog_as_it_comes() -> Iterator[None]:
    """Leave no configuration of structlog to the test that happens to come next.

    `structlog.testing.capture_logs` leaves one: that of before, but as if somebody had made it.
    """
    yield
    structlog.reset_defaults()
