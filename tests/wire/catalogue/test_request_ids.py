"""Request ids that are meant to harm are refused before anything is taken or sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import CircuitState, ServerError
from tests.wire.catalogue.conftest import check_nothing_is_held, check_nothing_is_left
from tests.wire.twins import settings, state_of

if TYPE_CHECKING:
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection
    from tests.wire.twins import Twin

HOSTILE = [
    "id\r\nX-Evil: 1",
    "id\n",
    "x" * 129,
    "idé",
    "٣",
    "a\0b",
    "a b",
    "",
    "../../etc",
]


@pytest.mark.parametrize("as_header", [False, True], ids=["argument", "header"])
async def test_it_is_refused(twin: Twin, serve: Serve, *, as_header: bool) -> None:
    """With neither a slot, nor the permit of a probe, nor a byte on the wire."""

    def fails_then_answers(connection: Connection) -> None:
        connection.read_request()
        connection.answer(500)
        connection.read_request()
        connection.answer(body=b"ok")
        connection.stall()

    server = serve(fails_then_answers)
    circuit = {"failure_threshold": 1, "recovery_timeout": 0.0}
    config = settings(
        server.url, circuit_breaker=circuit, retry=None, bulkhead={"max_concurrency": 1}
    )
    async with twin.client(config) as client:
        with pytest.raises(ServerError):
            await client.get("/")
        before = client.stats()
        for value in HOSTILE:
            given: dict[str, Any] = {"request_id": value}
            if as_header:
                given = {"headers": {"X-Request-ID": value}}
            with pytest.raises(ValueError, match="request id"):
                await client.get("/", **given)
            assert client.stats() == before
        assert state_of(client) is CircuitState.HALF_OPEN  # a probe may go, and none has
        assert (await client.get("/")).text == "ok"
        assert state_of(client) is CircuitState.CLOSED
        assert (len(server.requests), server.accepted) == (2, 1)
        await check_nothing_is_held(twin, client, server)
    await check_nothing_is_left(twin, server)
