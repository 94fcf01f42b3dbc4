"""Other settings for a client at work: which may change, and what calls are then given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic import BaseModel

from ...config.merging import given_settings
from ...errors.urls import mask_url, origin_of
from ...http.headers import set_default, to_pairs
from .http_client import check_foreign_client, to_timeout

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ...config.models import ClientConfig
    from ...engine.plan import Plan
    from ...http.family import Family
    from ...http.headers import Pairs
    from ...http.shapes import Options
    from ..strategies import Wanted

__all__ = [
    "Snapshot",
    "changed_settings",
    "check_changes",
    "foreign_headers",
    "foreign_options",
    "is_same",
    "options_after",
]

_FIXED: Final = {
    "name": "what was counted so far stands under it",
    "verify_ssl": "its connections are made with it",
    "http2": "its connections are made with it",
    "trust_env": "its connections are made with it",
    "backend": "its connections are made with it",
    "headers": "its httpx client is made with them",
    "user_agent": "its httpx client is made with it",
}


class Snapshot(NamedTuple):
    """What is in force for the calls that begin now.

    Attributes:
        config: The configuration.
        wanted: What is around the core.
        plan: What an operation passes.
        always: What each request is given that httpx has otherwise, or not at all.
        joins: Whether relative URLs are joined to the base here: httpx has another, or none.
    """

    config: ClientConfig
    wanted: Wanted
    plan: Plan
    always: Options
    joins: bool


def changed_settings(before: ClientConfig, after: ClientConfig) -> tuple[str, ...]:
    """Return the dotted names of the settings that differ, sorted."""
    return tuple(sorted(_differences(before, after)))


def _differences(before: BaseModel, after: BaseModel, path: str = "") -> Iterator[str]:
    for name in type(before).model_fields:
        one, other = getattr(before, name), getattr(after, name)
        if one == other:
            continue
        if isinstance(one, BaseModel) and type(one) is type(other):
            yield from _differences(one, other, f"{path}{name}.")
        else:
            yield path + name


def is_same(one: BaseModel | None, other: BaseModel | None) -> bool:
    """Return whether two configurations say the same, and leave the same unsaid.

    A default that is given counts for more: beside `failure_rate`, and with a client that was built
    elsewhere and has defaults of its own.
    """
    if one is None or other is None:
        return one is other
    return one == other and given_settings(one) == given_settings(other)


def check_changes(
    before: ClientConfig, after: ClientConfig, changed: Collection[str], *, is_foreign: bool
) -> None:
    """Refuse to change what a client is made with.

    Raises:
        ValueError: One of these differs; it says what to do.
    """
    for name, reason in _FIXED.items():
        if name in changed:
            raise ValueError(f"{name} of a client cannot be changed, because {reason}: {_REMEDY}")
    if (before.endpoints is None) != (after.endpoints is None):
        raise ValueError(
            f"a client with base_url cannot get endpoints, nor the other way round, because its "
            f"httpx client is made for the one or the other: {_REMEDY}"
        )
    if origin_of(before.base_url) != origin_of(after.base_url):
        raise ValueError(
            f"base_url of a client cannot be changed from {mask_url(before.base_url)!r} to "
            f"{mask_url(after.base_url)!r}, another scheme or host, because its state is about "
            f"that server: {_REMEDY}"
        )
    if is_foreign:
        check_foreign_client(after)


_REMEDY: Final = "make a new client, and close this one"


def options_after(
    family: Family, before: Snapshot, config: ClientConfig, *, is_foreign: bool
) -> Options:
    """Return what each request is given after a change that httpx does not know of."""
    if is_foreign:
        return foreign_options(family, config)
    options = dict(before.always)
    if config.timeout != before.config.timeout:
        options["timeout"] = to_timeout(family, config.timeout)
    if config.follow_redirects != before.config.follow_redirects:
        options["follow_redirects"] = config.follow_redirects
    return options


def foreign_options(family: Family, config: ClientConfig) -> Options:
    """Return what a call hands to a client that was built elsewhere: what was given here."""
    check_foreign_client(config)
    given = config.model_fields_set
    options: Options = {}
    if "timeout" in given:
        options["timeout"] = to_timeout(family, config.timeout)
    if "follow_redirects" in given:
        options["follow_redirects"] = config.follow_redirects
    return options


def foreign_headers(config: ClientConfig) -> Pairs:
    """Return the headers that such a client does not know of."""
    headers = to_pairs(config.headers)
    if "user_agent" in config.model_fields_set:
        set_default(headers, "User-Agent", config.user_agent)
    return headers
