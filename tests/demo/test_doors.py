"""Further addresses of a server, that can be shut."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from client.program.demo.failure_server import open_doors
from server.testing import FailureServer


def test_what_comes_in_is_passed_on(failure_server: FailureServer) -> None:
    """Below the server's own path; once a door is shut, nothing is, and who is in is cut."""

    async def story() -> None:
        async with open_doors(f"{failure_server.url}/msg", 2) as (one, two):
            assert one.url != two.url
            assert one.url.endswith("/msg")
            async with httpx.AsyncClient(trust_env=False) as http:
                for door in (one, two, one):
                    assert (await http.get(door.url)).status_code == 200
                await one.shut()
                for _ in range(2):
                    with pytest.raises(httpx.TransportError):
                        await http.get(one.url)
                assert (await http.get(two.url)).status_code == 200

    asyncio.run(story())


def test_behind_a_door_there_may_be_nobody() -> None:
    """Who comes is cut: no error of the story's own."""
    with FailureServer() as gone:
        url = gone.url
    complaints: list[object] = []

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
        async with open_doors(url, 1) as [door], httpx.AsyncClient(trust_env=False) as http:
            with pytest.raises(httpx.TransportError):
                await http.get(door.url)

    asyncio.run(story())
    assert complaints == []
