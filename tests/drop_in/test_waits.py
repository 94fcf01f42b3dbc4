"""How long a call waits between its attempts."""

from email.utils import formatdate
from typing import Any

import pytest
import tenacity

from client import (
    Backoff,
    ConstantBackoff,
    ExponentialBackoff,
    FibonacciBackoff,
    LinearBackoff,
)
from client.faces.drop_in.options import RetrySettings
from client.faces.drop_in.policy import DropInPolicy
from tests.drop_in.kits import URL, WALL_CLOCK, Kit
from tests.drop_in.wire import Reply


class Mine(Backoff):
    """A strategy of the user's own."""

    def delay(self, attempt: int) -> float:
        """Wait ever shorter."""
        return 10 / attempt


STRATEGIES: dict[str, tuple[Any, list[Any]]] = {
    "exponential": (ExponentialBackoff(base_delay=2), [2, 4, 8, 16]),
    "linear": (LinearBackoff(base_delay=2), [2, 4, 6, 8]),
    "fibonacci": (FibonacciBackoff(base_delay=2), [2, 2, 4, 6]),
    "constant": (ConstantBackoff(base_delay=2), [2, 2, 2, 2]),
    "capped": (ExponentialBackoff(base_delay=2, max_delay=5), [2, 4, 5, 5]),
    "own": (Mine(), [10, 5, pytest.approx(10 / 3), 2.5]),
    "tenacity": (tenacity.wait_incrementing(start=1, increment=2), [1, 3, 5, 7]),
    "combined": (tenacity.wait_fixed(1) + tenacity.wait_fixed(2), [3, 3, 3, 3]),
    "function": (lambda state: float(state.attempt_number), [1, 2, 3, 4]),
}


def asking(seconds: object, status: int = 503) -> Reply:
    """An answer that asks for a wait."""
    return Reply(status, headers={"Retry-After": str(seconds)})


async def waits_of(kit: Kit, *answers: Any, **options: Any) -> list[float]:
    """The waits of one call."""
    await kit.client(*answers, **options).get(URL)
    return kit.clock.waits


@pytest.mark.skipif(not hasattr(tenacity, "wait_exception"), reason="tenacity 9.0 has none")
async def test_a_wait_by_exception_sees_what_httpx_would_raise(kit: Kit) -> None:
    """`HTTPStatusError` with its answer for a status, or the exception that there was."""
    seen: list[Any] = []

    def seconds(error: Any) -> float:
        seen.append(error)
        return float(error.response.headers["X-Wait"]) if hasattr(error, "response") else 5.0

    client = kit.client(
        Reply(503, headers={"X-Wait": "4"}),
        "ReadError",
        Reply(202, headers={"X-Wait": "6"}),
        200,
        status_forcelist=[202, 503],
        backoff_strategy=tenacity.wait_exception(seconds),
    )
    assert (await client.get(URL)).status_code == 200
    assert kit.clock.waits == [4, 5, 6]
    kinds = ["HTTPStatusError", "ReadError", "HTTPStatusError"]
    assert [type(error) for error in seen] == [kit.error(kind) for kind in kinds]
    assert [seen[0].response.status_code, seen[2].response.status_code] == [503, 202]
    assert seen[0].request.url == URL


async def test_the_default_waits_double_from_a_third_of_a_second(kit: Kit) -> None:
    """0.3 s, 0.6 s and 1.2 s."""
    client = kit.on_virtual_time(kit.ours_of(transport=kit.wire(503)))
    await client.get(URL)
    assert kit.clock.waits == pytest.approx([0.3, 0.6, 1.2])


async def test_the_factor_is_the_first_wait(kit: Kit) -> None:
    """And each further one is twice the one before; 0 waits not at all."""
    assert await waits_of(kit, 503, backoff_factor=2) == [2, 4, 8]
    kit.clock.waits.clear()
    assert await waits_of(kit, 503, backoff_factor=0) == [0, 0, 0]


@pytest.mark.parametrize("name", STRATEGIES)
async def test_a_strategy_says_how_long(kit: Kit, name: str) -> None:
    """One of the four, the user's own, or one of tenacity's."""
    strategy, expected = STRATEGIES[name]
    assert await waits_of(kit, 503, max_retries=4, backoff_strategy=strategy) == expected


