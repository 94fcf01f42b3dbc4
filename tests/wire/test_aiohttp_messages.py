"""What the fast transport puts on the wire, and takes off it, beside httpx's own."""

from __future__ import annotations

import gc
import gzip
import ssl
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import AiohttpTransport
from tests.eventually import PATIENCE_SECONDS
from tests.wire.scripted_server import head
from tests.wire.scripts import LARGE, drips_chunks, healthy
from tests.wire.twins import AsyncTwin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script


until = AsyncTwin().until


async def pieces() -> AsyncIterator[bytes]:
    """A body in pieces, of which one is empty."""
    for piece in (b"one", b"", b"two" * 30_000):
        yield piece


REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/", {}),
    ("GET", "/a%2Fb//c/../d;e?x=%20+y&z=%C3%A4#no", {}),
    ("GET", "/ä?q=ä b", {}),
    ("GET", "", {"params": {"a": ["1", "2"]}}),
    ("HEAD", "/", {}),
    ("OPTIONS", "/", {"extensions": {"target": b"*"}}),
    ("GET", "/", {"extensions": {"target": "/a//b?c"}}),
    ("POST", "/", {}),
    ("POST", "/", {"content": b""}),
    ("POST", "/", {"json": {"a": "ä"}}),
    ("POST", "/", {"data": {"a": "b c"}}),
    ("POST", "/", {"files": {"f": ("n.txt", b"content", "text/plain")}}),
    ("POST", "/", {"content": LARGE[:300_000]}),
    ("POST", "/", {"content": "pieces"}),
    ("POST", "/", {"content": "pieces", "headers": {"Content-Length": "90003"}}),
    ("POST", "/", {"content": "pieces", "headers": {"Transfer-Encoding": "chunked"}}),
    ("PUT", "/", {"content": b"abc", "headers": {"Expect": "100-continue"}}),
    ("GET", "/", {"headers": {"Accept": "", "X-Empty": "", "x-LOWER": "ä".encode()}}),
    ("GET", "/", {"headers": [("A", "1"), ("Host", "other.test"), ("a", "2"), ("A", "1")]}),
    ("GET", "/", {"headers": {"Connection": "close"}}),
    ("GET", "/", {"headers": {"Connection": "Keep-Alive, X"}}),
    ("PROPFIND", "/", {}),
    ("GET", "/", {"cookies": {"a": "b"}}),
    ("POST", "/", {"content": b"ab", "headers": [("Content-Length", "2")] * 2}),
]


@pytest.mark.parametrize(("method", "path", "options"), REQUESTS, ids=range(len(REQUESTS)))
async def test_requests_are_the_same_bytes(
    serve: Serve, method: str, path: str, options: dict[str, Any]
) -> None:
    """Nothing is added, put in order or quoted anew."""
    heard: list[bytes] = []

    def records(connection: Connection) -> None:
        connection.read_request()
        heard.extend(connection.received)
        connection.answer(connection="close")

    server = serve(records)
    sent = []
    for transport in (httpx.AsyncHTTPTransport(), AiohttpTransport()):
        heard.clear()
        given = {**options}
        if given.get("content") == "pieces":
            given["content"] = pieces()
        given["files"] = given.get("files")
        async with httpx.AsyncClient(transport=transport) as http:
            request = http.build_request(method, server.url + path, **given)
            boundary = request.headers.get("content-type", "").partition("boundary=")[2]
            await http.send(request)
        sent.append(b"".join(heard).replace(boundary.encode() or b"\0", b"boundary"))
    assert sent[0] == sent[1]


def says(data: bytes) -> Script:
    """Answer with these bytes."""

    def script(connection: Connection) -> None:
        connection.read_request()
        connection.send(data)
        connection.sock.close()

    return script


