"""Copies of exceptions."""

from __future__ import annotations

from typing import Self

import httpx
import pytest

from client.errors.copies import copied


def raised(error: BaseException) -> BaseException:
    """Return an exception with a traceback, a cause and a note."""

    def fail() -> None:
        raise error from KeyError("cause")

    with pytest.raises(type(error)) as caught:
        fail()
    caught.value.add_note("a note")
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("no", request=httpx.Request("GET", "http://a/")),
        OSError(2, "none"),
        ValueError(),
    ],
    ids=["httpx", "os", "plain"],
)
def test_a_copy_is_the_same_and_another(error: Exception) -> None:
    """It has all of it but what it has come through, and changes nothing of the first."""
    one = raised(error)
    twin = copied(one)
    assert twin is not one
    assert type(twin) is type(one)
    assert twin.args == one.args
    assert str(twin) == str(one)
    assert twin.__cause__ is one.__cause__
    assert twin.__traceback__ is None
    twin.add_note("another")
    assert one.__notes__ == ["a note"]
    assert twin.__notes__ == ["a note", "another"]
    assert vars(twin).keys() == vars(one).keys()


def test_without_notes_there_are_none() -> None:
    """Nothing is made up."""
    assert not hasattr(copied(ValueError("a")), "__notes__")


class Picky(Exception):  # noqa: N818 - a test's
    """Cannot be made from its arguments."""

    def __new__(cls, one: int, two: int) -> Self:
        """Want two."""
        return super().__new__(cls, one + two)


def test_what_refuses_is_returned_as_it_is() -> None:
    """There is no other."""
    error = Picky(1, 2)
    error.args = (3,)
    assert copied(error) is error
