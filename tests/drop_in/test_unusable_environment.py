"""Proxies and certificates of the environment that are unusable: an error of the tree, at once."""

import traceback
from typing import Any

import pytest

from client import ClientConfig, MyAPIError, ResilientClient, SyncResilientClient, get, httpx2
from client.exceptions import InvalidRequestError
from client.http.family import family_named
from client.http.surroundings import environment_explained
from tests.drop_in.kits import Kit

S = "s3cr3t"
UNUSABLE = {
    "port": f"http://user:{S}@[::1",
    "scheme": f"foo://user:{S}@host",
    "control": f"http://user:{S}@\x7f",
    "socks": f"socks5://user:{S}@host:1",
}
FACADES = {
    ("httpx", True): ResilientClient,
    ("httpx", False): SyncResilientClient,
    ("httpx2", True): httpx2.ResilientClient,
    ("httpx2", False): httpx2.SyncResilientClient,
}


def shown(error: BaseException) -> str:
    """A traceback, without lines of code."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join(line for line in lines if not line.startswith("  "))


def facade(kit: Kit, **settings: Any) -> Any:
    """A client of the facade."""
    kind = FACADES[kit.family, kit.is_async]
    return kind(ClientConfig(base_url="http://127.0.0.1:1", retry=None, **settings))


@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE)
@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "https_proxy"])
async def test_a_proxy_that_is_none(
    kit: Kit, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text says which variable, and not what stands in it."""
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidRequestError, match=name.upper()) as caught:
        await kit.awaited(facade(kit).get)("/")
    assert caught.value.request_sent is False
    assert "trust_env=False" in str(caught.value)
    assert caught.value.__cause__ is not None
    assert S not in shown(caught.value)


@pytest.mark.parametrize("value", [UNUSABLE["port"], UNUSABLE["scheme"], UNUSABLE["socks"]])
async def test_the_fast_backend_says_the_same(
    kit: Kit, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads the same variables."""
    if not kit.is_async:
        return
    monkeypatch.setenv("HTTP_PROXY", value)
    with pytest.raises(InvalidRequestError, match="HTTP_PROXY") as caught:
        await facade(kit, backend="aiohttp").get("/")
    assert S not in shown(caught.value)


def test_the_functions_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """They make a client for each call; what is wrong with an argument stays what it is."""
    monkeypatch.setenv("HTTP_PROXY", UNUSABLE["scheme"])
    with pytest.raises(MyAPIError, match="HTTP_PROXY"):
        get("http://127.0.0.1:1/")
    with pytest.raises(ValueError, match="Unknown scheme"):
        get("http://127.0.0.1:1/", proxy=UNUSABLE["scheme"])


def test_certificates_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path to nowhere."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/at/all.pem")
    with pytest.raises(InvalidRequestError, match="SSL_CERT_FILE"):
        SyncResilientClient(ClientConfig(base_url="http://127.0.0.1:1")).get("/")


def test_what_is_missing_for_another_reason_stays_what_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It names its own cure."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setitem(__import__("sys").modules, "h2", None)
    with pytest.raises(ImportError, match="h2"):
        get("http://127.0.0.1:1/", http2=True)


def test_what_the_environment_has_no_part_in_stays_what_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many proxies it names."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with pytest.raises(TypeError, match="of a kind"), environment_explained(family_named("httpx")):
        raise TypeError("of a kind")
