"""Headers of an answer that are meant to harm: `Retry-After`, `Set-Cookie`, and very many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client import APINetworkError, CircuitState, ServiceUnavailableError
from tests.wire.catalogue.conftest import check_nothing_is_held, check_nothing_is_left
from tests.wire.catalogue.faults import Fault, each
from tests.wire.scripted_server import head
from tests.wire.scripts import healthy
from tests.wire.twins import settings

if TYPE_CHECKING:
    from tests.wire.catalogue.conftest import Meet
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script
    from tests.wire.twins import Twin

YEAR = 31_536_000
HOSTILE = [
    b"nan",
    b"inf",
    b"-5",
    b"1e400",
    b"9" * 5000,
    b"1_000",
    "٣٠".encode(),
    "²".encode("latin-1"),
    b"",
    b"1, 2",
    b"Fri, 31 Dec 2027 23:59:59",
    b"Fri, 31 Dec 2027 23:59:59 +0100",
    b"Fri, 99 Dec 2027 23:59:59 GMT",
    b"Fri, 31 Foo 2027 23:59:59 GMT",
    b"Fri, 31 Dec 0000 23:59:59 GMT",
    b"2027-12-31T23:59:59Z",
]


def answer_with(*headers: bytes, status: bytes = b"200 OK") -> bytes:
    """An answer whose headers are as they are given."""
    return b"\r\n".join([b"HTTP/1.1 " + status, b"Content-Length: 2", *headers, b"", b"ok"])


def sends(answer: bytes) -> Script:
    """Answer every request in the same way."""

    def script(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.send(answer)

    return script


def sends_9000_large_headers(connection: Connection) -> None:
    """Send a head of half a megabyte."""
    connection.read_request()
    connection.send(answer_with(*[b"X-%d: %s" % (n, b"x" * 50) for n in range(9000)]))
    connection.stall()


FAULTS = [
    Fault("9,000 large headers", APINetworkError, sends_9000_large_headers, is_retried=True),
]


@each(FAULTS)
async def test_fault(meet: Meet, fault: Fault) -> None:
    """A head without measure is refused before it is whole."""
    await meet(fault)


async def test_a_hostile_retry_after_is_ignored(twin: Twin, serve: Serve) -> None:
    """The backoff decides, neither the server's nonsense nor an accident of reading it."""

    def is_busy_twice(connection: Connection) -> None:
        for value in HOSTILE:
            answer = answer_with(b"Retry-After: " + value, status=b"503 Busy")
            for each_answer in (answer, answer, head(content_length="0"), answer):
                connection.read_request()
                connection.send(each_answer)
        connection.stall()

    server = serve(is_busy_twice)
    waits = {"min_wait_seconds": 0.001, "max_wait_seconds": 0.001, "max_retry_after": YEAR}
    retry = {**waits, "budget": None}
    config = settings(server.url, retry=retry, circuit_breaker={"failure_threshold": 2})
    async with twin.client(config) as client:
        for value in HOSTILE:
            response = await client.get("/", deadline=10)  # a longer wait would not be begun
            assert response.extensions["resilience"].waits == (0.001, 0.001), value
            with pytest.raises(ServiceUnavailableError) as failed:
                await client.get("/", retry=None)
            assert failed.value.retry_after is None, value
            assert client.circuit_state is CircuitState.CLOSED
            await check_nothing_is_held(twin, client, server)
        assert server.accepted == 1
    await check_nothing_is_left(twin, server)


@pytest.mark.parametrize(
    "hostile",
    [
        *("a=é".encode(), "é=1".encode("latin-1"), b"a=\xff", b"a=x\x7fy"),
        *(b"a=b; Domain=.invalid", b"a=" + b"x" * 90_000),
    ],
    ids=["value", "name", "byte", "delete", "domain", "size"],
)
async def test_a_hostile_cookie_is_dropped(twin: Twin, serve: Serve, hostile: bytes) -> None:
    """Httpx could not send it back; the client's later requests do without it."""
    server = serve(sends(answer_with(b"Set-Cookie: " + hostile, b"Set-Cookie: good=1")))
    async with twin.client(settings(server.url)) as client:
        for _ in range(3):
            assert (await client.get("/")).text == "ok"
        assert (client.stats().failures, server.accepted) == ({}, 1)
        await check_nothing_is_held(twin, client, server)
    assert [sent.headers.get("cookie") for sent in server.requests] == [None, "good=1", "good=1"]
    await check_nothing_is_left(twin, server)


async def test_9000_headers(twin: Twin, serve: Serve) -> None:
    """As long as they are small, the answer is as good as any, and so is the next."""
    server = serve(sends(answer_with(*[b"X%d:1" % n for n in range(9000)])))
    async with twin.client(settings(server.url)) as client:
        for _ in range(2):
            response = await client.get("/")
            assert (response.text, response.headers["X8999"]) == ("ok", "1")
        assert server.accepted == 1
        await check_nothing_is_held(twin, client, server)
    await check_nothing_is_left(twin, server)


async def test_10000_cookies(twin: Twin, serve: Serve) -> None:
    """The last of them are kept, as many as a browser keeps, so that later requests are small."""

    def floods(connection: Connection) -> None:
        for batch in range(4):
            connection.read_request()
            names = range(batch * 2500, (batch + 1) * 2500)
            connection.send(answer_with(*[b"Set-Cookie: c%d=1" % n for n in names]))
        healthy(connection)

    server = serve(floods)
    async with twin.client(settings(server.url)) as client:
        for _ in range(5):
            assert (await client.get("/")).text == "ok"
        assert (client.stats().failures, server.accepted) == ({}, 1)
        await check_nothing_is_held(twin, client, server)
    cookies = server.requests[-1].headers["cookie"].split("; ")
    assert cookies == [f"c{number}=1" for number in range(10_000 - 180, 10_000)]
    await check_nothing_is_left(twin, server)
