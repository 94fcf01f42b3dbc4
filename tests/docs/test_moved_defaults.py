"""The defaults that the guides tell of another library's and ours are those of the code."""

import inspect
from importlib import import_module
from typing import Any

import pytest

from client import (
    BulkheadConfig,
    CircuitBreaker,
    CircuitBreakerConfig,
    RetryConfig,
    TimeoutConfig,
)
from client.faces.drop_in.options import RetrySettings
from tests.docs.reading import ROOT

# The guide, the function or class with the parameter, its default, and the words that tell it.
THEIRS: list[tuple[str, str, str, Any, str]] = [
    ("from-requests", "urllib3.util:Retry", "total", 10, "Theirs is 10 by default"),
    ("from-requests", "requests.adapters:HTTPAdapter", "max_retries", 0, "of an adapter 0"),
    ("from-requests", "urllib3.util:Retry", "backoff_max", 120, "theirs is 120 seconds"),
    ("from-requests", "urllib3.util:Retry", "retry_after_max", 21600, "a longer wait to 6 hours"),
    ("from-tenacity", "stamina:retry", "attempts", 10, "theirs is 10"),
    ("from-tenacity", "stamina:retry", "timeout", 45.0, "`timeout` is 45 seconds"),
    ("from-tenacity", "stamina:retry", "wait_initial", 0.1, "theirs is 0.1 seconds"),
    ("from-tenacity", "stamina:retry", "wait_max", 5.0, "theirs is 5 seconds"),
    ("from-pybreaker", "pybreaker:CircuitBreaker", "fail_max", 5, "5 everywhere"),
    ("from-pybreaker", "pybreaker:CircuitBreaker", "reset_timeout", 60, "theirs and `Circuit"),
    ("from-pybreaker", "pybreaker:CircuitBreaker", "success_threshold", 1, "1 everywhere"),
    ("from-aiohttp", "aiohttp:TCPConnector", "limit", 100, "100, 0 is no limit"),
    ("from-aiohttp", "aiohttp:ClientSession", "trust_env", False, "True here by default"),
    ("from-wrappers", "httpx_retries:Retry", "total", 10, "theirs is 10, ours 3"),
    ("from-wrappers", "httpx_retries:Retry", "backoff_factor", 0.0, "theirs is 0: no wait"),
    ("from-wrappers", "httpx_retries:Retry", "max_backoff_wait", 120.0, "theirs 120 seconds"),
    ("from-wrappers", "pyresilience:BulkheadConfig", "max_concurrent", 10, "theirs 10 and no"),
    ("from-wrappers", "pyresilience:CircuitBreakerConfig", "success_threshold", 2, "theirs 2"),
    ("from-wrappers", "interlock:Config", "failure_rate_threshold", 0.5, "theirs 0.5 by default"),
    ("from-wrappers", "interlock:Config", "minimum_number_of_calls", 10, "theirs 10, ours 20"),
    ("from-wrappers", "interlock:Config", "wait_duration_in_open", 60.0, "theirs 60 seconds"),
]


def _guide(name: str) -> str:
    return " ".join((ROOT / "docs" / "guides" / f"{name}.md").read_text("utf-8").split())


@pytest.mark.parametrize(
    ("guide", "path", "parameter", "default", "words"),
    [pytest.param(*each, id=f"{each[1]} {each[2]}") for each in THEIRS],
)
def test_the_defaults_of_other_libraries_are_as_stated(
    guide: str, path: str, parameter: str, default: object, words: str
) -> None:
    """Of the versions that are installed."""
    module, _, name = path.partition(":")
    pytest.importorskip(module.partition(".")[0])
    parameters = inspect.signature(getattr(import_module(module), name)).parameters
    assert parameters[parameter].default == default
    assert words in _guide(guide)


def test_the_times_of_aiohttp_are_as_stated() -> None:
    """Five minutes in all, half a minute to connect."""
    aiohttp = pytest.importorskip("aiohttp.client")
    assert (aiohttp.DEFAULT_TIMEOUT.total, aiohttp.DEFAULT_TIMEOUT.sock_connect) == (300, 30)
    assert "| 5 minutes | no bound" in _guide("from-aiohttp")
    assert "| 30 seconds | 5 seconds | 60 seconds |" in _guide("from-aiohttp")


def test_our_defaults_are_as_stated() -> None:
    """Those that stand beside the other libraries'."""
    settings, times, circuit = RetrySettings(), TimeoutConfig(), CircuitBreakerConfig()
    breaker = inspect.signature(CircuitBreaker).parameters["recovery_timeout"].default
    stated = {
        "from-requests": [
            f"{times.connect:g} to connect, {times.read:g} to read and write",
            f"ours {settings.max_retries} retries, or {RetryConfig().max_attempts} attempts",
        ],
        "from-aiohttp": [f"| {BulkheadConfig().max_concurrency} slots, by"],
        "from-pybreaker": [
            f"`CircuitBreaker` {breaker:g} seconds",
            f"`CircuitBreakerConfig` {circuit.recovery_timeout:g}",
        ],
        "from-wrappers": [
            f"theirs 60 seconds, ours {circuit.recovery_timeout:g}",
            f"theirs 3, ours {circuit.success_threshold}",
        ],
    }
    assert times.write == times.read
    for guide, sentences in stated.items():
        assert [sentence for sentence in sentences if sentence not in _guide(guide)] == []
