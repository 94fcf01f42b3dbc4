"""Numbers that stand in a sentence are those of the code."""

import inspect
import re
from typing import Any

import httpx
import pytest

from client import BulkheadConfig, CircuitBreakerConfig, ClientConfig, RetryConfig, TimeoutConfig
from client.backoff import ExponentialBackoff
from client.faces import disposal
from client.faces.facade import request_id, session
from client.faces.facade.http_client import BodyBound, build_client
from client.http import verdicts as classify
from client.http.bodies import response_body
from client.http.bodies.response_decoding import Decoding
from client.http.family import family_named
from client.ports.blocking_ports import BLOCKING
from client.runtime import seconds
from client.strategies.circuit import circuit, failure_window
from client.strategies.circuit import scopes as breaker
from client.strategies.retry import budget
from client.strategies.retry import policy as retry
from server.controls.failure_server import Controls
from tests.docs.reading import README, blocks, page, pages_text

RETRY, CIRCUIT, BULKHEAD = RetryConfig(), CircuitBreakerConfig(), BulkheadConfig()
TIMEOUT = TimeoutConfig()
MEBIBYTE, MINUTE = 1024 * 1024, 60.0


def _wait_bounds(config: RetryConfig, attempt: int) -> tuple[float, float]:
    backoff = ExponentialBackoff(config.multiplier).delay(attempt)
    return config.min_wait_seconds, min(backoff, config.max_wait_seconds)


def _production() -> ClientConfig:
    """The configuration that the document recommends."""
    [block] = [
        block
        for block in blocks(page("Production settings"), "python")
        if "production = " in block.text
    ]
    names: dict[str, Any] = dict(vars(__import__("client")))
    exec(block.text, names)  # noqa: S102 - our own document
    config: ClientConfig = names["production"]
    return config


def _retry_of(config: ClientConfig) -> RetryConfig:
    assert config.retry is not None
    return config.retry


def _pool_without_bulkhead() -> object:
    """The pool's size, which httpx keeps to itself."""
    config, family = ClientConfig(bulkhead=None), family_named("httpx")
    decoding, bound = Decoding(family, BLOCKING.pause), BodyBound(None)
    with build_client(family, config, is_async=False, decoding=decoding, bound=bound) as client:
        assert isinstance(client, httpx.Client)
        pool: Any = getattr(client._transport, "_pool")  # noqa: B009 - not in its type
        return pool._max_connections


def _default(method: str, parameter: str) -> object:
    return inspect.signature(getattr(Controls, method)).parameters[parameter].default


SENTENCES = [
    ("at most a year (31,536,000)", seconds.MAX_SECONDS, 31_536_000),
    ("`close()` returns within five seconds", session._CLOSE_SECONDS, 5),
    ("at most 50 operations at once", BULKHEAD.max_concurrency, 50),
    ("opens after 5 failed operations in a row", CIRCUIT.failure_threshold, 5),
    ("up to 3 attempts", RETRY.max_attempts, 3),
    ("the first wait is 1 to 2 seconds", _wait_bounds(RETRY, 1), (1, 2)),
    ("and the second 1 to 4", _wait_bounds(RETRY, 2), (1, 4)),
    ("with jitter up to a tenth later", retry._RETRY_AFTER_JITTER, 0.1),
    ("each operation of the last ten seconds", budget._WINDOW, 10),
    ("the window of `failure_rate`, 60 where None", failure_window._DEFAULT_SECONDS, 60),
    ("before its rate counts, 20 where None", failure_window._DEFAULT_CALLS, 20),
    ("or a minute if that is longer", circuit._SHORTEST_LEASE, MINUTE),
    ("(up to 10,000 are remembered", breaker._MOST_ORIGINS, 10_000),
    ("up to a mebibyte", response_body.MOST_KEPT, MEBIBYTE),
    ("and for five seconds, so that", disposal._KEEP_SECONDS, 5),
    ("with more than 100 calls at once", _pool_without_bulkhead(), 100),
    ("three attempts, each with a minute to connect", TIMEOUT.connect, MINUTE),
    ("and 15 seconds a read", TIMEOUT.read, 15),
    ("`min_wait_seconds`, which is one second", RETRY.min_wait_seconds, 1),
    ("5 failures in a row are rare", CIRCUIT.failure_threshold, 5),
    ("`status` (default 500)", _default("fail_count", "status"), 500),
    ("waits of 0.1 to 0.5", _wait_bounds(_retry_of(_production()), 1), (0.1, 0.5)),
    ("and 0.1 to 1 second here", _wait_bounds(_retry_of(_production()), 2), (0.1, 1)),
]
README_SENTENCES = [
    ("at most 50 operations at once", BULKHEAD.max_concurrency, 50),
    ("5 failed operations in a row", CIRCUIT.failure_threshold, 5),
    ("up to 3 attempts", RETRY.max_attempts, 3),
]


@pytest.mark.parametrize(
    ("text", "sentence", "in_code", "stated"),
    [
        pytest.param(text, *sentence, id=f"{name}: {sentence[0]}")
        for name, text, sentences in (
            ("pages", pages_text(), SENTENCES),
            ("README", README.read_text("utf-8"), README_SENTENCES),
        )
        for sentence in sentences
    ],
)
def test_a_sentence_is_true(text: str, sentence: str, in_code: object, stated: object) -> None:
    """Change both, or neither."""
    assert sentence in re.sub(r"\s+", " ", text)
    assert in_code == stated


def test_the_recommended_slots_are_enough() -> None:
    """The arithmetic of the table: calls a second times seconds a call, twice."""
    bulkhead = _production().bulkhead
    assert bulkhead is not None
    assert bulkhead.max_concurrency == 2 * 100 * 0.2


def test_the_alphabet_of_request_ids_is_as_shown() -> None:
    """The error that the site shows names it."""
    assert request_id._ALLOWED.pattern == "[A-Za-z0-9._~-]{1,128}"


@pytest.mark.parametrize(
    ("quoted", "exception"),
    [
        ("no connection of the pool came free", "PoolTimeout"),
        ("not an absolute http:// or https:// URL", "UnsupportedProtocol"),
    ],
)
def test_a_quoted_error_can_be_searched_for(quoted: str, exception: str) -> None:
    """Troubleshooting names errors by words that are in them."""
    assert f"`{quoted}`" in pages_text()
    assert quoted in classify._REASONS[exception]
