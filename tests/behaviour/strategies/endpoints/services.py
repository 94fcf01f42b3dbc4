"""Services of a few endpoints, each a server of its own, and clients of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from client import ClientConfig
    from client.strategies.endpoints.pool import EndpointState
    from tests.behaviour.wire import Arrival, Step
    from tests.behaviour.world import Caller, World

AT_ONCE = {"min_wait_seconds": 0, "max_wait_seconds": 0}


class Service:
    """A server for each host: what it answers, by its name; others answer 200 with their name."""

    def __init__(self, **hosts: Any) -> None:
        self.hosts = hosts
        self.asked: list[str] = []

    async def __call__(self, arrival: Arrival) -> Step:
        """Answer an attempt in the name of the host that it goes to."""
        url = arrival.request.url
        self.asked.append(f"{url.host}{url.path}")
        step = self.hosts.get(url.host, Answer(200, (url.host.encode(),)))
        return await step(arrival) if callable(step) and not isinstance(step, type) else step

    def count(self, host: str) -> int:
        """Return how often a host was asked."""
        return sum(each.partition("/")[0] == host for each in self.asked)


def balanced(world: World, service: Any, *endpoints: Any, **more: Any) -> Caller:
    """A client of a service, by default of the endpoints a and b, one after the other."""
    settings: dict[str, Any] = {
        "base_url": "",
        "endpoints": endpoints or ("http://a", "http://b"),
        "balancing": {"policy": "round_robin"},
        "retry": AT_ONCE,
        **more,
    }
    return world.client(service, **settings)


def states(caller: Caller) -> dict[str, EndpointState]:
    """Return how each endpoint stands."""
    session = caller.raw._session
    return {each.url: each for each in session._endpoints.balancing.states()}


def outstanding(caller: Caller) -> dict[str, int]:
    """Return what is out to each endpoint."""
    return {url: each.outstanding for url, each in states(caller).items()}


def config_of(caller: Caller) -> ClientConfig:
    """Return the settings of a client."""
    config: ClientConfig = caller.raw.config
    return config
