"""Settings of endpoints: how they may be given, and what does not go together."""

from typing import Any

import pytest
from pydantic import ValidationError

from client import BalancingConfig, BulkheadConfig, ClientConfig, Endpoint, TimeoutConfig


@pytest.mark.parametrize(
    "given",
    [
        ["http://a/x", "http://b"],
        ("http://a/x", {"url": "http://b"}),
        [Endpoint("http://a/x"), Endpoint(url="http://b")],
        "http://a/x, http://b",
    ],
    ids=["urls", "dicts", "objects", "text"],
)
def test_they_may_be_given_in_several_ways(given: Any) -> None:
    """To the same effect."""
    endpoints = ClientConfig(endpoints=given).endpoints
    assert endpoints == (Endpoint("http://a/x"), Endpoint("http://b"))


def test_they_may_be_a_function() -> None:
    """Which is not called for that."""

    def read() -> list[str]:
        raise AssertionError

    assert ClientConfig(endpoints=read).endpoints is read


def test_they_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As JSON, or as texts with commas between them."""
    monkeypatch.setenv("RESILIENT_CLIENT_ENDPOINTS", '["http://a", {"url": "http://b"}]')
    expected = (Endpoint("http://a"), Endpoint("http://b"))
    assert ClientConfig.from_env().endpoints == expected
    monkeypatch.setenv("RESILIENT_CLIENT_ENDPOINTS", "http://a,http://b")
    monkeypatch.setenv("RESILIENT_CLIENT_BALANCING__POLICY", "ordered")
    config = ClientConfig.from_env()
    assert (config.endpoints, config.balancing.policy) == (expected, "ordered")


def test_an_endpoint_has_parts() -> None:
    """Also as dicts."""
    made = Endpoint("http://a", timeout={"read": 1}, bulkhead={"max_concurrency": 2})
    assert made.timeout == TimeoutConfig(read=1)
    assert made.bulkhead == BulkheadConfig(max_concurrency=2)


def test_an_endpoint_takes_one_argument_by_position() -> None:
    """Its URL."""
    kind: Any = Endpoint
    with pytest.raises(TypeError, match="takes its url by position, and all else by name"):
        kind("http://a", 2)


def test_secrets_of_an_endpoint_are_not_shown() -> None:
    """Neither in its own text nor in that of the whole."""
    endpoint = Endpoint("http://user:secret@a", headers={"X-Key": "secret"}, weight=2)
    shown = repr(ClientConfig(endpoints=[endpoint]))
    assert shown.count("***") == 1
    assert "secret" not in shown
    assert "Endpoint(url='http://a', weight=2.0, headers={'X-Key': '***'})" in shown


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({"endpoints": []}, "a list of endpoints, one at least, or a function of one"),
    "number": ({"endpoints": 3}, "3 is not allowed: give a list of endpoints"),
    "member": ({"endpoints": [3]}, "3 is not allowed: give an Endpoint, its URL, or a dict"),
    "empty": ({"endpoints": [""]}, "an http:// or https:// URL with a host"),
    "scheme": ({"endpoints": ["ftp://a"]}, "'ftp://a' is not allowed"),
    "query": ({"endpoints": ["http://a/?q=secret"]}, "'http://a/' is not allowed"),
    "twice": ({"endpoints": ["http://a", "http://A:80/"]}, "http://a is given more than once"),
    "drained": (
        {"endpoints": [{"url": "http://a", "weight": 0}]},
        "all endpoints have weight 0: nothing could be asked",
    ),
    "weight": (
        {"endpoints": ["http://a", {"url": "http://b", "weight": 1e-9}]},
        "weight (1e-09) must be 0, which drains the endpoint, or 0.001 and more",
    ),
    "base": (
        {"endpoints": ["http://a"], "base_url": "http://b"},
        "give base_url or endpoints, not both",
    ),
    "origin": (
        {"endpoints": ["http://a"], "circuit_breaker": {"scope": "origin"}},
        "does not go with endpoints: one that does badly is left out by balancing.outliers",
    ),
    "total": (
        {"endpoints": [{"url": "http://a", "timeout": {"total": 3}}]},
        "timeout.total (3.0) is the whole operation's",
    ),
    "adaptive": (
        {"endpoints": [{"url": "http://a", "bulkhead": {"adaptive": {}}}]},
        "bulkhead.adaptive is for the client's bulkhead",
    ),
    "id": (
        {"endpoints": [{"url": "http://a", "headers": {"x-request-id": "1"}}]},
        "headers of an endpoint must not hold X-Request-ID",
    ),
    "hash": (
        {"balancing": {"policy": "hash"}},
        'policy="hash" needs balancing_key: give that too',
    ),
    "path": ({"balancing": {"health_path": "health"}}, "a path that begins with /, or None"),
    "calls": (
        {"balancing": {"outliers": {"minimum_calls": 3}}},
        "minimum_calls (3) has no effect without failure_ratio",
    ),
    "order": (
        {"balancing": {"outliers": {"base_ejection": 301}}},
        "base_ejection (301.0) must not be above max_ejection (300.0)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused(name: str) -> None:
    """With the reason, and without what may be a secret."""
    settings, text = REFUSED[name]
    with pytest.raises(ValidationError) as caught:
        ClientConfig(**settings)
    assert text in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_key_may_stand_beside_another_policy() -> None:
    """So that the policy alone may change."""
    assert BalancingConfig(balancing_key=str).policy == "p2c"
