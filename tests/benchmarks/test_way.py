"""The way of a call, as `python -m benchmarks.way` traces it."""

from collections.abc import Callable

import pytest

from benchmarks import way


def shortest(make: Callable[[], way.Way]) -> int:
    """The steps of the shortest of some: a call may meet the end of a second of the statistics."""
    return min(len(make().steps) for _ in range(5))


def test_a_call_passes_the_pipeline_in_its_order() -> None:
    """From the caller's line to the sending, and back to the report."""
    for traced in (way.async_facade(), way.blocking_facade()):
        names = [name for _, name in traced.steps]
        landmarks = [
            "Engine.run",
            "Bulkhead.enter",
            "CircuitGate.enter",
            "Retry.run",
            "make_attempt",
            "HttpExchange.send",
            "Engine.finish",
            "Engine.report",
        ]
        assert [name for name in names if name in landmarks] == landmarks


def test_a_drop_in_call_comes_to_us_at_send() -> None:
    """Behind httpx's own verbs."""
    names = [name for _, name in way.drop_in().steps]
    assert names.index("BlockingDropIn.send") < names.index("Engine.run")


def test_changes_of_file_are_counted_from_one_function_to_the_next() -> None:
    """Not the files: a way may come back to one."""
    assert way.Way((("a", "x"), ("a", "y"), ("b", "z"), ("a", "x"))).changes_of_file == 2


def test_the_ways_stay_short() -> None:
    """A step more in every call has to be argued for here."""
    assert shortest(way.async_facade) <= 57
    assert shortest(way.blocking_facade) <= 53
    assert shortest(way.drop_in) <= 63


def test_the_report_lists_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    """And says how many they are."""
    way.main()
    told = capsys.readouterr().out
    assert "async facade: " in told
    assert "calls of ours" in told
    assert "Retry.run" in told
