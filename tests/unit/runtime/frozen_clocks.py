"""The stories of `test_frozen_clocks`, told by a program of its own: `frozen_clocks.py FREEZER`.

freezegun goes through every module that is loaded and leaves time frozen for good where one of them
raises, as the lazy parts of some SDKs do: nothing for the process that the other tests run in.
"""

import asyncio
import sys
from collections.abc import Callable
from itertools import product
from typing import Any

import freezegun
import httpx
import pytest
import time_machine

from client import (
    AsyncClient,
    CircuitBreaker,
    Client,
    ClientConfig,
    ResilientClient,
    SyncResilientClient,
)

Frozen = Callable[[], Any]
FREEZERS: dict[str, Frozen] = {
    "freezegun": lambda: freezegun.freeze_time("2030-01-01"),
    "freezegun-real-asyncio": lambda: freezegun.freeze_time("2030-01-01", real_asyncio=True),
    "freezegun-ticking": lambda: freezegun.freeze_time("2030-01-01", tick=True),
    "time-machine": lambda: time_machine.travel("2030-01-01", tick=False),
}
URL = "http://a.example/"


def answers(*, asked: bool) -> httpx.MockTransport:
    """Return a server that answers well at the second attempt, and may ask for a wait of none."""
    replies = iter([503, 200])
    headers = {"Retry-After": "0"} if asked else {}
    return httpx.MockTransport(lambda _request: httpx.Response(next(replies), headers=headers))


def config(wait: float) -> ClientConfig:
    """Return the settings of a client that waits so long."""
    return ClientConfig(
        retry={"min_wait_seconds": wait, "max_wait_seconds": wait, "jitter": False},  # type: ignore[arg-type] # checked by the model
        timeout={"total": 5},  # type: ignore[arg-type] # likewise
    )


def an_async_wait_ends(frozen: Frozen, wait: float, *, asked: bool) -> None:
    """Of a facade and of a drop-in, frozen within the loop."""

    async def story() -> list[int]:
        with frozen():
            async with (
                ResilientClient(config(wait), transport=answers(asked=asked)) as ours,
                AsyncClient(transport=answers(asked=asked), backoff_factor=wait) as drop_in,
            ):
                return [(await ours.get(URL)).status_code, (await drop_in.get(URL)).status_code]

    assert asyncio.run(story()) == [200, 200]


def a_blocking_wait_ends(frozen: Frozen, wait: float, *, asked: bool) -> None:
    """Likewise."""
    with (
        frozen(),
        SyncResilientClient(config(wait), transport=answers(asked=asked)) as ours,
        Client(transport=answers(asked=asked), backoff_factor=wait) as drop_in,
    ):
        assert [ours.get(URL).status_code, drop_in.get(URL).status_code] == [200, 200]


def what_was_frozen_in_2030_works_after_it(frozen: Frozen) -> None:
    """The budget still pays, and the circuit that opened then closes again."""
    status = 500

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status)

    circuit = {"failure_threshold": 1, "recovery_timeout": 0}
    client = SyncResilientClient(
        config(0).merged(circuit_breaker=circuit), transport=httpx.MockTransport(answer)
    )
    shared = CircuitBreaker(failure_threshold=1, recovery_timeout=0)
    drop_in = Client(
        transport=httpx.MockTransport(answer), circuit_breaker=shared, backoff_factor=0
    )
    with client, drop_in:
        with frozen():
            for _ in range(2):
                with pytest.raises(Exception, match="500"):
                    client.get(URL)
                drop_in.get(URL)
        status = 200
        assert (client.get(URL).status_code, drop_in.get(URL).status_code) == (200, 200)
        status = 500
        client.stats()
        with pytest.raises(Exception, match="after 3 attempts"):
            client.get(URL)


if __name__ == "__main__":
    chosen = FREEZERS[sys.argv[1]]
    for seconds, is_asked in product([0, 0.01], [False, True]):
        an_async_wait_ends(chosen, seconds, asked=is_asked)
        a_blocking_wait_ends(chosen, seconds, asked=is_asked)
    what_was_frozen_in_2030_works_after_it(chosen)
