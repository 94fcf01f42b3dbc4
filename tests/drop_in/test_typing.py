"""What type checkers say about a user's file: the added arguments are known, misspelt ones not."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

GOOD = """
import httpx
from client import AsyncClient, CircuitBreaker, Client, LinearBackoff, ResilientTransport
from client import ResponseInfo, RetryInfo, get, post_async


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
    with client.stream("GET", "/", max_retries=1, on_success=done) as streamed:
        streamed.read()
    with client as entered:
        entered.get("/")
    same: httpx.Client = client
    same.get("/")
    httpx.Client(transport=ResilientTransport(httpx.HTTPTransport(), max_retries=1))
    return response.status_code + get("http://a", max_retries=1, timeout=2).status_code


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
from client.httpx2 import AsyncClient, Client, ResilientTransport


def blocking() -> httpx2.Response:
    client = Client(max_retries=2, transport=ResilientTransport(httpx2.HTTPTransport()))
    same: httpx2.Client = client
    same.get("/")
    client.query("/", content=b"", max_retries=1)
    with client.sse("/", max_retries=1) as source:
        print(source.response)
    return client.get("/", max_retries=5)


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
}
BAD_FILE = "\n".join(
    [
        "import httpx",
        "from client import AsyncClient, Client, ResilientTransport, get",
        "from client.httpx2 import Client as Client2",
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
    (tmp_path / "good.py").write_text(GOOD, "utf-8")
    (tmp_path / "good_2.py").write_text(GOOD_2, "utf-8")
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
