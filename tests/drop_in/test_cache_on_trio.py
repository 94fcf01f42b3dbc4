"""The cache under trio, which has a clock, tasks and waits of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from client.cache import MemoryStorage
from tests.drop_in.kits import Kit

if TYPE_CHECKING:
    from tests.drop_in.conftest import Serve
    from tests.wire.scripted_server import Connection

FAMILIES = pytest.mark.parametrize("family", ["httpx", "httpx2"])


class Plain:
    """A storage that may block, as far as anybody knows."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        """Return what was kept."""
        return self.kept.get(key)

    def set(self, key: str, value: bytes) -> None:
        """Keep it."""
        self.kept[key] = value

    def delete(self, key: str) -> None:
        """Forget it."""
        self.kept.pop(key, None)

    def close(self) -> None:
        """Do nothing."""


class Checkpointing(Plain):
    """One that is awaited."""

    async def get(self, key: str) -> bytes | None:  # type: ignore[override] # of the other kind
        """Return what was kept."""
        await trio.lowlevel.checkpoint()
        return self.kept.get(key)

    async def set(self, key: str, value: bytes) -> None:  # type: ignore[override] # likewise
        """Keep it."""
        self.kept[key] = value

    async def delete(self, key: str) -> None:  # type: ignore[override] # likewise
        """Forget it."""
        self.kept.pop(key, None)

    async def close(self) -> None:  # type: ignore[override] # likewise
        """Do nothing."""


def answering(connection: Connection) -> None:
    """Answer each request with what may be kept."""
    for number in range(9):
        connection.read_request()
        connection.answer(200, b"answer %d" % number, cache_control="max-age=60")


@FAMILIES
@pytest.mark.parametrize("kind", [MemoryStorage, Plain, Checkpointing])
def test_what_is_kept_is_served(family: str, serve: Serve, kind: type[Any]) -> None:
    """Whatever it is kept in, and in another run as well."""
    server, storage = serve(answering), kind()

    async def story(*statuses: str) -> None:
        kit = Kit(family, is_async=True)
        settings = {"storage": storage, "storage_timeout": 5.0}
        async with kit.ours_of(cache=settings, verify=False) as client:
            for status in statuses:
                response = await client.get(server.url)
                assert (response.text, response.extensions["cache"].status) == ("answer 0", status)
                assert response.extensions["cache"].age is None or (
                    0 <= response.extensions["cache"].age < 50
                )
            async with client.stream("GET", server.url) as streamed:
                assert await streamed.aread() == b"answer 0"

    trio.run(story, "miss", "hit")
    trio.run(story, "hit")


@FAMILIES
def test_many_at_once_are_one_request(family: str, serve: Serve) -> None:
    """Whoever is first asks for all."""
    server = serve(answering)
    texts: list[str] = []

    async def story() -> None:
        kit = Kit(family, is_async=True)
        async with kit.ours_of(cache={}, verify=False) as client:

            async def ask() -> None:
                texts.append((await client.get(server.url)).text)

            async with trio.open_nursery() as nursery:
                for _ in range(10):
                    nursery.start_soon(ask)

    trio.run(story)
    assert texts == ["answer 0"] * 10
