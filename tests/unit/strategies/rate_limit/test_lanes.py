"""Lanes are found by key, and bounded; and one by itself."""

from __future__ import annotations

import threading
from itertools import chain

import pytest

from client.strategies.rate_limit.lane import Lane
from client.strategies.rate_limit.lanes import Lanes
from client.strategies.rate_limit.learning import Limit
from client.strategies.rate_limit.limits import Rate
from client.strategies.rate_limit.ticket import Stage, Ticket
from tests.unit.strategies.rate_limit.callers import START, Crowd
from tests.unit.threads import together


def test_each_key_has_its_lane() -> None:
    """The same each time."""
    lanes = Lanes(Rate(1, 1))
    assert lanes.lane("a", START) is lanes.lane("a", START)
    assert lanes.lane("a", START) is not lanes.lane("b", START)


def test_the_least_recently_used_goes_first() -> None:
    """Of those that are as if they were new."""
    lanes = Lanes(Rate(1, 1), most_keys=2)
    first, second = lanes.lane("a", START), lanes.lane("b", START)
    lanes.lane("a", START)
    lanes.lane("c", START)
    assert lanes.lane("a", START) is first
    assert lanes.lane("b", START) is not second


def test_what_took_something_stays_before_what_did_not() -> None:
    """Though it was used longer ago."""
    lanes = Lanes(Rate(1, 1), most_keys=2)
    first, second = lanes.lane("a", START), lanes.lane("b", START)
    assert first.ask(Ticket(1), START) == 0
    lanes.lane("c", START)
    assert lanes.lane("a", START) is first
    assert lanes.lane("b", START) is not second


def test_what_took_something_goes_where_nothing_else_does() -> None:
    """The first of them."""
    lanes = Lanes(Rate(1, 1), most_keys=2)
    kept = [lanes.lane(key, START) for key in "ab"]
    for lane in kept:
        lane.ask(Ticket(1), START)
    lanes.lane("c", START)
    assert len(lanes.all()) == 2
    assert lanes.lane("b", START) is kept[1]


def test_a_pause_and_a_waiter_are_never_forgotten() -> None:
    """Further keys share one lane, until there is room."""
    lanes = Lanes(Rate(1, 1), most_keys=3)
    paused, waited_for, busy = (lanes.lane(key, START) for key in "abc")
    paused.pause(10, START)
    waited_for.ask(Ticket(1), START)
    waited_for.ask(waiting := Ticket(1), START)
    out = Ticket(1)
    busy.ask(out, START)
    busy.send(out, "attempt", START)
    shared = lanes.lane("d", START)
    assert lanes.lane("e", START) is shared
    assert [lanes.lane(key, START) for key in "abc"] == [paused, waited_for, busy]
    assert lanes.all() == [*(lanes.lane(key, START) for key in "abc"), shared]
    assert (lanes.waiting, lanes.paused(START), lanes.paused(START + 10)) == (1, 1, 0)
    assert waited_for.ask(waiting, START + 1) == 0
    assert lanes.lane("d", START + 10) is not shared


def test_settings_come_to_all_of_them() -> None:
    """Those to come too, and that of the keys without room."""
    lanes = Lanes(None, most_keys=1)
    first = lanes.lane("a", START)
    first.pause(1, START)
    shared = lanes.lane("b", START)
    lanes.reconfigure(Rate(1, 1), START)
    for lane in (shared, lanes.lane("c", START + 5)):
        assert lane.ask(Ticket(1), START + 5) == 0
        assert lane.ask(Ticket(1), START + 5) == 1


def test_threads_find_the_same_lane() -> None:
    """And no two get one token."""
    lanes = Lanes(Rate(1, 100))
    waits = together(
        lambda: [lanes.lane("a", START).ask(Ticket(1), START) for _ in range(10)], threads=16
    )
    assert sorted(chain.from_iterable(waits))[:101] == [0.0] * 100 + [pytest.approx(1.0)]


def test_whoever_waits_may_be_forgotten() -> None:
    """In a child, or another event loop; what was taken, and a pause, are not."""
    lanes = Lanes(Rate(1, 1))
    lane = lanes.lane("a", START)
    lane.ask(Ticket(1), START)
    queued, resting = Ticket(1), Ticket(1)
    resting.not_before = START + 5
    lane.ask(queued, START)
    lane.ask(resting, START)
    lanes.begin_anew()
    assert (queued.stage, resting.stage, lanes.waiting) == (Stage.NEW, Stage.NEW, 0)
    assert lane.ask(Ticket(1), START) == 1
    lane.withdraw(queued, START)  # whoever it was hears of his end
    assert lanes.waiting == 1


def test_a_ticket_that_has_its_token_asks_for_nothing() -> None:
    """A second time."""
    crowd = Crowd()
    caller = crowd.come()
    assert crowd.lane.ask(caller.ticket, crowd.now) == 0
    crowd.come()
    crowd.pass_time(1)
    assert len(crowd.went) == 2


