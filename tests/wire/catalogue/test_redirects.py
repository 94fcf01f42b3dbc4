"""Redirects that would carry something where it must not go, or that do not end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client import ResponseError
from client.strategies.circuit.circuit import CircuitOutcome
from tests.wire.catalogue.conftest import check_nothing_is_held, check_nothing_is_left
from tests.wire.catalogue.faults import Fault, each, secured
from tests.wire.scripts import healthy
from tests.wire.twins import settings

if TYPE_CHECKING:
    from tests.wire.catalogue.conftest import Meet
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script
    from tests.wire.twins import Twin

ELSEWHERE = "http://127.0.0.1:9/"
"""Another origin; nothing may be sent there, and where it were, nobody would answer."""


def redirects(to: str, status: int = 302) -> Script:
    """Answer every request with a redirect."""

    def script(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.answer(status, location=to, set_cookie="session=secret")

    return script


def redirects_and_closes(to: str, status: int = 302) -> Script:
    """Answer one request with a redirect."""

    def script(connection: Connection) -> None:
        connection.read_request()
        connection.answer(status, location=to, connection="close")

    return script


def turns_in_a_circle(connection: Connection) -> None:
    """Redirect to where the redirect came from, a little longer than anyone follows."""
    for _ in range(20):
        connection.read_request()
        connection.answer(302, location="/")
    connection.read_request()
    connection.answer(302, location="/", connection="close")


FAULTS = [
    Fault(
        "redirect from https to http",
        ResponseError,
        secured(redirects_and_closes(ELSEWHERE)),
        is_https=True,
        counts=CircuitOutcome.IGNORED,
    ),
    Fault("redirect loop", ResponseError, turns_in_a_circle, counts=CircuitOutcome.IGNORED),
    Fault(
        "307 with a body to another origin",
        ResponseError,
        redirects_and_closes(ELSEWHERE, 307),
        counts=CircuitOutcome.IGNORED,
        method="POST",
        options={"content": b"secret"},
    ),
    Fault(
        "redirect to what is no address",
        ResponseError,
        redirects_and_closes("http://127.0.0.1:99999/"),
        counts=CircuitOutcome.IGNORED,
    ),
]


@each(FAULTS)
async def test_fault(meet: Meet, fault: Fault) -> None:
    """It is refused, once; the server is there, so the circuit does not count it."""
    await meet(fault)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_credentials_stay_with_their_origin(twin: Twin, serve: Serve, status: int) -> None:
    """The other origin gets the request without them, and without the client's own headers."""
    elsewhere = serve(healthy)
    server = serve(redirects(f"{elsewhere.url}/there", status))
    credentials = {"Authorization": "secret", "Cookie": "a=secret", "Proxy-Authorization": "secret"}
    config = settings(server.url, headers={"X-Api-Key": "secret"})
    async with twin.client(config) as client:
        for _ in range(2):  # the second time with a cookie of the first
            response = await client.get("/", headers={**credentials, "X-Trace": "for all"})
            assert response.text == "ok"
        await check_nothing_is_held(twin, client, server, elsewhere)
    for sent in server.requests:
        assert {name.lower() for name in credentials} | {"x-api-key"} <= sent.headers.keys()
    for sent in elsewhere.requests:
        assert sent.headers["x-trace"] == "for all"
        assert "secret" not in str(sent)
    await check_nothing_is_left(twin, server, elsewhere)