PACKED = gzip.compress(b"unpacked", mtime=0)
ANSWERS = [
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nX-a: 1\r\nx-A: 2\r\n\r\nok",
    b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 299 Quite \xe4 Reason\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone",
    b"HTTP/1.1 999 Beyond\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nuntil the end",
    b"HTTP/1.1 200 OK\r\nX:   padded \t\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: \xe4\xff\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 28\r\n\r\n" + PACKED,
    b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
async def test_answers_are_the_same(serve: Serve, answer: bytes, method: str) -> None:
    """Status, reason, headers as they came, version, body, cookies."""
    server = serve(says(answer))
    seen = []
    for transport in (httpx.AsyncHTTPTransport(), AiohttpTransport()):
        async with httpx.AsyncClient(transport=transport) as http:
            response = await http.request(method, server.url)
            seen.append(
                (
                    response.status_code,
                    response.reason_phrase,
                    response.http_version,
                    response.headers.raw,
                    response.content,
                    dict(http.cookies),
                )
            )
    assert seen[0] == seen[1]


STRAY_BLANKS = [
    b"Content-Length : 2\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Connection : close\r\nContent-Length: 2\r\n",
    b" Content-Length: 2\r\n",
    b"\tX: y\r\nContent-Length: 2\r\n",
]


@pytest.mark.parametrize("headers", STRAY_BLANKS, ids=range(len(STRAY_BLANKS)))
async def test_a_blank_before_or_behind_a_name_is_refused(serve: Serve, headers: bytes) -> None:
    """Two readers that frame the body by different headers are how answers are smuggled."""
    server = serve(says(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\nok"))
    for transport in (httpx.AsyncHTTPTransport(), AiohttpTransport()):
        async with httpx.AsyncClient(transport=transport) as http:
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get(server.url)


async def test_a_connection_that_the_request_gives_up_is_closed(serve: Serve) -> None:
    """Also where the server would go on."""

    def answers_once(connection: Connection) -> None:
        connection.read_request()
        connection.answer(body=b"ok")
        connection.stall()

    server = serve(answers_once)
    transport = AiohttpTransport()
    async with httpx.AsyncClient(transport=transport) as http:
        await http.get(server.url, headers={"Connection": "close"})
        assert transport._pool.connections == []


BEHIND = [b"H", b"\r\n", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]


@pytest.mark.parametrize("surplus", BEHIND)
@pytest.mark.parametrize("trailer", [b"", b"X-Sum: 1\r\n"])
async def test_what_comes_behind_the_last_chunk(
    serve: Serve, surplus: bytes, trailer: bytes
) -> None:
    """Be it whole or not, the connection does not serve again; without it, it does."""

    def answers(connection: Connection) -> None:
        for behind in (b"", surplus):
            connection.read_request()
            chunks = b"2\r\na\n\r\n0\r\n" + trailer + b"\r\n"
            connection.send(head(transfer_encoding="chunked") + chunks + behind)
        connection.stall()

    server = serve(answers)
    async with httpx.AsyncClient(transport=AiohttpTransport()) as http:
        contents = [(await http.get(server.url)).content for _ in range(3)]
    assert contents == [b"a\n"] * 3
    assert server.accepted == 2


async def test_a_body_comes_as_it_is_sent(serve: Serve) -> None:
    """Not when it is whole."""

    def sends_two(connection: Connection) -> None:
        connection.read_request()
        connection.send(head(transfer_encoding="chunked") + b"3\r\none\r\n")
        go_on.wait(PATIENCE_SECONDS)
        connection.send(b"3\r\ntwo\r\n0\r\n\r\n")
        connection.stall()

    go_on = threading.Event()
    server = serve(sends_two)
    transport = AiohttpTransport()
    async with (
        httpx.AsyncClient(transport=transport) as http,
        http.stream("GET", server.url) as response,
    ):
        chunks = response.aiter_raw()
        assert await anext(chunks) == b"one"
        assert [each.is_idle() for each in transport._pool.connections] == [False]
        go_on.set()
        assert [chunk async for chunk in chunks] == [b"two"]
        assert [each.is_idle() for each in transport._pool.connections] == [True]


async def test_a_reader_that_is_slow_holds_the_server_up(serve: Serve) -> None:
    """What waits to be read does not grow with the body."""
    sent = []

    def sends_much(connection: Connection) -> None:
        connection.read_request()
        connection.send(head(content_length=str(len(LARGE))))
        for start in range(0, len(LARGE), 100_000):
            connection.send(LARGE[start : start + 100_000])
            sent.append(start)
        connection.stall()

    server = serve(sends_much)
    transport = AiohttpTransport()
    async with (
        httpx.AsyncClient(transport=transport) as http,
        http.stream("GET", server.url) as response,
    ):
        [wire] = transport._pool.connections
        await until(lambda: wire._is_held)
        assert wire._waiting_bytes < 1_000_000
        assert len(await response.aread()) == len(LARGE)


@pytest.mark.parametrize("is_read", [False, True])
async def test_an_answer_that_is_not_wanted_any_more(serve: Serve, *, is_read: bool) -> None:
    """Closed or dropped in the middle, it takes its connection along."""
    server = serve(drips_chunks)
    transport = AiohttpTransport()
    async with httpx.AsyncClient(transport=transport) as http:
        for is_closed in (True, False):
            request = http.build_request("GET", server.url)
            response = await http.send(request, stream=True)
            if is_read:
                assert await anext(response.aiter_raw()) == b"x"
            if is_closed:
                await response.aclose()
            del response
            gc.collect()
            await until(lambda: not transport._pool.connections)


async def test_more_than_the_answer_while_the_request_goes_on(serve: Serve) -> None:
    """The answer counts, and the connection does not serve again."""

    def answers_early(connection: Connection) -> None:
        connection.sock.recv(1000)
        connection.answer(413, b"too large")
        go_on.wait(PATIENCE_SECONDS)
        connection.send(b"surplus")
        connection.stall()

    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        [wire] = transport._pool.connections
        await until(wire.is_idle)  # the answer has come
        go_on.set()
        await until(lambda: not wire.is_reusable)
        yield b"y"

    go_on = threading.Event()
    server = serve(answers_early)
    transport = AiohttpTransport()
    async with httpx.AsyncClient(transport=transport) as http:
        response = await http.post(server.url, content=body())
        assert (response.status_code, response.text) == (413, "too large")
        assert transport._pool.connections == []


async def test_an_upload_without_limits(serve: Serve) -> None:
    """It takes as long as it takes."""
    server = serve(healthy, receive_buffer=4096)
    async with httpx.AsyncClient(transport=AiohttpTransport(), timeout=None) as http:  # noqa: S113 - on purpose
        assert (await http.post(server.url, content=LARGE)).text == "ok"
    assert server.requests[0].body == LARGE


async def small_pieces() -> AsyncIterator[bytes]:
    """A body of which each piece leaves by itself."""
    for _ in range(3):
        yield b"0123456789"


UPLOADS: list[Callable[[], dict[str, Any]]] = [
    lambda: {"files": {"f": ("n.txt", b"0123456789")}},
    lambda: {"content": small_pieces()},
    lambda: {"content": LARGE[:66_000]},
    lambda: {"content": LARGE[:400_000]},
    lambda: {"content": LARGE[:3_000_000]},
]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("upload", UPLOADS, ids=range(len(UPLOADS)))
async def test_an_upload_under_tls(
    serve: Serve,
    server_tls: ssl.SSLContext,
    upload: Callable[[], dict[str, Any]],
    version: ssl.TLSVersion,
) -> None:
    """It leaves although the server says nothing meanwhile, and the connection serves again."""
    server_tls.maximum_version = version
    server = serve(healthy, tls=server_tls)
    transport = AiohttpTransport()
    async with httpx.AsyncClient(transport=transport, timeout=3) as http:
        for _ in range(4):
            assert (await http.post(server.url, **upload())).text == "ok"
    assert server.accepted == 1
    assert len({len(sent.body) for sent in server.requests}) == 1


async def test_an_upload_under_tls_while_the_server_announces(
    serve: Serve, server_tls: ssl.SSLContext
) -> None:
    """What comes meanwhile does not make a write that waits count as done."""

    def announces(connection: Connection) -> None:
        for _ in range(20):
            connection.send(b"HTTP/1.1 102 Processing\r\n\r\n")
            if connection.stopping.wait(0.01):
                return
        connection.read_request()
        connection.answer(body=b"ok")
        connection.stall()

    server = serve(announces, tls=server_tls, receive_buffer=4096)
    async with httpx.AsyncClient(transport=AiohttpTransport(), timeout=httpx.Timeout(9)) as http:
        assert (await http.post(server.url, content=LARGE * 2)).text == "ok"


async def test_a_switch_to_another_protocol(serve: Serve) -> None:
    """Is told, but cannot be used."""
    server = serve(says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nwhatever"))
    async with httpx.AsyncClient(transport=AiohttpTransport()) as http:
        response = await http.get(server.url, headers={"Upgrade": "x"})
        assert (response.status_code, response.content) == (101, b"")


async def test_what_can_be_asked_of_the_connection(serve: Serve) -> None:
    """Its two ends."""
    server = serve(says(ANSWERS[0]))
    async with httpx.AsyncClient(transport=AiohttpTransport()) as http:
        network = (await http.get(server.url)).extensions["network_stream"]
        assert network.get_extra_info("server_addr") == ("127.0.0.1", server.port)
        assert network.get_extra_info("client_addr")[0] == "127.0.0.1"
        assert network.get_extra_info("ssl_object") is None


async def test_chunks_by_another_case(serve: Serve) -> None:
    """The header is handed on as it came."""
    body = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    server = serve(says(body))
    async with httpx.AsyncClient(transport=AiohttpTransport()) as http:
        response = await http.get(server.url)
        assert (response.text, response.headers["Transfer-Encoding"]) == ("ok", "Chunked")
