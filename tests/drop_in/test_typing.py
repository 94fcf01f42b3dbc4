"""What type checkers say about a user's file: the added arguments are known, misspelt ones not."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).parents[2]

SETTINGS = """

def settings(client: Client, waiting: AsyncClient) -> None:
    timeout: httpx.Timeout = client.timeout
    base_url: httpx.URL = waiting.base_url
    headers: httpx.Headers = client.headers
    cookies: httpx.Cookies = waiting.cookies
    params: httpx.QueryParams = client.params
    auth: httpx.Auth | None = waiting.auth
    print(client.timeout.read, waiting.timeout.pool, client.base_url.host, waiting.base_url.port)
    print(client.event_hooks["request"], client.trust_env, client.is_closed, timeout, base_url)
    client.timeout, waiting.timeout = 3.0, httpx.Timeout(3)
    client.base_url, waiting.base_url = "http://a", httpx.URL("http://a")
    client.headers, waiting.headers = {"a": "b"}, headers
    client.cookies, waiting.cookies = {"a": "b"}, cookies
    client.params, waiting.params = {"a": 1}, params
    client.auth, waiting.auth = ("a", "b"), auth or httpx.BasicAuth("a", "b")
    client.event_hooks, waiting.event_hooks = {"request": [print]}, {"response": []}
"""
"""Of the drop-in clients of `httpx`; those of httpx2 have the same ones."""
GOOD = """
from collections.abc import AsyncGenerator, Generator

import httpx
from client import AsyncClient, CircuitBreaker, Client, LinearBackoff, ResilientTransport
from client import ResponseInfo, RetryInfo, SyncResilientClient, create_resilient_client
from client import get, post_async


def told(info: RetryInfo) -> None:
    print(info.wait_time, info.attempt)


def done(info: ResponseInfo) -> float:
    return info.total_time


def wanted(response: httpx.Response | None, error: Exception | None) -> bool:
    return error is not None


def blocking() -> int:
    breaker = CircuitBreaker(failure_threshold=2, on_state_change=lambda old, new: print(old, new))
    client = Client(
        base_url="http://a", timeout=3.0, http2=False, max_retries=2, circuit_breaker=breaker
    )
    response: httpx.Response = client.get("/", params={"a": 1}, max_retries=5, retry_if=wanted)
    client.post("/", json={}, backoff_strategy=LinearBackoff(base_delay=2), on_retry=told)
    client.send(client.build_request("GET", "/"), max_total_time=3)
    everything(client)
    with client.stream("GET", "/", max_retries=1, on_success=done) as streamed:
        streamed.read()
    with client as entered:
        entered.get("/")
    same: httpx.Client = client
    same.get("/")
    httpx.Client(transport=ResilientTransport(httpx.HTTPTransport(), max_retries=1))
    return response.status_code + get("http://a", max_retries=1, timeout=2).status_code


def signed(request: httpx.Request) -> httpx.Request:
    return request


def everything(client: Client) -> None:
    url, default = httpx.URL("/"), httpx.USE_CLIENT_DEFAULT
    client.get(url, auth=default, follow_redirects=default, timeout=default)
    client.get(url, auth=signed, params=httpx.QueryParams(a=1), headers=httpx.Headers())
    client.get(url, auth=("a", "b"), params=[("a", 1)], headers={"a": "b"}, timeout=None)
    client.get(url, auth=httpx.BasicAuth("a", "b"), cookies=httpx.Cookies(), timeout=(1, 2, 3, 4))
    client.post(url, data={"a": [1, 2]}, files={"a": ("b", b"c", "text/plain")}, extensions={})
    client.post(url, content=[b"a"], timeout=httpx.Timeout(3), cookies={"a": "b"})
    Client(auth=signed, proxy=httpx.Proxy("http://a"), limits=httpx.Limits(), base_url=url)
    Client(mounts={"http://": httpx.HTTPTransport(), "https://": None}, transport=None)
    get(url, client=client, proxy=url, headers=[("a", "b")])
    SyncResilientClient(transport=ResilientTransport(httpx.HTTPTransport()))
    facade = SyncResilientClient(http_client=client)
    facade.get(url, auth=signed, timeout=httpx.Timeout(3), cookies=httpx.Cookies())
    create_resilient_client(http_client=httpx.AsyncClient(), transport=httpx.AsyncHTTPTransport())


