"""Those who are measured make right calls: a benchmark of wrong ones tells nothing."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.speed.contenders import lineup as module
from benchmarks.speed.contenders.contract import ATTEMPTS, Contender, Setup
from benchmarks.speed.contenders.lineup import gather
from benchmarks.speed.null_transport import BODY, NullTransport
from benchmarks.speed.target_process import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

LINEUP = gather()
UNPROTECTED = {"httpx", "httpx, sized pool", "httpx-aiohttp"}
ASYNC = [each for each in LINEUP.contenders if each.open_async]
BLOCKING = [each for each in LINEUP.contenders if each.open_blocking]


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """Start the server once."""
    with Target() as started:
        yield started


def named(contender: Contender) -> str:
    """Return what a test is called by."""
    return contender.name


def call(contender: Contender, url: str, setup: Setup, *, is_async: bool) -> httpx.Response | None:
    """Make one call; None if it failed as it says that it does."""

    async def awaiting() -> httpx.Response:
        async with contender.for_tasks(setup) as get:
            return await get(url)

    try:
        if is_async:
            return asyncio.run(awaiting())
        with contender.for_threads(setup) as get:
            return get(url)
    except contender.failures:
        return None


def attempts_of(contender: Contender) -> int:
    """Return how many requests a call makes that finds nothing but failures."""
    return 1 if contender.name in UNPROTECTED else ATTEMPTS


def check_calls(contender: Contender, target: Target, *, is_async: bool) -> None:
    """A call is answered with what the server says, and tried again after a 503."""
    target.take_requests()
    answer = call(contender, target.url(), Setup(), is_async=is_async)
    assert answer is not None
    assert (answer.status_code, answer.content) == (200, BODY)
    assert target.take_requests() == {"/item": 1}
    for has_circuit in (True, False):
        setup = Setup(has_circuit=has_circuit)
        answer = call(contender, target.url("/share/100"), setup, is_async=is_async)
        assert answer is None or answer.status_code == 503
        assert target.take_requests() == {"/share/100": attempts_of(contender)}


@pytest.mark.parametrize("contender", ASYNC, ids=named)
def test_an_async_call_is_right(contender: Contender, target: Target) -> None:
    """One request where it succeeds, three where it does not."""
    check_calls(contender, target, is_async=True)


@pytest.mark.parametrize("contender", BLOCKING, ids=named)
def test_a_blocking_call_is_right(contender: Contender, target: Target) -> None:
    """Likewise."""
    check_calls(contender, target, is_async=False)


@pytest.mark.parametrize(
    "contender", [each for each in BLOCKING if each.is_null_capable], ids=named
)
def test_a_null_transport_answers_in_place_of_the_wire(contender: Contender) -> None:
    """In both worlds."""
    setup = Setup(transport=NullTransport())
    for is_async in (True, False):
        answer = call(contender, "http://target.example/item", setup, is_async=is_async)
        assert answer is not None
        assert (answer.status_code, answer.content) == (200, BODY)


def test_who_blocks_makes_no_task() -> None:
    """And the other way round; the error says who."""
    contender = Contender(name="nobody", about="nothing")
    with pytest.raises(TypeError, match="nobody is for blocking code only"):
        contender.for_tasks(Setup())
    with pytest.raises(TypeError, match="nobody is for async code only"):
        contender.for_threads(Setup())


@pytest.mark.parametrize("name", LINEUP.rejecting)
def test_an_open_circuit_says_no(name: str) -> None:
    """After failures that are told as what they are."""
    call = LINEUP.rejecting[name]()
    told = [call() for _ in range(20)]
    assert told[:3] == [False] * 3
    assert told[-3:] == [True] * 3


def test_a_library_that_is_not_installed_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others take part all the same."""
    monkeypatch.setitem(sys.modules, "stamina", None)
    monkeypatch.delitem(sys.modules, f"{module.__package__}.with_stamina", raising=False)
    without = gather()
    assert "stamina" in without.absent["httpx + stamina"]
    names = {each.name for each in without.contenders}
    assert names == {each.name for each in LINEUP.contenders} - {"httpx + stamina"}
    assert "stamina" not in without.versions()
