"""The ways to call through the library, each made and used alike; it is imported only then."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import Any

__all__ = ["FACES", "Face", "load"]


@dataclass(frozen=True)
class Face:
    """One way: by which of our faces, in which world, for which family, over which backend."""

    name: str
    world: str
    family: str
    backend: str

    def __str__(self) -> str:
        return f"{self.name}, {self.world}, {self.family}, {self.backend}"

    @property
    def is_async(self) -> bool:
        """In which world."""
        return self.world == "async"

    def make(self, **more: Any) -> Any:
        """Make the client, whose retries do not wait.

        Args:
            more: What its constructor is given besides.
        """
        ours = import_module("client" if self.family == "httpx" else "client.httpx2")
        return getattr(self, f"_{self.name}")(ours, import_module(self.family), more)

    def _facade(self, ours: Any, _theirs: Any, more: dict[str, Any]) -> Any:
        from client import ClientConfig  # noqa: PLC0415 - not before a tool has patched

        kind = ours.ResilientClient if self.is_async else ours.SyncResilientClient
        retry = {"min_wait_seconds": 0, "max_wait_seconds": 0}
        return kind(ClientConfig(retry=retry, backend=self.backend), **more)  # type: ignore[arg-type] # validated

    def _drop_in(self, ours: Any, _theirs: Any, more: dict[str, Any]) -> Any:
        kind = ours.AsyncClient if self.is_async else ours.Client
        parts = {"transport": ours.AiohttpTransport()} if self.backend == "aiohttp" else {}
        client = kind(backoff_factor=0, **parts, **more)
        assert "max_retries" in inspect.signature(kind).parameters
        assert "max_retries" in inspect.signature(client.get).parameters
        return client

    def _transport(self, ours: Any, theirs: Any, more: dict[str, Any]) -> Any:
        if self.is_async:
            protected = ours.AsyncResilientTransport(
                theirs.AsyncHTTPTransport(), backoff_factor=0, **more
            )
            return theirs.AsyncClient(transport=protected)
        protected = ours.ResilientTransport(theirs.HTTPTransport(), backoff_factor=0, **more)
        return theirs.Client(transport=protected)

    def _function(self, ours: Any, _theirs: Any, _more: dict[str, Any]) -> Any:
        return ours

    async def use(self, client: Any, url: str) -> int:
        """Call, with an argument of ours where they are taken; return the status."""
        own = {"drop_in": {"max_retries": 1}, "function": {"backoff_factor": 0}}.get(self.name, {})
        name = "get_async" if self.name == "function" and self.is_async else "get"
        answer = getattr(client, name)(url, headers={"X-Kept": "yes"}, **own)
        status: int = (await answer if self.is_async else answer).status_code
        return status

    async def close(self, client: Any) -> None:
        """Close the client."""
        name = "aclose" if self.is_async else "close"
        close = getattr(client, name, None) or getattr(client, "close", None)
        if self.name != "function" and close is not None:
            closed = close()
            if self.is_async:
                await closed


FACES = [
    *(
        Face(name, world, family, "httpx")
        for name in ("facade", "drop_in", "transport")
        for world in ("blocking", "async")
        for family in ("httpx", "httpx2")
    ),
    *(Face("function", world, "httpx", "httpx") for world in ("blocking", "async")),
    *(
        Face(name, "async", family, "aiohttp")
        for name in ("facade", "drop_in")
        for family in ("httpx", "httpx2")
    ),
]


def load() -> None:
    """Import all that a face can need."""
    for name in (
        "client",
        "client.httpx2",
        "client.faces.drop_in.functions",
        "client.transports.aiohttp.transport",
    ):
        import_module(name)
    _ = import_module("client").AiohttpTransport
