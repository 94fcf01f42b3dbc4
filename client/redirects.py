"""What a redirect may take along, checked before each request that follows one.

Rule 1  Credentials, cookies and the headers of `ClientConfig` do not go to another origin.
Rule 2  From https to http is refused, and so is any other scheme.
Rule 3  A body is not sent to another origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from client.classify import Refused, Verdict
from client.exceptions import ResponseError
from client.urls import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["RedirectRules"]

_CREDENTIALS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
# httpx hands a request's extensions on to the request that follows its redirect.
_PREVIOUS: Final = "resilience.origin"


class RedirectRules:
    """The rules above as a check of each request, called by httpx's request hook.

    Args:
        own_headers: Names of the headers that are meant for the first origin alone.
    """

    def __init__(self, own_headers: Iterable[str]) -> None:
        self._private = _CREDENTIALS | {name.lower() for name in own_headers}

    def check(self, request: Any) -> None:
        """Strip or refuse a request that follows a redirect; let any other pass."""
        origin = origin_of(str(request.url))
        previous = request.extensions.get(_PREVIOUS)
        request.extensions[_PREVIOUS] = origin
        if previous is None or previous == origin:
            return
        scheme = request.url.scheme
        if scheme not in {"http", "https"} or (scheme == "http" and previous.startswith("https:")):
            raise _refused(f"a redirect from {previous} to {scheme} is not followed")
        if _has_body(request):
            raise _refused(f"a redirect would send the body to another origin, {origin}")
        for name in self._private:
            request.headers.pop(name, None)

    async def check_async(self, request: Any) -> None:
        """Check a request of an async client."""
        self.check(request)


def _has_body(request: Any) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _refused(reason: str) -> Refused:
    return Refused(Verdict(ResponseError, request_sent=True, reason=reason))
