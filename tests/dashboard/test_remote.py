"""A page elsewhere, asked for its state."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client.dashboard import dashboard
from client.dashboard.answers import Refused
from client.program.live_page import remote as remote_module
from client.program.live_page.remote import RemoteState
from tests.dashboard.asking import Servers, ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EMPTY: dict[str, Any] = ask(dashboard()).json


def read(url: str, transport: httpx.AsyncBaseTransport, times: int = 1) -> list[bytes]:
    """Return what a page says, time after time."""

    async def reading() -> list[bytes]:
        async with RemoteState(url, transport) as remote:
            return [await remote.read() for _ in range(times)]

    return asyncio.run(reading())


def answering(**answer: Any) -> httpx.MockTransport:
    """A server that answers always the same."""
    return httpx.MockTransport(lambda _: httpx.Response(**{"status_code": 200, **answer}))


@pytest.mark.parametrize("url", ["http://localhost/ops", "http://localhost/ops/"])
def test_a_mounted_page_is_read(url: str) -> None:
    """By its address, with a slash or without; what has not changed is not sent again."""
    statuses: list[int] = []

    class Watching(httpx.ASGITransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            statuses.append(response.status_code)
            return response

    first, second = read(url, Watching(dashboard(), root_path="/ops"), times=2)
    assert json.loads(first)["clients"] == []
    assert (first, statuses) == (second, [200, 304])


def test_a_password_is_sent_and_not_shown() -> None:
    """As browsers send it."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(500)

    with pytest.raises(Refused, match=r"^http://h.test/ops answers 500$"):
        read("http://ann:secret@h.test/ops", httpx.MockTransport(answer))
    assert seen == ["Basic YW5uOnNlY3JldA=="]


@pytest.mark.parametrize(
    "url",
    [
        "h.test",
        "ftp://h.test",
        "http://",
        "http://h.test/?x=secret",
        "file:///etc/passwd",
        "http://h.test:99999",
        "http://h.test:0",
        "http://[::1",
        "http://xn--/",
        "http://h.test/\x1b",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """Without what may be secret in it."""
    with pytest.raises(ValueError, match="is no address of a page: give one such as") as raised:
        RemoteState(url)
    assert "secret" not in str(raised.value)


def fail(_: httpx.Request) -> httpx.Response:
    """Answer nothing."""
    raise httpx.ConnectError("refused")


PACKED = gzip.compress(json.dumps(EMPTY).encode())
"""A small answer may be large when it is unpacked; nobody asked for such."""

NO_STATES: dict[str, tuple[dict[str, Any], str]] = {
    "redirect": ({"status_code": 302, "headers": {"Location": "http://evil/"}}, "answers 302$"),
    "html": ({"text": "<html>"}, "is no live page"),
    "list": ({"json": []}, "is no live page"),
    "part": ({"json": {"clients": []}}, "is no live page"),
    "deep": ({"content": b"[" * 100_000}, "is no live page"),
    "packed": ({"headers": {"Content-Encoding": "gzip"}, "content": PACKED}, "is packed"),
    "known": ({"status_code": 304}, "answers 304$"),
    "huge": ({"content": b" " * (1 << 20) + b"{}"}, "larger than 1048576 bytes"),
    "refusal": ({"status_code": 403, "json": {"error": "no"}}, "answers 403: no$"),
    "escapes": ({"status_code": 403, "json": {"error": "a\x1b[2J"}}, "answers 403$"),
    "long": ({"status_code": 403, "json": {"error": "e" * 999}}, "answers 403: e{200}$"),
    "silent": ({"status_code": 403, "json": []}, "answers 403$"),
}


@pytest.mark.parametrize("name", NO_STATES)
def test_what_is_no_state_is_refused(name: str) -> None:
    """With what came instead; what it says is one short line."""
    answer, text = NO_STATES[name]
    with pytest.raises(Refused, match=text) as raised:
        read("http://h.test/ops", answering(**answer))
    assert raised.value.answer.status == 502


def test_a_page_that_is_gone_is_told() -> None:
    """By what kept it from answering."""
    with pytest.raises(Refused, match=r"does not answer \(ConnectError\)$"):
        read("http://h.test/ops", httpx.MockTransport(fail))


def test_a_page_without_tags_is_read_all_the_same() -> None:
    """Every time anew."""
    assert (
        read("http://h.test", answering(json=EMPTY), times=2)
        == [httpx.Response(200, json=EMPTY).content] * 2
    )


def test_an_answer_that_drips_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often something of it comes."""
    monkeypatch.setattr(remote_module, "_PATIENCE", 0.01)

    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0)

    with pytest.raises(Refused, match=r"does not answer \(TimeoutError\)$"):
        read("http://h.test", answering(content=drip()))


def test_a_tag_that_cannot_be_sent_is_left_out() -> None:
    """Whoever answers may write anything in it."""
    headers = [(b"ETag", b'"\xff"')]
    assert len(read("http://h.test", answering(json=EMPTY, headers=headers), times=2)) == 2


def state() -> Any:
    """A page's state of a client with all that it may have."""
    servers = Servers()
    servers.statuses["a.test"] = 500
    with servers.client(retry={"max_attempts": 2, "min_wait_seconds": 0}) as client:
        page = dashboard(client)
        servers.call(client)
        return ask(page).json


WRONG: dict[str, tuple[list[Any], Any]] = {
    "process": (["process"], {}),
    "clients": (["clients"], None),
    "client": (["clients", 0], "x"),
    "columns": (["columns"], {}),
    "more columns": (["columns", "targets", 12], "more"),
    "name": (["clients", 0, "name"], ["x"]),
    "long name": (["clients", 0, "name"], "x" * 1001),
    "slots": (["clients", 0, "slots"], [1]),
    "limit": (["clients", 0, "limit"], [1, 2, 3]),
    "rate limit": (["clients", 0, "rate_limit"], [1, 2]),
    "hedges": (["clients", 0, "hedges"], [1]),
    "cache": (["clients", 0, "cache"], [1, 2, 3, 4]),
    "endpoints": (["clients", 0, "endpoints"], [1]),
    "an endpoint": (
        ["clients", 0, "endpoints"],
        [["http://a", "healthy", None, 1, -1, 0, 0, None, None]],
    ),
    "state": (["clients", 0, "targets", 0, 1], {}),
    "time that no calendar knows": (["clients", 0, "targets", 0, 2], 1e300),
    "time that is a text": (["clients", 0, "transitions", 0, 0], "x"),
    "no number": (["clients", 0, "targets", 0, 10], float("nan")),
    "huge number": (["clients", 0, "targets", 0, 5], 10**400),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_has_not_the_shape_of_a_state_is_refused(name: str) -> None:
    """Before anybody tries to show it."""
    way, wrong = WRONG[name]
    given = part = state()
    assert read("http://h.test", answering(json=given))
    *before, last = way
    for each in before:
        part = part[each]
    if isinstance(part, list) and last == len(part):
        part.append(wrong)
    else:
        part[last] = wrong
    body = json.dumps(given).encode()
    with pytest.raises(Refused, match="is no live page, or one of another version"):
        read("http://h.test", answering(content=body))
