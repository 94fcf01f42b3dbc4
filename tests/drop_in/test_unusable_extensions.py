"""Timeouts and extensions that no connection can be made with: refused, and nobody is blamed."""

import math
from typing import Any

import pytest

from client import CircuitBreaker, ClientConfig, ResilientClient, SyncResilientClient, httpx2
from tests.drop_in.kits import URL, Kit

FACADES = {
    ("httpx", True): ResilientClient,
    ("httpx", False): SyncResilientClient,
    ("httpx2", True): httpx2.ResilientClient,
    ("httpx2", False): httpx2.SyncResilientClient,
}
TIMEOUTS: dict[str, tuple[Any, type[Exception], str]] = {
    "text": ("abc", TypeError, "the connect timeout must be a number of seconds.*not str"),
    "a phase": ((1.0, "5", None, 1.0), TypeError, "the read timeout must be a number"),
    "negative": (-1, ValueError, "must be 0 s or more, or None for no limit; not -1"),
    "not a number": (math.nan, ValueError, "must be 0 s or more.*not nan"),
}
EXTENSIONS: dict[str, tuple[Any, str]] = {
    "timeout": (5, "the extension timeout must be a dict by phase, not int"),
    "trace": ("loud", "the extension trace must be callable, not str"),
    "target": (5, "the extension target must be a str or bytes, not int"),
    "sni_hostname": (True, "the extension sni_hostname must be a str or bytes, not bool"),
}


@pytest.mark.parametrize("name", TIMEOUTS)
async def test_a_timeout(kit: Kit, name: str) -> None:
    """Of a call and of a client; no attempt is made, and no circuit hears of it."""
    value, kind, text = TIMEOUTS[name]
    breaker = CircuitBreaker(failure_threshold=1)
    client = kit.client(200, 200, circuit_breaker=breaker)
    with pytest.raises(kind, match=text):
        await client.get(URL, timeout=value)
    with pytest.raises(kind, match=text):
        kit.ours_of(timeout=value)
    client.real.timeout = value
    with pytest.raises(kind, match=text):
        await client.get(URL)
    assert (client._transport.arrivals, breaker.state) == ([], "closed")


@pytest.mark.parametrize("name", TIMEOUTS)
async def test_a_timeout_of_a_facade_s_call(kit: Kit, name: str) -> None:
    """The configuration refuses its own."""
    value, kind, text = TIMEOUTS[name]
    transport = kit.wire(200)
    client = FACADES[kit.family, kit.is_async](ClientConfig(), transport=transport)
    with pytest.raises(kind, match=text):
        await kit.awaited(client.get)(URL, timeout=value)
    assert (transport.arrivals, client.stats().operations) == ([], 0)


@pytest.mark.parametrize("name", EXTENSIONS)
async def test_an_extension(kit: Kit, name: str) -> None:
    """Of a call of either client, and of a request that a transport of ours gets."""
    value, text = EXTENSIONS[name]
    wire, given = kit.wire(200), {name: value}
    facade = FACADES[kit.family, kit.is_async](ClientConfig(), transport=wire)
    with pytest.raises(TypeError, match=text):
        await kit.awaited(facade.get)(URL, extensions=given)
    client = kit.client(200)
    with pytest.raises(TypeError, match=text):
        await client.get(URL, extensions=given)
    with pytest.raises(TypeError, match=text):
        await client.send(kit.request(extensions=given))
    assert (wire.arrivals, client._transport.arrivals) == ([], [])


async def test_what_can_be_used_passes(kit: Kit) -> None:
    """Whatever number it is; an async client may wait forever by that name."""
    client = kit.client(200, 200, 200, 200, 200)

    class OfAnArray:
        def __index__(self) -> int:
            return 5

    for timeout in (0, True, None, OfAnArray(), math.inf):
        if timeout is math.inf and not kit.is_async:
            with pytest.raises(ValueError, match=r"at most \d+ s, or None for no limit; not inf"):
                await client.get(URL, timeout=timeout)
        else:
            assert (await client.get(URL, timeout=timeout)).status_code == 200
    usable = {"target": b"/", "sni_hostname": "server.test", "trace": print, "else": 5}
    client = kit.client(200)
    assert (await client.get(URL, extensions=usable)).status_code == 200
    facade = FACADES[kit.family, kit.is_async](ClientConfig(), transport=kit.wire(200, 200))
    assert (await kit.awaited(facade.get)(URL, extensions=usable)).status_code == 200
    default = kit.module.USE_CLIENT_DEFAULT
    assert (await kit.awaited(facade.get)(URL, timeout=default)).status_code == 200
