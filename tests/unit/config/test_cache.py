"""The settings of the cache: what is accepted, and what is said of what is not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from client import CacheConfig, ClientConfig
from client.cache import MemoryStorage

LONG = "words of some length"


class Half:
    """Something that looks like a storage."""

    def get(self, key: str) -> None:
        """Return nothing."""

    def set(self, key: str, value: bytes) -> None:
        """Keep nothing."""


@pytest.mark.parametrize(
    "value",
    [Half(), MemoryStorage, "memory", 1, {}],
    ids=["half", "class", "name", "number", "dict"],
)
def test_what_is_no_storage_is_refused(value: Any) -> None:
    """And what is one is named."""
    with pytest.raises(ValidationError, match="give a storage, such as MemoryStorage"):
        CacheConfig(storage=value)


@pytest.mark.parametrize(
    "value", [b"x" * 16, "x" * 16, "é" * 8, None], ids=["bytes", "text", "utf-8", "none"]
)
def test_a_secret_has_sixteen_bytes(value: Any) -> None:
    """Of whatever kind."""
    assert CacheConfig(secret=value).secret == value


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"x" * 15, "secret has 15 bytes: give 16 at least, as"),
        ("", "secret has 0 bytes"),
        (123, "secret is neither bytes nor a text"),
    ],
    ids=["short", "empty", "number"],
)
def test_a_wrong_secret_is_refused_and_not_shown(value: Any, says: str) -> None:
    """What was given may be a part of the real one."""
    with pytest.raises(ValidationError, match=says) as raised:
        CacheConfig(secret=value)
    assert "xxx" not in str(raised.value)
    assert "123" not in str(raised.value)


def test_a_repr_shows_no_secret() -> None:
    """Nor does that of what it is a part of."""
    config = ClientConfig(cache=CacheConfig(secret=LONG, max_variants=3))
    for shown in (repr(config), str(config), repr(config.cache)):
        assert LONG not in shown
    assert repr(config.cache) == "CacheConfig(max_variants=3, secret='***')"
    assert repr(CacheConfig(secret=None)) == "CacheConfig(secret=None)"


async def whose(_request: object) -> str:
    """What can only be awaited."""
    return "me"


@pytest.mark.parametrize("value", [whose, "me"], ids=["async", "text"])
def test_a_partition_is_a_plain_function(value: Any) -> None:
    """An async one would never be awaited."""
    with pytest.raises(ValidationError, match="None or a plain function"):
        CacheConfig(partition=value)


@pytest.mark.parametrize("name", ["STORAGE", "PARTITION"])
def test_what_is_code_is_not_given_by_environment(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither can be written as a text."""
    monkeypatch.setenv(f"RESILIENT_CLIENT_CACHE__{name}", "x")
    with pytest.raises(ValueError, match="cannot be given by environment: it is an object"):
        ClientConfig.from_env()


def test_all_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable for each, or all as JSON."""
    monkeypatch.setenv("RESILIENT_CLIENT_CACHE__STALE_IF_ERROR", "60")
    monkeypatch.setenv("RESILIENT_CLIENT_CACHE__SINGLE_FLIGHT", "off")
    monkeypatch.setenv("RESILIENT_CLIENT_CACHE__SECRET", LONG)
    cache = ClientConfig.from_env().cache
    assert cache is not None
    assert (cache.stale_if_error, cache.single_flight, cache.secret) == (60.0, False, LONG)
