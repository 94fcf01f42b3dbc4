"""`CircuitBreaker`: one circuit as an object, shared between clients, worlds and threads."""

import asyncio
import threading
from typing import Any

import pytest

from client import APIConnectionError, CircuitBreaker, CircuitOpenError, CircuitState, ServerError
from tests.drop_in.kits import URL, Face, Kit
from tests.drop_in.wire import Reply
from tests.eventually import PATIENCE_SECONDS


async def calls(client: Face, count: int, **options: Any) -> list[Any]:
    """The outcomes of several calls: statuses, or the names of exceptions."""
    outcomes = [await client.kit.outcome(client.get(URL, **options)) for _ in range(count)]
    return [getattr(each, "status_code", None) or type(each).__name__ for each in outcomes]


async def test_it_opens_after_the_threshold_and_turns_calls_away(kit: Kit) -> None:
    """One call is one failure, however many attempts it took."""
    breaker = CircuitBreaker(failure_threshold=2)
    client = kit.client(500, circuit_breaker=breaker)
    assert await calls(client, 3) == [500, 500, "CircuitOpenError"]
    assert len(client._transport.arrivals) == 8
    assert (breaker.state, breaker.failure_count) == (CircuitState.OPEN, 2)


async def test_it_lets_a_probe_through_after_the_recovery_time(kit: Kit) -> None:
    """Which closes it, or opens it again."""
    breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=60)
    client = kit.client(500, 500, 200, circuit_breaker=breaker, max_retries=0)
    await calls(client, 1)
    kit.clock.now += 59
    assert await calls(client, 1) == ["CircuitOpenError"]
    kit.clock.now += 1
    assert await calls(client, 2) == [500, "CircuitOpenError"]
    kit.clock.now += 60
    assert await calls(client, 2) == [200, 200]
    assert (breaker.state, breaker.failure_count) == (CircuitState.CLOSED, 0)


async def test_an_error_says_when_and_why(kit: Kit) -> None:
    """The seconds to recovery and the failure that opened it."""
    breaker = CircuitBreaker(1, 60)
    client = kit.client(500, circuit_breaker=breaker, max_retries=0)
    await client.get(URL)
    kit.clock.now += 20
    with pytest.raises(CircuitOpenError, match="Circuit breaker is OPEN") as caught:
        await client.get(URL)
    assert caught.value.retry_after == 40
    assert isinstance(caught.value.last_error, ServerError)


async def test_clients_share_it(kit: Kit) -> None:
    """What one learns, the other knows."""
    breaker = CircuitBreaker(failure_threshold=2)
    one = kit.client(500, circuit_breaker=breaker)
    other = kit.client(200, circuit_breaker=breaker)
    await calls(one, 2)
    assert await calls(other, 1) == ["CircuitOpenError"]
    assert other._transport.arrivals == []


async def test_a_client_without_it_is_not_concerned(kit: Kit) -> None:
    """By default there is none; a call may name one."""
    client = kit.client(500)
    assert await calls(client, 10) == [500] * 10
    breaker = CircuitBreaker(failure_threshold=1)
    assert await calls(client, 2, circuit_breaker=breaker) == [500, "CircuitOpenError"]
    assert await calls(client, 1) == [500]


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [
        (500, True),
        (503, True),
        (429, True),
        (408, True),
        ("ConnectError", True),
        ("ReadTimeout", True),
        (Reply(200, (b"half", "ReadError")), True),
        (200, False),
        (302, False),
        (400, False),
        (404, False),
        ("DecodingError", False),
        (LookupError("bug"), False),
    ],
)
async def test_it_counts_what_says_that_the_server_is_unwell(
    kit: Kit, outcome: Any, *, counts: bool
) -> None:
    """By default what is worth another attempt."""
    breaker = CircuitBreaker()
    await calls(kit.client(outcome, circuit_breaker=breaker), 1)
    assert breaker.failure_count == (1 if counts else 0)


