"""Which endpoints are ejected, and how they come back."""

import pytest

from client.strategies.endpoints.pool import Outcome
from tests.unit.strategies.endpoints.pools import Pool, at, endpoints, letters, rules, url

OUT = ("ejected", "probing")


class TestEjection:
    """What it takes to be left out, and for how long."""

    def test_so_many_failures_in_a_row_eject(self) -> None:
        """Nobody goes there any more; the transition says why and for how long."""
        pool = Pool("abcd")
        assert pool.fail("a", 4) == []
        assert pool.fail("a") == ["ejected a"]
        assert "a" not in {pool.go() for _ in range(100)}
        (told,) = pool.told
        assert (told.seconds, told.cause, told.gone, told.total) == (
            30,
            "consecutive_failures",
            1,
            4,
        )
        assert not told.is_observed
        state = pool.state("a")
        assert (state.state, state.seconds_left, state.cause) == (
            "ejected",
            30,
            "consecutive_failures",
        )

    def test_a_success_begins_the_count_anew(self) -> None:
        """They have to be in a row."""
        pool = Pool("abcd")
        for _ in range(10):
            pool.fail("a", 4)
            pool.end(pool.take(pinned="a"))
        assert pool.told == []
        pool.fail("a", 3)
        assert pool.state("a").failures == 3

    @pytest.mark.parametrize("outcome", [Outcome.LIMITED, Outcome.CANCELLED])
    def test_what_is_no_failure_neither_counts_nor_begins_anew(self, outcome: Outcome) -> None:
        """Answers of 429, and attempts that nobody waited for."""
        pool = Pool("abcd")
        for _ in range(10):
            pool.end(pool.take(pinned="b"), outcome)
        assert pool.state("b").failures == 0
        pool.fail("b", 4)
        pool.end(pool.take(pinned="b"), outcome)
        assert pool.fail("b") == ["ejected b"]

    def test_a_share_of_failures_ejects(self) -> None:
        """Of enough attempts, where it is asked for."""
        pool = Pool("abcd", failure_ratio=0.5, minimum_calls=6)
        for _ in range(2):
            pool.fail("a")
            pool.end(pool.take(pinned="a"))
        pool.end(pool.take(pinned="a"))
        assert pool.fail("b", 4) == []
        assert pool.fail("a") == ["ejected a"]
        assert pool.told[0].cause == "failure_ratio"

    def test_repeated_ejections_double_up_to_the_longest(self) -> None:
        """A probe that fails is one."""
        pool, found = Pool("abcd", max_ejection=100), []
        pool.eject("a")
        for _ in range(4):
            found.append(pool.told[-1].seconds)
            pool.now += pool.told[-1].seconds
            assert pool.end(pool.take(), Outcome.FAILURE) == ["ejected a"]
            assert pool.told[-1].cause == "probe"
        assert [*found, pool.told[-1].seconds] == [30, 60, 100, 100, 100]

    def test_health_shrinks_them_again(self) -> None:
        """Each time of a first ejection that it is in takes one doubling off."""
        pool = Pool("abcd")
        for _ in range(4):
            pool.eject("a")
            pool.now += pool.told[-1].seconds
            pool.go()
        assert pool.told[-1].seconds == pytest.approx(240)
        pool.now += 2.5 * 30
        pool.eject("a")
        assert pool.told[-1].seconds == 120
        pool.now += 120
        pool.go()
        pool.now += 1e9
        pool.eject("a")
        assert pool.told[-1].seconds == 30

    def test_nobody_is_ejected_where_that_is_off(self) -> None:
        """By the mode, or as a whole."""
        pool = Pool("abcd", mode="off")
        assert pool.fail("a", 100) == []
        assert pool.pool.check(url("a"), pool.now, passed=False, holds=10) == ()
        plain = Pool("abcd")
        plain.pool.reconfigure(rules().merged(outliers=None), plain.now)
        assert plain.fail("a", 100) == []

    def test_what_began_before_says_nothing_after(self) -> None:
        """Neither a late failure nor a late success."""
        pool = Pool("abcd")
        early = [pool.take(pinned="a") for _ in range(10)]
        pool.eject("a")
        assert pool.end(early.pop(), Outcome.FAILURE) == []
        assert pool.end(early.pop()) == []
        assert pool.state("a").state == "ejected"
        pool.now += 30
        pool.go()
        assert [told for each in early for told in pool.end(each, Outcome.FAILURE)] == []
        assert pool.state("a").failures == 0


