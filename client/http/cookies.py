"""The cookies of a client, bounded: what servers set must not break the requests that follow.

The drop-in clients keep cookies as httpx does, the facade for the very host that set them. In both,
neither how much there is of it nor what is in it may make a request that nobody can send.
"""

from __future__ import annotations

import itertools
import threading
from collections import deque
from functools import cache
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any, Final

from ..runtime.forking import fork_safe
from .service import NO_HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from http.cookiejar import Cookie
    from types import ModuleType

    from .service import Service
    from .shapes import Cookies, Request, Response

__all__ = ["HostCookies", "bounded_cookies", "no_cookies"]

# RFC 6265, 6.1 asks for 50 a domain, and for 3,000 in all; this is what browsers keep.
_MOST_OF_A_HOST: Final = 180
_MOST_HOSTS: Final = 1_000
_MOST_OF_A_COOKIE: Final = 4_096
"""Bytes of name and value (RFC 6265, 6.1). What is longer is dropped, as browsers do."""
_MOST_OF_A_LINE: Final = 2 * _MOST_OF_A_COOKIE
"""Bytes of a `Set-Cookie` with its attributes."""
_MOST_SENT: Final = 8_000
"""Bytes of a `Cookie` header: Apache and nginx take 8 KiB for one line of a head."""
_EXTRACT: Final = CookieJar.extract_cookies
_OURS: Final = "resilience.cookies"
_ORDER: Final = "resilience_order"
"""The attribute of a cookie that a server has set: the number of those set before."""
_numbers: Final = itertools.count()


class HostCookies:
    """The cookies of a facade: each goes back to the host that set it, and to no other.

    `Domain` widens nothing. It is looked at only to refuse a cookie for another host: without a
    list of public suffixes, `Domain=co.uk` could not be told from `Domain=shop.example`.

    The endpoints of a service are one host: what one has set goes to all of them. A path is what
    comes behind that of the endpoint.

    Args:
        module: Of the family.
        service: The endpoints, where there are several.
    """

    def __init__(self, module: ModuleType, service: Service | None = None) -> None:
        self._module = module
        self._service = service
        self._lock = fork_safe(threading.Lock())
        self._of_hosts: dict[str, Cookies] = {}
        self.are_kept: bool = False
        """Whether there has been any."""

    def add(self, request: Request) -> None:
        """Put the cookies of its host into a request; called by httpx's hook."""
        extensions, headers = request.extensions, request.headers
        theirs = headers.get("Cookie", "")
        before = extensions.pop(_OURS, None)
        if before:  # an auth flow sends the same request again
            theirs = theirs.removesuffix(before).removesuffix("; ")
        ours = self._header_for(request)
        if ours:
            extensions[_OURS] = ours
        if ours or before:
            headers["Cookie"] = "; ".join(filter(None, (theirs, ours)))

    def line_for(self, request: Request) -> str | None:
        """Return the `Cookie` header that a request will have, or None; it is left as it is."""
        theirs = request.headers.get("Cookie", "")
        ours = self._header_for(request) if self.are_kept else ""
        return "; ".join(filter(None, (theirs, ours))) or None

    def keep(self, response: Response) -> None:
        """Keep the cookies that an answer sets; called by httpx's hook."""
        request = response.request
        url, host = request.url, request.url.host
        lines = [_for_host(line, host) for line in _lines(response)]
        service = self._service
        if service is not None and service.knows(url):
            base = service.prefix_of(url)
            lines = [line and _without_base(line, base) for line in lines]
            host, request = NO_HOST, self._blank(request)
        with self._lock:
            self.are_kept = True
            kept = self._of_hosts.pop(host, None) or self._module.Cookies(_new_jar())
            self._of_hosts[host] = kept
            if len(self._of_hosts) > _MOST_HOSTS:
                del self._of_hosts[next(iter(self._of_hosts))]
            _extract(self._module, kept, response, filter(None, lines), request)
            _bound(kept.jar, kept.jar, most=_MOST_OF_A_HOST)

    def _header_for(self, request: Request) -> str:
        url, service = request.url, self._service
        is_ours = service is not None and service.knows(url)
        kept = self._of_hosts.get(NO_HOST if is_ours else url.host)
        if kept is None:
            return ""
        blank = self._blank(request)
        kept.set_cookie_header(blank)  # which looks at path and `Secure`
        found: str = blank.headers.get("Cookie", "")
        return found

    def _blank(self, request: Request) -> Request:
        """Return a request without headers, to the service where it goes to one of its endpoints.

        That has no port, but the scheme, by which it is seen whether it is secure.
        """
        url: Any = request.url
        if self._service is not None and (path := self._service.path_of(url)) is not None:
            url = url.copy_with(host=NO_HOST, port=None, raw_path=path)
        blank: Request = self._module.Request(request.method, url)
        return blank


def _new_jar() -> CookieJar:
    jar = CookieJar()
    fork_safe(vars(jar)["_cookies_lock"])
    return jar


def _lines(response: Response) -> Iterator[bytes]:
    """Yield each `Set-Cookie` that can be sent back, whatever else it says."""
    for name, line in response.headers.raw:
        if name.lower() == b"set-cookie" and len(line) <= _MOST_OF_A_LINE:
            pair = line.partition(b";")[0]
            text = pair.decode("ascii", "replace")
            if len(pair) <= _MOST_OF_A_COOKIE and text.isascii() and text.isprintable():
                yield line