async def test_it_counts_what_it_is_told_to_expect(kit: Kit) -> None:
    """A class of httpx, of either family, of ours, or several."""
    for expected in (
        kit.error("ConnectError"),
        (kit.error("TimeoutException"), kit.error("NetworkError")),
        (LookupError, ConnectionError, kit.error("ConnectError")),
    ):
        breaker = CircuitBreaker(failure_threshold=9, expected_exception=expected)
        client = kit.client(500, "ConnectError", 500, circuit_breaker=breaker, max_retries=0)
        counts = []
        for _ in range(3):
            await calls(client, 1)
            counts.append(breaker.failure_count)
        # A status that is not expected is an answer: the server is there.
        assert counts == [0, 1, 0]
    breaker = CircuitBreaker(expected_exception=ServerError)
    await calls(kit.client(500, circuit_breaker=breaker), 1)
    assert breaker.failure_count == 1
    await calls(kit.client("ConnectError", circuit_breaker=breaker), 1)
    assert breaker.failure_count == 1


async def test_its_user_is_told_of_changes(kit: Kit, caplog: pytest.LogCaptureFixture) -> None:
    """With the state before and after; a callback that raises harms nobody, and is logged."""
    changes: list[tuple[str, str]] = []

    def note(old: CircuitState, new: CircuitState) -> None:
        assert isinstance(old, CircuitState)
        changes.append((old.name, new.name))
        raise LookupError("in the callback")

    breaker = CircuitBreaker(1, 60, on_state_change=note)
    client = kit.client(500, 200, circuit_breaker=breaker, max_retries=0)
    await client.get(URL)
    kit.clock.now += 60
    await client.get(URL)
    assert changes == [("CLOSED", "OPEN"), ("OPEN", "HALF_OPEN"), ("HALF_OPEN", "CLOSED")]
    ours = [record for record in caplog.records if record.exc_info is not None]
    assert [record.getMessage() for record in ours] == ["on_state_change raised"] * 3
    assert caplog.text.count("LookupError: in the callback") == 3


async def test_it_can_be_closed_by_hand(kit: Kit) -> None:
    """And has forgotten what it counted."""
    changes: list[tuple[str, str]] = []
    breaker = CircuitBreaker(2, 60, on_state_change=lambda old, new: changes.append((old, new)))
    client = kit.client(500, circuit_breaker=breaker, max_retries=0)
    await calls(client, 2)
    breaker.reset()
    assert (breaker.state, breaker.failure_count) == (CircuitState.CLOSED, 0)
    assert await calls(client, 1) == [500]
    assert breaker.state is CircuitState.CLOSED
    breaker.reset()
    breaker.reset()
    assert changes == [("closed", "open"), ("open", "closed")]


async def test_a_call_in_flight_no_longer_counts_after_a_reset(kit: Kit) -> None:
    """Its outcome is of another time."""
    breaker = CircuitBreaker(failure_threshold=1)

    def reset(_request: Any) -> int:
        breaker.reset()
        return 500

    client = kit.client(reset, circuit_breaker=breaker, max_retries=0)
    await client.get(URL)
    assert breaker.state is CircuitState.CLOSED


@pytest.mark.parametrize("name", ["", "x" * 129, "a\nb", "\ud800", None])
def test_its_name_is_one_that_can_be_shown(name: Any) -> None:
    """It is a label of metrics; one that UTF-8 cannot hold would break off a whole scrape."""
    assert CircuitBreaker(name="payments, é").circuit.scope == "payments, é"
    with pytest.raises(ValueError, match="give a text of 1 to 128 printable characters"):
        CircuitBreaker(name=name)


def test_it_shows_itself() -> None:
    """For logs and debuggers, by its name."""
    breaker = CircuitBreaker(name="payments")
    assert repr(breaker) == "<CircuitBreaker 'payments' closed failures=0>"
    assert repr(CircuitBreaker()) == "<CircuitBreaker 'circuit' closed failures=0>"


