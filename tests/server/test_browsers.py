"""A page in somebody's browser cannot work the failure server, nor a wire proxy."""

from __future__ import annotations

import http.client
import json
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from server.addresses.host_names import BadHostNameError
from server.app import create_app
from server.main import main
from server.testing import FailureServer, WireProxy
from tests.eventually import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from server.addresses.listening import Listener
    from server.controls.failure_server import RemoteServer

CALLS = [
    ("POST", "/fail/rate/100"),
    ("POST", "/fail/reset"),
    ("GET", "/ledger"),
    ("DELETE", "/ledger"),
    ("GET", "/msg"),
    ("POST", "/msg"),
    ("GET", "/health"),
    ("GET", "/openapi.json"),
    ("OPTIONS", "/fail/reset"),
    ("GET", "/no/such/path"),
]


def ask(port: int, method: str, path: str, **headers: str) -> tuple[int, str]:
    """Send a request with these headers; underscores are dashes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=named)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_page_of_another_site_is_refused(server: FailureServer, method: str, path: str) -> None:
    """Whatever it asks for; nothing is changed, and nothing shown."""
    for headers in (
        {"Origin": "https://evil.example", "Content_Type": "text/plain"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{server.port + 1}"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": f"http://127.0.0.1:{server.port}"},
    ):
        status, text = ask(server.port, method, path, **headers)
        assert (status, "a page of another site" in text) == (403, True)
    assert server.ledger().arrived == 0
    assert server.faults()["rate"] is None


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_rebound_name_is_refused(server: FailureServer, method: str, path: str) -> None:
    """A page whose own name leads here, for it would be of the same origin."""
    for name in ("evil.example:8000", "evil.example", "localhost.evil.example", "[::1", "a b", "@"):
        for origin in ({}, {"Origin": f"http://{name}"}):
            status, text = ask(server.port, method, path, Host=name, **origin)
            assert (status, "--allow-host" in text) == (421, True)
    assert server.ledger().arrived == 0
    assert server.faults()["rate"] is None


@pytest.mark.parametrize(
    "name",
    [
        *("127.0.0.1", "127.1.2.3:80", "10.1.2.3", "[::1]:8000"),
        *("localhost", "LOCALHOST.:99", "api.localhost"),
    ],
)
def test_its_own_names_are_welcome(server: FailureServer, name: str) -> None:
    """localhost, and any address: no name server has a say in these."""
    assert ask(server.port, "GET", "/msg", Host=name)[0] == 200
    assert ask(server.port, "GET", "/msg", Host=name, Origin=f"http://{name}")[0] == 200
    same_origin = {"Sec_Fetch_Site": "same-origin", "Origin": f"http://{name.upper()}"}
    assert ask(server.port, "GET", "/msg", Host=name, **same_origin)[0] == 200
    assert ask(server.port, "GET", "/msg", Host=name, Sec_Fetch_Site="none")[0] == 200


def test_who_sends_no_host_is_no_browser(server: FailureServer) -> None:
    """HTTP/1.0 has none; a page there has an origin all the same."""
    for origin, expected in ((b"", b" 200 "), (b"Origin: http://a.example\r\n", b" 403 ")):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.connect()
        connection.sock.sendall(b"GET /msg HTTP/1.0\r\n" + origin + b"\r\n")
        assert expected in connection.sock.recv(100)
        connection.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET http://evil.example/ledger HTTP/1.1\nHost: localhost", b"421"),
        ("GET http://evil.example?a HTTP/1.1\nHost: localhost", b"421"),
        ("GET http://localhost/none HTTP/1.1\nHost: localhost", b"404"),
        ("GET /a://evil.example HTTP/1.1\nHost: localhost", b"404"),
        ("GET /ledger HTTP/1.1\nHost: localhost\nHost: evil.example", b"400"),
        ("GET /ledger HTTP/1.1\nHost: localhost\nOrigin: http://localhost\nOrigin: null", b"403"),
        ("GET /ledger HTTP/1.1\nHost: a.example\nConnection: Upgrade\nUpgrade: websocket", b"421"),
    ],
)
def test_odd_heads_are_no_way_round(server: FailureServer, head: str, status: bytes) -> None:
    """Another host in the request target, or more than one of a kind."""
    address = ("127.0.0.1", server.port)
    with socket.create_connection(address, PATIENCE_SECONDS) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        assert connection.makefile("rb").readline().split()[1] == status


def test_a_name_given_as_the_host_is_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The URL that is printed can be called."""
    allowed: list[str] = []

    def serve(listener: Listener, *_: object, allow_hosts: list[str], **__: object) -> int:
        listener.socket.close()
        allowed.extend(allow_hosts)
        return 0

    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 0))]

    monkeypatch.setattr("server.program.serving.serve", serve)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert (
        main(["serve", "--host", "mine.example", "--port", "0", "--allow-host", "b.example"]) == 0
    )
    assert allowed == ["b.example", "mine.example"]


