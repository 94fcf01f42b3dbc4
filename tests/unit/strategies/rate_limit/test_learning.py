"""What servers tell in their headers, family by family."""

from typing import Any

import httpx
import pytest

from client.strategies.rate_limit.learning import (
    Limit,
    Told,
    fields_about_limits,
    read_told,
    sustained,
)

NOW = 1_800_000_000.0
DATE = "Fri, 15 Jan 2027 07:59:50 GMT"
"""Ten seconds behind our clock."""


def told(status: int = 200, **fields: object) -> Told:
    """What an answer with these fields says."""
    headers = {name.replace("_", "-"): str(value) for name, value in fields.items()}
    return read_told(status, fields_about_limits(httpx.Headers(headers)), NOW)


def test_an_answer_without_any_says_nothing() -> None:
    """As most are: then not even the date is looked at."""
    headers = httpx.Headers({"Date": DATE, "Content-Type": "text/plain", "Server": "x"})
    assert fields_about_limits(headers) == {}
    assert told() == Told()


def test_fields_are_found_in_any_case() -> None:
    """Also in a mapping that is no httpx headers."""
    fields: dict[str, str] = {"X-RateLimit-Remaining": "0", "Retry-After": "5", "X-Other": "1"}
    found = {"x-ratelimit-remaining": "0", "retry-after": "5"}
    assert fields_about_limits(fields) == found
    assert fields_about_limits(httpx.Headers({**fields, "date": DATE})) == {**found, "date": DATE}


