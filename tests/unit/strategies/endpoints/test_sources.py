"""Who knows the endpoints of a client."""

from typing import Any

from client import Endpoint
from client.runtime.coroutines import run_to_end
from client.strategies.endpoints.spreading.sources import Fixed


def test_a_list_that_does_not_change_is_always_known() -> None:
    """Nobody waits for it."""
    endpoints = (Endpoint("http://a"),)
    source, call = Fixed(endpoints), Any
    assert source.known is source.look() is endpoints
    assert run_to_end(source.current(call)) is endpoints  # type: ignore[arg-type] # not looked at