@pytest.mark.parametrize("given", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_wire_fault_comes_as_json_or_not_at_all(proxy: WireProxy, given: str) -> None:
    """A page may post the other types without being asked whether it may."""
    fault = {"kind": "garbage"}
    url = f"{proxy.control_url}/faults"
    content = json.dumps(fault).encode()
    refused = httpx.post(url, content=content, headers={"Content-Type": given}, trust_env=False)
    assert (refused.status_code, proxy.faults()) == (415, [])
    assert f"Content-Type is {given!r}; send the fault with" in refused.json()["detail"]
    for headers in ({}, {"Content-Type": "Application/JSON; charset=utf-8"}):
        taken = httpx.post(url, content=content, headers=headers, trust_env=False)
        assert taken.status_code == 200
    proxy.reset()


def test_other_names_can_be_allowed(serve: Callable[..., RemoteServer]) -> None:
    """Those of a container, say."""
    app = create_app(allow_hosts=["failure-server", "Api.Example."])
    port = int(serve(app).url.rpartition(":")[2])
    for name in ("failure-server:8000", "api.example", "FAILURE-SERVER"):
        assert ask(port, "GET", "/msg", Host=name)[0] == 200
    assert ask(port, "GET", "/msg", Host="failure-server.evil.example")[0] == 421


@pytest.mark.parametrize("name", ["", "http://a.example", "a:80", "a/b", "*", "a b", "-a"])
def test_what_is_no_name_cannot_be_allowed(name: str) -> None:
    """It would never match."""
    with pytest.raises(BadHostNameError, match="is not the name of a host: give one without"):
        FailureServer(allow_hosts=[name])


@pytest.mark.parametrize("subprocess", [False, True], ids=["thread", "process"])
def test_a_server_of_a_test_takes_them_too(*, subprocess: bool) -> None:
    """In this process and in one of its own."""
    with FailureServer(subprocess=subprocess, allow_hosts=["api.example"]) as server:
        assert ask(server.port, "GET", "/msg", Host="api.example")[0] == 200
        assert ask(server.port, "GET", "/msg", Host="evil.example")[0] == 421


@pytest.fixture(scope="module")
def proxy() -> Iterator[WireProxy]:
    """A wire proxy in front of a failure server."""
    with FailureServer() as server, WireProxy(server.url) as proxy:
        yield proxy


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", "/faults"), ("GET", "/faults"), ("DELETE", "/faults/1"), ("POST", "/reset")),
        *(("GET", "/statistics"), ("POST", "/clear"), ("POST", "/connections/close")),
        *(("GET", "/health"), ("GET", "/openapi.json")),
    ],
)
def test_the_control_api_of_a_proxy_is_guarded_alike(
    proxy: WireProxy, method: str, path: str
) -> None:
    """It can put an answer of its own in place of the service's."""
    port = int(proxy.control_url.rpartition(":")[2])
    assert ask(port, method, path, Origin="https://evil.example")[0] == 403
    assert ask(port, method, path, Host="evil.example")[0] == 421
    assert proxy.faults() == []


def test_through_a_proxy_the_server_guards_itself(proxy: WireProxy) -> None:
    """The request is passed on as it is; the proxy's own port is as good a name."""
    status, text = ask(proxy.port, "GET", "/msg")
    assert (status, "message_id" in json.loads(text)) == (200, True)
    assert ask(proxy.port, "GET", "/msg", Origin="https://evil.example")[0] == 403