class TestShare:
    """How many may be gone."""

    @pytest.mark.parametrize(
        ("count", "share", "expected"),
        [(1, 1, 0), (2, 0.5, 1), (2, 0.4, 0), (3, 0.5, 1), (4, 0.5, 2), (4, 1, 3), (10, 0.3, 3)],
    )
    def test_it_is_computed_after_the_ejection_and_one_is_left(
        self, count: int, share: float, expected: int
    ) -> None:
        """However many fail."""
        names = "abcdefghij"[:count]
        pool = Pool(names, max_ejection_share=share, panic_share=1)
        for letter in names:
            pool.fail(letter, 20)
        assert len(letters(pool, OUT)) == expected

    def test_one_that_had_no_room_is_ejected_when_there_is(self) -> None:
        """By its next failure."""
        pool = Pool("ab")
        pool.eject("a")
        assert pool.fail("b", 10) == []
        pool.now += 30
        assert pool.go() == "a"
        assert pool.fail("b") == ["ejected b"]

    def test_drained_ones_do_not_count(self) -> None:
        """Nor are they ejected: nobody goes there as it is."""
        pool = Pool({"a": 1, "b": 1, "c": 0, "d": 0})
        pool.fail("c", 20)
        pool.fail("a", 5)
        pool.fail("b", 5)
        assert letters(pool, OUT) == "a"
        assert pool.state("c").state == "drained"

    def test_where_the_list_shrinks_those_come_back_first_that_would_soonest(self) -> None:
        """Until the share holds again."""
        pool = Pool("abcd")
        pool.eject("c")
        pool.now += 1
        pool.eject("a")
        told = pool.note(pool.pool.replace(endpoints(dict.fromkeys("abc", 1)), pool.now))
        assert told == ["returned c"]
        assert letters(pool, OUT) == "a"
        told = pool.note(pool.pool.replace(endpoints({"a": 1}), pool.now))
        assert told == ["returned a"]
        assert pool.go() == "a"

    def test_a_smaller_share_lets_some_in(self) -> None:
        """From one moment to the next; and switching it off, all."""
        pool = Pool("abcd")
        pool.eject("a")
        pool.eject("b")
        told = pool.pool.reconfigure(rules(max_ejection_share=0.25), pool.now)
        assert pool.note(told) == ["returned a"]
        told = pool.pool.reconfigure(rules(mode="off"), pool.now)
        assert pool.note(told) == ["returned b"]
        assert letters(pool, ("in",)) == "abcd"


class TestPanic:
    """Too many are gone."""

    def test_ejections_are_ignored_with_more_than_the_share_gone(self) -> None:
        """Those that are left would not bear it; both is told, in order."""
        pool = Pool("abcd", max_ejection_share=1, panic_share=0.5)
        pool.eject("a")
        pool.eject("b")
        assert {pool.go() for _ in range(50)} == set("cd")
        assert pool.fail("c", 5) == ["ejected c", "panic"]
        assert pool.pool.is_panic
        assert {at(pool.take()) for _ in range(200)} == set("abcd")
        pool.now += 30
        probe = pool.take()
        assert pool.end(probe)[0] == f"returned {at(probe)}"
        assert pool.told[-1].kind == "calm"
        assert not pool.pool.is_panic

    def test_what_goes_well_in_a_panic_does_not_end_an_ejection(self) -> None:
        """Its time does, and then any attempt will do."""
        pool = Pool("abc", max_ejection_share=1, panic_share=0.3)
        pool.eject("a")
        assert pool.pool.is_panic
        assert pool.end(pool.take(pinned="a")) == []
        pool.now += 30
        probe = pool.take()
        assert at(probe) == "a"
        assert pool.end(pool.take(pinned="a")) == ["returned a", "calm"]

    def test_with_a_share_of_one_there_is_none(self) -> None:
        """All but one may be gone, and stay so."""
        pool = Pool("abc", max_ejection_share=1, panic_share=1)
        pool.eject("a")
        pool.eject("b")
        assert {pool.go() for _ in range(20)} == {"c"}


