"""Attributes of spans, by OpenTelemetry's conventions for HTTP clients."""

from typing import Any

import httpx
import pytest

from client import APIConnectionError, NotFoundError
from client.engine.operation import Attempt
from client.telemetry.opentelemetry.conventions import begun_with, ended_with, error_type
from tests.unit.calls import call_of


class Outer:
    """Holds a class."""

    class InnerError(Exception):
        """One of somebody's own."""


@pytest.mark.parametrize(
    ("said", "version"),
    [(b"HTTP/1.1", "1.1"), (b"HTTP/2", "2"), (b"ICY", None), ("HTTP/1.1", None), (None, None)],
)
def test_the_version_is_what_the_transport_tells(said: Any, version: str | None) -> None:
    """Httpx itself says 1.1 where nobody does."""
    extensions = {} if said is None else {"http_version": said}
    told = ended_with(httpx.Response(200, extensions=extensions), 200)
    assert told.get("network.protocol.version") == version
    assert told["http.response.status_code"] == 200


@pytest.mark.parametrize("nothing", [None, object()], ids=["none", "stand-in"])
def test_without_an_answer_there_is_nothing_to_tell(nothing: Any) -> None:
    """A test's stand-in may have nothing at all."""
    assert ended_with(nothing, None) == {}


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (200, None, None),
        (404, None, "404"),
        (404, NotFoundError("x", status_code=404), "404"),
        (503, TimeoutError(), "TimeoutError"),
        (None, Outer.InnerError(), f"{__name__}.Outer.InnerError"),
    ],
)
def test_what_an_error_is_called(
    status: int | None, error: BaseException | None, kind: str | None
) -> None:
    """By the status that says it, else by its class."""
    assert error_type(status, error) == kind


def test_an_error_is_called_by_what_httpx_raised() -> None:
    """Where that is behind it."""
    error = APIConnectionError("x")
    error.__cause__ = httpx.ConnectError("y")
    assert error_type(None, error) == "httpx.ConnectError"


@pytest.mark.parametrize(
    ("url", "address", "port"),
    [
        ("https://a.example", "a.example", 443),
        ("http://A.example:8080/x", "a.example", 8080),
        ("http://me:secret@a.example/x", "a.example", 80),
        ("http://[::1]:8080/x", "::1", 8080),
        ("http://a.example?next=http://b.example/", "a.example", 80),
    ],
)
def test_which_server_is_called(url: str, address: str, port: int) -> None:
    """Its port is there, too, where the scheme has it."""
    call = call_of()
    call.base_url, call.target = "", url
    begun = begun_with(Attempt(call), shows_query=False)
    assert (begun["server.address"], begun["server.port"]) == (address, port)
    assert "secret" not in str(begun)
