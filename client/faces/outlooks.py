"""What a client adds to a request on its way to the wire, as far as that can be told before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.layer import Outlook
from ..errors.httpx_names import ENCODING, TO_REDIRECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..http.family import Family
    from ..http.shapes import Request

__all__ = ["default_encoding_of", "outlook_of"]

_UTF_8 = "utf-8"


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
        return Outlook(cookie, is_hidden=False, follows=False)
    auth, follows = options.get("auth", default), options.get("follow_redirects", default)
    has_auth = (client.auth if auth is default else auth) is not None
    is_hidden = (
        has_auth
        or bool(request.url.userinfo)
        or (not has_own_hooks and bool(client.event_hooks["request"]))
        or bool(getattr(client, "attempt_middleware", ()))
    )
    follow = bool(client.follow_redirects if follows is default else follows)
    return Outlook(
        cookie,
        is_hidden=is_hidden,
        follows=follow,
        default_encoding=default_encoding_of(client),
        redirect=getattr(client, TO_REDIRECT),
    )


def default_encoding_of(client: object) -> object:
    """Return how a client has texts read that name no charset."""
    return getattr(client, ENCODING, _UTF_8)