def test_a_token_that_was_not_charged_is_not_put_back() -> None:
    """Where waits do not last, nobody pays."""
    crowd = Crowd()
    crowd.come()
    waiting = crowd.come()
    crowd.give_up(crowd.come())
    crowd.lane.admit(waiting.ticket)
    crowd.lane.settle(waiting.ticket, 100, crowd.now)
    crowd.lane.withdraw(waiting.ticket, crowd.now)
    assert crowd.lane.ask(Ticket(1), crowd.now) == 1
    waiting = crowd.come()
    crowd.lane.send(waiting.ticket, "attempt", crowd.now)
    assert not waiting.ticket.is_charged


def test_what_nobody_asked_for_counts_all_the_same() -> None:
    """Others wait for longer."""
    crowd = Crowd()
    crowd.lane.send(Ticket(1), "attempt", crowd.now)
    crowd.lane.send(Ticket(1), "another", crowd.now)
    assert crowd.lane.ask(Ticket(1), crowd.now) == 2


def test_a_cost_that_settles_without_a_rate_changes_nothing() -> None:
    """There is nothing to take it from."""
    crowd = Crowd(rate=None)
    caller = crowd.come()
    crowd.lane.settle(caller.ticket, 100, crowd.now)
    assert crowd.lane.ask(Ticket(1), crowd.now) == 0


def test_limits_that_are_no_longer_told_are_forgotten() -> None:
    """And those that are told anew keep what was taken."""
    crowd = Crowd(rate=None)
    crowd.lane.learn([Limit("a", 1, 1, None), Limit("b", 0.1, 1, 1)], crowd.now)
    crowd.come()
    assert crowd.lane.ask(Ticket(1), crowd.now) == pytest.approx(10)
    crowd.lane.learn([Limit("a", 2, 1, None)], crowd.now)
    assert crowd.lane.ask(Ticket(1), crowd.now) == pytest.approx(0.5 * 2)


def test_what_is_under_way_may_have_been_counted_or_not() -> None:
    """So it is taken from what is left."""
    crowd = Crowd(rate=None)
    for name in ("one", "two", "three"):
        crowd.lane.send(Ticket(1), name, crowd.now)
    crowd.lane.forget(["two", "never heard of"])
    crowd.lane.learn([Limit("a", 1, 10, 3)], crowd.now)
    assert crowd.lane.ask(Ticket(1), crowd.now) == 0
    assert crowd.lane.ask(Ticket(1), crowd.now) == 1


def test_a_waker_whose_loop_has_ended_harms_nobody() -> None:
    """It raises; the next is woken all the same."""
    crowd = Crowd()
    first, waiting = crowd.come(), crowd.come()

    def raises() -> None:
        raise RuntimeError("the loop is closed")

    with crowd.lane.waking(waiting.ticket, raises):
        crowd.give_up(first)
    assert waiting.ticket.is_called


def test_who_was_called_before_he_listened_is_woken_then() -> None:
    """Lest something come in between."""
    crowd = Crowd()
    first, ticket = crowd.come(), Ticket(1)
    crowd.lane.ask(ticket, crowd.now)
    crowd.lane.withdraw(first.ticket, crowd.now)
    woken: list[bool] = []
    with crowd.lane.waking(ticket, lambda: woken.append(True)):
        assert woken == [True]


def test_a_pause_grows_from_what_it_was() -> None:
    """A ramp begins when the longer pause is over."""
    lane = Lane(None, threading.RLock(), START)
    for number in range(10):
        lane.note_good(START + number)
    assert lane.pause(1, START + 9)
    assert not lane.pause(1.5, START + 9)
    assert lane.pause(5, START + 9)
    lane.note_good(START + 10)
    assert lane.ask(first := Ticket(1), START + 10) == pytest.approx(4)
    assert lane.ask(first, START + 14) == 0
    assert lane.ask(Ticket(1), START + 14) == pytest.approx(0.95, abs=0.01)


def test_a_ramp_that_holds_nobody_back_any_more_is_forgotten() -> None:
    """It has grown for minutes."""
    lane = Lane(None, threading.RLock(), START)
    lane.pause(1, START)
    assert lane.ask(Ticket(1), START + 1) == 0
    assert lane._limits._restart is not None
    assert lane.ask(Ticket(1), START + 1000) == 0
    assert lane._limits._restart is None


def test_a_second_pause_lets_nobody_go_sooner() -> None:
    """What was taken after the first counts yet."""
    lane = Lane(Rate(100, 1), threading.RLock(), START)
    lane.pause(1, START, rate=0.1)
    first, waiting = Ticket(1), Ticket(1)
    lane.ask(first, START)
    lane.ask(waiting, START)
    assert lane.ask(first, START + 1) == 0
    lane.pause(1, START + 1, rate=0.1)
    assert lane.ask(waiting, START + 1) == pytest.approx(11 - 1)
