"""A service behind several endpoints, as its requests see it: where each goes, what it takes along.

A request is built for a host that does not exist, and is directed to an endpoint before it is sent.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote_to_bytes

from ..errors.urls import name_of_endpoint
from .extensions import AUTHORIZATION, WORN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import ModuleType
    from typing import Protocol

    from .shapes import URL, Headers, Request

    class Timeouts(Protocol):
        """Those of an endpoint, of which only some may be given."""

        @property
        def model_fields_set(self) -> set[str]:
            """The names of those that are."""
            ...

    class Endpoint(Protocol):
        """What is set for an endpoint."""

        @property
        def url(self) -> str:
            """Of the endpoint, perhaps with credentials."""
            ...

        @property
        def weight(self) -> float:
            """Its share."""
            ...

        @property
        def headers(self) -> Mapping[str, str]:
            """Its own."""
            ...

        @property
        def timeout(self) -> Timeouts | None:
            """Its own."""
            ...


__all__ = ["NAME", "NO_HOST", "PLACEHOLDER", "Service", "Site"]

NO_HOST: Final = "endpoints.invalid"
"""A name that never is one (RFC 6761, 6.4)."""
PLACEHOLDER: Final = f"http://{NO_HOST}"
"""In the place of a base URL: what a request is built with before its endpoint is known."""
NAME: Final = "endpoints"
"""What is shown in its place."""
_PORTS: Final = {"http": 80, "https": 443}
_AUTH: Final = "authorization"
_HOST: Final = "Host"


class Site:
    """An endpoint as requests are directed to it.

    Args:
        endpoint: What is set for it.
        module: Of the family.

    Raises:
        ValueError: Its URL is none for httpx.

    Attributes:
        url: Its URL without credentials, by which it is known and shown.
        origin: Scheme, host as it is sent, and port.
        path: What comes before the path of each request.
        headers: Its own, by name.
        timeouts: Its own, by phase, as far as they are given.
        weight: Its share of the calls beside the others'.
    """

    __slots__ = ("_base", "headers", "origin", "path", "timeouts", "url", "weight")

    def __init__(self, endpoint: Endpoint, module: ModuleType) -> None:
        self.url: str = name_of_endpoint(endpoint.url)
        self.weight: float = endpoint.weight
        try:
            base: Any = module.URL(endpoint.url)
        except module.InvalidURL as error:
            raise ValueError(f"{self.url} is no URL of an endpoint: {error}") from error
        self.origin: tuple[str, bytes, int] = _origin(base)
        self.path: bytes = base.raw_path.rstrip(b"/")
        self.headers: dict[str, str] = dict(endpoint.headers)
        if base.userinfo and _AUTH not in map(str.lower, self.headers):
            told = b64encode(unquote_to_bytes(base.userinfo)).decode("ascii")
            self.headers["Authorization"] = f"Basic {told}"
        self._base: Any = base.copy_with(username=None, password=None) if base.userinfo else base
        given = endpoint.timeout
        names = () if given is None else given.model_fields_set - {"total"}
        self.timeouts: dict[str, float | None] = {name: getattr(given, name) for name in names}

    def url_for(self, url: URL) -> URL:
        """Return where a request for the service goes, which was built for no host."""
        made: URL = self._base.copy_with(raw_path=self.path + url.raw_path)
        return made

    def holds(self, url: URL) -> bool:
        """Whether a URL is one of this endpoint: its origin, and below its path."""
        return _origin(url) == self.origin and _is_below(url.raw_path, self.path)


@dataclass(frozen=True, slots=True)
class _Worn:
    """What a request has of an endpoint.

    Attributes:
        site: Which that is; None for an address of the service that is below no endpoint's path.
        url: Of the request.
        names: Of its headers that are the endpoint's.
        instead: Those that they stand in the place of.
    """

    site: Site | None
    url: URL
    names: tuple[str, ...] = ()
    instead: tuple[tuple[str, str], ...] = ()


class Service:
    """The endpoints as they are known by their addresses. Safe to share between threads.

    Args:
        module: Of the family.
    """

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._by_origin: dict[tuple[str, bytes, int], tuple[Site, ...]] = {}
        self.usual: Mapping[str, str] = {}
        """The headers of the client, which an endpoint's own take the place of; by lower-case name.

        Others are the caller's, and stand."""

    def go_by(self, sites: Iterable[Site]) -> None:
        """Consist of these endpoints from now on."""
        found: dict[tuple[str, bytes, int], list[Site]] = {}
        for site in sites:
            found.setdefault(site.origin, []).append(site)
        self._by_origin = {
            origin: tuple(sorted(each, key=lambda site: -len(site.path)))
            for origin, each in found.items()
        }

    def site_of(self, url: URL) -> Site | None:
        """Return the endpoint that a URL is one of, that with the longest path; or None."""
        path = url.raw_path
        for site in self._by_origin.get(_origin(url), ()):
            if _is_below(path, site.path):
                return site
        return None

    def site_of_text(self, url: str) -> Site | None:
        """Do so for a URL that may be none at all."""
        try:
            return self.site_of(self._module.URL(url))
        except self._module.InvalidURL:
            return None

    def knows(self, url: URL) -> bool:
        """Whether a URL has the origin of an endpoint."""
        return _origin(url) in self._by_origin

    def direct(self, request: Any, site: Site, *, keeps_timeouts: bool = False) -> None:
        """Have a request, which was built for no host or for this endpoint, go there.

        Args:
            request: The request, which is nobody else's.
            site: The endpoint.
            keeps_timeouts: Whether the caller has given timeouts, which stand.
        """
        if request.url.raw_host == NO_HOST.encode():
            request.url = site.url_for(request.url)
            if request.headers.get(_HOST) == NO_HOST:
                request.headers[_HOST] = request.url.netloc.decode("ascii")
        if site.timeouts and not keeps_timeouts:
            request.extensions["timeout"] = {
                **request.extensions.get("timeout", {}),
                **site.timeouts,
            }
        self._put_on(request, site)

    def _put_on(self, request: Request, site: Site | None) -> None:
        """Give a request the headers of its endpoint, and note which those are."""
        headers, usual = request.headers, self.usual
        names: list[str] = []
        instead: list[tuple[str, str]] = []
        for name, value in () if site is None else site.headers.items():
            there, key = headers.get(name), name.lower()
            if there is not None and there != usual.get(key) and key != "host":
                continue  # the caller's
            if there is not None:
                instead.append((name, there))
            headers[name] = value
            names.append(key)
        worn = _Worn(site, request.url, tuple(names), tuple(instead))
        request.extensions[WORN] = worn

    def _put_off(self, headers: Headers, worn: _Worn) -> None:
        for name in worn.names:
            headers.pop(name, None)
        for name, value in worn.instead:
            if name.lower() != "host":
                headers[name] = value

    def follow(self, request: Request) -> bool:
        """Let a request that follows a redirect, or was changed, take along what it may.

        What belongs to the service goes from endpoint to endpoint, what is one endpoint's does not.

        Returns:
            Whether it goes from the service to the service, so that it is as within one origin.
        """
        extensions, headers = request.extensions, request.headers
        worn: _Worn | None = extensions.get(WORN)
        if worn is None:
            return False
        is_within = True
        if request.url is not worn.url:
            is_within = self._follow(request, worn)
        if is_within and (given := headers.get(_AUTH)) is not None:
            worn = extensions[WORN]
            if _AUTH not in worn.names:
                extensions[AUTHORIZATION] = given
        return is_within

    def _follow(self, request: Request, worn: _Worn) -> bool:
        url, extensions, headers = request.url, request.extensions, request.headers
        if not self.knows(url):
            self._put_off(headers, worn)
            extensions.pop(WORN)
            extensions.pop(AUTHORIZATION, None)
            return False
        site = self.site_of(url)
        if site is not worn.site:
            self._put_off(headers, worn)
            if _AUTH not in headers and (given := extensions.get(AUTHORIZATION)) is not None:
                headers["Authorization"] = given  # httpx takes it for another origin
            self._put_on(request, site)
        else:
            extensions[WORN] = _Worn(site, url, worn.names, worn.instead)
        return True

    def path_of(self, url: URL) -> bytes | None:
        """Return the path by which cookies of the service are kept; None for what is none of it."""
        if not self.knows(url):
            return None
        path = url.raw_path[len(self.prefix_of(url)) :]
        return path if path.startswith(b"/") else b"/" + path

    def prefix_of(self, url: URL) -> bytes:
        """Return the path of the endpoint that a URL is one of."""
        site = self.site_of(url)
        return b"" if site is None else site.path


def _origin(url: URL) -> tuple[str, bytes, int]:
    scheme = url.scheme
    return scheme, url.raw_host.lower(), url.port or _PORTS.get(scheme, 0)


def _is_below(path: bytes, base: bytes) -> bool:
    return path.startswith(base) and path[len(base) : len(base) + 1] in {b"", b"/", b"?"}
