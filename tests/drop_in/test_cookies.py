"""The drop-in keeps cookies as httpx does, except those that would break every later request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.drop_in.wire import Reply

if TYPE_CHECKING:
    from tests.drop_in.kits import Face, Kit


def setting(*cookies: str) -> Any:
    """An answer that sets cookies."""
    return Reply(200, (b"",), [(b"Set-Cookie", cookie.encode()) for cookie in cookies])


def sent(client: Face) -> list[str]:
    """The cookies of the last request."""
    header = client._transport.arrivals[-1].request.headers.get("Cookie", "")
    return sorted(header.split("; ")) if header else []


async def test_a_domain_s_cookies_are_shared_as_with_httpx(kit: Kit) -> None:
    """By its hosts."""
    client = kit.client(setting("a=1; Domain=shop.example", "b=1"), 200, 200)
    await client.get("http://www.shop.example/")
    await client.get("http://api.shop.example/")
    assert sent(client) == ["a=1"]
    await client.get("http://www.shop.example/")
    assert sent(client) == ["a=1", "b=1"]


@pytest.mark.parametrize(
    "hostile", ["c=" + "x" * 4_095, "c=é", "c=\x01", "c=1; Path=/" + "x" * 9_000]
)
async def test_a_cookie_that_cannot_be_sent_back_is_dropped(kit: Kit, hostile: str) -> None:
    """It would make every later request to the host fail."""
    client = kit.client(setting(hostile, "b=1"), 200)
    await client.get("http://server.test/")
    await client.get("http://server.test/")
    assert sent(client) == ["b=1"]


async def test_what_servers_set_stays_within_what_servers_take(kit: Kit) -> None:
    """Those set longest ago go first; what the caller has set stays."""
    large = [setting(f"{name}=" + "x" * 1_994) for name in "abcdef"]
    client = kit.client(*large, 200, cookies={"mine": "x" * 9_000})
    client.real.cookies.set("own", "1", domain="server.test")
    for _ in range(7):
        await client.get("http://server.test/")
    assert [pair[:4] for pair in sent(client)] == ["c=xx", "d=xx", "e=xx", "f=xx", "mine", "own="]


async def test_cookies_for_a_domain_leave_its_other_hosts_alive(kit: Kit) -> None:
    """What one host sets for all counts against what each of them is sent."""
    of_host = setting(*[f"h{number}=" + "x" * 1_993 for number in range(3)])
    for_all = setting(
        *[f"d{number}=" + "x" * 1_993 + "; Domain=shop.example" for number in range(3)]
    )
    client = kit.client(of_host, for_all, 200)
    await client.get("http://api.shop.example/")
    await client.get("http://evil.shop.example/")
    await client.get("http://api.shop.example/")
    assert [pair[:2] for pair in sent(client)] == ["d0", "d1", "d2", "h2"]


async def test_a_name_without_a_dot_is_bounded_too(kit: Kit) -> None:
    """`http.cookiejar` keeps its cookies under another name."""
    large = [setting(f"{name}=" + "x" * 3_000) for name in "abc"]
    client = kit.client(*large, 200)
    for _ in range(4):
        await client.get("http://localhost/")
    assert [pair[:2] for pair in sent(client)] == ["b=", "c="]