class TestReturn:
    """One probe, then a slow start."""

    def test_one_attempt_finds_out_while_others_go_elsewhere(self) -> None:
        """It is the first one after the ejection; when it has gone well, all may come."""
        pool = Pool("abcd")
        pool.eject("a")
        pool.now += 29.9
        assert "a" not in {pool.go() for _ in range(50)}
        pool.now += 0.1
        probe = pool.take()
        assert (at(probe), probe.is_probe) == ("a", True)
        assert pool.state("a").state == "probing"
        assert "a" not in {at(pool.take()) for _ in range(50)}
        assert pool.end(probe) == ["returned a"]
        told = pool.told[-1]
        assert (told.cause, told.gone) == ("consecutive_failures", 0)
        assert told.seconds == pytest.approx(30)
        assert "a" in {at(pool.take()) for _ in range(50)}

    def test_an_answer_of_429_is_one(self) -> None:
        """Whoever says no is there."""
        pool = Pool("abcd")
        pool.eject("a")
        pool.now += 30
        assert pool.end(pool.take(), Outcome.LIMITED) == ["returned a"]

    def test_a_retry_is_no_probe(self) -> None:
        """It has failed once, and goes where all is well, even where it has been."""
        pool = Pool("abc")
        pool.eject("a")
        pool.now += 30
        assert {pool.go("b") for _ in range(20)} == {"c"}
        assert {pool.go("bc") for _ in range(20)} == {"b", "c"}

    @pytest.mark.parametrize("ends", ["cancelled", "released"])
    def test_a_probe_that_found_nothing_out_leaves_its_place(self, ends: str) -> None:
        """To another one, a second later: or each call would be held up where it hangs."""
        pool = Pool("abcd")
        pool.eject("a")
        pool.now += 30
        probe = pool.take()
        if ends == "cancelled":
            pool.end(probe, Outcome.CANCELLED)
        else:
            pool.pool.release(probe)
        assert pool.state("a").state == "ejected"
        assert "a" not in {pool.go() for _ in range(50)}
        pool.now += 1
        assert pool.go() == "a"
        assert pool.state("a").state == "in"

    def test_a_probe_that_does_not_report_is_not_waited_for(self) -> None:
        """After the time of a first ejection, another goes; what it says still counts."""
        pool = Pool("abcd")
        pool.eject("a")
        pool.now += 30
        lost = pool.take()
        pool.now += 29
        assert "a" not in {pool.go() for _ in range(50)}
        pool.now += 1
        other = pool.take()
        assert at(other) == "a"
        pool.pool.release(lost)
        assert "a" not in {pool.go() for _ in range(50)}
        assert pool.end(other) == ["returned a"]

    def test_a_slow_start_follows(self) -> None:
        """From a tenth of its share to all of it."""
        pool = Pool("abcd", slow_start=10)
        pool.eject("a")
        pool.now += 30
        pool.go()
        assert (pool.state("a").state, pool.state("a").share) == ("slow_start", 0.1)
        pool.now += 2
        assert pool.state("a").share == pytest.approx(0.2)
        found = [at(pool.take()) for _ in range(400)].count("a")
        assert found / 400 == pytest.approx(0.2 / 3.2, abs=0.03)
        pool.now += 8
        assert (pool.state("a").state, pool.state("a").share) == ("in", 1)

    def test_what_it_took_before_is_forgotten(self) -> None:
        """Its timeouts would keep everybody away for a minute."""
        pool = Pool("ab")
        for _ in range(5):
            pool.end(pool.take(pinned="a"), Outcome.FAILURE, seconds=15.0)
        pool.now += 30
        assert pool.state("a").latency == pytest.approx(15 / 2.718281828**3)
        assert pool.end(pool.take(), seconds=0.02) == ["returned a"]
        assert pool.state("a").latency == 0.02

    def test_a_pinned_attempt_at_one_that_is_due_is_its_probe(self) -> None:
        """It goes there anyway; before that, it says nothing."""
        pool = Pool("abcd")
        pool.eject("a")
        assert pool.end(pool.take(pinned="a")) == []
        pool.now += 30
        pinned = pool.take(pinned="a")
        assert pinned.is_probe
        assert "a" not in {pool.go() for _ in range(20)}
        assert pool.end(pinned) == ["returned a"]

    def test_several_are_probed_one_after_the_other(self) -> None:
        """Each by a call of its own."""
        pool = Pool("abcd")
        pool.eject("a")
        pool.eject("b")
        pool.now += 30
        assert {at(pool.take()), at(pool.take())} == {"a", "b"}
        assert at(pool.take()) in "cd"


