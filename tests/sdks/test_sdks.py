"""An SDK that insists on an httpx client accepts ours, and its calls survive failures."""

from __future__ import annotations

import asyncio
import os
from importlib import import_module
from typing import Any

import pytest

from client import CircuitBreaker, CircuitOpenError
from tests.sdks.calls import SDKS, Sdk
from tests.sdks.dialect_server import RESET, SAID, DialectServer, Failure

WORLDS = {"blocking": False, "async": True}

# What an SDK still uses is its own affair.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(params=SDKS)
def sdk(request: pytest.FixtureRequest) -> Sdk:
    """One of them, where it is installed."""
    found = SDKS[request.param]
    pytest.importorskip(found.module, exc_type=ImportError)
    return found


@pytest.fixture(params=WORLDS)
def is_async(request: pytest.FixtureRequest) -> bool:
    """Which of its two calls."""
    return WORLDS[request.param]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def told(sdk: Sdk, url: str, *, is_async: bool, **options: Any) -> str:
    """What a service says, asked by an SDK through a client of ours."""
    ours = import_module(
        "client.faces.drop_in.httpx_clients" if sdk.family == "httpx" else "client.httpx2"
    )
    options = {"backoff_factor": 0, **options}
    if not is_async:
        with ours.Client(verify=False, **options) as http:
            return sdk.blocking(url, http)

    async def ask() -> str:
        async with ours.AsyncClient(verify=False, **options) as http:
            return await sdk.waiting(url, http)

    return asyncio.run(ask())


@pytest.mark.parametrize("failures", [(503,), (429, 503), (503, 429, 503)], ids=str)
def test_a_call_survives_a_service_that_is_away_for_a_moment(
    sdk: Sdk, failures: tuple[Failure, ...], *, is_async: bool
) -> None:
    """The SDK never hears of it, and every attempt asked for the same."""
    with DialectServer(*failures) as server:
        # Told explicitly: an SDK may ask for streamed answers, which are otherwise tried once.
        assert told(sdk, server.url, is_async=is_async, max_retries=3) == SAID
        assert len(server.bodies) == len(failures) + 1
        assert len(set(server.bodies)) == 1


def test_a_question_is_not_asked_twice_by_default_where_it_may_have_been_heard(
    sdk: Sdk, *, is_async: bool
) -> None:
    """They are POSTs; the SDK raises its own error, with httpx's behind it."""
    with DialectServer(RESET) as server:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - each has its own
            told(sdk, server.url, is_async=is_async, max_retries=3)
        assert len(server.bodies) == 1
    assert "ReadError" in names_behind(caught.value)


def test_but_it_is_where_the_user_said_so(sdk: Sdk, *, is_async: bool) -> None:
    """By `retry_methods`: asking a model twice costs money, but breaks nothing."""
    with DialectServer(RESET, 503, RESET) as server:
        options: dict[str, Any] = {"max_retries": 3, "retry_methods": ["POST"]}
        assert told(sdk, server.url, is_async=is_async, **options) == SAID
        assert len(server.bodies) == 4


def test_attempts_do_not_multiply(sdk: Sdk, *, is_async: bool) -> None:
    """With the SDK's own retries off, a service that stays away is asked as often as we say."""
    with DialectServer(*[503] * 20) as server:
        with pytest.raises(Exception):  # noqa: B017, PT011 - each has its own
            told(sdk, server.url, is_async=is_async, max_retries=2)
        assert len(server.bodies) == 3


def test_an_open_circuit_is_an_error_the_sdk_understands(sdk: Sdk, *, is_async: bool) -> None:
    """It takes a rejection for what it is to httpx: a call that did not come through."""
    breaker = CircuitBreaker(failure_threshold=1)
    with DialectServer(*[503] * 20) as server:
        options: dict[str, Any] = {"max_retries": 0, "circuit_breaker": breaker}
        with pytest.raises(Exception):  # noqa: B017, PT011 - each has its own
            told(sdk, server.url, is_async=is_async, **options)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - likewise
            told(sdk, server.url, is_async=is_async, **options)
        assert len(server.bodies) == 1
    assert CircuitOpenError.__name__ in names_behind(caught.value)


def names_behind(error: BaseException | None) -> list[str]:
    """The names of an exception's class and of those behind it."""
    names = []
    while error is not None:
        names.append(type(error).__name__)
        error = error.__cause__ or error.__context__
    return names


STREAMED = [name for name, sdk in SDKS.items() if sdk.is_streamed]


@pytest.mark.parametrize("sdk", STREAMED, indirect=True)
def test_a_stream_is_tried_once_unless_told_otherwise(sdk: Sdk, *, is_async: bool) -> None:
    """Some SDKs ask httpx for every answer unread."""
    with DialectServer(503) as server:
        with pytest.raises(Exception):  # noqa: B017, PT011 - each has its own
            told(sdk, server.url, is_async=is_async)
        assert len(server.bodies) == 1
