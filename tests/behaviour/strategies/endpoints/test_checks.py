"""Active checks: from the first call to the close, beside the calls and at nobody's expense."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from client import Endpoint
from client.ports.asyncio_ports import ASYNCIO
from client.ports.blocking_ports import BLOCKING
from client.strategies.endpoints.checks import Checks
from tests.behaviour.twins import ONLY_ASYNCIO, ONLY_BLOCKING

if TYPE_CHECKING:
    from client.engine.ports import Ports
    from tests.behaviour.blocking_world import BlockingWorld
    from tests.behaviour.world import World

INTERVAL = 10.0
A, B, C = (Endpoint(f"http://{name}.test") for name in "abc")


@dataclass
class Asked:
    """What asks endpoints, and hears what was found."""

    world: World
    answers: dict[str, Any] = field(default_factory=dict)
    """By URL: whether it is well, seconds that it takes to say so, or what is raised."""
    times: dict[str, list[float]] = field(default_factory=dict)
    found: list[tuple[str, bool]] = field(default_factory=list)
    under_way: int = 0
    did: list[str] = field(default_factory=list)

    async def ask(self, endpoint: Endpoint) -> bool:
        """Ask one."""
        self.times.setdefault(endpoint.url, []).append(self.world.now())
        answer = self.answers.get(endpoint.url, True)
        self.under_way += 1
        try:
            if isinstance(answer, float):
                await self.world.sleep(answer)
        finally:
            self.under_way -= 1
        if isinstance(answer, type):
            raise answer
        return bool(answer)

    def tell(self, url: str, /, *, passed: bool, holds: float) -> None:
        """Hear of a check."""
        assert holds > 2 * INTERVAL
        self.found.append((url, passed))

    def hang_up(self) -> None:
        """Take note."""
        self.did.append("hang_up")

    async def close(self, ports: Ports) -> None:
        """Take note."""
        assert ports is not None
        self.did.append("close")

    def begin_anew(self) -> None:
        """Take note."""
        self.did.append("begin_anew")

    def waits(self, url: str) -> list[float]:
        """The seconds between two checks of an endpoint."""
        times = self.times[url]
        return [after - before for before, after in pairwise(times)]


def checking(world: World, **answers: Any) -> tuple[Checks, Asked, Ports]:
    """Make the checks of a client that has made no call yet."""
    asked = Asked(world, {f"http://{name}.test": answer for name, answer in answers.items()})
    ports = (ASYNCIO if world.is_async else BLOCKING).make_ports()
    return Checks(asked, interval=INTERVAL, ports=ports, tell=asked.tell), asked, ports


async def test_each_endpoint_is_asked_again_and_again(world: World) -> None:
    """Soon after the first call, and then about once an interval, but in step with nobody."""
    checks, asked, ports = checking(world)
    began = world.now()
    checks.begin((A, B))
    await world.sleep(1000)
    await checks.close(ports)
    for endpoint in (A, B):
        assert 0 <= asked.times[endpoint.url][0] - began <= 0.2 * INTERVAL
        waits = asked.waits(endpoint.url)
        assert all(0.8 * INTERVAL <= each <= 1.2 * INTERVAL for each in waits)
        assert len({round(each, 3) for each in waits}) > len(waits) / 2
        assert 80 <= len(waits) <= 125
    assert asked.times[A.url] != asked.times[B.url]
    assert set(asked.found) == {(A.url, True), (B.url, True)}


@pytest.mark.parametrize(
    ("answer", "is_well"),
    [(True, True), (False, False), (OSError, False), (2.0, True)],
    ids=["well", "ill", "raises", "slow"],
)
async def test_what_is_found_is_told(world: World, answer: Any, *, is_well: bool) -> None:
    """Of each check."""
    checks, asked, ports = checking(world, a=answer)
    checks.begin((A,))
    await world.sleep(0.7 * INTERVAL)
    assert asked.found == [(A.url, is_well)]
    await checks.close(ports)


@ONLY_ASYNCIO  # in the other world it is the network that ends it
async def test_one_that_takes_longer_than_an_interval_has_failed(world: World) -> None:
    """The next one is not put off for ever."""
    checks, asked, ports = checking(world, a=1000.0)
    checks.begin((A,))
    await world.sleep(5 * INTERVAL)
    assert set(asked.found) == {(A.url, False)}
    await checks.close(ports)


async def test_one_that_hangs_holds_up_no_other(world: World) -> None:
    """Each has its own turn."""
    checks, asked, ports = checking(world, a=9.0)
    checks.begin((A, B))
    await world.sleep(3 * INTERVAL)
    assert asked.found.count((B.url, True)) >= 2
    await checks.close(ports)
    await world.sleep(INTERVAL)


async def test_a_list_that_changes(world: World) -> None:
    """What is gone is asked no more, what is new is; the others keep their turn."""
    checks, asked, ports = checking(world)
    both = (A, B)
    checks.begin(both)
    checks.begin(both)
    await world.sleep(INTERVAL)
    other = Endpoint(B.url, weight=5)
    checks.begin((other, C))
    assert checks._watches[B.url].endpoint is other
    asked.times.clear()
    await world.sleep(10 * INTERVAL)
    assert set(asked.times) == {B.url, C.url}
    assert len(checks) == 2
    await checks.close(ports)


async def test_closing_ends_them(world: World) -> None:
    """Those that wait at once; one under way that cannot be ended is not waited for long."""
    checks, asked, ports = checking(world, a=8.0)
    checks.begin((A, B))
    await world.sleep(0.3 * INTERVAL)
    assert asked.under_way == 1
    began = world.now()
    await checks.close(ports)
    assert world.now() - began == (0 if world.is_async else 1)
    assert asked.did == ["hang_up", "close"]
    found = list(asked.found)
    await world.sleep(INTERVAL)
    assert (asked.found, len(checks), world.left_behind()) == (found, 0, 0)
    checks.begin((A, B, C))
    assert len(checks) == 0


async def test_checks_that_begin_anew_wait_for_the_next_call(world: World) -> None:
    """In a forked child, and in another event loop, in which nothing of before goes on."""
    checks, asked, ports = checking(world)
    both = (A, B)
    for watch in checks._watches.values():
        watch.end()
    checks.begin_anew()
    assert (len(checks), asked.did) == (0, ["begin_anew"])
    checks.begin(both)
    assert len(checks) == 2
    await checks.close(ports)


async def test_a_client_that_is_dropped_takes_them_along(world: World) -> None:
    """Nobody has closed it, and nothing goes on for ever."""
    checks, _, _ = checking(world)
    checks.begin((A, B))
    await world.sleep(INTERVAL)
    assert world.left_behind() == 2
    del checks
    gc.collect()
    await world.sleep(2 * INTERVAL)
    assert world.left_behind() == 0


async def test_an_interrupt_while_they_begin(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next call begins those that are missing."""
    checks, _, ports = checking(world)
    both = (A, B)

    def interrupts(*_: object, **__: object) -> Any:
        raise KeyboardInterrupt

    for thing, name in ((ports, "signal"), (type(ports.task()), "start")):
        with monkeypatch.context() as patched:
            patched.setattr(thing, name, interrupts)
            with pytest.raises(KeyboardInterrupt):
                checks.begin(both)
        assert len(checks) == 0
    checks.begin(both)
    assert len(checks) == 2
    await checks.close(ports)


@ONLY_ASYNCIO
async def test_one_that_somebody_cancels_is_over(world: World) -> None:
    """As the end of a loop does, which closes nothing."""
    checks, _, ports = checking(world)
    checks.begin((A,))
    await world.sleep(INTERVAL)
    checks._watches[A.url]._task.cancel()
    await world.sleep(INTERVAL)
    assert (len(checks), world.left_behind()) == (0, 0)
    await checks.close(ports)


@ONLY_BLOCKING
async def test_without_threads_there_are_no_checks(world: BlockingWorld) -> None:
    """At the end of the interpreter there are none to be had."""
    checks, asked, ports = checking(world)
    world.lacks_threads = True
    checks.begin((A, B))
    assert (len(checks), asked.times) == (0, {})
    await checks.close(ports)
