"""A sink of one's own, given to a client."""

import gc
from typing import Any

import pytest

from client import (
    AsyncClient,
    AsyncResilientTransport,
    Client,
    ResilientClient,
    ResilientTransport,
    SyncResilientClient,
)
from client.metrics.instruments import OPERATION_DURATION
from client.metrics.snapshot import MetricsSnapshot
from tests.behaviour.world import World
from tests.eventually import eventually


class Keeping:
    """Keeps what it is handed."""

    def __init__(self) -> None:
        self.taken: list[MetricsSnapshot] = []

    def export(self, snapshot: MetricsSnapshot) -> None:
        """Take a snapshot in."""
        self.taken.append(snapshot)

    def operations(self) -> int:
        """How many it knows of."""
        return sum(self.taken[-1].counts(OPERATION_DURATION).values()) if self.taken else 0


class AsyncExport:
    """Nobody would await it."""

    async def export(self, snapshot: MetricsSnapshot) -> None:
        """Take a snapshot in."""


class AsyncAttach:
    """Likewise."""

    async def attach(self, source: object) -> None:
        """Take note of a client."""


class NoMethod:
    """Has something else there."""

    export = "http://collector.example"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"telemetry": Keeping()}, "telemetry is <.*Keeping.*>: give a list"),
        ({"telemetry": None}, "telemetry is None: give a list"),
        ({"telemetry": [None]}, "telemetry has None: give objects such as PrometheusMetrics"),
        ({"telemetry": [Keeping]}, "telemetry has <class .*>: give objects such as"),
        ({"telemetry": [AsyncExport()]}, "whose export is .*: give it a plain method"),
        ({"telemetry": [AsyncAttach()]}, "whose attach is .*: give it a plain method"),
        ({"telemetry": [NoMethod()]}, "whose export is 'http.*': give it a plain method"),
        ({"listeners": print}, "listeners is <built-in function print>: give a list"),
    ],
    ids=["one", "none", "none-within", "class", "export", "attach", "no-method", "listener"],
)
def test_what_can_be_no_telemetry_is_refused(given: dict[str, Any], told: str) -> None:
    """By each client, when it is made."""
    kinds: list[Any] = [ResilientClient, SyncResilientClient, Client, AsyncClient]
    for kind in [*kinds, ResilientTransport, AsyncResilientTransport]:
        with pytest.raises(TypeError, match=told):
            kind(**given)


async def test_closing_exports_what_was_counted(world: World) -> None:
    """Before it returns."""
    sink = Keeping()
    client = world.client(200, name="orders", telemetry=[sink])
    await client.get()
    await client.close()
    assert sink.operations() == 1
    assert sink.taken[-1].client == "orders"


async def test_what_a_dropped_client_counted_is_exported(world: World) -> None:
    """Though nobody has closed it."""
    sink = Keeping()
    client = world.client(200, telemetry=[sink])
    await client.get()
    del client
    gc.collect()
    eventually(lambda: sink.operations() == 1)