GITHUB = {"x_ratelimit_limit": 5000, "x_ratelimit_remaining": 0, "x_ratelimit_reset": 1_800_000_060}
CASES: dict[str, tuple[Told, dict[str, Any]]] = {
    "github, against our clock": (Told(60), GITHUB),
    "github, against the server's": (Told(70), {**GITHUB, "date": DATE}),
    "github, a date that is none": (Told(60), {**GITHUB, "date": "yesterday"}),
    "github, something left": (Told(), {**GITHUB, "x_ratelimit_remaining": 10}),
    "twitter": (
        Told(30),
        {"x_rate_limit_remaining": 0, "x_rate_limit_reset": 30},
    ),
    "early drafts": (
        Told(30, None, (Limit("10", 0.25, 10, None),)),
        {"ratelimit_policy": "10;w=40", "ratelimit_remaining": 0, "ratelimit_reset": 30},
    ),
    "an early draft, in one field": (
        Told(5, None, (Limit("100", 100 / 60, 100, None),)),
        {"ratelimit_policy": "100;w=60", "ratelimit": "limit=100, remaining=0, reset=5"},
    ),
    "one field, and something else in it": (Told(), {"ratelimit": "remaining=0, reset=5, of=x"}),
    "one field, and something twice": (Told(), {"ratelimit": "remaining=0, reset=5, reset=6"}),
    "a policy alone": (
        Told(limits=(Limit("a", 2.0, 120, None),)),
        {"ratelimit_policy": '"a";q=120;w=60'},
    ),
    "what is left of it": (
        Told(limits=(Limit("a", 2.0, 120, 7),)),
        {"ratelimit_policy": '"a";q=120;w=60', "ratelimit": '"a";r=7;t=5'},
    ),
    "nothing left of it": (
        Told(5, 119 / 60, (Limit("a", 2.0, 120, 0),)),
        {"ratelimit_policy": '"a";q=120;w=60', "ratelimit": '"a";r=0;t=5'},
    ),
    "the longest of several": (
        Told(500, 99 / 3600, (Limit("s", 2.0, 2, 0), Limit("h", 100 / 3600, 100, 0))),
        {
            "ratelimit_policy": '"s";q=2;w=1, "h";q=100;w=3600',
            "ratelimit": '"s";r=0;t=1, "h";r=0;t=500',
        },
    ),
    "nothing left, and no policy": (Told(5), {"ratelimit": '"a";r=0;t=5'}),
    "bytes are no requests": (
        Told(5),
        {"ratelimit_policy": '"a";q=9;w=60;qu="content-bytes"', "ratelimit": '"a";r=0;t=5'},
    ),
    "requests are": (
        Told(limits=(Limit("a", 9.0, 9, None),)),
        {"ratelimit_policy": '"a";q=9;w=1;qu="requests"'},
    ),
    "a policy of nothing": (Told(), {"ratelimit_policy": '"a";q=0;w=60'}),
    "an early policy of nothing": (Told(), {"ratelimit_policy": "0;w=60"}),
    "a policy without a window": (Told(), {"ratelimit_policy": '"a";q=5'}),
    "a window of nothing": (Told(), {"ratelimit_policy": '"a";q=5;w=0'}),
    "a window of a week": (Told(), {"ratelimit_policy": '"a";q=5;w=604800'}),
    "negative numbers": (
        Told(),
        {"ratelimit_policy": '"a";q=-5;w=60', "ratelimit": '"a";r=-1;t=5'},
    ),
    "truths for numbers": (Told(), {"ratelimit_policy": '"a";q;w=60', "ratelimit": '"a";r;t=5'}),
    "malformed": (Told(), {"ratelimit_policy": '"a";q=5;w=60,', "ratelimit": "r=0, t=5"}),
    "openai, what comes back bit by bit": (
        Told(limits=(Limit("x-ratelimit-remaining-requests", 0.5, 60, 57),)),
        {
            "x_ratelimit_limit_requests": 60,
            "x_ratelimit_remaining_requests": 57,
            "x_ratelimit_reset_requests": "6s",
        },
    ),
    "openai, nothing used": (
        Told(),
        {
            "x_ratelimit_limit_requests": 60,
            "x_ratelimit_remaining_requests": 60,
            "x_ratelimit_reset_requests": "0s",
        },
    ),
    "openai, no tokens left": (
        Told(90),
        {
            "x_ratelimit_limit_tokens": 1000,
            "x_ratelimit_remaining_tokens": 0,
            "x_ratelimit_reset_tokens": "1m30s",
        },
    ),
    "openai, no requests left": (
        Told(20, 49 / 20, (Limit("x-ratelimit-remaining-requests", 2.5, 50, 0),)),
        {
            "x_ratelimit_limit_requests": 50,
            "x_ratelimit_remaining_requests": 0,
            "x_ratelimit_reset_requests": "20s",
        },
    ),
    "anthropic": (
        Told(20, 49 / 20, (Limit("anthropic-ratelimit-requests-remaining", 2.5, 50, 0),)),
        {
            "anthropic_ratelimit_requests_limit": 50,
            "anthropic_ratelimit_requests_remaining": 0,
            "anthropic_ratelimit_requests_reset": "2027-01-15T08:00:20Z",
        },
    ),
    "anthropic, no output tokens left": (
        Told(20),
        {
            "anthropic_ratelimit_output_tokens_limit": 50,
            "anthropic_ratelimit_output_tokens_remaining": 0,
            "anthropic_ratelimit_output_tokens_reset": "2027-01-15T08:00:20Z",
        },
    ),
    "numbers that are none": (
        Told(),
        {"x_ratelimit_limit": "5, 5;w=1", "x_ratelimit_remaining": "0.0", "x_ratelimit_reset": 5},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_family_is_read(case: str) -> None:
    """Limits, what is left of them, and when there is more."""
    expected, fields = CASES[case]
    found = told(**fields)
    assert found.limits == expected.limits
    assert found.pause == pytest.approx(expected.pause)
    assert found.rate == pytest.approx(expected.rate)


@pytest.mark.parametrize("status", [429, 503, 403])
def test_retry_after_is_heeded_where_it_asks_for_a_pause(status: int) -> None:
    """Before all others; what else is told is learned."""
    fields = {"ratelimit_policy": '"a";q=120;w=60', "ratelimit": '"a";r=0;t=5'}
    found = told(status, retry_after=7, **fields)
    assert found == Told(7, None, (Limit("a", 2.0, 120, 0),), "retry_after")


@pytest.mark.parametrize("status", [200, 301, 404, 500])
def test_retry_after_means_something_else_elsewhere(status: int) -> None:
    """Or nothing."""
    assert told(status, retry_after=7) == Told()


def test_so_many_limits_are_remembered_and_no_more() -> None:
    """A server cannot fill our memory."""
    policy = ", ".join(f'"{number}";q=5;w=1' for number in range(9))
    assert len(told(ratelimit_policy=policy).limits) == 4


def test_a_rate_leaves_the_last_of_each_window() -> None:
    """Where there is more than one."""
    assert sustained(20.0, 20) == pytest.approx(19.0)
    assert sustained(1.0, 1) == 1.0
