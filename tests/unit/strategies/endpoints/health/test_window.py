"""How many attempts failed of late."""

from client.strategies.endpoints.health.window import WINDOW, RecentFailures


def window(attempts: str, start: float = 0.0, rest: float = 0.1) -> RecentFailures:
    """One with attempts that came one after the other; an x failed."""
    found = RecentFailures()
    for number, each in enumerate(attempts):
        found.add(start + number * rest, failed=each == "x")
    return found


def test_it_takes_enough_attempts_to_make_a_share() -> None:
    """Three of three are not many."""
    assert not window("xxx").is_over(0.5, 4, 0.4)
    assert window("xxxx").is_over(0.5, 4, 0.4)


def test_the_share_itself_is_too_much() -> None:
    """Half is half; less is not."""
    assert window("x.").is_over(0.5, 2, 0.2)
    assert not window("x..").is_over(0.5, 2, 0.3)


def test_what_is_ten_seconds_old_is_forgotten() -> None:
    """A second at a time."""
    found = window("xx.", rest=1.0)
    assert found.is_over(2 / 3, 3, 2.0)
    assert found.is_over(2 / 3, 3, WINDOW - 0.1)
    assert found.is_over(1 / 2, 2, WINDOW)
    assert not found.is_over(1 / 2, 3, WINDOW)
    assert not found.is_over(0.1, 1, WINDOW + 1)


def test_after_a_long_time_nothing_is_left() -> None:
    """However many windows it lasted."""
    found = window("xxx")
    assert not found.is_over(0.1, 1, 1000 * WINDOW)


def test_time_that_goes_back_forgets_nothing() -> None:
    """What comes late counts as of the last time known."""
    found = window("x", start=50.0)
    found.add(10.0, failed=True)
    assert found.is_over(1.0, 2, 50.0)
