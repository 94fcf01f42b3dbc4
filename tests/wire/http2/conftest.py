"""Two clients that speak HTTP/2, one of each family and of each world, and servers for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.wire.catalogue.conftest import TWINS, check_nothing_is_held, check_nothing_is_left
from tests.wire.http2_server import Peer, over_http2
from tests.wire.twins import pools_of, settings

if TYPE_CHECKING:
    from client import ClientConfig
    from tests.wire.conftest import Serve
    from tests.wire.http2_server import PeerScript
    from tests.wire.scripted_server import ScriptedServer
    from tests.wire.twins import Client, Twin


@pytest.fixture(params=["httpx-async", "httpx2-blocking"])
def twin(request: pytest.FixtureRequest) -> Twin:
    """One of the two; all four meet what the catalogue has of HTTP/2."""
    return TWINS[request.param]()


class Http2Server:
    """A server, and what its connections have seen."""

    def __init__(self, serve: Serve, *scripts: PeerScript, **said: int) -> None:
        self.peers: list[Peer] = []
        """One for each connection, in order."""
        self.tcp: ScriptedServer = serve(
            *[over_http2(self._kept(each), **said) for each in scripts]
        )

    def _kept(self, script: PeerScript) -> PeerScript:
        def kept(peer: Peer) -> None:
            self.peers.append(peer)
            script(peer)

        return kept

    @property
    def url(self) -> str:
        """The base URL."""
        return self.tcp.url.replace("http:", "https:")

    def resets(self) -> list[int | None]:
        """The code with which each stream of the first connection was reset, or None."""
        return [exchange.reset for exchange in list(self.peers[0].exchanges.values())]


class Speak(Protocol):
    """Starts an HTTP/2 server for the time of the test."""

    def __call__(self, *scripts: PeerScript, **said: int) -> Http2Server:
        """Serve connection number n with script number n, beginning with some settings."""
        ...


@pytest.fixture
def speak(serve: Serve) -> Speak:
    """Servers that do to each connection what the test wrote down."""

    def start(*scripts: PeerScript, **said: int) -> Http2Server:
        return Http2Server(serve, *scripts, **said)

    return start


class HasUrl(Protocol):
    """Something that can be called."""

    @property
    def url(self) -> str:
        """The base URL."""
        ...


def config_for(server: HasUrl, **overrides: Any) -> ClientConfig:
    """A client's configuration."""
    return settings(server.url, http2=True, **{"circuit_breaker": None, **overrides})


async def check_all_went_back(twin: Twin, client: Client, server: Http2Server) -> None:
    """Assert that no call holds anything."""
    await check_nothing_is_held(twin, client, server.tcp)


async def check_all_is_gone(twin: Twin, server: Http2Server) -> None:
    """Assert that a closed client has left."""
    await check_nothing_is_left(twin, server.tcp)


def connections_of(client: Client) -> list[Any]:
    """The connections in the pool of a client."""
    return list(pools_of(client)[0].connections)
