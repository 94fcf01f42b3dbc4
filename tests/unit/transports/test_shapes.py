"""What the two httpcores have in common, and what aiohttp has, is as the shapes say.

The annotations here are half of the test: a type checker compares them with the classes.
"""

from types import ModuleType

import httpcore
import httpcore2
import pytest
from aiohttp.http_parser import RawResponseMessage

from client.transports import shapes
from client.transports.aiohttp import shapes as shapes_of_aiohttp

URL = "http://server.test"
URLS: list[shapes.PoolURL] = [httpcore.URL(URL), httpcore2.URL(URL)]
REQUESTS: list[shapes.PoolRequest] = [httpcore.Request("GET", URL), httpcore2.Request("GET", URL)]
CONNECTIONS: list[type[shapes.PoolConnection]] = [
    httpcore.HTTPConnection,
    httpcore2.HTTPConnection,
    httpcore.AsyncHTTPConnection,
    httpcore2.AsyncHTTPConnection,
]
BLOCKING_STREAMS: list[type[shapes.BlockingStream]] = [
    httpcore.NetworkStream,
    httpcore2.NetworkStream,
]
ASYNC_STREAMS: list[type[shapes.AsyncStream]] = [
    httpcore.AsyncNetworkStream,
    httpcore2.AsyncNetworkStream,
]
MESSAGES: list[type[shapes_of_aiohttp.Message]] = [RawResponseMessage]
VALUES: dict[str, tuple[ModuleType, list[object]]] = {
    "PoolURL": (shapes, [*URLS]),
    "PoolRequest": (shapes, [*REQUESTS]),
    "PoolConnection": (shapes, [*CONNECTIONS]),
    "BlockingStream": (shapes, [*BLOCKING_STREAMS]),
    "AsyncStream": (shapes, [*ASYNC_STREAMS]),
    "Message": (shapes_of_aiohttp, [*MESSAGES]),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_shape_has_what_its_classes_have(name: str) -> None:
    """Every member, in either family."""
    module, values = VALUES[name]
    members = [each for each in vars(getattr(module, name)) if not each.startswith("_")]
    assert members
    assert [(value, each) for value in values for each in members if not hasattr(value, each)] == []


def test_there_are_values_of_every_shape() -> None:
    """None is left out."""
    assert VALUES.keys() == {*shapes.__all__, "Message"}
