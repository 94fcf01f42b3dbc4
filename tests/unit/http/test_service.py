"""A service behind several endpoints: under which URL it is known, and how it is shown."""

from __future__ import annotations

import httpx
import pytest

from client import Endpoint
from client.http.bodies.sent_request import detached_copy
from client.http.service import PLACEHOLDER, Service, Site


@pytest.mark.parametrize(
    ("url", "known"),
    [
        (f"{PLACEHOLDER}/a?b", "http://me.endpoints.invalid/a?b"),
        ("http://one.test/v1/a", "http://me.endpoints.invalid/a"),
        ("http://other.test/a", "http://other.test/a"),
        ("http://a:port/", "http://a:port/"),
    ],
    ids=["placeholder", "endpoint", "other", "none"],
)
def test_what_a_service_is_known_as(url: str, known: str) -> None:
    """By one URL whichever endpoint is asked; what is none of it is left as it is."""
    service = Service(httpx, "me")
    service.go_by([Site(Endpoint("http://one.test/v1"), httpx)])
    assert service.known_as(url) == known


@pytest.mark.parametrize("host", [None, "mine.test"], ids=["made up", "of the caller"])
def test_only_a_made_up_host_is_not_shown(host: str | None) -> None:
    """One that the caller gave is his."""
    headers = {} if host is None else {"Host": host}
    request = httpx.Request("GET", f"{PLACEHOLDER}/a", headers=headers)
    shown = Service(httpx).shown(request)
    assert (str(shown.url), shown.headers.get("Host")) == ("/a", host)
    assert str(request.url) == f"{PLACEHOLDER}/a"


def test_a_request_without_timeouts_can_be_copied() -> None:
    """As one that a transport is given may be."""
    request = httpx.Request("GET", "http://a.test/")
    twin = detached_copy(request, {"X-Mine": "1"})
    assert ("timeout" in twin.extensions, "X-Mine" in request.headers) == (False, False)
