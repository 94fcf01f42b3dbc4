"""Each cookie goes back to the host that set it, and none breaks a later request."""

import httpx
import pytest

from client.http import cookies
from tests.behaviour.wire import Answer
from tests.behaviour.world import World

MOST_OF_A_HOST = 180
"""How many cookies of one host are kept, as browsers do."""
MOST_HOSTS = 20


def setting(*pairs: bytes) -> Answer:
    """An answer that sets cookies."""
    return Answer(200, headers=[(b"Set-Cookie", pair) for pair in pairs])


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


async def test_a_domain_keeps_the_cookies_it_set_last(world: World) -> None:
    """One that is set again counts as new, and one that has expired makes no trouble."""
    others = [b"%d=1" % number for number in range(MOST_OF_A_HOST - 3)]
    first, again = setting(b"a=1", b"b=1", b"c=1", *others), setting(b"a=2")
    client = world.client([first, again, setting(b"b=; Max-Age=0", b"d=1"), setting(b"e=1"), 200])
    for _ in range(5):
        await client.get()
    kept = client.wire.last.headers["Cookie"].split("; ")
    assert len(kept) == MOST_OF_A_HOST
    assert {"a=2", "0=1", "d=1", "e=1"} < set(kept)
    assert "c=1" not in kept


async def test_the_domains_that_set_cookies_last_keep_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are; a thousand at most are remembered."""
    assert cookies._MOST_HOSTS == 1_000
    monkeypatch.setattr(cookies, "_MOST_HOSTS", MOST_HOSTS)
    client = world.client([setting(b"a=1")] * (MOST_HOSTS + 1) + [200] * 3)
    for host in range(MOST_HOSTS + 1):
        await client.get(f"http://host{host}.test/")
    kept = []
    for host in (0, 1, MOST_HOSTS):
        await client.get(f"http://host{host}.test/")
        kept.append(client.wire.last.headers.get("Cookie"))
    assert kept == [None, "a=1", "a=1"]


async def test_a_cookie_goes_back_to_its_host_alone(world: World) -> None:
    """`Domain` widens nothing: nobody here knows which suffixes are public."""
    hostile = [
        setting(b"a=1; Domain=shop.example"),
        setting(b"b=1; Domain=.co.uk"),
        setting(b"c=1; domain=github.io", b"d=1; Domain="),
        setting(b"e=1; Domain=127.0.0.1", b"f=1; Domain=0.0.1", b"g=1"),
        setting(b"h=1"),
    ]
    client = world.client([*hostile, *[200] * 12])
    for host in ("www.shop.example", "a.co.uk", "me.github.io", "127.0.0.1", "localhost"):
        await client.get(f"http://{host}/")
    sent = {}
    for host in (
        *("www.shop.example", "shop.example", "other.shop.example", "x.www.shop.example"),
        *("a.co.uk", "b.co.uk", "me.github.io", "you.github.io"),
        *("127.0.0.1", "10.0.0.1", "localhost", "localhost.local"),
    ):
        await client.get(f"http://{host}/")
        sent[host] = client.wire.last.headers.get("Cookie")
    assert {host: cookies for host, cookies in sent.items() if cookies} == {
        "www.shop.example": "a=1",
        "a.co.uk": "b=1",
        "me.github.io": "c=1; d=1",
        "127.0.0.1": "e=1; f=1; g=1",
        "localhost": "h=1",
    }


async def test_a_cookie_with_a_domain_can_be_taken_back(world: World) -> None:
    """By the same `Domain`: a logout must be one."""
    taken_back = setting(b"a=; Domain=server.test; Max-Age=0")
    client = world.client([setting(b"a=1; Domain=server.test", b"b=2"), taken_back, 200])
    for _ in range(3):
        await client.get("http://www.server.test/")
    assert client.wire.last.headers["Cookie"] == "b=2"


async def test_path_and_secure_are_heeded(world: World) -> None:
    """As httpx heeds them."""
    cookies = setting(b"a=1; Path=/in", b"b=1; Secure", b"c=1; Path=/")
    client = world.client([cookies, 200, 200, 200])
    await client.get("https://server.test/")
    sent = []
    for url in ("http://server.test/in", "https://server.test/", "http://server.test/"):
        await client.get(url)
        sent.append(set(client.wire.last.headers["Cookie"].split("; ")))
    assert sent == [{"a=1", "c=1"}, {"b=1", "c=1"}, {"c=1"}]


@pytest.mark.parametrize(
    ("size", "kept"), [(4_096, [4_096, 3]), (4_097, [3]), (90_000, [3])], ids=str
)
async def test_a_cookie_that_is_too_large_is_dropped(
    world: World, size: int, kept: list[int]
) -> None:
    """Name and value together, as browsers do; no server takes it back."""
    client = world.client([setting(b"a=" + b"x" * (size - 2), b"b=1"), 200])
    await client.get()
    await client.get()
    assert list(map(len, client.wire.last.headers["Cookie"].split("; "))) == kept


async def test_attributes_without_end_are_dropped_with_their_cookie(world: World) -> None:
    """They would be kept for ever."""
    client = world.client([setting(b"a=1; Path=/" + b"x" * 9_000, b"b=1"), 200])
    await client.get()
    await client.get("http://server.test/" + "x" * 9_000)
    assert client.wire.last.headers["Cookie"] == "b=1"


async def test_what_is_sent_stays_within_what_servers_take(world: World) -> None:
    """Those set longest ago go first; 8,000 bytes fit in a line of 8 KiB."""
    answers = [setting(b"%c=" % letter + b"x" * 1_994) for letter in b"abcdef"]
    client = world.client([*answers, setting(b"b=" + b"y" * 1_994), 200])
    for _ in range(8):
        await client.get()
    sent = client.wire.last.headers["Cookie"]
    assert sorted(pair[:3] for pair in sent.split("; ")) == ["b=y", "d=x", "e=x", "f=x"]
    assert len(sent) < 8_000


async def test_cookies_of_a_call_go_beside_those_of_the_host(world: World) -> None:
    """Whatever their size: the caller wants them sent."""
    client = world.client([setting(b"a=1"), 200, 200])
    await client.get()
    await client.get(headers={"Cookie": "mine=" + "x" * 9_000})
    theirs, ours = client.wire.last.headers["Cookie"].split("; ")
    assert (len(theirs), ours) == (9_005, "a=1")
    await client.get("http://other.test/", headers={"Cookie": "mine=1"})
    assert client.wire.last.headers["Cookie"] == "mine=1"


async def test_a_request_that_an_auth_flow_sends_again_has_its_cookies_once(world: World) -> None:
    """Those that the challenge has set in the meantime, too."""
    challenge = [
        (b"WWW-Authenticate", b'Digest realm="r", nonce="n", qop="auth"'),
        (b"Set-Cookie", b"b=2"),
    ]
    client = world.client([setting(b"a=1"), Answer(401, headers=challenge), 200, 200])
    auth = httpx.DigestAuth("user", "password")
    await client.get()
    await client.get(auth=auth)
    assert client.wire.last.headers["Cookie"] == "a=1; b=2"
    await client.get(auth=httpx.BasicAuth("user", "password"), headers={"Cookie": "mine=1"})
    assert client.wire.last.headers["Cookie"] == "mine=1; a=1; b=2"


async def test_cookies_along_redirects(world: World) -> None:
    """One that the redirect sets goes along on the same origin; another origin gets none."""
    there = [(b"Location", b"/next"), (b"Set-Cookie", b"a=1")]
    away = [(b"Location", b"http://server.test:81/"), (b"Set-Cookie", b"b=1")]
    answers = [Answer(302, headers=there), Answer(302, headers=away), 200, 200]
    client = world.client(answers)
    await client.get()
    sent = [arrival.request.headers.get("Cookie") for arrival in client.wire.arrivals]
    assert sent == [None, "a=1", None]
    await client.get("http://server.test:81/")
    assert client.wire.last.headers["Cookie"] == "a=1; b=1"


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
