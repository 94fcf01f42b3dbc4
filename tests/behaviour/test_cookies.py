"""Cookies are kept as httpx keeps them, except those that would break every later request."""

import httpx
import pytest

from tests.behaviour.wire import Answer
from tests.behaviour.world import World


def setting(*cookies: bytes) -> Answer:
    """An answer that sets cookies."""
    return Answer(200, headers=[(b"Set-Cookie", cookie) for cookie in cookies])


async def test_a_cookie_comes_back(world: World) -> None:
    """To the host that set it."""
    client = world.client([setting(b"a=1", b"b=two"), 200, 200])
    await client.get()
    await client.get()
    assert client.wire.last.headers["Cookie"] == "a=1; b=two"
    await client.get("http://other.test/")
    assert "Cookie" not in client.wire.last.headers


@pytest.mark.parametrize(
    "hostile",
    ["a=é".encode(), "é=1".encode("latin-1"), b"a=\xff", b"a=\x01", b"a=x\x7fy"],
    ids=["value", "name", "byte", "control", "delete"],
)
async def test_a_hostile_cookie_does_not_poison_the_client(world: World, hostile: bytes) -> None:
    """Httpx could not send it back: one such would make every later request fail."""
    client = world.client([setting(hostile, b"good=1"), 200])
    await client.get()
    await client.get()
    assert client.wire.last.headers["Cookie"] == "good=1"


async def test_a_cookie_of_another_domain_is_refused(world: World) -> None:
    """As the standard policy has it."""
    client = world.client([setting(b"a=1; Domain=other.test", b"b=2"), 200])
    await client.get()
    await client.get("http://server.test/")
    assert client.wire.last.headers["Cookie"] == "b=2"


async def test_a_cookie_without_a_value_is_kept(world: World) -> None:
    """It is odd, and harmless."""
    client = world.client([setting(b"flag", b"b=2"), 200])
    await client.get()
    await client.get()
    assert "b=2" in client.wire.last.headers["Cookie"]


async def test_a_domain_keeps_the_cookies_it_set_last(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is set again counts as new, and one that has expired makes no trouble."""
    monkeypatch.setattr("client.cookies._MOST_OF_A_DOMAIN", 3)
    first = setting(b"a=1", b"b=1", b"c=1", b"a=2")
    client = world.client([first, setting(b"b=; Max-Age=0", b"d=1"), setting(b"e=1"), 200])
    for _ in range(4):
        await client.get()
    assert set(client.wire.last.headers["Cookie"].split("; ")) == {"a=2", "d=1", "e=1"}


async def test_the_domains_that_set_cookies_last_keep_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are."""
    monkeypatch.setattr("client.cookies._MOST_DOMAINS", 2)
    client = world.client([setting(b"a=1")] * 3 + [200] * 3)
    for host in ("one", "two", "three"):
        await client.get(f"http://{host}.test/")
    kept = []
    for host in ("one", "two", "three"):
        await client.get(f"http://{host}.test/")
        kept.append(client.wire.last.headers.get("Cookie"))
    assert kept == [None, "a=1", "a=1"]


async def test_an_answer_without_a_cookie_is_not_searched(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Httpx makes two requests of urllib's to search one; here the header is looked for first."""
    searched: list[int] = []
    extract = httpx.Cookies.extract_cookies

    def counted(self: httpx.Cookies, response: httpx.Response) -> None:
        searched.append(response.status_code)
        extract(self, response)

    monkeypatch.setattr(httpx.Cookies, "extract_cookies", counted)
    client = world.client([200, Answer(201, headers=[(b"set-cookie", b"a=1")]), 202])
    for _ in range(3):
        await client.get()
    assert searched == [201]
    assert client.wire.last.headers["Cookie"] == "a=1"
