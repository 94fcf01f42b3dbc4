"""What a server tells of its rate limits in the headers of an answer.

Rule 1  `Retry-After` (RFC 9110, 10.2.3) before `RateLimit` and `RateLimit-Policy`
        (draft-ietf-httpapi-ratelimit-headers) before the fields that servers made up: the first
        that says how long to pause decides that, the first that tells limits those.
Rule 2  What is malformed, negative, or about more than a day says nothing. Nor does a reset of 0.
Rule 3  Limits of other things than requests, as tokens or bytes, are heeded once nothing is left.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from ...http.retry_after import parse_http_date, parse_retry_after
from .moments import seconds_until, sensible
from .structured import parse_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .structured import Member

__all__ = ["Limit", "Told", "fields_about_limits", "read_told", "sustained"]

_MOST_LIMITS: Final = 4
"""Limits of one answer that are remembered."""
_COUNT: Final = re.compile(r"[0-9]{1,15}")
_IN_ONE_FIELD: Final = re.compile(r"(limit|remaining|reset)=([0-9]{1,15})")
"""A member of the dictionary that `RateLimit` is in the draft's seventh version."""
_ASKS_TO_COME_BACK: Final = frozenset({403, 429, 503})


class Limit(NamedTuple):
    """One limit of requests: so many a second, so many at once, so many now.

    `remaining` is None where the server does not tell.
    """

    name: str
    rate: float
    capacity: float
    remaining: float | None


class Told(NamedTuple):
    """What an answer says.

    Attributes:
        pause: Seconds in which nothing should be sent, or None.
        rate: Requests a second by which the limit that is used up lasts, if the server tells it.
        limits: Limits of requests, with their rates.
        by: What asks for the pause: "retry_after" or "nothing_left".
    """

    pause: float | None = None
    rate: float | None = None
    limits: tuple[Limit, ...] = ()
    by: str = "nothing_left"


class _Quota(NamedTuple):
    """A limit as one of the families tells it."""

    name: str
    limit: int | None
    remaining: int | None
    reset: float | None
    window: float | None = None
    is_of_requests: bool = True
    flows: bool = False
    """Whether what was used comes back bit by bit, until it is whole at the reset."""


class _Family(NamedTuple):
    limit: str
    remaining: str
    reset: str
    is_of_requests: bool = True
    flows: bool = False


def _named(prefix: str, kind: str = "", *, last: bool = False, flows: bool = False) -> _Family:
    what = ("limit", "remaining", "reset")
    if not kind:
        names = [f"{prefix}-{each}" for each in what]
    else:
        names = [f"{prefix}-{kind}-{each}" if last else f"{prefix}-{each}-{kind}" for each in what]
    limit, remaining, reset = names
    return _Family(limit, remaining, reset, kind in {"", "requests"}, flows)


_FAMILIES: Final = (
    (  # OpenAI, and those who took after it
        _named("x-ratelimit", "requests", flows=True),
        _named("x-ratelimit", "tokens"),
    ),
    (
        _named("anthropic-ratelimit", "requests", last=True, flows=True),
        _named("anthropic-ratelimit", "tokens", last=True),
        _named("anthropic-ratelimit", "input-tokens", last=True),
        _named("anthropic-ratelimit", "output-tokens", last=True),
    ),
    (_named("x-ratelimit"),),  # GitHub and many others
    (_named("x-rate-limit"),),
    (_named("ratelimit"),),  # early drafts of the IETF's
)


