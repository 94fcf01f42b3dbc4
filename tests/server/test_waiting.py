"""Calls that are held back: what they have done by then, and what becomes of them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
from fastapi import FastAPI

from server.app import create_app
from server.calls.waiting import hold_back
from server.controls.failure_server import Controls, RemoteServer
from server.limits import Limits
from server.testing import FailureServer
from tests.behaviour.asyncio_world import VirtualLoop
from tests.eventually import eventually
from tests.server.conftest import open_call

LONG = "/msg?delay=60000"


def arrived(server: Controls, request_id: str) -> bool:
    """Whether a call has come in."""
    return request_id in server.ledger().requests


def test_a_call_is_held_back_for_its_time() -> None:
    """No less and no more, where its caller has the patience."""

    async def story() -> float:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await hold_back(loop.create_future, 60)
        return loop.time() - begun

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(story()) == 60


def abandon_a_call(server: FailureServer) -> None:
    """Make a call and give up on its answer, as one does whose patience is at an end."""
    with open_call(f"{server.url}{LONG}"):
        eventually(lambda: arrived(server, "a"))
    eventually(lambda: server.ledger().requests["a"].abandoned == 1)


def test_a_call_that_times_out_has_had_its_effect(server: FailureServer) -> None:
    """The effect comes before the delay; the answer that nobody awaited is not recorded."""
    abandon_a_call(server)
    entry = server.ledger().requests["a"]
    assert (entry.arrived, entry.took_effect, entry.statuses) == (1, 1, ())


def test_the_retry_of_a_call_that_timed_out_gets_its_message(
    caller: httpx.Client, server: FailureServer
) -> None:
    """And does not double it."""
    abandon_a_call(server)
    message_id = server.ledger().requests["a"].message_id
    answer = caller.post("/msg", headers={"X-Request-ID": "a"}).json()
    assert (answer["arrival"], answer["message_id"]) == (2, message_id)
    assert server.ledger().doubled() == ()


def test_a_call_that_fails_late_has_failed_already(server: FailureServer) -> None:
    """A fault in place of the effect is decided before the delay, like the effect."""
    server.fail_count(1)
    abandon_a_call(server)
    assert server.faults()["count"] is None
    assert server.ledger().lost(["a"]) == ("a",)


def test_what_is_held_back_does_not_block_the_rest(
    caller: httpx.Client, server: FailureServer
) -> None:
    """Calls overtake each other."""
    with open_call(f"{server.url}{LONG}", "slow"):
        eventually(lambda: arrived(server, "slow"))
        assert caller.get("/msg", headers={"X-Request-ID": "fast"}).status_code == 200
        assert not server.ledger().requests["slow"].statuses


def test_what_is_in_flight_stays_out_of_a_cleared_ledger(
    caller: httpx.Client, server: FailureServer
) -> None:
    """The next test does not see the stragglers of the last."""
    with ThreadPoolExecutor(1) as threads:
        straggler = threads.submit(caller.get, "/msg?delay=100", headers={"X-Request-ID": "a"})
        eventually(lambda: arrived(server, "a"))
        server.clear()
        assert straggler.result().status_code == 200
    assert not server.ledger().requests
    assert server.ledger().arrived == 0


def test_seats_are_few_and_given_back(serve: Callable[[FastAPI], RemoteServer]) -> None:
    """One call too many is refused before it has any effect; a caller that leaves makes room."""
    server = serve(create_app(limits=Limits(waiting=1)))
    with httpx.Client(base_url=server.url, trust_env=False) as caller:
        with open_call(f"{server.url}{LONG}", "seated"):
            eventually(lambda: arrived(server, "seated"))
            refused = caller.get(LONG, headers={"X-Request-ID": "refused"})
            unhindered = caller.get("/msg", headers={"X-Request-ID": "unhindered"})
        eventually(lambda: server.ledger().requests["seated"].abandoned == 1)
        served = caller.get("/msg?delay=1", headers={"X-Request-ID": "served"})
    assert refused.status_code == 503
    assert refused.json()["detail"].startswith("no more than 1 calls can be delayed")
    assert [unhindered.status_code, served.status_code] == [200, 200]
    assert server.ledger().lost(["seated", "refused", "unhindered", "served"]) == ("refused",)
