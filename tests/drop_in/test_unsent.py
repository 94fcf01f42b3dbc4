"""Whom to believe that a request was never sent: the sending of that very request, unanswered."""

from __future__ import annotations

from typing import Any

import pytest

from tests.drop_in.kits import URL, Kit
from tests.drop_in.wire import Reply


def methods(client: Any) -> list[str]:
    """What arrived."""
    return [arrival.method for arrival in client._transport.arrivals]


@pytest.mark.parametrize("kind", ["ConnectError", "ConnectTimeout", "PoolTimeout"])
async def test_a_hook_that_cannot_reach_another_server(kit: Kit, kind: str) -> None:
    """It runs when the request has been answered."""
    error = getattr(kit.module, kind)("elsewhere")

    def hook(_response: Any) -> None:
        raise error

    async def hook_async(_response: Any) -> None:
        raise error

    hooks = {"response": [hook_async if kit.is_async else hook]}
    client = kit.client(200, 200, event_hooks=hooks)
    with pytest.raises(type(error)):
        await client.post(URL, content=b"pay")
    assert methods(client) == ["POST"]


async def test_a_hook_that_mirrors_the_request(kit: Kit) -> None:
    """The error of the mirror names our request, and is not about our sending of it."""
    mirror = kit.client("ConnectError", max_retries=0).real

    def hook(response: Any) -> None:
        mirror.send(response.request)

    async def hook_async(response: Any) -> None:
        await mirror.send(response.request)

    hooks = {"response": [hook_async if kit.is_async else hook]}
    client = kit.client(200, 200, event_hooks=hooks)
    with pytest.raises(kit.module.ConnectError):
        await client.post(URL, content=b"pay")
    assert methods(client) == ["POST"]


async def test_an_auth_flow_that_sends_the_request_twice(kit: Kit) -> None:
    """The first sending was answered."""

    class Twice(kit.module.Auth):  # type: ignore[misc, name-defined] # of whichever family
        def auth_flow(self, request: Any) -> Any:
            yield request
            yield request

    client = kit.client(202, "ConnectError", 200, auth=Twice())
    with pytest.raises(kit.module.ConnectError):
        await client.post(URL, content=b"pay")
    assert methods(client) == ["POST", "POST"]


async def test_an_auth_flow_that_asks_for_a_token_first(kit: Kit) -> None:
    """Its answer is none to the request, which can be sent again."""

    class Token(kit.module.Auth):  # type: ignore[misc, name-defined] # likewise
        def auth_flow(self, request: Any) -> Any:
            yield kit.module.Request("GET", URL)
            yield request

    client = kit.client(200, "ConnectError", 200, 200, auth=Token())
    response = await client.post(URL, content=b"pay")
    assert response.status_code == 200
    assert methods(client) == ["GET", "POST", "GET", "POST"]


async def test_an_auth_flow_that_ends_with_another_request(kit: Kit) -> None:
    """A 503 to that one says nothing about the first."""

    class LogOut(kit.module.Auth):  # type: ignore[misc, name-defined] # likewise
        def auth_flow(self, request: Any) -> Any:
            yield request
            yield kit.module.Request("POST", f"{URL}logout")

    client = kit.client(200, 503, 200, 200, auth=LogOut())
    response = await client.post(URL, content=b"pay")
    assert response.status_code == 503
    assert methods(client) == ["POST", "POST"]


async def test_a_request_that_was_passed_on(kit: Kit) -> None:
    """Who redirects with a 307 did not act upon it; and 503 says that the other did not either."""
    moved = Reply(307, headers={"Location": "/there"})
    client = kit.client(moved, 503, moved, 200, follow_redirects=True, max_total_time=60)
    response = await client.post(URL, content=b"pay")
    assert response.status_code == 200
    assert methods(client) == ["POST"] * 4


async def test_an_empty_list_is_no_leave_to_repeat(kit: Kit) -> None:
    """It retries no status; a write whose fate is unknown stays one write."""
    client = kit.client("ReadTimeout", 200, status_forcelist=[])
    with pytest.raises(kit.module.ReadTimeout):
        await client.post(URL, content=b"pay")
    assert methods(client) == ["POST"]