def _for_host(line: bytes, host: str) -> bytes | None:
    """Return a `Set-Cookie` without its `Domain`, or None where that names another host."""
    pair, *attributes = line.split(b";")
    kept = [pair]
    for attribute in attributes:
        name, _, value = attribute.partition(b"=")
        if name.strip().lower() != b"domain":
            kept.append(attribute)
        elif not _is_within(host, value.decode("latin-1").strip().lower().removeprefix(".")):
            return None
    return b";".join(kept)


def _without_base(line: bytes, base: bytes) -> bytes:
    """Return a `Set-Cookie` whose `Path` does not begin with that of the endpoint."""
    pair, *attributes = line.split(b";")
    return b";".join([pair, *(_path_without(each, base) for each in attributes)])


def _path_without(attribute: bytes, base: bytes) -> bytes:
    name, _, value = attribute.partition(b"=")
    path = value.strip()
    if not base or name.strip().lower() != b"path" or not path.startswith(base):
        return attribute
    rest = path[len(base) :]
    return b"Path=" + (rest or b"/") if rest[:1] in {b"", b"/"} else attribute


def _is_within(host: str, domain: str) -> bool:
    """Whether a host is a domain, or below it; an empty one says nothing (RFC 6265, 5.3)."""
    return not domain or host == domain or host.endswith(f".{domain}")


def _extract(
    module: ModuleType,
    cookies: Cookies,
    response: Response,
    lines: Iterable[bytes],
    request: Request | None = None,
) -> list[Cookie]:
    """Store, in httpx's own way, what certain lines of an answer set, as if to this request."""
    headers = [(b"Set-Cookie", line) for line in lines]
    request = response.request if request is None else request
    shown = module.Response(response.status_code, headers=headers, request=request)
    before = {id(cookie): cookie for cookie in cookies.jar}
    module.Cookies.extract_cookies(cookies, shown)
    new = [cookie for cookie in cookies.jar if id(cookie) not in before]
    for cookie in new:
        vars(cookie)[_ORDER] = next(_numbers)
    return new


def _bound(jar: CookieJar, cookies: Iterable[Cookie], *, most: int | None = None) -> None:
    """Forget those set longest ago until what servers have set fits into one request."""
    of_servers = deque(sorted((each for each in cookies if _ORDER in vars(each)), key=_order))
    size = sum(map(_size, of_servers))
    while size > _MOST_SENT or (most is not None and len(of_servers) > most):
        oldest = of_servers.popleft()
        size -= _size(oldest)
        jar.clear(oldest.domain, oldest.path, oldest.name)


def _size(cookie: Cookie) -> int:
    return len(cookie.name) + len(cookie.value or "") + len("=; ")


def _order(cookie: Cookie) -> int:
    order: int = vars(cookie)[_ORDER]
    return order


def bounded_cookies(module: ModuleType, cookies: Cookies) -> Cookies:
    """Return a family's cookies, bounded, and so that answers without a cookie cost nothing.

    httpx makes two requests of urllib's for every answer, to look for a `Set-Cookie` that mostly
    is not there: a quarter of what a call costs it.

    Args:
        module: Of the family.
        cookies: Its `Cookies`. What is returned has the same jar.
    """
    extract = cookies.jar.__class__.extract_cookies
    if type(cookies) is not module.Cookies or extract is not _EXTRACT:
        return cookies  # one of somebody's own may do more than to keep cookies
    return _bounded_kind(module)(cookies.jar)


def no_cookies(module: ModuleType) -> Cookies:
    """Return a family's cookies that keep nothing."""
    return _empty_kind(module)()


@cache
def _bounded_kind(module: ModuleType) -> Callable[..., Cookies]:
    def extract_cookies(self: Cookies, response: Response) -> None:
        """Keep the cookies that an answer sets."""
        if "set-cookie" in response.headers:
            new = _extract(module, self, response, _lines(response))
            for cookies in _sent_together(self.jar, response.request.url.host, new):
                _bound(self.jar, cookies)

    return _kind_of_cookies(module, extract_cookies)


@cache
def _empty_kind(module: ModuleType) -> Callable[..., Cookies]:
    def extract_cookies(_self: Cookies, _response: Response) -> None:
        """Keep nothing."""

    return _kind_of_cookies(module, extract_cookies)


def _kind_of_cookies(
    module: ModuleType, extract_cookies: Callable[[Cookies, Response], None]
) -> Callable[..., Cookies]:
    attributes = {"extract_cookies": extract_cookies, "__module__": module.__name__}
    return type("Cookies", (module.Cookies,), attributes)


def _sent_together(jar: CookieJar, host: str, new: list[Cookie]) -> Iterator[list[Cookie]]:
    """Yield, for each host that new cookies concern, the cookies that it may be sent."""
    by_domain: dict[str, list[Cookie]] = {}
    for cookie in jar:
        by_domain.setdefault(_bare(cookie.domain), []).append(cookie)
    domains = {_bare(cookie.domain) for cookie in new}
    below = (each for each in by_domain if any(_is_within(each, domain) for domain in domains))
    for each in dict.fromkeys((host, *below)):
        labels = each.split(".")
        above = (".".join(labels[at:]) for at in range(len(labels)))
        yield [cookie for name in above for cookie in by_domain.get(name, ())]


def _bare(domain: str) -> str:
    # http.cookiejar gives names without a dot one.
    return domain.removeprefix(".").removesuffix(".local")
