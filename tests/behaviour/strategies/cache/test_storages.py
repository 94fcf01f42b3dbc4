"""Clients on storages: a file that several share, one that fails, and what stands in it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import CacheConfig, ClientConfig, ResilientClient, SyncResilientClient
from client.cache import MemoryStorage, SQLiteStorage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

SECRETS = {
    "authorization": "Bearer token-of-mine",
    "cookie": "sid=cookie-of-mine",
    "x-api-key": "key-of-mine",
    "accept-language": "language-of-mine",
}
PATIENT = 60.0
"""Seconds; a storage that works is given them where the machine is slow."""
PROGRAM = """
import sys
import httpx
from client import CacheConfig, ClientConfig, SyncResilientClient
from client.cache import SQLiteStorage

def server(request):
    raise httpx.ConnectError("nobody is there", request=request)

cache = CacheConfig(storage=SQLiteStorage(sys.argv[1]), storage_timeout=60)
config = ClientConfig(base_url="http://server.test", cache=cache, retry=None)
with SyncResilientClient(config, transport=httpx.MockTransport(server)) as client:
    for url in ("/plain?a=b", "/vary"):
        try:
            print(client.get(url, headers={"accept": "a"}).text)
        except Exception as error:
            print(type(error).__name__)
"""


def server(request: httpx.Request) -> httpx.Response:
    """Answer with what may be kept, for whoever says whose it is."""
    headers = {"cache-control": "max-age=600"}
    if request.url.path == "/vary":
        headers["vary"] = "Accept, Accept-Language"
    return httpx.Response(200, headers=headers, text=f"answer to {request.url.path}")


def config_with(storage: object, **settings: Any) -> ClientConfig:
    """Return the settings of a client whose cache is on a storage."""
    cache = CacheConfig(**{"storage": storage, "storage_timeout": PATIENT, **settings})
    return ClientConfig(base_url="http://server.test", cache=cache)


async def statuses(client: Any, *calls: Callable[[Any], Any]) -> list[str]:
    """Return what the cache did for each of some calls of either client."""
    found: list[str] = []
    for call in calls:
        answer = call(client)
        response = await answer if isinstance(client, ResilientClient) else answer
        assert response.text == f"answer to {response.request.url.path}"
        found.append(response.extensions["cache"].status)
    return found


async def told(kind: type[Any], config: ClientConfig, *calls: Callable[[Any], Any]) -> list[str]:
    """Return that for a client which is closed afterwards."""
    client = kind(config, transport=httpx.MockTransport(server))
    try:
        return await statuses(client, *calls)
    finally:
        if kind is ResilientClient:
            await client.close()
        else:
            client.close()


def run(work: Coroutine[Any, Any, list[str]]) -> list[str]:
    """Run a work to its end, in a loop that the blocking client takes no notice of."""
    return asyncio.run(work)


kinds = pytest.mark.parametrize(
    "kind", [ResilientClient, SyncResilientClient], ids=["asyncio", "blocking"]
)


def get(url: str, **options: Any) -> Callable[[Any], Any]:
    """Return what makes a call."""
    return lambda client: client.get(url, **options)


@kinds
def test_a_file_is_shared_by_clients_and_outlives_them(tmp_path: Path, kind: type[Any]) -> None:
    """One after the other, each with a storage of its own on it."""
    calls = get("/plain?a=b"), get("/vary", headers={"accept": "a"})
    for expected in ("miss", "hit"):
        config = config_with(SQLiteStorage(tmp_path / "cache.db"))
        assert run(told(kind, config, *calls)) == [expected] * 2


@kinds
def test_a_storage_is_used_again_after_its_last_client_was_closed(
    tmp_path: Path, kind: type[Any]
) -> None:
    """With what it has kept."""
    for storage in (SQLiteStorage(tmp_path / "cache.db"), MemoryStorage()):
        for expected in ("miss", "hit"):
            assert run(told(kind, config_with(storage), get("/plain"))) == [expected]


def test_another_process_is_answered_from_the_file(tmp_path: Path) -> None:
    """With what is everybody's; by `Vary` only where they share a secret."""
    path = tmp_path / "cache.db"
    calls = get("/plain?a=b"), get("/vary", headers={"accept": "a"})
    run(told(SyncResilientClient, config_with(SQLiteStorage(path)), *calls))
    other = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True
    )
    assert other.stdout.split("\n")[:2] == ["answer to /plain", "APINetworkError"]


@kinds
def test_a_write_of_one_client_is_heeded_by_others(tmp_path: Path, kind: type[Any]) -> None:
    """Whichever storage on the file they have."""
    path = tmp_path / "cache.db"
    run(told(kind, config_with(SQLiteStorage(path)), get("/plain")))
    write = run(told(kind, config_with(SQLiteStorage(path)), lambda client: client.post("/plain")))
    assert write == ["bypass"]
    assert run(told(kind, config_with(SQLiteStorage(path)), get("/plain"))) == ["miss"]


@kinds
@pytest.mark.parametrize("secret", [None, b"a secret of sixteen bytes"], ids=["own", "given"])
def test_nothing_of_a_request_stands_in_the_file(
    tmp_path: Path, kind: type[Any], secret: bytes | None
) -> None:
    """No credential, no query, no value of a header field, no partition and no path."""
    path = tmp_path / "cache.db"
    storage = SQLiteStorage(path)
    config = config_with(storage, secret=secret, partition=lambda _: "partition-of-mine")
    calls = (
        get("/path-of-mine?q=query-of-mine", headers=SECRETS),
        get("http://user:password-of-mine@server.test/vary?b=query-of-mine", headers=SECRETS),
    )
    assert run(told(kind, config, *calls, *calls)) == ["miss", "miss", "hit", "hit"]
    files = list(tmp_path.iterdir())
    content = b"".join(each.read_bytes() for each in files)
    assert b"answer to /vary" in content
    # What the server sent is kept: this one's text has the path in it.
    content = content.replace(b"answer to /path-of-mine", b"")
    for hidden in (b"of-mine", b"server.test", b"secret of sixteen"):
        assert hidden not in content


class Broken:
    """Raises whatever it is asked."""

    def get(self, key: str) -> bytes | None:
        """Raise."""
        raise OSError("get")

    def set(self, key: str, value: bytes) -> None:
        """Raise."""
        raise OSError("set")

    def delete(self, key: str) -> None:
        """Raise."""
        raise OSError("delete")

    def close(self) -> None:
        """Raise."""
        raise OSError("close")


@kinds
def test_a_storage_that_fails_fails_no_call(
    kind: type[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A server answers each, and one warning says so."""
    config = config_with(Broken())
    calls = [get("/plain")] * 5 + [lambda client: client.post("/plain")]
    assert run(told(kind, config, *calls)) == ["miss"] * 5 + ["bypass"]
    assert caplog.text.count("as if its Broken were empty: OSError") == 1


class Hanging(Broken):
    """Hangs until the test is over."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def get(self, key: str) -> bytes | None:
        """Hang."""
        self.gate.wait()
        return None


@kinds
def test_a_storage_that_hangs_holds_no_call_up(kind: type[Any]) -> None:
    """Nor the event loop, nor the end of the client."""
    storage = Hanging()
    config = config_with(storage, storage_timeout=0.01)
    assert run(told(kind, config, *[get("/plain")] * 5)) == ["miss"] * 5
    storage.gate.set()
