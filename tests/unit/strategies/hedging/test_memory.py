"""What hedging remembers from call to call: times, what calls have paid in, and what goes on."""

import math
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import HedgeConfig
from client.strategies.hedging.extra_load import ExtraLoad
from client.strategies.hedging.latencies import MOST_SAMPLES, Latencies
from client.strategies.hedging.losers import DRAIN_SECONDS, Losers
from client.strategies.hedging.places import Places


@given(
    samples=st.lists(st.floats(0, 100, allow_nan=False), min_size=1, max_size=50),
    share=st.floats(0.01, 1),
)
def test_a_percentile_is_the_least_that_a_share_is_not_above(
    samples: list[float], share: float
) -> None:
    """By the nearest rank."""
    latencies = Latencies()
    for each in samples:
        latencies.add(each)
    found = latencies.percentile(share)
    assert found in samples
    assert sum(each <= found for each in samples) >= share * len(samples) - 1e-9
    assert sum(each < found for each in samples) < math.ceil(share * len(samples))


def test_the_last_thousand_count() -> None:
    """Whatever was before is forgotten, of equal ones too."""
    latencies, expected = Latencies(), deque[float](maxlen=MOST_SAMPLES)
    for number in range(2500):
        seconds = float(number * 7919 % 100)
        latencies.add(seconds)
        expected.append(seconds)
    assert len(latencies) == MOST_SAMPLES
    ordered = sorted(expected)
    for share in (0.01, 0.5, 0.97, 1.0):
        assert latencies.percentile(share) == ordered[math.ceil(share * MOST_SAMPLES) - 1]


@pytest.mark.parametrize(
    ("share", "calls", "hedges"),
    [(0.1, 9, 0), (0.1, 10, 1), (0.1, 1000, 10), (1.0, 1000, 100), (0.001, 1000, 1)],
)
def test_a_share_of_a_hundred_calls_is_held(share: float, calls: int, hedges: int) -> None:
    """But one at least, or a small share would never pay for any."""
    load = ExtraLoad()
    assert not load.withdraw()
    for _ in range(calls):
        load.deposit(share)
    paid = 0
    while load.withdraw():
        paid += 1
    assert paid == hedges
    load.refund()
    assert load.withdraw()
    assert not load.withdraw()


def test_origins_that_were_called_long_ago_are_forgotten() -> None:
    """Two hundred are known."""
    places = Places()
    first = places.at("https://0.example")
    for number in range(1, 200):
        places.at(f"https://{number}.example")
    assert places.at("https://0.example") is first
    places.at("https://new.example")
    assert places.at("https://0.example") is first
    assert len(places._places) == 200
    assert "https://1.example" not in places._places


def test_a_delay_is_known_after_enough_samples() -> None:
    """And kept within its bounds; a given one is taken as it is."""
    place = Places().at("https://a.example")
    config = HedgeConfig(minimum_samples=2, percentile=0.5, min_delay=0.5, max_delay=2)
    place.note(0.1)
    assert place.delay(config) is None
    place.note(0.1)
    assert place.delay(config) == 0.5
    place.note(9)
    place.note(9)
    place.note(9)
    assert place.delay(config) == 2
    assert place.delay(config.merged(max_delay=None)) == 9
    assert place.delay(HedgeConfig(delay=0.0001)) == 0.0001


class Noted:
    """Work that notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    def start(
        self, work: object, ended: object, *, is_apart: bool = False, is_bounded: bool = True
    ) -> None:
        """Never."""
        raise AssertionError

    def cancel(self) -> None:
        """Note it."""
        self.asked.append("cancel")

    def cancel_in(self, seconds: float) -> None:
        """Note it."""
        self.asked.append(seconds)


def test_the_oldest_of_too_many_is_ended() -> None:
    """Others go on; what is over, or ends, is no longer among them."""
    losers = Losers(2)
    first, second, third, fourth = [Noted() for _ in range(4)]
    for each in (first, second):
        losers.drain(each)
    losers.remove(first)
    losers.remove(first)
    losers.drain(third)
    losers.drain(fourth)
    assert (first.asked, third.asked, fourth.asked) == ([DRAIN_SECONDS],) * 3
    assert second.asked == [DRAIN_SECONDS, "cancel"]
    assert len(losers) == 3
    losers.hang_up()
    assert third.asked[-1] == fourth.asked[-1] == "cancel"
    assert second.asked[1:] == ["cancel"]
    assert len(losers) == 3
    losers.begin_anew()
    assert len(losers) == 0
