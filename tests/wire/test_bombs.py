"""Bombs of every coding against every face, in a process of its own whose memory is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.codings import MEBIBYTE, bomb

if TYPE_CHECKING:
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script

pytestmark = pytest.mark.any_python

SIZE = 100
"""Mebibytes that each unpacks to."""
MOST = 60 * MEBIBYTE
"""By which the process may grow, with what it loads meanwhile and the window of brotli."""
LIMITED = ("gzip", "deflate", "br", "zstd", "gzip+gzip", "zstd+br")

# What makes one call to `url` and returns the status.
FACES = {
    "facade": "SyncResilientClient(settings(url)).get('/').status_code",
    "facade-async": "run(ResilientClient(settings(url)), '/')",
    "fast": "run(ResilientClient(settings(url, backend='aiohttp')), '/')",
    "drop-in": "httpx_clients.Client(**quick).get(url).status_code",
    "drop-in-httpx2-async": "run(httpx2.AsyncClient(**quick), url)",
    "function": "client.get(url, **quick).status_code",
    "transport": (
        "httpx.Client(transport=client.ResilientTransport(backoff_factor=0),"
        " follow_redirects=True).get(url).status_code"
    ),
}
PROGRAM = """
import asyncio, json, resource, sys
import httpx
import client
from client import ClientConfig, ResilientClient, RetryConfig, SyncResilientClient
from client import httpx2
from client.faces.drop_in import httpx_clients

calls, face = json.loads(sys.argv[1])
at_once = RetryConfig(min_wait_seconds=0, max_wait_seconds=0)
quick = {"backoff_factor": 0, "follow_redirects": True}

def settings(url, **more):
    limit = {"max_body_bytes": 65536} if "/limited" in url else {}
    return ClientConfig(base_url=url, retry=at_once, **limit, **more)

def run(made, url):
    async def call():
        async with made as opened:
            return (await opened.get(url)).status_code
    return asyncio.run(call())

def peak():
    if sys.platform == "linux":  # where getrusage counts what the parent had, too
        with open("/proc/self/status") as status:
            (line,) = [line for line in status if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

before, outcomes = peak(), []
for url in calls:
    try:
        outcomes.append(eval(face))
    except Exception as error:
        outcomes.append(type(error).__name__)
print(json.dumps([outcomes, peak() - before]))
"""


@cache
def packed(coding: str) -> bytes:
    """Return that bomb, which takes long to pack."""
    return bomb(coding.replace("+", ", "), SIZE)


def bombs() -> Script:
    """Answer a target such as "/limited/200/gzip" with that bomb, the second 503 with "ok"."""
    asked_for: Counter[str] = Counter()

    def script(connection: Connection) -> None:
        while True:
            target = connection.read_request().target.strip("/")
            asked_for[target] += 1
            _, status, coding = target.split("/") if target != "ok" else ("", "200", "")
            if not coding or (status == "503" and asked_for[target] > 1):
                connection.answer(body=b"ok")
                continue
            named = {"content_encoding": coding.replace("+", ", "), "location": "/ok"}
            connection.answer(int(status), packed(coding), **named)

    return script


def measured(face: str, calls: list[str]) -> tuple[list[object], int]:
    """What became of some calls, and by how many bytes they made their process grow."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([calls, FACES[face]])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    outcomes, grown = json.loads(ran.stdout)
    return outcomes, grown


@pytest.mark.parametrize("face", FACES)
def test_no_bomb_fills_the_memory(serve: Serve, face: str) -> None:
    """Not what a retry replaces, nor what a redirect carries, without any setting.

    With the facade neither what an error keeps, nor what is larger than its limit.
    """
    calls = {f"free/503/{coding}": 200 for coding in ("gzip", "gzip+gzip", "br")}
    calls["free/302/gzip+gzip"] = 200
    expected: dict[str, object] = {**calls}
    if face in {"facade", "facade-async", "fast"}:
        expected["free/404/gzip+gzip"] = "NotFoundError"
        expected |= dict.fromkeys((f"limited/200/{coding}" for coding in LIMITED), "ResponseError")
    server = serve(bombs())
    outcomes, grown = measured(face, [f"{server.url}/{target}" for target in expected])
    assert dict(zip(expected, outcomes, strict=True)) == expected
    assert grown < MOST
