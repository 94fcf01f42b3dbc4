"""What a redirect may take along, checked before each request that follows one; and where to.

Rule 1  Credentials, cookies and the headers of `ClientConfig` do not go to another origin.
Rule 2  From https to http is refused, and so is any other scheme.
Rule 3  A body is not sent to another origin.
Rule 4  A `Location` that httpx cannot make a URL of is refused, and not called a bad request.
Rule 5  No request, the first one included, goes to an address where no server can be.
Rule 6  The endpoints of a service are as one origin to rules 1 and 3, but what is one endpoint's
        own does not go to another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..errors.urls import flaw_of_address, origin_of
from ..exceptions import InvalidRequestError, ResponseError
from .extensions import PREVIOUS
from .verdicts import Refused, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .family import Family
    from .service import Service
    from .shapes import Request, Response

__all__ = ["RedirectRules"]

_CREDENTIALS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})


class RedirectRules:
    """The rules above as checks of each request and answer, called by httpx's hooks.

    Args:
        family: Of the client.
        own_headers: Names of the headers that are meant for the first origin alone.
        service: The endpoints, where there are several.
    """

    def __init__(
        self, family: Family, own_headers: Iterable[str], service: Service | None = None
    ) -> None:
        self._httpx = family.module
        self._service = service
        self._private = _CREDENTIALS | {name.lower() for name in own_headers}

    def check(self, request: Request) -> None:
        """Strip or refuse a request that follows a redirect; let any other pass."""
        url, extensions = request.url, request.extensions
        previous_url = extensions.get(PREVIOUS)
        extensions[PREVIOUS] = url
        flaw = flaw_of_address(url.raw_host.decode("ascii"), url.port)
        if previous_url is None:
            if flaw is not None:
                raise Refused(Verdict(InvalidRequestError, request_sent=False, reason=flaw))
            if self._service is not None:
                self._service.follow(request)
            return
        previous, origin = origin_of(str(previous_url)), origin_of(str(url))
        if flaw is not None:
            raise _refused(f"a redirect leads nowhere: {flaw}")
        is_within = self._service is not None and self._service.follow(request)
        if previous == origin:
            return
        scheme = url.scheme
        if scheme not in {"http", "https"} or (scheme == "http" and previous.startswith("https:")):
            raise _refused(f"a redirect from {previous} to {scheme} is not followed")
        if is_within:
            return
        if _has_body(request):
            raise _refused(f"a redirect would send the body to another origin, {origin}")
        for name in self._private:
            request.headers.pop(name, None)

    def check_answer(self, response: Response) -> None:
        """Refuse a redirect that leads nowhere."""
        try:
            url = self._httpx.URL(response.headers["Location"])
            if url.scheme and not url.host:
                url.copy_with(host=response.request.url.host)  # as httpx will do
        except self._httpx.InvalidURL as error:
            raise _refused("a redirect leads to what is no URL") from error


def _has_body(request: Request) -> bool:
    headers = request.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _refused(reason: str) -> Refused:
    return Refused(Verdict(ResponseError, request_sent=True, reason=reason))
