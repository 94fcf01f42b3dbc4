"""No text of ours holds credentials, a query, a header's value or a body: every path is swept."""

import logging
import re
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import httpx
import pytest

from client import MyAPIError
from client.events import CircuitOpened, CircuitRejected, OperationFailed, RetryScheduled
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import Caller, World

S = "s3cr3t"
URL = f"http://user{S}:pass{S}@server.test/path?key={S}#{S}"
HEADERS = {
    "Authorization": f"Bearer {S}",
    "Cookie": f"session={S}",
    "X-Api-Key": S,
}
OPTIONS: dict[str, Any] = {
    "headers": {**HEADERS, "X-Token": S},
    "json": {"password": S},
    "auth": (S, S),
}
TOLD = {"Set-Cookie": f"a={S}", "X-Session": S, "WWW-Authenticate": f'Basic realm="{S}"'}


def told(status: int, **headers: str) -> Answer:
    """An answer full of secrets."""
    return Answer(status, (S.encode(),), {**TOLD, **headers})


async def silent(arrival: Arrival) -> int:
    """A server that takes a minute and a half."""
    await arrival.takes(90)
    return 200


class Pipe:
    """A body that can be read only once."""

    def read(self, size: int) -> bytes:
        """Return nothing."""
        return b""


Path: TypeAlias = tuple[object, dict[str, Any], dict[str, Any]]
"""What the server does, the settings of the client, and the options of the call."""


def answering(status: int) -> Path:
    """A status that is an error."""
    return told(status), {}, {}


def raising(kind: type[Exception]) -> Path:
    """An exception whose text quotes a secret, as those about headers and peers do."""
    return kind(f"boom: '{S}'"), {"retry": None}, {}


ONE_SLOT = {"max_concurrency": 1, "acquisition_timeout": 1}
PATHS: dict[str, Callable[[], Path]] = {
    **{
        f"{status}": partial(answering, status)
        for status in (400, 401, 403, 404, 408, 418, 422, 429, 500, 503, 600)
    },
    **{
        kind.__name__: partial(raising, kind)
        for kind in (
            httpx.ReadTimeout,
            httpx.ConnectTimeout,
            httpx.ReadError,
            httpx.RemoteProtocolError,
            httpx.LocalProtocolError,
            httpx.ProxyError,
            httpx.UnsupportedProtocol,
            httpx.DecodingError,
            httpx.TooManyRedirects,
            httpx.InvalidURL,
            TimeoutError,
            ConnectionResetError,
        )
    },
    "deadline": lambda: (silent, {}, {"deadline": 3}),
    "oversized": lambda: (told(200), {"max_body_bytes": 3}, {}),
    "loop": lambda: (told(302, Location=f"/again?{S}"), {}, {}),
    "to another origin": lambda: (told(307, Location=f"http://u{S}:p{S}@o.test/?{S}"), {}, {}),
    "to another scheme": lambda: (told(302, Location=f"ftp://u{S}:p{S}@o.test/{S}?{S}"), {}, {}),
    "to nowhere": lambda: (told(302, Location=f"javascript:{S}"), {}, {}),
    "undecodable": lambda: (told(200, **{"Content-Encoding": "gzip"}), {}, {}),
    "body twice": lambda: (
        told(307, Location="/again"),
        {},
        {"json": None, "content": Pipe()},
    ),
    "header": lambda: (200, {}, {"headers": {"X-Token": f"{S}\u2028"}}),
}


