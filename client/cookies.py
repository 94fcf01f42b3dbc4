"""The cookies of a client: as httpx keeps them, except those that would harm its later requests.

What servers set is theirs to choose: neither how much there is of it nor what is in it may break
a request.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final

from client.forking import fork_safe

if TYPE_CHECKING:
    from urllib.request import Request

__all__ = ["BoundedCookies", "sparing_cookies"]

# RFC 6265, 6.1 asks for 50 a domain, and for 3,000 in all; this is what browsers keep.
_MOST_OF_A_DOMAIN: Final = 180
_MOST_DOMAINS: Final = 1_000
_EXTRACT: Final[Any] = CookieJar.extract_cookies


class _AsciiCookies(DefaultCookiePolicy):
    """Refuses cookies that httpx could not send back: one of them would break every request."""

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        """Tell whether a cookie that a server sets is kept."""
        text = f"{cookie.name}{cookie.value or ''}"
        return text.isascii() and text.isprintable() and super().set_ok(cookie, request)


class BoundedCookies(CookieJar):
    """Forgets the cookie that was set longest ago where a domain, or where all, set too many."""

    def __init__(self) -> None:
        super().__init__(_AsciiCookies())
        fork_safe(vars(self)["_cookies_lock"])
        self._kept: dict[str, dict[tuple[str, str], None]] = {}

    def set_cookie(self, cookie: Cookie) -> None:
        """Keep a cookie."""
        super().set_cookie(cookie)
        kept = self._kept[cookie.domain] = self._kept.pop(cookie.domain, {})
        kept.pop((cookie.path, cookie.name), None)
        kept[cookie.path, cookie.name] = None
        if len(kept) > _MOST_OF_A_DOMAIN:
            self._forget(cookie.domain, *_take_first(kept))
        if len(self._kept) > _MOST_DOMAINS:
            domain = next(iter(self._kept))
            del self._kept[domain]
            self._forget(domain)

    def _forget(self, domain: str, path: str | None = None, name: str | None = None) -> None:
        with suppress(KeyError):  # it may have expired
            self.clear(domain, path, name)


def _take_first(kept: dict[tuple[str, str], None]) -> tuple[str, str]:
    first = next(iter(kept))
    del kept[first]
    return first


def sparing_cookies(module: Any, cookies: Any) -> Any:
    """Return a family's cookies so that answers without a cookie cost nothing.

    httpx makes two requests of urllib's for every answer, to look for a `Set-Cookie` that mostly
    is not there: a quarter of what a call costs it.

    Args:
        module: Of the family.
        cookies: Its `Cookies`. What is returned has the same jar.
    """
    extract = cookies.jar.__class__.extract_cookies
    if type(cookies) is not module.Cookies or extract is not _EXTRACT:
        return cookies  # one of somebody's own may do more than to keep cookies
    return _sparing_kind(module)(cookies.jar)


@cache
def _sparing_kind(module: Any) -> type[Any]:
    base: Any = module.Cookies

    def extract_cookies(self: Any, response: Any) -> None:
        """Keep the cookies that an answer sets."""
        if "set-cookie" in response.headers:
            base.extract_cookies(self, response)

    attributes = {"extract_cookies": extract_cookies, "__module__": module.__name__}
    return type("Cookies", (base,), attributes)