class Signing(httpx.Auth):
    def auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        yield request


class Waiting(httpx.Auth):
    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        yield request


async def flows(client: AsyncClient) -> None:
    Client(auth=Signing()).get("/", auth=httpx.DigestAuth("a", "b"))
    await client.get("/", auth=Waiting())
    get("http://a", auth=Signing())
    SyncResilientClient().get("/", auth=Signing())


async def waiting() -> bytes:
    async with AsyncClient(status_forcelist=[500], jitter_factor=0.5) as client:
        same: httpx.AsyncClient = client
        await same.get("/")
        response: httpx.Response = await client.put("/", content=b"", backoff_factor=0.1)
        async with client.stream("GET", "/", max_retries=1) as streamed:
            await streamed.aread()
        await post_async("http://a", client=client, json={}, max_wait_time=3)
        return response.content
"""
GOOD_2 = """
import httpx2
from client.httpx2 import AsyncClient, Client, ResilientClient, ResilientTransport


def blocking() -> httpx2.Response:
    client = Client(max_retries=2, transport=ResilientTransport(httpx2.HTTPTransport()))
    same: httpx2.Client = client
    same.get("/")
    client.query("/", content=b"", max_retries=1)
    with client.sse("/", max_retries=1) as source:
        print(source.response)
    client.get(httpx2.URL("/"), timeout=httpx2.USE_CLIENT_DEFAULT, auth=signed)
    client.get("/", timeout=httpx2.Timeout(3), cookies=httpx2.Cookies(), headers=httpx2.Headers())
    Client(auth=httpx2.DigestAuth("a", "b")).get("/", auth=httpx2.BasicAuth("a", "b"))
    return client.get("/", max_retries=5)


def signed(request: httpx2.Request) -> httpx2.Request:
    return request


async def protected() -> httpx2.Response:
    async with ResilientClient(http_client=httpx2.AsyncClient()) as client:
        return await client.get("/", timeout=httpx2.Timeout(3))


async def waiting() -> httpx2.Response:
    async with AsyncClient() as client:
        return await client.patch("/", max_retries=5)