class Swept:
    """Collects every text that a story has made."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.events: list[Any] = []
        self.errors: list[BaseException] = []
        self._caplog = caplog
        caplog.set_level(logging.DEBUG, "resilient_client")

    def texts(self, client: Caller) -> list[str]:
        """Return them."""
        found = [repr(client.raw), repr(client.stats()), repr(client.raw.config)]
        found += [repr(event) for event in self.events]
        for error in self.errors:
            found += [str(error), repr(error), repr(error.args), *getattr(error, "__notes__", [])]
            if isinstance(error, MyAPIError):
                found += [f"{error.url} {error.message} {error.request_id}"]
        logged = (record for record in self._caplog.records if record.name == "resilient_client")
        return [*found, *(str(vars(record)) + record.getMessage() for record in logged)]


@pytest.fixture
def swept(caplog: pytest.LogCaptureFixture) -> Swept:
    """What collects the texts."""
    return Swept(caplog)


@pytest.mark.parametrize("path", PATHS)
async def test_no_error_path_tells_a_secret(world: World, swept: Swept, path: str) -> None:
    """Neither errors, nor events, nor log lines, nor any `repr`; by `request` and by `stream`."""
    server, settings, options = PATHS[path]()
    client = world.client(
        server,
        listeners=[swept.events.append],
        **{
            "headers": {"X-Api-Key": S},
            "base_url": f"http://u{S}:p{S}@server.test/?{S}".partition("?")[0],
            "logging": {"level": "DEBUG"},
            "circuit_breaker": {"failure_threshold": 1},
            **settings,
        },
    )
    with pytest.raises(MyAPIError) as caught:
        await client.post(URL, **{**OPTIONS, **options})
    swept.errors.append(caught.value)
    assert not isinstance(caught.value.__cause__, MyAPIError)
    with pytest.raises(MyAPIError) as caught:
        await client.streamed("POST", URL, **{**OPTIONS, **options})
    swept.errors.append(caught.value)
    assert caught.value.url == "http://server.test/path"
    assert swept.events
    assert [text for text in swept.texts(client) if S in text] == []


async def test_rejections_tell_no_secret(world: World, swept: Swept) -> None:
    """Those of the circuit, of the bulkhead and of a closed client."""
    client = world.client(
        [silent, told(500)],
        listeners=[swept.events.append],
        logging={"level": "DEBUG"},
        circuit_breaker={"failure_threshold": 1},
        bulkhead=ONE_SLOT,
        retry=None,
    )
    works = [client.get(URL), client.get(URL)]
    swept.errors += [error for error in await world.gather(*works) if isinstance(error, Exception)]
    swept.errors.append(await world.outcome(world.start(client.get(URL))))
    await client.close()
    swept.errors.append(await world.outcome(world.start(client.get(URL))))
    kinds = {type(error).__name__ for error in swept.errors}
    assert kinds >= {"PoolTimeoutError", "CircuitOpenError", "ClientClosedError"}
    heard = {type(event) for event in swept.events}
    assert heard >= {CircuitOpened, CircuitRejected, OperationFailed}
    assert [text for text in swept.texts(client) if S in text] == []


async def test_retries_tell_no_secret(world: World, swept: Swept) -> None:
    """In what is told of each wait."""
    client = world.client(
        [told(503), httpx.ReadError(f"[Errno 104] '{S}'"), told(200)],
        listeners=[swept.events.append],
        logging={"level": "DEBUG"},
    )
    response = await client.post(URL, **OPTIONS)
    assert S not in repr(response.extensions["resilience"])
    assert sum(isinstance(event, RetryScheduled) for event in swept.events) == 2
    assert [text for text in swept.texts(client) if S in text] == []


async def test_a_body_that_breaks_tells_no_secret(world: World, swept: Swept) -> None:
    """While the caller reads it."""
    broken = Answer(200, (S.encode(), httpx.ReadError(f"boom: {S}")))
    client = world.client([broken], listeners=[swept.events.append], logging={"level": "DEBUG"})
    with pytest.raises(MyAPIError) as caught:
        await client.streamed(url=URL)
    swept.errors.append(caught.value)
    assert [text for text in swept.texts(client) if S in text] == []


@pytest.mark.parametrize("options", [{"request_di": S}, {"deadline": S}, {"retry": [S]}])
async def test_arguments_that_are_refused(world: World, options: dict[str, Any]) -> None:
    """Quote what was given there, and nothing else of the call."""
    client = world.client([])
    with pytest.raises((TypeError, ValueError)) as caught:
        await client.get(URL, headers={"X-Token": "other5ecret"}, **options)
    text = str(caught.value)
    assert "other5ecret" not in text
    assert not re.search(r"server\.test", text)


async def test_a_circuit_per_origin_is_named_without_credentials(
    world: World, swept: Swept
) -> None:
    """In statistics and events."""
    client = world.client(
        told(500),
        listeners=[swept.events.append],
        circuit_breaker={"failure_threshold": 1, "scope": "origin"},
        logging={"level": "DEBUG"},
        retry=None,
    )
    swept.errors.append(await world.outcome(world.start(client.get(URL))))
    assert client.stats().circuits == {"http://server.test:80": "open"}
    assert [text for text in swept.texts(client) if S in text] == []
