"""The name of a client: in errors, events, logs, and in its repr, which is short."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from client import (
    AsyncClient,
    AsyncResilientTransport,
    Client,
    ClientConfig,
    ResilientTransport,
    ServerError,
)
from tests.behaviour.world import World


async def test_it_is_told_everywhere(world: World) -> None:
    """By every event and line of the log, and by the error in attribute and text."""
    heard: list[Any] = []
    client = world.client(
        500,
        name="payments",
        listeners=[heard.append],
        retry={"max_attempts": 2},
        circuit_breaker={"failure_threshold": 1},
        logging={"level": "DEBUG"},
    )
    with capture_logs() as lines, pytest.raises(ServerError) as caught:
        await client.get()
    assert caught.value.client == "payments"
    assert f"(client payments, request id {caught.value.request_id})" in str(caught.value)
    assert len(heard) > 5
    assert {event.client for event in heard} == {"payments"}
    assert len(lines) > 3
    assert {line["client"] for line in lines} == {"payments"}


async def test_a_client_without_a_name_is_the_default_one(world: World) -> None:
    """Which no text mentions."""
    client = world.client(500, retry=None)
    with pytest.raises(ServerError) as caught:
        await client.get()
    assert caught.value.client == "default"
    assert "client" not in str(caught.value)


async def test_its_repr_is_short_and_shows_no_secret(world: World) -> None:
    """A name, where it leads, and whether it is open."""
    client = world.client(
        name="payments",
        base_url="https://user:secret@api.example/v1",
        headers={"Authorization": "secret"},
    )
    kind = type(client.raw).__name__
    assert repr(client.raw) == f"{kind}('payments', base_url='https://api.example/v1', open)"
    await client.close()
    assert repr(client.raw).endswith(", closed)")
    assert repr(world.client(base_url="").raw) == f"{kind}('default', open)"


def test_a_configuration_shows_what_was_given() -> None:
    """Its parts too."""
    config = ClientConfig(name="payments", retry={"max_attempts": 5})  # type: ignore[arg-type] # checked by the model
    assert repr(config) == "ClientConfig(name='payments', retry=RetryConfig(max_attempts=5))"
    assert repr(ClientConfig()) == "ClientConfig()"


@pytest.mark.parametrize("kind", [Client, AsyncClient, ResilientTransport, AsyncResilientTransport])
def test_the_drop_in_has_a_name_listeners_and_statistics_too(kind: Any) -> None:
    """Clients and transports."""
    made = kind(name="payments", listeners=[lambda _event: None])
    transport = "HTTPTransport" if "Transport" in kind.__name__ else "open"
    assert repr(made).replace("AsyncHTTP", "HTTP") == f"{kind.__name__}('payments', {transport})"
    stats = made.stats()
    assert (stats.operations, stats.circuits) == (0, {})
    wrongs: list[Any] = ["", "a b", 5, "x" * 129]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="is not allowed: give a name of 1-128 letters"):
            kind(name=wrong)
        with pytest.raises(ValueError, match="is not allowed: give a name of 1-128 letters"):
            ClientConfig(name=wrong)
    with pytest.raises(TypeError, match="listener 5 is not allowed"):
        kind(listeners=[5])
