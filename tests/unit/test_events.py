"""Events and who is told of them."""

import dataclasses
import functools
import logging
from collections.abc import Callable, Collection, Iterable
from typing import Any, get_args
from unittest.mock import AsyncMock, MagicMock, Mock

import pytest

from client.events import (
    BulkheadAcquired,
    BulkheadWaiting,
    CircuitClosed,
    Event,
    Listener,
    RequestIdMade,
)
from client.events.notifying import notifier

ABOUT = {"request_id": "id-1", "method": "GET", "url": "https://api.example/"}


class Chosen:
    """A listener to one kind of event."""

    def __init__(self, kinds: Collection[type[Event]]) -> None:
        self.listens_to = kinds
        self.told: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Remember it."""
        self.told.append(event)


def test_without_listeners_there_is_nobody_to_tell() -> None:
    """So that no record is made either."""
    assert notifier(RequestIdMade, ()) is None


def test_a_plain_function_is_told_of_every_kind() -> None:
    """In the order of the events."""
    told: list[Event] = []
    for kind in (RequestIdMade, BulkheadAcquired):
        assert notifier(kind, [told.append]) is not None
    notify = notifier(RequestIdMade, [told.append])
    assert notify is not None
    events = [RequestIdMade(**ABOUT), RequestIdMade(**{**ABOUT, "request_id": "id-2"})]
    for event in events:
        notify(event)
    assert told == events


def test_listeners_are_told_in_their_order() -> None:
    """The log comes before the user's own."""
    told: list[str] = []
    notify = notifier(RequestIdMade, [lambda _: told.append("a"), lambda _: told.append("b")])
    assert notify is not None
    notify(RequestIdMade(**ABOUT))
    assert told == ["a", "b"]


@pytest.mark.parametrize("collection", [frozenset, set, list, tuple])
def test_a_listener_may_choose(
    collection: Callable[[Iterable[type[Event]]], Collection[type[Event]]],
) -> None:
    """And costs nothing where it does not listen."""
    listener = Chosen(collection([CircuitClosed]))
    assert notifier(RequestIdMade, [listener]) is None
    notify = notifier(CircuitClosed, [listener])
    assert notify is not None
    event = CircuitClosed(scope="client", request_id=None, method=None, url=None, open_seconds=1)
    notify(event)
    assert listener.told == [event]


@pytest.mark.parametrize("mock", [Mock(), MagicMock()], ids=["mock", "magic"])
def test_a_mock_is_told_of_everything(mock: Mock) -> None:
    """It has a `listens_to` like any other attribute, and means nothing by it."""
    notify = notifier(RequestIdMade, [mock])
    assert notify is not None
    notify(RequestIdMade(**ABOUT))
    mock.assert_called_once_with(RequestIdMade(**ABOUT))


def test_a_listener_that_raises_is_logged_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The next is told all the same."""
    told: list[Event] = []

    def broken(event: Event) -> None:
        raise ZeroDivisionError("a bug in the listener")

    notify = notifier(RequestIdMade, [broken, told.append])
    assert notify is not None
    notify(RequestIdMade(**ABOUT))
    assert told == [RequestIdMade(**ABOUT)]
    [record] = caplog.records
    assert (record.name, record.levelno) == ("resilient_client", logging.ERROR)
    assert record.getMessage() == "a listener raised on RequestIdMade"
    assert "ZeroDivisionError: a bug in the listener" in caplog.text


def test_an_interrupt_in_a_listener_passes_through() -> None:
    """It is meant for the whole program."""

    def interrupted(event: Event) -> None:
        raise KeyboardInterrupt

    notify = notifier(RequestIdMade, [interrupted])
    assert notify is not None
    with pytest.raises(KeyboardInterrupt):
        notify(RequestIdMade(**ABOUT))


async def _async_listener(event: Event) -> None:
    raise AssertionError("nobody awaits it")


class _AsyncCallable:
    async def __call__(self, event: Event) -> None:
        raise AssertionError("nobody awaits it")


@pytest.mark.parametrize(
    "listener",
    [_async_listener, _AsyncCallable(), functools.partial(_async_listener), AsyncMock(), 5, None],
    ids=["function", "object", "partial", "mock", "number", "none"],
)
def test_what_cannot_be_simply_called_is_refused(listener: Listener) -> None:
    """At once, and not by a warning at the first event."""
    with pytest.raises(TypeError, match="is not allowed: give a plain callable") as caught:
        notifier(RequestIdMade, [listener])
    assert str(caught.value).startswith(f"listener {listener!r} ")


@pytest.mark.parametrize("kind", get_args(Event))
def test_every_event_is_a_frozen_record_given_by_keyword(kind: type[Any]) -> None:
    """A listener cannot change what the next one sees."""
    names = [field.name for field in dataclasses.fields(kind)]
    event = kind(**dict.fromkeys(names, 1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(event, names[0], 2)
    with pytest.raises(TypeError):
        kind(*names)
    assert {"request_id", "method", "url"} <= set(names)
    assert not hasattr(event, "__dict__")


def test_events_compare_by_value() -> None:
    """So that tests can say what they expect."""
    assert BulkheadWaiting(waiting=1, limit=2, **ABOUT) == BulkheadWaiting(
        waiting=1, limit=2, **ABOUT
    )
    assert BulkheadWaiting(waiting=1, limit=2, **ABOUT) != BulkheadWaiting(
        waiting=2, limit=2, **ABOUT
    )
