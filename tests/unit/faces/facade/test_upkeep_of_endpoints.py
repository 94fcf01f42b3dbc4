"""What threads may do at the same time to what keeps up the endpoints of a client."""

from __future__ import annotations

from typing import Any

from client import ClientConfig, SyncResilientClient
from client.faces.facade.health_checks import HealthProbe
from client.http.family import family_named
from client.ports.blocking_ports import BLOCKING

CONFIG = ClientConfig.model_validate(
    {"endpoints": ["http://a.test"], "balancing": {"health_path": "/health"}}
)


def test_two_first_checks_build_one_client() -> None:
    """Who comes second finds the one of the first."""
    probe = HealthProbe(CONFIG, world=BLOCKING, family=family_named("httpx"))
    first = probe._build_once()
    assert probe._build_once() is first
    first.client.close()


def test_a_check_before_anything_is_known_is_ignored() -> None:
    """It can be over before the first call has the list."""
    config = ClientConfig(endpoints=lambda: ["http://a.test"])
    client = SyncResilientClient(config)
    endpoints: Any = client._session._endpoints
    endpoints._note("http://a.test", passed=False, holds=1.0)
    assert endpoints.balancing.states() == ()
    client.close()