def fields_about_limits(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of an answer that matter here, by their names in small letters.

    Most answers have none, and then that is empty.
    """
    found = {
        small: value
        for name, value in headers.items()
        if "rate" in (small := name.lower()) or small == "retry-after"
    }
    if found and (date := headers.get("date")) is not None:
        found["date"] = date
    return found


def read_told(status: int, headers: Mapping[str, str], wall_clock: float) -> Told:
    """Return what an answer says.

    Args:
        status: Of the answer.
        headers: Of the answer, as `fields_about_limits` found them.
        wall_clock: The time by our clock, in seconds since the epoch.
    """
    quotas = list(_by_ietf(headers))
    if all(each.remaining is None for each in quotas):  # early drafts told it in other fields
        quotas += _by_families(headers, wall_clock)
    limits = tuple(filter(None, map(_limit_of, quotas)))[:_MOST_LIMITS]
    if status in _ASKS_TO_COME_BACK:
        value = headers.get("retry-after")
        asked = None if value is None else sensible(parse_retry_after(value, wall_clock))
        if asked is not None:
            return Told(asked, None, limits, "retry_after")
    used_up = [each for each in quotas if each.remaining == 0 and each.reset]
    if not used_up:
        return Told(limits=limits)
    last = max(used_up, key=lambda each: each.reset or 0.0)
    limit = _limit_of(last)
    rate = None if limit is None else sustained(limit.rate, limit.capacity)
    return Told(last.reset, rate, limits)


def sustained(rate: float, capacity: float) -> float:
    """Return the rate at which a quota is never quite used up, if it is more than one request.

    The last of each window would stop everybody until its reset, which is told in whole seconds: of
    20 a second every other second would be lost.
    """
    return rate * (capacity - 1) / capacity if capacity > 1 else rate


def _limit_of(quota: _Quota) -> Limit | None:
    """Return what is known of the rate of a quota, or None."""
    limit, remaining = quota.limit, quota.remaining
    if not limit or not quota.is_of_requests:
        return None
    if quota.window:
        return Limit(quota.name, limit / quota.window, limit, remaining)
    if quota.flows and quota.reset and remaining is not None and remaining < limit:
        return Limit(quota.name, (limit - remaining) / quota.reset, limit, remaining)
    return None


def _by_ietf(headers: Mapping[str, str]) -> Iterator[_Quota]:
    """Yield the policies that are told, each with what is left of it."""
    policies = {str(each.value): each for each in _members(headers, "ratelimit-policy")}
    standing = {str(each.value): each for each in _members(headers, "ratelimit")}
    for name in dict.fromkeys((*policies, *standing)):
        policy, left = policies.get(name), standing.get(name)
        unit = "requests" if policy is None else policy.parameters.get("qu", "requests")
        yield _Quota(
            name,
            _policy_limit(policy),
            _parameter(left, "r"),
            sensible(_parameter(left, "t")),
            sensible(_parameter(policy, "w")),
            is_of_requests=unit == "requests",
        )


def _members(headers: Mapping[str, str], name: str) -> list[Member]:
    value = headers.get(name)
    return (value and parse_list(value)) or []


def _policy_limit(policy: Member | None) -> int | None:
    """Return the quota of a policy; early drafts had it in the place of the name."""
    if policy is not None and isinstance(policy.value, int):
        return policy.value if policy.value > 0 else None
    return _parameter(policy, "q")


def _parameter(member: Member | None, name: str) -> int | None:
    value = None if member is None else member.parameters.get(name)
    # A boolean is what a parameter without a value is.
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count and isinstance(value, int) else None


def _by_families(headers: Mapping[str, str], wall_clock: float) -> Iterator[_Quota]:
    """Yield what the first family of fields tells that is there."""
    headers = {**_from_one_field(headers.get("ratelimit")), **headers}
    for family in _FAMILIES:
        if any(each.remaining in headers for each in family):
            date = headers.get("date")
            served = None if date is None else parse_http_date(date, wall_clock)
            now = wall_clock if served is None else served
            for each in family:
                reset = headers.get(each.reset)
                yield _Quota(
                    each.remaining,
                    _count(headers.get(each.limit)),
                    _count(headers.get(each.remaining)),
                    None if reset is None else seconds_until(reset, now),
                    is_of_requests=each.is_of_requests,
                    flows=each.flows,
                )
            return


def _from_one_field(value: str | None) -> dict[str, str]:
    """Return what `limit=100, remaining=0, reset=5` tells, by the fields of drafts before that."""
    members = [] if value is None else value.split(",", 3)
    found = [_IN_ONE_FIELD.fullmatch(each.strip(" \t")) for each in members]
    told = {f"ratelimit-{each[1]}": each[2] for each in found if each is not None}
    return told if len(told) == len(members) else {}


def _count(value: str | None) -> int | None:
    value = None if value is None else value.strip(" \t")
    return int(value) if value is not None and _COUNT.fullmatch(value) else None
