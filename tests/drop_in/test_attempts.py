"""How long an attempt of a drop-in client is said to have taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client.events import AttemptEnded
from tests.drop_in.kits import URL
from tests.drop_in.wire import Reply

if TYPE_CHECKING:
    from tests.drop_in.kits import Kit


def ended(heard: list[Any]) -> AttemptEnded:
    """The end of the one attempt."""
    [end] = [event for event in heard if isinstance(event, AttemptEnded)]
    return end


async def test_its_seconds_end_with_the_head_of_the_answer(kit: Kit) -> None:
    """How long the body takes is another matter."""
    heard: list[Any] = []
    client = kit.client(Reply(takes=3, drips=5), listeners=[heard.append])
    await client.get(URL)
    assert ended(heard).seconds == 3


async def test_its_seconds_last_until_what_follows_a_redirect_fails(kit: Kit) -> None:
    """The head of the redirect is not that of an answer to what followed."""

    def breaks(_request: Any) -> str:
        kit.clock.now += 3
        return "ReadError"

    heard: list[Any] = []
    there = Reply(302, headers={"Location": "/there"})
    client = kit.client(
        there, breaks, listeners=[heard.append], follow_redirects=True, max_retries=0
    )
    with pytest.raises(kit.error("ReadError")):
        await client.get(URL)
    assert (ended(heard).seconds, ended(heard).status_code) == (3, None)
