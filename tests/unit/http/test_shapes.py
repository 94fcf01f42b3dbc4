"""What the two families have in common is as `client.http.shapes` says.

The annotations here are half of the test: a type checker compares them with the classes.
"""

import httpx
import httpx2
import pytest
from httpx._client import BaseClient
from httpx2._client import BaseClient as BaseClient2

from client.http import shapes

URLS: list[shapes.URL] = [httpx.URL(""), httpx2.URL("")]
AUTHS: list[shapes.Auth[object]] = [httpx.Auth(), httpx2.Auth()]
AUTH: shapes.Auth[httpx.Request] = httpx.Auth()
AUTH_2: shapes.Auth[httpx2.Request] = httpx2.Auth()
LIMITS: list[shapes.Limits] = [httpx.Limits(), httpx2.Limits()]
PROXIES: list[shapes.Proxy] = [httpx.Proxy("http://a"), httpx2.Proxy("http://a")]
CLIENTS: list[shapes.Client] = [httpx.Client(), httpx2.Client()]
BASES: list[shapes.BaseClient] = [BaseClient(), BaseClient2()]
COOKIES: list[shapes.Cookies] = [httpx.Cookies(), httpx2.Cookies()]
TIMEOUTS: list[shapes.Timeout] = [httpx.Timeout(1), httpx2.Timeout(1)]
HEADERS: list[shapes.Headers] = [httpx.Headers(), httpx2.Headers()]
REQUESTS: list[shapes.Request] = [httpx.Request("GET", ""), httpx2.Request("GET", "")]
RESPONSES: list[shapes.Response] = [
    httpx.Response(200, content=b"", request=httpx.Request("GET", "")),
    httpx2.Response(200, content=b"", request=httpx2.Request("GET", "")),
]
ASYNC_CLIENTS: list[shapes.AsyncClient] = [httpx.AsyncClient(), httpx2.AsyncClient()]
VALUES: list[object] = [
    *(*URLS, *AUTHS, *LIMITS, *PROXIES),
    *(*CLIENTS, *BASES, *COOKIES, *TIMEOUTS, *ASYNC_CLIENTS),
    *(*HEADERS, *REQUESTS, *RESPONSES),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(type(value)))
def test_a_shape_is_named_after_the_class_that_has_it(value: object) -> None:
    """All that a shape has, a value of the class of its name has, in either family."""
    shape = getattr(shapes, type(value).__name__)
    members = [name for name in vars(shape) if not name.startswith("_")]
    assert members
    assert [name for name in members if not hasattr(value, name)] == []


def test_there_are_values_of_every_shape() -> None:
    """Two of each: one for each family."""
    names = sorted(type(value).__name__ for value in VALUES)
    classes = [name for name in shapes.__all__ if isinstance(getattr(shapes, name), type)]
    assert names == sorted([*classes, *classes])
