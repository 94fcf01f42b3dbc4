"""What a client adds to a request on its way to the wire, as far as that can be told before."""

from __future__ import annotations

from functools import cache
from inspect import getattr_static
from typing import TYPE_CHECKING, Any, Final, cast

from ..engine.layer import Outlook
from ..errors.httpx_names import ENCODING, TO_REDIRECT

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from types import ModuleType

    from ..http.family import Family
    from ..http.shapes import Request

__all__ = ["default_encoding_of", "outlook_of"]

_UTF_8: Final = "utf-8"
_WAYS: Final = frozenset({"request", "send", "stream"})
"""The methods of a client by which requests go out."""


def outlook_of(
    client: Any,
    family: Family,
    request: Request,
    options: Mapping[str, object],
    *,
    has_own_hooks: bool = False,
) -> Outlook:
    """Return what becomes of a request.

    Args:
        client: The httpx client, or the transport, that sends it.
        family: Of it.
        request: Built by it, so that the cookies of its jar are there.
        options: What is said with the request: `auth` and `follow_redirects`.
        has_own_hooks: Whether its hooks are ours, and tell elsewhere what they add.
    """
    default = family.module.USE_CLIENT_DEFAULT
    cookie = request.headers.get("Cookie")
    if not hasattr(client, "event_hooks"):  # a transport sends what it is given
        return Outlook(cookie, is_hidden=False, is_open=False, follows=False)
    auth, follows = options.get("auth", default), options.get("follow_redirects", default)
    has_auth = (client.auth if auth is default else auth) is not None
    has_hooks = not has_own_hooks and bool(client.event_hooks["request"])
    is_open = (
        has_hooks
        or bool(getattr(client, "attempt_middleware", ()))
        or not _WAYS.isdisjoint(cast("Mapping[str, object]", vars(client)))
        or _has_ways_of_its_own(cast("Hashable", type(client)), family.module)
    )
    is_hidden = is_open or has_auth or bool(request.url.userinfo)
    follow = bool(client.follow_redirects if follows is default else follows)
    return Outlook(
        cookie,
        is_hidden=is_hidden,
        is_open=is_open,
        follows=follow,
        default_encoding=default_encoding_of(client),
        redirect=getattr(client, TO_REDIRECT),
    )


@cache
def _has_ways_of_its_own(kind: Hashable, module: ModuleType) -> bool:
    """Whether a class of clients sends otherwise than httpx's: as one does that signs requests."""
    theirs = module.__name__, __name__.partition(".")[0]
    made = (getattr(getattr_static(kind, name, None), "__module__", "") for name in _WAYS)
    return not all(each.partition(".")[0] in theirs for each in made)


def default_encoding_of(client: object) -> object:
    """Return how a client has texts read that name no charset."""
    return getattr(client, ENCODING, _UTF_8)