class TestObserving:
    """Everything is told, and nothing done."""

    def test_an_endpoint_that_would_be_ejected_stays_in(self) -> None:
        """And comes back, after its time, by any attempt."""
        pool = Pool("abcd", mode="observe")
        assert pool.fail("a", 5) == ["ejected a"]
        assert pool.told[-1].is_observed
        pool.now += 10
        assert "a" in {pool.go() for _ in range(200)}
        assert pool.state("a").state == "ejected"
        pool.now += 20
        assert pool.end(pool.take(pinned="a")) == ["returned a"]
        assert pool.told[-1].is_observed

    def test_it_becomes_true_when_it_is_enforced(self) -> None:
        """What was observed is known then; and the other way round."""
        pool = Pool("abcd", mode="observe")
        pool.fail("a", 5)
        pool.pool.reconfigure(rules(), pool.now)
        assert "a" not in {pool.go() for _ in range(100)}
        pool.pool.reconfigure(rules(mode="observe"), pool.now)
        pool.now += 40
        assert at(pool.take(pinned="a")) == "a"
        assert not pool.take().is_probe


class TestChecks:
    """What active checks say."""

    def check(self, pool: Pool, letter: str, *, passed: bool) -> list[str]:
        """Check an endpoint; return what was told."""
        return pool.note(pool.pool.check(url(letter), pool.now, passed=passed, holds=15.0))

    def test_one_that_fails_ejects_and_one_that_passes_brings_back(self) -> None:
        """With a slow start and no probe: the check was one."""
        pool = Pool("abcd", slow_start=10)
        assert self.check(pool, "a", passed=True) == []
        assert self.check(pool, "a", passed=False) == ["ejected a"]
        assert pool.told[-1].cause == "check"
        pool.now += 1
        assert self.check(pool, "a", passed=True) == ["returned a"]
        assert pool.state("a").state == "slow_start"
        assert pool.state("a").latency is None

    def test_those_that_go_on_failing_keep_it_out(self) -> None:
        """No call is sent to probe it, until checks have come no more for a while."""
        pool = Pool("abcd", base_ejection=10)
        self.check(pool, "a", passed=False)
        for _ in range(10):
            pool.now += 10
            assert self.check(pool, "a", passed=False) == []
            assert "a" not in {pool.go() for _ in range(30)}
        pool.now += 14
        assert "a" not in {pool.go() for _ in range(30)}
        pool.now += 1
        assert pool.go() == "a"

    def test_one_that_passes_while_calls_fail_shortens_nothing(self) -> None:
        """It has not seen what is wrong."""
        pool = Pool("abcd")
        pool.eject("a")
        assert self.check(pool, "a", passed=True) == []
        assert pool.state("a").state == "ejected"

    def test_one_that_has_seen_it_fail_brings_it_back_early(self) -> None:
        """Whatever it was ejected for."""
        pool = Pool("abcd")
        pool.eject("a")
        pool.now += 5
        assert self.check(pool, "a", passed=False) == []
        assert pool.state("a").cause == "check"
        pool.now += 5
        assert self.check(pool, "a", passed=True) == ["returned a"]

    def test_they_keep_to_the_share(self) -> None:
        """A broken path of health must not take the service away."""
        pool = Pool("abcd")
        assert [len(self.check(pool, letter, passed=False)) for letter in "abcd"] == [1, 1, 0, 0]
        assert letters(pool, OUT) == "ab"

    def test_a_failed_one_stops_a_probe_that_was_due(self) -> None:
        """It has found out already."""
        pool = Pool("abcd", policy="ordered")
        pool.eject("a")
        pool.now += 30
        pool.pool.take(pool.now, avoid=[url("a")])
        self.check(pool, "a", passed=False)
        assert pool.go() == "b"

    def test_what_is_not_in_the_list_is_not_checked(self) -> None:
        """A check may end late; one that is drained is never ejected."""
        pool = Pool({"a": 1, "b": 1, "c": 0})
        assert self.check(pool, "x", passed=False) == []
        assert self.check(pool, "c", passed=False) == []
