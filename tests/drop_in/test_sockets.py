"""Over real sockets: what is written, what breaks, and what becomes of the connections."""

import socket
import time
from typing import Any

import pytest

from client import DeadlineExceededError
from tests.drop_in.conftest import Serve
from tests.drop_in.kits import ON_EACH_KIT, Kit
from tests.eventually import PATIENCE_SECONDS
from tests.wire.scripted_server import Connection, ScriptedServer
from tests.wire.scripts import healthy

METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH")
WRITES = ("POST", "PATCH")

BODIES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "json": {"json": {"a": 1}, "params": {"q": "ä b"}},
    "form": {"data": {"a": "b"}, "headers": {"X-A": "1", "x-b": "2"}, "cookies": None},
    "multipart": {
        "files": {"f": ("n.txt", b"abc")},
        "headers": {"Content-Type": "multipart/form-data; boundary=b"},
    },
    "auth": {"auth": ("u", "p"), "headers": {"X-Request-ID": "mine"}, "timeout": 3},
}


def reset(connection: Connection) -> None:
    """Cut the connection when the request has been read."""
    connection.read_request()
    connection.reset()


def hang_up(connection: Connection) -> None:
    """Close the connection, orderly but without an answer."""
    connection.read_request()


def refused_url() -> str:
    """A URL where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("cut", "name"), [(reset, "ReadError"), (hang_up, "RemoteProtocolError")])
async def test_a_connection_that_is_cut_after_the_request_was_read(
    kit: Kit, serve: Serve, method: str, cut: Any, name: str
) -> None:
    """The server may have acted: a write is not sent again, without a key it would know."""
    server = serve(cut, cut, healthy)
    outcome = await kit.outcome(kit.real_client().request(method, server.url, content=b"x"))
    if method in WRITES:
        assert type(outcome) is kit.error(name)
        assert len(server.requests) == 1
        with_key = kit.real_client(headers={"Idempotency-Key": "k"})
        assert (await with_key.request(method, server.url, content=b"x")).status_code == 200
    else:
        assert outcome.status_code == 200
    assert {request.body for request in server.requests} == {b"x"}


@ON_EACH_KIT
async def test_bytes_behind_an_answer(kit: Kit, serve: Serve) -> None:
    """They are not taken for the answer to the next request."""

    def say_too_much(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" * 2)
        connection.stall()

    server = serve(say_too_much, healthy)
    client = kit.real_client()
    for _ in range(2):
        assert (await client.get(server.url)).text == "ok"
    assert (len(server.requests), server.accepted) == (2, 2)


@pytest.mark.parametrize("method", METHODS)
async def test_nobody_listens(kit: Kit, method: str) -> None:
    """Nothing was sent, so every method is tried again."""
    retries: list[int] = []
    client = kit.real_client(on_retry=lambda record: retries.append(record.attempt))
    with pytest.raises(kit.error("ConnectError")) as caught:
        await client.request(method, refused_url())
    assert retries == [1, 2, 3]
    assert caught.value.__notes__[0].startswith("4 attempts were made")
    plain = await kit.outcome(kit.plain().request(method, refused_url()))
    assert str(caught.value) == str(plain)
    assert type(caught.value.__cause__) is type(plain.__cause__)


@ON_EACH_KIT
async def test_a_generator_survives_failures_to_connect(kit: Kit, serve: Serve) -> None:
    """It was not touched: it is sent, once, when somebody listens."""
    server = serve(healthy)
    port = server.port
    attempts: list[int] = []

    def arrive(request: Any) -> None:
        attempts.append(1)
        request.url = request.url.copy_with(port=port if len(attempts) > 2 else dead)

    dead = int(refused_url().rstrip("/").rpartition(":")[2])
    client = kit.real_client(event_hooks={"request": [kit.awaited_if_async(arrive)]})
    response = await client.post(server.url, content=kit.body(b"ab", b"c"))
    assert response.status_code == 200
    assert len(attempts) == 3
    assert [request.body for request in server.requests] == [b"abc"]


@ON_EACH_KIT
async def test_a_generator_is_not_sent_twice(kit: Kit, serve: Serve) -> None:
    """Not even for an idempotent method."""
    server = serve(reset, healthy)
    outcome = await kit.outcome(kit.real_client().put(server.url, content=kit.body(b"abc")))
    assert type(outcome) in (kit.error("ReadError"), kit.error("WriteError"))
    assert len(server.requests) <= 1


def recording(sent: list[bytes], *statuses: int) -> Any:
    """A script that notes every byte of its requests, which have a length."""

    def script(connection: Connection) -> None:
        for status in statuses:
            data = b""
            while b"\r\n\r\n" not in data:
                data += received(connection)
            head, _, body = data.partition(b"\r\n\r\n")
            while len(body) < length_of(head):
                body += received(connection)
            sent.append(head + b"\r\n\r\n" + body)
            connection.answer(status)

    return script


def received(connection: Connection) -> bytes:
    """Some bytes."""
    data = connection.sock.recv(65_536)
    if not data:
        raise EOFError
    return data


def length_of(head: bytes) -> int:
    """The announced length of a body."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


@pytest.mark.parametrize("method", ["get", "put", "post"])
@pytest.mark.parametrize("body", BODIES)
async def test_every_byte_on_the_wire_is_httpx_s(
    kit: Kit, serve: Serve, method: str, body: str
) -> None:
    """In the first attempt and in those that follow it."""
    options = BODIES[body]
    if method == "get":
        options = {name: options[name] for name in options.keys() - {"json", "data", "files"}}
    theirs: list[bytes] = []
    ours: list[bytes] = []
    server = serve(recording(theirs, 200), recording(ours, 503, 503, 200))
    plain, client = kit.plain(), kit.real_client(max_total_time=60)
    await getattr(plain, method)(server.url, **options)
    response = await getattr(client, method)(server.url, **options)
    assert response.status_code == 200
    assert ours == theirs * 3