async def test_a_strategy_of_tenacity_s_sees_what_a_user_of_httpx_knows(kit: Kit) -> None:
    """An answer, or an exception of httpx."""
    seen: list[Any] = []

    def wait(state: tenacity.RetryCallState) -> float:
        assert state.outcome is not None
        seen.append(
            state.outcome.exception()
            if state.outcome.failed
            else state.outcome.result().status_code
        )
        return 0

    await waits_of(kit, 503, "ReadError", 200, backoff_strategy=wait)
    assert seen[0] == 503
    assert type(seen[1]) is kit.error("ReadError")


async def test_no_wait_is_longer_than_the_longest_allowed(kit: Kit) -> None:
    """Neither by backoff, nor by jitter."""
    options = {"max_retries": 4, "backoff_factor": 2, "max_wait_time": 5}
    assert await waits_of(kit, 503, **options) == [2, 4, 5, 5]
    kit.clock.waits.clear()
    waits = await waits_of(kit, 503, jitter_factor=10, **options)
    assert max(waits) <= 5
    assert min(waits) >= 2


def drawn(draw: float, **settings: Any) -> DropInPolicy:
    """A policy whose dice always show the same."""
    return DropInPolicy(RetrySettings(**settings), lambda: draw)


@pytest.mark.parametrize(("draw", "wait"), [(0.0, 4.0), (0.5, 5.0), (1.0, 6.0)])
def test_jitter_lengthens_a_wait_by_up_to_its_share(draw: float, wait: float) -> None:
    """Never shortens it; the same for a wait that a server asks for."""
    policy = drawn(draw, jitter_factor=0.5, backoff_strategy=ConstantBackoff(4))

    class State:
        attempt_number = 1

    nothing: Any = None
    assert policy.bounded(State(), nothing, nothing) == wait
    assert policy.spread(4) == wait


def test_jitter_keeps_a_wait_that_was_asked_for_within_the_longest_allowed() -> None:
    """And never sooner than it was asked for."""
    assert drawn(1.0, jitter_factor=2, max_wait_time=5).spread(4) == 5
    assert drawn(0.0, jitter_factor=2, max_wait_time=5).spread(5) == 5


async def test_jitter_differs_from_call_to_call(kit: Kit) -> None:
    """That is what it is for; without it waits are exact."""
    waits = await waits_of(kit, 503, max_retries=20, backoff_strategy=ConstantBackoff(1))
    assert set(waits) == {1}
    kit.clock.waits.clear()
    options = {"max_retries": 20, "backoff_strategy": ConstantBackoff(1), "jitter_factor": 1}
    waits = await waits_of(kit, 503, **options)
    assert all(1 <= wait <= 2 for wait in waits)
    assert len(set(waits)) > 10


@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_s_retry_after_is_honoured(kit: Kit, status: int) -> None:
    """In place of the backoff, shorter or longer; a date counts by the wall clock."""
    date = formatdate(WALL_CLOCK + 30, usegmt=True)
    answers = (asking(20, status), asking(0, status), asking(date, status), 200)
    assert await waits_of(kit, *answers, backoff_factor=3) == [20, 0, 30]


@pytest.mark.parametrize("value", [61, "nan", -5, "1e3", "1_0", "soon"])
async def test_a_retry_after_that_is_too_long_or_rubbish_is_ignored(kit: Kit, value: Any) -> None:
    """Above 60 s the backoff holds."""
    assert await waits_of(kit, asking(value), 200, backoff_factor=3) == [3]


async def test_the_longest_wait_bounds_retry_after_too(kit: Kit) -> None:
    """In both directions: what is above it is ignored, up to it is honoured."""
    options = {"backoff_factor": 3, "max_wait_time": 90}
    assert await waits_of(kit, asking(90), asking(91), 200, **options) == [90, 6]
    kit.clock.waits.clear()
    assert await waits_of(kit, asking(2), asking(3), 200, max_wait_time=2, backoff_factor=1) == [
        2,
        2,
    ]


async def test_waits_are_the_strategy_s_and_never_below_zero(kit: Kit) -> None:
    """A strategy that answers nonsense is a bug of its author's, and says so."""
    assert await waits_of(kit, 503, 200, backoff_strategy=lambda _state: -5.0) == [0]
    client = kit.client(503, backoff_strategy=lambda _state: float("nan"))
    with pytest.raises(ValueError, match="nan"):
        await client.get(URL)
