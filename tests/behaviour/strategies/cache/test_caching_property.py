"""Whatever callers, servers and clocks do: nobody is served what is another's."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import MyAPIError
from tests.behaviour.strategies.cache.serving import cached
from tests.behaviour.strategies.hedges import QUICK
from tests.behaviour.twins import WORLDS
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    import httpx

    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World

USERS = ("alice", "bob", None)
URLS = ("/a", "/a?q=1")
FRESHNESS = st.sampled_from(
    ["max-age=60", "max-age=60", "max-age=0", "s-maxage=60", "max-age=5", "no-cache", ""]
)
SCOPES = st.sampled_from(["", "", "", "public", "public", "private", "no-store"])
VARIES = st.sampled_from(["", "", "", "Accept-Language", "Authorization", "Cookie", "*"])


@dataclass(frozen=True)
class Rules:
    """How a server answers a URL."""

    scope: str
    freshness: str
    vary: str
    sets_cookie: bool
    has_tag: bool

    @property
    def headers(self) -> dict[str, str]:
        """They, as header fields."""
        headers = {"Cache-Control": ", ".join(filter(None, (self.scope, self.freshness)))}
        if self.vary:
            headers["Vary"] = self.vary
        if self.sets_cookie:
            headers["Set-Cookie"] = "theme=dark; Path=/elsewhere"
        return headers


@dataclass(frozen=True)
class Ask:
    """One call."""

    user: str | None
    how: str
    url: str
    language: str
    method: str = "GET"
    is_streamed: bool = False
    wish: str | None = None
    pause: float = 0.0
    jump: float = 0.0


@dataclass
class Server:
    """Knows what it has said to whom, and when."""

    rules: dict[str, Rules]
    versions: dict[str, int] = field(default_factory=dict)
    broken: bool = False

    async def __call__(self, arrival: Arrival) -> Any:
        """Answer with all that the request says of its caller."""
        request = arrival.request
        url = request.url.raw_path.decode()
        version = self.versions.setdefault(url, 1)
        if request.method == "POST":
            self.versions[url] = version + 1
            return Answer(204)
        if self.broken:
            return 503
        rules = self.rules[url]
        said = identity_of(request)
        tag = f'"{version}-{said}"'
        headers = {**rules.headers, **({"ETag": tag} if rules.has_tag else {})}
        if rules.has_tag and request.headers.get("If-None-Match") == tag:
            return Answer(304, (), headers)
        language = request.headers["Accept-Language"]
        return Answer(200, (f"{url} {version} {said} {language}".encode(),), headers)


def identity_of(request: httpx.Request) -> str:
    """What a server sees of who asks."""
    return "+".join(
        request.headers.get(name, "-").replace(" ", "_")
        for name in ("Authorization", "Cookie", "X-Api-Key")
    )


def what_is_sent(ask: Ask) -> list[str]:
    """The same, for a call."""
    value = f"is={ask.user}"
    if ask.how == "auth":
        value = "Basic_" + b64encode(f"{ask.user}:x".encode()).decode()
    sent = {"Authorization": "-", "Cookie": "-", "X-Api-Key": "-"}
    if ask.user is not None:
        sent["Authorization" if ask.how == "auth" else ask.how] = value
    return list(sent.values())


def credentials(ask: Ask) -> dict[str, Any]:
    """What a call says of its user."""
    headers: dict[str, str] = {"Accept-Language": ask.language}
    if ask.wish is not None:
        headers["Cache-Control"] = ask.wish
    options: dict[str, Any] = {"headers": headers}
    if ask.user is None:
        return options
    if ask.how == "auth":
        options["auth"] = (ask.user, "x")
    else:
        headers[ask.how] = f"is={ask.user}"
    return options


ASKS = st.builds(
    Ask,
    user=st.sampled_from(USERS),
    how=st.sampled_from(["Authorization", "Cookie", "X-Api-Key", "auth"]),
    url=st.sampled_from(URLS),
    language=st.sampled_from(["en", "de"]),
    method=st.sampled_from(["GET"] * 9 + ["POST"]),
    is_streamed=st.booleans(),
    wish=st.sampled_from([None] * 8 + ["no-cache", "no-store", "max-stale", "max-age=3"]),
    pause=st.sampled_from([0.0] * 6 + [1.0, 7.0, 100.0]),
    jump=st.sampled_from([0.0] * 8 + [3600.0, -3600.0]),
)
RULES = st.builds(
    Rules,
    scope=SCOPES,
    freshness=FRESHNESS,
    vary=VARIES,
    sets_cookie=st.sampled_from([False] * 6 + [True]),
    has_tag=st.booleans(),
)


def by_user(request: httpx.Request) -> str | None:
    """Whose a request is, as far as it says so."""
    said = identity_of(request)
    return None if said == "-+-+-" else said


@pytest.mark.parametrize("name", WORLDS)
def test_nobody_is_served_what_is_anothers(name: str) -> None:
    """Unless the server has said that it is for all; and writes are heeded."""

    @given(
        rules=st.fixed_dictionaries(dict.fromkeys(URLS, RULES)),
        asks=st.lists(ASKS, min_size=6, max_size=25),
        is_partitioned=st.booleans(),
        broken=st.sets(st.integers(0, 24), max_size=5),
    )
    @settings(max_examples=150, deadline=None, phases=QUICK)
    def try_it(rules: Any, asks: Any, broken: Any, *, is_partitioned: bool) -> None:
        world = WORLDS[name]()
        world.debug = False
        cache = {"partition": by_user} if is_partitioned else {}
        world.tell(_story(world, rules, asks, cache, broken))

    try_it()


async def _story(
    world: World, rules: dict[str, Rules], asks: list[Ask], cache: Any, broken: set[int]
) -> None:
    server = Server(rules)
    client = cached(world, server, cache={"stale_if_error": 30.0, **cache})
    jumped = 0.0
    ports: Any = client.raw._session.engine.ports
    wall = ports.wall_clock
    ports.wall_clock = lambda: wall() + jumped
    for number, ask in enumerate(asks):
        await world.sleep(ask.pause)
        jumped += ask.jump
        server.broken = number in broken
        await _one(client, server, ask)


async def _one(client: Caller, server: Server, ask: Ask) -> None:
    """Make a call, and look whose answer it has got."""
    options = credentials(ask)
    before = len(client.wire.arrivals)
    try:
        if ask.method == "POST":
            await client.post(ask.url, **options)
            return
        if ask.is_streamed:
            async with client.stream("GET", ask.url, **options) as response:
                text = (await client.read(response)).decode()
        else:
            response = await client.get(ask.url, **options)
            text = response.text
    except MyAPIError:
        return
    status, rules = response.extensions["cache"].status, server.rules[ask.url]
    url, version, identity, language = text.split()
    assert url == ask.url
    if status in {"miss", "bypass"}:
        assert len(client.wire.arrivals) > before
    if rules.scope in {"private", "no-store"} or rules.sets_cookie or rules.vary == "*":
        assert status in {"miss", "bypass"}
    mine = what_is_sent(ask)
    assert identity == "+".join(mine) or rules.scope == "public" or "s-maxage" in rules.freshness
    said = dict(zip(("Authorization", "Cookie", "X-Api-Key"), identity.split("+"), strict=True))
    own = dict(zip(said, mine, strict=True))
    assert rules.vary not in own or said[rules.vary] == own[rules.vary]
    assert rules.vary != "Accept-Language" or language == ask.language
    if status in {"hit", "revalidated"}:
        assert int(version) == server.versions[ask.url], "a write was not heeded"
    if status == "hit":
        assert ask.wish != "no-cache"
        assert response.extensions["cache"].age < 60
        assert len(client.wire.arrivals) == before