async def test_a_body_that_breaks_off_is_fetched_again(kit: Kit, serve: Serve) -> None:
    """Cut short, reset half way, or silent: inside `send` it is a failed attempt."""

    def short(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")

    def half(connection: Connection) -> None:
        short(connection)
        connection.reset()

    def silent(connection: Connection) -> None:
        short(connection)
        connection.stall()

    server = serve(short, half, silent, healthy)
    client = kit.real_client(timeout=kit.module.Timeout(5, read=0.3))
    response = await client.get(server.url)
    assert response.content == b"ok"
    assert len(server.requests) == 4


@pytest.mark.parametrize("how", ["client", "transport", "function"])
async def test_a_drip_ends_in_time(kit: Kit, serve: Serve, how: str) -> None:
    """Of the head or of the body, though each byte comes well within the read timeout."""

    def head(connection: Connection) -> None:
        connection.read_request()
        connection.drip(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 10_000)

    def body(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        connection.drip(b"x" * 10_000)

    server = serve(head, body)
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(DeadlineExceededError):
            await dripped(kit, how, server.url)
    assert time.monotonic() - began < PATIENCE_SECONDS


async def dripped(kit: Kit, how: str, url: str) -> None:
    """Make a call with little time, in one of the ways."""
    limits: dict[str, Any] = {"max_total_time": 0.15, "backoff_factor": 0}
    if how == "client":
        await kit.real_client().get(url, **limits)
    elif how == "transport":
        name = "AsyncResilientTransport" if kit.is_async else "ResilientTransport"
        own = kit.module.AsyncHTTPTransport if kit.is_async else kit.module.HTTPTransport
        await kit.plain(transport=getattr(kit.ours, name)(own(verify=False), **limits)).get(url)
    else:
        functions = __import__("client.faces.drop_in.functions", fromlist=["get"])
        function = functions.get_async if kit.is_async else functions.get
        await kit.awaited(function)(url, client=kit.real_client().real, **limits)


async def test_a_streamed_drip_ends_in_time(kit: Kit, serve: Serve) -> None:
    """While the caller reads it, too."""

    def body(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        connection.drip(b"x" * 10_000)

    server = serve(body)
    client = kit.real_client(max_total_time=0.5)
    began = time.monotonic()
    async with client.stream("GET", server.url) as response:
        with pytest.raises(DeadlineExceededError):
            await kit.read(response)
    assert time.monotonic() - began < PATIENCE_SECONDS


def pooled(client: Any) -> list[Any]:
    """The connections of a client's pool."""
    connections: list[Any] = client._transport._pool.connections
    return connections


def check_all_is_free(client: Any) -> None:
    """Assert that no connection of a client is held by anybody."""
    assert all(connection.is_idle() for connection in pooled(client))
    assert client._transport._pool._requests == []


def failing_thrice(connection: Connection) -> None:
    """Fail three times, with answers large and small, and be well."""
    for body in (b"small", b"x" * 30_000, b""):
        connection.read_request()
        connection.answer(503, body)
    healthy(connection)


async def test_a_pool_of_one_connection_is_enough(kit: Kit, serve: Serve) -> None:
    """Answers that are retried give it back first, also under `stream`."""
    server = serve(failing_thrice)
    limits = kit.module.Limits(max_connections=1)
    client = kit.real_client(limits=limits, timeout=2)
    async with client.stream("GET", server.url, max_retries=3) as response:
        assert await kit.read(response) == b"ok"
    await client.get(server.url)
    assert server.accepted == 1
    check_all_is_free(client)


def large(connection: Connection) -> None:
    """Answer with more than anybody drains."""
    while True:
        connection.read_request()
        connection.answer(503, b"x" * 200_000)


@pytest.mark.parametrize("reads", ["nothing", "some", "all"])
async def test_a_stream_leaves_its_connection_in_order(kit: Kit, serve: Serve, reads: str) -> None:
    """Closed where its answer was not read to the end, free where it was."""
    server = serve(large, healthy)
    client = kit.real_client(limits=kit.module.Limits(max_connections=1), timeout=2)
    async with client.stream("GET", server.url) as response:
        if reads == "all":
            assert len(await kit.read(response)) == 200_000
        if reads == "some":
            chunks = kit.chunks(response)
            await anext(chunks)
            await chunks.aclose()
    check_all_is_free(client)
    assert len(pooled(client)) == (1 if reads == "all" else 0)
    await client.get(server.url, max_retries=0)
    check_all_is_free(client)


async def test_a_stream_that_is_left_by_an_exception_leaves_it_too(kit: Kit, serve: Serve) -> None:
    """Whatever the caller raises."""
    server = serve(large, healthy)
    client = kit.real_client(limits=kit.module.Limits(max_connections=1), timeout=2)
    with pytest.raises(LookupError):
        async with client.stream("GET", server.url):
            raise LookupError
    check_all_is_free(client)
    assert (await client.get(server.url)).content == b"ok"


async def test_an_idle_connection_that_was_closed_meanwhile(kit: Kit, serve: Serve) -> None:
    """A read is sent again; httpx notices most of the time, and where it does not, we do."""

    def one_answer(connection: Connection) -> None:
        connection.read_request()
        connection.answer(200)

    server: ScriptedServer = serve(one_answer)
    client = kit.real_client()
    for _ in range(5):
        assert (await client.get(server.url)).status_code == 200