def test_its_defaults() -> None:
    """Five failures, a minute, everything worth retrying."""
    config = CircuitBreaker().circuit.config
    assert (config.failure_threshold, config.recovery_timeout) == (5, 60.0)
    assert config.expected_exception is APIConnectionError


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"failure_threshold": 0}, "failure_threshold"),
        ({"recovery_timeout": -1}, "recovery_timeout"),
        ({"expected_exception": 5}, "expected_exception"),
        ({"half_open_max_calls": 0}, "half_open_max_calls"),
        ({"failure_treshold": 1}, "failure_threshold"),
        ({"scope": "origin"}, "make one for each origin"),
    ],
)
def test_settings_are_checked(settings: dict[str, Any], said: str) -> None:
    """Whatever has no effect, or a wrong one, is refused."""
    with pytest.raises(ValueError, match=said):
        CircuitBreaker(**settings)


async def test_further_settings_are_those_of_the_configuration(kit: Kit) -> None:
    """Two successes to close it, for one."""
    breaker = CircuitBreaker(1, 60, success_threshold=2)
    client = kit.client(500, 200, circuit_breaker=breaker, max_retries=0)
    await client.get(URL)
    kit.clock.now += 60
    await client.get(URL)
    states = [breaker.state]
    await client.get(URL)
    assert [*states, breaker.state] == [CircuitState.HALF_OPEN, CircuitState.CLOSED]


class Crowd:
    """Eight threads with two clients of one circuit, whose server answers when told to."""

    SIZE = 8

    def __init__(self, breaker: CircuitBreaker) -> None:
        kit = Kit("httpx", is_async=False)
        wires = [kit.wire(lambda _request: self._probe()) for _ in range(2)]
        options: dict[str, Any] = {"circuit_breaker": breaker, "max_retries": 0}
        self.clients = [kit.ours_of(transport=wire, **options) for wire in wires]
        self.probes: list[int] = []
        self.rejected: list[int] = []
        self._may_answer = threading.Event()
        self._at_once = threading.Barrier(self.SIZE)

    def call(self) -> None:
        """Let all call at once; the probe is out until all others have been turned away."""
        threads = [threading.Thread(target=self._call, args=(n,)) for n in range(self.SIZE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _call(self, number: int) -> None:
        self._at_once.wait(PATIENCE_SECONDS)
        try:
            self.clients[number % 2].get(URL)
        except CircuitOpenError:
            self.rejected.append(number)
            if len(self.rejected) == self.SIZE - 1:
                self._may_answer.set()

    def _probe(self) -> int:
        self.probes.append(1)
        self._may_answer.wait(PATIENCE_SECONDS)
        return 500


@pytest.mark.parametrize("_round", range(5))
def test_eight_threads_send_exactly_one_probe(_round: int) -> None:
    """All others are turned away while it is out."""
    breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=0)
    kit = Kit("httpx2", is_async=False)
    with kit.ours_of(transport=kit.wire(500), max_retries=0) as opening:
        opening.get(URL, circuit_breaker=breaker)
    crowd = Crowd(breaker)
    crowd.call()
    assert (len(crowd.probes), len(crowd.rejected)) == (1, 7)
    for client in crowd.clients:
        client.close()


def test_both_worlds_share_one() -> None:
    """Their clocks agree, so that a break begun in one ends in the other."""
    breaker = CircuitBreaker(failure_threshold=1, recovery_timeout=3600)
    blocking, waiting = Kit("httpx", is_async=False), Kit("httpx2", is_async=True)
    client = blocking.real_client(transport=blocking.wire(500), circuit_breaker=breaker)
    client.real.get(URL)
    client.real.close()

    async def in_the_other_world() -> None:
        other = waiting.real_client(transport=waiting.wire(200), circuit_breaker=breaker)
        with pytest.raises(CircuitOpenError) as caught:
            await other.get(URL)
        assert caught.value.retry_after == pytest.approx(3600, abs=10)
        await other.close()

    asyncio.run(in_the_other_world())