"""
BAD = {
    "constructor": "Client(max_retires=3)",
    "argument of httpx": "Client(timeuot=3)",
    "call": "Client().get('/', max_retires=5)",
    "body": "Client().post('/', jsno={})",
    "send": "Client().send(httpx.Request('GET', '/'), max_retires=5)",
    "stream": "Client().stream('GET', '/', max_retires=5)",
    "build": "Client().build_request('GET', '/', max_retries=5)",
    "transport": "ResilientTransport(max_retires=5)",
    "function": "get('/', max_retires=5)",
    "value": "Client().get('/', max_retries='5')",
    "async call": "AsyncClient().get('/', max_retires=5)",
    "httpx2": "Client2().get('/', max_retires=5)",
    "timeout": "Client(timeout='abc')",
    "timeout of httpx2": "Client2(timeout='abc')",
    "timeout of a call": "Client().get('/', timeout='abc')",
    "timeout of a facade": "SyncResilientClient().get('/', timeout='abc')",
    "params": "Client().get('/', params=object())",
    "params of httpx2": "Client2().get('/', params=object())",
    "params of an async call": "AsyncClient().get('/', params=object())",
    "params of a function": "get('/', params=object())",
    "headers": "Client(headers=3)",
    "cookies": "Client().get('/', cookies=3)",
    "auth": "Client(auth=3)",
    "auth of httpx2": "Client(auth=httpx2.BasicAuth('a', 'b'))",
    "auth of httpx": "Client2(auth=httpx.BasicAuth('a', 'b'))",
    "auth of a call": "Client().get('/', auth=httpx2.BasicAuth('a', 'b'))",
    "auth of an async call": "AsyncClient().post('/', auth=httpx2.BasicAuth('a', 'b'))",
    "auth of a call of httpx2": "Client2().get('/', auth=httpx.BasicAuth('a', 'b'))",
    "timeout that is set": "Client().timeout = 'abc'",
    "timeout of httpx2 that is set": "Client().timeout = httpx2.Timeout(3)",
    "timeout of httpx that is set": "Client2().timeout = httpx.Timeout(3)",
    "async timeout that is set": "AsyncClient().timeout = httpx2.Timeout(3)",
    "base URL that is set": "Client().base_url = 3",
    "base URL of httpx2 that is set": "AsyncClient().base_url = httpx2.URL('/')",
    "headers that are set": "Client().headers = 3",
    "what cannot be set": "Client().trust_env = False",
    "part of a timeout": "Client().timeout.raed",
    "part of a base URL": "AsyncClient().base_url.hots",
    "content": "Client().post('/', content=3)",
    "files": "Client().post('/', files=3)",
    "address": "Client().get(3)",
    "limits": "Client(limits=3)",
    "proxy": "Client(proxy=3)",
    "mounts": "Client(mounts={'http://': 3})",
    "no transport": "Client(transport=object())",
    "async transport": "Client(transport=httpx.AsyncHTTPTransport())",
    "transport of httpx2": "Client(transport=httpx2.HTTPTransport())",
    "transport of httpx": "Client2(transport=httpx.HTTPTransport())",
    "transport of a transport": "ResilientTransport(httpx.AsyncHTTPTransport())",
    "transport of a facade": "ResilientClient(transport=httpx.HTTPTransport())",
    "transport of the other facade": "ResilientClient2(transport=httpx.AsyncHTTPTransport())",
    "client of a facade": "ResilientClient(http_client=httpx.Client())",
    "client of the other facade": "ResilientClient2(http_client=httpx.AsyncClient())",
    "client of a factory": "create_resilient_client(http_client=httpx2.AsyncClient())",
    "client of a function": "get('/', client=object())",
    "async client of a function": "get('/', client=httpx.AsyncClient())",
}
BAD_FILE = "\n".join(
    [
        "import httpx",
        "import httpx2",
        "from client import AsyncClient, Client, ResilientClient, ResilientTransport",
        "from client import SyncResilientClient, create_resilient_client, get",
        "from client.httpx2 import Client as Client2, ResilientClient as ResilientClient2",
        *(f"_{number} = {line}" for number, line in enumerate(BAD.values())),
    ]
)
CHECKERS = {
    "mypy": ["mypy", "--strict", "--config-file=", f"--cache-dir={ROOT / '.mypy_cache' / 'user'}"],
    "pyright": ["pyright", "--pythonpath", sys.executable],
}


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_user_s_file(checker: str, tmp_path: Path) -> None:
    """Right calls are right, and each wrong one is found, on its own line."""
    if find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed")
    (tmp_path / "good.py").write_text(GOOD + SETTINGS, "utf-8")
    (tmp_path / "good_2.py").write_text(GOOD_2 + SETTINGS.replace("httpx", "httpx2"), "utf-8")
    (tmp_path / "bad.py").write_text(BAD_FILE, "utf-8")
    (tmp_path / "pyrightconfig.json").write_text(
        f'{{"typeCheckingMode": "strict", "extraPaths": ["{ROOT}"]}}', "utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", *CHECKERS[checker], "good.py", "good_2.py", "bad.py"],
        cwd=tmp_path,
        env={"MYPYPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert [line for line in lines if "good" in line and "error" in line] == [], done.stdout
    first = BAD_FILE.splitlines().index(f"_0 = {BAD['constructor']}") + 1
    missed = [
        name
        for number, name in enumerate(BAD, start=first)
        if not any(f"bad.py:{number}:" in line and "error" in line for line in lines)
    ]
    assert missed == [], done.stdout
